"""One set of rules on its way through the past, with the reducer the daemon judges by.

Timers are fired each at its own instant, so that what they decide has its exact time.
"""

from collections.abc import Mapping
from typing import Final

from gateway.modes import DEVICE
from gateway.reading import Quality
from gateway.store.state import JudgedReading
from gateway.trial.episode import Cause, Episode, Episodes
from rules.alarm import Verb
from rules.base import SetMode
from rules.events import OWN, Clocked, Elapsed, Entry, Event, Observed, Record, Turned
from rules.judge import Judge
from rules.memory import Memory, Phase
from rules.state import Memories

_ELAPSED: Final = Elapsed()
_RULE = "rule/"
_BEGINS = (_RULE, "run/")  # keys of what a rule is at
_MODE = f"{DEVICE}/"
_TURNS_MAX = 32  # modes that lead to each other, after one input
_CLOCK_STEP_MS = 1_000
_OVER = (Verb.RETURN.value, Verb.CLEAR.value)


class Course:
    """A judge with its state; `ahead` is what to add to kitchen ms for UTC."""

    def __init__(self, judge: Judge, since: int) -> None:
        """`since`, UTC ms: what was over before is not told."""
        self.judge = judge
        self.state = Memories(judge)
        self.stirs = judge.stirs  # asked for each reading
        self.ahead = 0
        self.suspended: set[str] = set()
        self.episodes = Episodes(since)
        self._at = 0
        self._began: dict[str, Cause | None] = {}  # by key of what a rule is at
        self._turned: list[Turned] = []
        self._sets = _set_by(judge)
        self._told: set[str] = set()  # modes that were told once, to begin with
        self._clocked: int | None = None
        self._by_the_clock = judge.wants_wall_time  # which is found out by asking every rule

    @property
    def now(self) -> int:
        """UTC ms of what was judged last."""
        return self._at + self.ahead

    def see(self, reading: JudgedReading) -> None:
        """Judge a reading; raises TooMany.

        A mode that these rules set is as they have set it, whatever those of then made of it.
        """
        if reading.point.startswith(_MODE) and self._owns(reading.point):
            return
        self.take(Observed(reading.point, reading), reading.at, reading)

    def clock(self, now: int) -> None:
        """Tell the rules that ask where the wall clock stands, where it has moved."""
        if not self._by_the_clock:
            return
        if self._clocked is None or abs(self.ahead - self._clocked) > _CLOCK_STEP_MS:
            self._clocked = self.ahead
            self.take(Clocked(self.ahead), now)

    def take(self, event: Event, now: int, reading: JudgedReading | None = None) -> None:
        """Judge anything else; raises TooMany."""
        self.pass_time(now)
        self._step(event, now, None if reading is None else self._cause(reading))
        self._turn(now)

    def pass_time(self, now: int) -> None:
        """Let the timers fire that are due; raises TooMany."""
        while (due := self.state.next_due) <= now:
            self._step(_ELAPSED, max(due, self._at), None)
            self._turn(self._at)
            if self.state.next_due == due:
                return  # it waits for more than time

    def _owns(self, mode: str) -> bool:
        """Whether what was stored of a mode counts no more: these rules know better."""
        told = mode in self._told
        self._told.add(mode)
        return mode in self.state.entries or (told and mode in self._sets)

    def _turn(self, now: int) -> None:
        """Publish what modes came to be, as the daemon does in its next turn."""
        for _ in range(_TURNS_MAX):
            if not self._turned:
                return
            mode, value = self._turned.pop(0)
            reading = JudgedReading(f"{_MODE}{mode}", value, Quality.GOOD, now)
            self._step(Observed(reading.point, reading), now, self._cause(reading))
        self._turned.clear()

    def _step(self, event: Event, now: int, cause: Cause | None) -> None:
        self._at = now
        changes, effects = self.judge.step(self.state, event, now)
        self.state.apply(changes)
        self._note_beginnings(changes, cause)
        for effect in effects:
            if isinstance(effect, Record):
                self._record(effect, now + self.ahead, cause)
            elif isinstance(effect, Turned):
                self._turned.append(effect)
        for key, entry in changes.items():
            if key.startswith(_BEGINS) and _rests(entry):
                self._began.pop(key, None)

    def _cause(self, reading: JudgedReading) -> Cause:
        reason = reading.quality.reason
        why = None if reason is None else reason.value
        return Cause(reading.point, reading.value, reading.at + self.ahead, why)

    def _note_beginnings(self, changes: Mapping[str, Entry | None], cause: Cause | None) -> None:
        """An alarm after its `for` is caused by the reading with which the condition began."""
        for key, entry in changes.items():
            if key.startswith(_BEGINS) and not _rests(entry):
                self._began.setdefault(key, cause)

    def _record(self, record: Record, at: int, cause: Cause | None) -> None:
        match record.kind:
            case "alarm":
                self._alarm(record.data, at, cause)
            case "command":
                self._command(record.data, at, cause)
            case "system" if record.data.get("code") == "rule_suspended":
                self.suspended.add(str(record.data["rule"]))

    def _alarm(self, data: Mapping[str, object], at: int, cause: Cause | None) -> None:
        name, verb = str(data["id"]), data["verb"]
        if name.startswith(OWN):
            return  # about the gateway of then, whatever its rules
        if verb == Verb.RAISE.value and self.episodes.standing("alarm", name) is None:
            began = self._began.get(f"{_RULE}{name}", cause)
            priority = str(data["priority"])
            self.episodes.begin(
                Episode(
                    what="alarm", name=name, value=priority, start=at, by=f"{_RULE}{name}",
                    began=began,
                )
            )  # fmt: skip
        elif verb in _OVER:
            self.episodes.end("alarm", name, at, cause)

    def _command(self, data: Mapping[str, object], at: int, cause: Cause | None) -> None:
        name, value, by = str(data["actuator"]), data["value"], str(data["cause"])
        before = self.episodes.standing("command", name)
        if before is not None and before.value == value:
            return  # driven once more
        self.episodes.end("command", name, at, cause)
        if value is self.judge.contracts[name].safe:
            return
        assert isinstance(value, (bool, int, float, str))  # noqa: S101 - what outputs are driven to
        began = self._began.get(by, cause)
        self.episodes.begin(
            Episode(what="command", name=name, value=value, start=at, by=by, began=began)
        )


def _set_by(judge: Judge) -> set[str]:
    """The points of the modes that some rule sets."""
    actions = (action for rule in judge.rules.values() for action in rule.actions)
    return {f"{_MODE}{action.mode}" for action in actions if isinstance(action, SetMode)}


def _rests(entry: Entry | None) -> bool:
    return entry is None or (isinstance(entry, Memory) and entry.phase is Phase.IDLE)
