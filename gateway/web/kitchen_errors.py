"""Why the kitchen does not do what the page or the API asks of it."""

from collections.abc import Iterable, Sequence

from gateway.web.configuration_shapes import ProblemView


class UnknownAlarm(Exception):
    """No rule of this kitchen raises an alarm of that id."""


class NotWaiting(Exception):
    """The alarm does not wait for anybody: it was acknowledged before, or never raised."""


class NotPossible(Exception):
    """It cannot be done to this alarm just now; `kind` names why for programs."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class NoRecord(Exception):
    """The events cannot be read just now; the message says why."""


class Busy(Exception):
    """The gateway cannot load its configuration just now; the message says why."""


class UnknownPoint(Exception):
    """There has never been a point of that id."""


class UnknownStep(Exception):
    """History is not kept by that step; `steps` are those there are."""

    def __init__(self, steps: Iterable[str]) -> None:
        super().__init__()
        self.steps = tuple(steps)


class TooManyRows(Exception):
    """More rows than the `most` one answer holds; `finest` is the step that would do, if any."""

    def __init__(self, most: int, finest: str | None) -> None:
        super().__init__()
        self.most = most
        self.finest = finest


class NoHistory(Exception):
    """The history cannot be read just now; the message says why."""


class WrongOrder(Exception):
    """What is asked for can be no order; the message says what would be."""


class TooManyOrders(Exception):
    """So many orders are on their way that this one has to be given again."""


class BadRules(Exception):
    """Edited rules cannot be used; `problems` says where and why."""

    def __init__(self, problems: "Sequence[ProblemView]") -> None:
        super().__init__()
        self.problems = problems


class UnknownChannel(Exception):
    """No channel of this name is configured."""


class NobodyReached(Exception):
    """The channel has no address of anybody who was named."""


class UnknownDevice(Exception):
    """There is no device of that id, or none that can be asked."""


class UnknownRule(Exception):
    """No rule of this id may be called."""


class UnknownMode(Exception):
    """There is no such mode, or it never takes this value; `words` are those it takes."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__()
        self.words = tuple(words)


class UnknownTimer(Exception):
    """There is no timer of that id, or it has not come to its end yet."""


class TooManyTimers(Exception):
    """As many timers are at work as there may be."""
