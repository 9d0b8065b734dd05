"""`kind: stale`: a point without a usable value; silence is a condition of its own."""

from dataclasses import dataclass

from rules.base import Observation, OnBad

ON_BAD = OnBad.ALARM  # what the rule is about, so its configuration cannot choose


@dataclass(frozen=True, kw_only=True)
class Options:
    """Nothing to choose but the common `for`: how long silence is tolerated."""


class Condition:
    """Ends with the first usable value; a bad one counts as true through `ON_BAD`."""

    calm = (float("-inf"), float("inf"))  # any number will do

    def __init__(self, options: Options) -> None:
        del options

    def holds(self, seen: Observation, *, active: bool) -> bool | None:
        del active
        return not seen.good
