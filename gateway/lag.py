"""How late the event loop wakes, and what held it up.

A heartbeat on the loop, and a thread that looks at the loop's stack when a beat is overdue: the
one moment in which the culprit can be seen. At rest both only sleep.
"""

import logging
import sys
import threading
from collections import deque
from dataclasses import dataclass
from types import FrameType

from gateway.clock import Clock, stopwatch_s

logger = logging.getLogger(__name__)

BEAT_S = 0.25  # what lasts longer than both together is always seen
LATE_S = 0.1  # a beat this late is worth a name
STILL_S = 5.0  # held up for so long, the thread says so itself: the loop may never come back
SAY_AGAIN_S = 60.0  # one line a minute for each culprit
CULPRITS_MAX, REPORTED = 30, 5
GRAVE_S, OFTEN, OFTEN_S = 1.0, 10, 300.0  # so late so many times in so long is no hiccup
OTHERS = "others"
ELSEWHERE = "the machine or another thread"  # the loop itself had nothing to do
UNSEEN = "unknown"  # over before anybody looked
_OURS = {"gateway", "drivers", "rules", "models"}


@dataclass(slots=True)
class Culprit:
    """What has held up the loop: how often, how long, and when last (real seconds)."""

    times: int = 0
    total_ms: float = 0.0
    worst_ms: float = 0.0
    last_s: float = 0.0
    said_s: float | None = None


class LagProbe:
    """Runs on the loop it watches; everything it found may be read there."""

    def __init__(self) -> None:
        self.late = 0
        self.culprits: dict[str, Culprit] = {}
        self._worst_ms = 0.0
        self._recent: deque[float] = deque(maxlen=OFTEN)
        self._due_s = 0.0
        self._caught: str | None = None  # by the thread, since the last beat
        self._real_time = True

    async def run(self, clock: Clock) -> None:
        """Beat and be watched, until cancelled."""
        self._real_time = clock.speed <= 1.0
        ended = threading.Event()
        self._due_s = stopwatch_s() + BEAT_S
        watched = threading.get_ident()
        threading.Thread(target=self._watch, args=(watched, ended), name="lag", daemon=True).start()
        try:
            while True:
                await clock.sleep(BEAT_S * clock.speed)
                self._beat(stopwatch_s())
        finally:
            ended.set()

    def take_worst_ms(self) -> float:
        """How late the loop was at worst since the last call."""
        worst_ms, self._worst_ms = self._worst_ms, 0.0
        return worst_ms

    def trouble(self) -> str | None:
        """In words, while it is very late again and again; a hiccup is none.

        Nor is it one that a demonstration many times faster than life cannot keep up.
        """
        often = len(self._recent) == OFTEN and stopwatch_s() - self._recent[0] <= OFTEN_S
        if not often or not self._real_time:
            return None
        name = max(self.culprits, key=lambda name: self.culprits[name].last_s)
        span = f"{OFTEN} times within {OFTEN_S / 60:g} min"
        return f"held up for more than {GRAVE_S:g} s {span}, last by {name}"

    def report(self) -> dict[str, object]:
        """What it found, for /health: the worst culprit first."""
        ranked = sorted(self.culprits.items(), key=lambda item: -item[1].total_ms)
        now = stopwatch_s()
        return {
            "late": self.late,
            "culprits": [
                {
                    "where": name,
                    "times": culprit.times,
                    "total_ms": round(culprit.total_ms),
                    "worst_ms": round(culprit.worst_ms),
                    "last_s_ago": round(now - culprit.last_s, 1),
                }
                for name, culprit in ranked[:REPORTED]
            ],
        }

    def _beat(self, now: float) -> None:
        late_s = now - self._due_s
        caught, self._caught = self._caught, None
        self._due_s = now + BEAT_S
        self._worst_ms = max(self._worst_ms, late_s * 1000)
        if late_s >= LATE_S:
            self._blame(caught or UNSEEN, late_s * 1000, now)

    def _blame(self, name: str, late_ms: float, now: float) -> None:
        self.late += 1
        if late_ms >= GRAVE_S * 1000:
            self._recent.append(now)
        if name not in self.culprits and len(self.culprits) >= CULPRITS_MAX:
            name = OTHERS
        culprit = self.culprits.setdefault(name, Culprit())
        culprit.times += 1
        culprit.total_ms += late_ms
        culprit.worst_ms = max(culprit.worst_ms, late_ms)
        culprit.last_s = now
        if culprit.said_s is None or now - culprit.said_s >= SAY_AGAIN_S:
            culprit.said_s = now
            logger.warning(
                "the loop was held up for %.0f ms by %s (%d times so far)",
                late_ms, name, culprit.times,
            )  # fmt: skip

    def _watch(self, watched: int, ended: threading.Event) -> None:
        """In a thread of its own: sleep until a beat would be late, and look if it is."""
        said_of = 0.0
        while True:
            early_s = self._due_s + LATE_S - stopwatch_s()
            if ended.wait(early_s if early_s > 0 else BEAT_S):
                return
            due_s = self._due_s
            late_s = stopwatch_s() - due_s
            if late_s < LATE_S:
                continue
            if self._caught is None:
                self._caught = culprit_of(sys._current_frames().get(watched))  # noqa: SLF001 - there is no other way
            if late_s >= STILL_S and said_of != due_s:
                said_of = due_s
                logger.error("the loop has been held up for %.0f s by %s", late_s, self._caught)


def culprit_of(frame: FrameType | None) -> str:
    """`file:function` of our innermost frame, and of the foreign code it called, if any."""
    if frame is None or frame.f_globals.get("__name__") == "selectors":
        return ELSEWHERE
    innermost = _named(frame)
    ours: FrameType | None = frame
    while ours is not None:
        if str(ours.f_globals.get("__name__", "")).partition(".")[0] in _OURS:
            return innermost if ours is frame else f"{_named(ours)} in {innermost}"
        ours = ours.f_back
    return innermost


def _named(frame: FrameType) -> str:
    """The file with as much of its path as its module has parts, and the function."""
    parts = frame.f_code.co_filename.split("/")
    depth = str(frame.f_globals.get("__name__", "")).count(".") + 1
    return f"{'/'.join(parts[-depth:])}:{frame.f_code.co_name}"
