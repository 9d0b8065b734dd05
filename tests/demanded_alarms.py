"""Which alarms the truth of an emulated day demands, computed without drivers, hub or judge.

For each rule two bounds are walked along the world's own quantities: what must stand (beyond the
limit by more than a sensor errs, for longer than its delay and its slowest reading) and what may
stand (beyond it within that error, at the earliest). What is raised has to lie between the two at
every step of the day.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from drivers.emulated.world import World
from gateway.config.schema import Config
from rules import contact, limit, stale
from rules.base import OnBad, Rule

# By metric: more than what chip, resolution and rounding make of the truth.
_ERROR = {"temperature": 0.5, "humidity": 3.0, "co2": 60.0, "level": 1.5, "power": 15.0}
_MENDED_S = 75  # the longest rest of the recovery ladder, and a little
_MAINS_POWERED = {"pzem004t"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The alarms that must and that may stand, for each step."""

    must: Sequence[frozenset[str]]
    may: Sequence[frozenset[str]]

    @property
    def demanded(self) -> frozenset[str]:
        """All that must stand at some time."""
        return frozenset().union(*self.must)


@dataclass(slots=True)
class _Seen:
    """What holds of one rule's condition at one step, surely and perhaps."""

    surely: bool
    perhaps: bool
    clear_surely: bool
    clear_perhaps: bool
    blind_surely: bool
    blind_perhaps: bool


def demanded(config: Config, scenario: str, seconds: int, step_s: int) -> Bounds:
    """The bounds for every step of a day in which devices are read as configured."""
    assert config.emulation is not None
    world = World(config.emulation.seed, scenario)
    truth = _Truth(config, world)
    tracks: dict[str, list[_Seen]] = {rule.id: [] for rule in config.rules}
    world.advance(0)
    for second in range(0, seconds, step_s):
        world.advance(1000 * second)
        truth.step(second)
        for rule in config.rules:
            tracks[rule.id].append(truth.seen(rule))
    must: list[set[str]] = [set() for _ in range(0, seconds, step_s)]
    may: list[set[str]] = [set() for _ in range(0, seconds, step_s)]
    for rule in config.rules:
        slack_s = _slack_s(config, rule, step_s)
        for at in _must_stand(rule, tracks[rule.id], step_s, slack_s):
            must[at].add(rule.id)
        for at in _may_stand(rule, tracks[rule.id], step_s, slack_s):
            may[at].add(rule.id)
    return Bounds([frozenset(each) for each in must], [frozenset(each) for each in may])


class _Truth:
    """What the sensors of a kitchen should show, and whether they can be asked."""

    def __init__(self, config: Config, world: World) -> None:
        assert config.emulation is not None
        self._config = config
        self._world = world
        self._places = config.emulation.places
        self._lockups = 0
        self._second = 0
        self._blind_until: dict[str, int] = {}  # by device
        self._blind: set[str] = set()

    def step(self, second: int) -> None:
        """Note who cannot be asked now, and who might still be given up."""
        world = self._world
        locks = world.lockups() > self._lockups or world.holds_bus()
        self._lockups = world.lockups()
        dark = not world.feel("mains", "present")
        self._second = second
        self._blind.clear()
        for name, device in self._config.devices.items():
            on_i2c = self._config.buses[device.bus].kind == "i2c"
            if (
                self._places.get(name) in world.unplugged()
                or (on_i2c and world.holds_bus())
                or (dark and device.driver in _MAINS_POWERED)
            ):
                self._blind.add(name)
            if name in self._blind or (on_i2c and locks):
                back_s = _MENDED_S + 2 * round(device.every_s)
                self._blind_until[name] = second + back_s

    def seen(self, rule: Rule) -> _Seen:
        device, _, metric = rule.point.partition("/")
        blind = device in self._blind
        blind_perhaps = self._second <= self._blind_until.get(device, -1)
        options = self._config.rule_options[rule.id]
        if isinstance(options, stale.Options):
            return _Seen(
                blind, blind_perhaps, not blind_perhaps, not blind, False, False
            )  # fmt: skip
        value = self._world.feel(self._places[device], metric)
        if isinstance(options, contact.Options):
            holds = value is options.raise_when
            return _Seen(holds, holds, not holds, not holds, blind, blind_perhaps)
        assert isinstance(options, limit.Options)
        settings = self._config.devices[device].points.get(metric)
        offset = settings.offset if settings is not None else 0.0
        return _limit_seen(options, value + offset, _ERROR[metric], blind, blind_perhaps)


def _limit_seen(
    options: limit.Options, value: float, error: float, blind: bool, blind_perhaps: bool
) -> _Seen:
    infinite = math.inf
    high = infinite if options.raise_above is None else options.raise_above
    low = -infinite if options.raise_below is None else options.raise_below
    back_high = high if options.clear_below is None else options.clear_below
    back_low = low if options.clear_above is None else options.clear_above
    return _Seen(
        surely=value > high + error or value < low - error,
        perhaps=value > high - error or value < low + error,
        clear_surely=back_low + error <= value <= back_high - error,
        clear_perhaps=back_low - error <= value <= back_high + error,
        blind_surely=blind,
        blind_perhaps=blind_perhaps,
    )


def _slack_s(config: Config, rule: Rule, step_s: int) -> float:
    """How late what is true may be known: two readings, of which one was in between."""
    device = config.devices[rule.point.partition("/")[0]]
    return 2 * device.every_s + step_s if device.role == "polled" else 2.0 * step_s


def _must_stand(rule: Rule, track: Sequence[_Seen], step_s: int, slack_s: float) -> list[int]:
    standing, held_s, found = False, 0.0, []
    for at, seen in enumerate(track):
        surely = seen.surely and not seen.blind_perhaps
        if rule.on_bad is OnBad.ALARM:
            surely = surely or seen.blind_surely
        held_s = held_s + step_s if surely else 0.0
        if seen.clear_perhaps or (rule.on_bad is OnBad.SAFE and seen.blind_perhaps):
            standing = False
        elif held_s >= rule.for_ms / 1000 + slack_s:
            standing = True
        if standing:
            found.append(at)
    return found


def _may_stand(rule: Rule, track: Sequence[_Seen], step_s: int, slack_s: float) -> list[int]:
    standing, found = False, []
    held_s, clear_s, since_perhaps_s = 0.0, 0.0, math.inf
    for at, seen in enumerate(track):
        perhaps = seen.perhaps or (rule.on_bad is OnBad.ALARM and seen.blind_perhaps)
        since_perhaps_s = 0.0 if perhaps else since_perhaps_s + step_s
        runs_on = seen.blind_perhaps and rule.on_bad is OnBad.HOLD and held_s > 0.0
        held_s = held_s + step_s if since_perhaps_s <= slack_s or runs_on else 0.0
        cleared = seen.clear_surely and not seen.blind_perhaps
        clear_s = clear_s + step_s if cleared else 0.0
        if clear_s > slack_s:
            standing = False
        if held_s > 0.0 and held_s >= rule.for_ms / 1000:
            standing = True
        if standing:
            found.append(at)
    return found


def changes(steps: Sequence[frozenset[str]], step_s: int) -> str:
    """When what stood changed, for a person who reads why a test failed."""
    told = [f"0 {sorted(steps[0])}"]
    for number, (before, now) in enumerate(pairwise(steps), 1):
        if now != before:
            told.append(f"{number * step_s} {sorted(now)}")
    return "; ".join(told)
