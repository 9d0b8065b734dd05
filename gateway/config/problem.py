"""What is wrong with a configuration, and the collector that gathers all of it at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

PROBLEMS_MAX = 200  # kept to be shown; the rest is counted
KNOWN_MAX = 20  # valid words listed beside a wrong one
NEAR_MAX = 3
SHOWN_MAX = 60  # characters of a wrong value that are quoted

# Whatever is wrong below these keys leaves out the one device or actuator it is about.
ISOLATED = ("devices", "actuators")

Steps = tuple[str | int, ...]


class Place(NamedTuple):
    """Line and column in a file, both counted from 1.

    `file` is empty in the configuration itself. `user` says who brought in a file of ours, and
    where: `packs.walk_in, config.yaml:12:3`.
    """

    line: int
    column: int
    file: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error, where it is, and whom it concerns.

    `device` names the device or actuator that is left out because of it; None: the whole file
    cannot be used.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    device: str | None = None


class Report:
    """All problems found so far; knows which devices they leave out and whether all is lost."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.disabled: dict[str, Problem] = {}
        self.fatal = False
        self.left_off = 0
        self.doubts: set[str] = set()  # for people to see, though the rest is sound

    def add(self, place: Place, path: Steps, message: str, *, device: str | None = None) -> None:
        """Note a problem; `device` is taken from the path where it is not given."""
        if device is None and len(path) > 1 and path[0] in ISOLATED:
            device = str(path[1])
        problem = Problem(
            file=place.file or self.file,
            line=place.line,
            column=place.column,
            path=written(path),
            message=f"{message}; used by {place.user}" if place.user else message,
            device=device,
        )
        if device is None:
            self.fatal = True
        else:
            self.disabled.setdefault(device, problem)
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)
        else:
            self.left_off += 1

    def suggestion(self, word: str, known: Iterable[str]) -> str:
        """The end of a message about an unknown word: all the valid ones, and the nearest."""
        if self.left_off:
            return ""
        known = sorted(known)
        shown_ones = known
        if len(known) > KNOWN_MAX:  # who has nearly written it looks for one that is like it
            shown_ones = _near(word, known, NEAR_MAX) or known[:KNOWN_MAX]
        listed = ", ".join(shown_ones) or "none"
        left = len(known) - len(shown_ones)
        more = f" or {left} more" if left else ""
        one_of = "one of " if len(known) > 1 else ""
        return f", expected {one_of}{listed}{more}{self.nearest(word, known)}"

    def nearest(self, word: str, known: Iterable[str]) -> str:
        """What the writer of an unknown word may have meant: `; did you mean "x"?`, or nothing."""
        if self.left_off:
            return ""
        near = _near(word, sorted(known), 1)
        return f'; did you mean "{near[0]}"?' if near else ""

    def sorted(self) -> tuple[Problem, ...]:
        """The problems in the order of the file, those of the configuration first."""
        ordered = sorted(self.problems, key=self._order)
        if self.left_off:
            last = Problem(
                file=ordered[-1].file,
                line=ordered[-1].line,
                column=ordered[-1].column,
                path="",
                message=f"and {self.left_off} more problems",
                device=None if self.fatal else ordered[-1].device,
            )
            ordered.append(last)
        return tuple(ordered)

    def _order(self, problem: Problem) -> tuple[bool, str, int, int]:
        return problem.file != self.file, problem.file, problem.line, problem.column


def written(path: Steps) -> str:
    """A path as people write it: `rules.door_open.then[1].slot`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{shown(step)}"
    return text.removeprefix(".")


def shown(text: str) -> str:
    """A foreign text made fit for a message: short, on one line, nothing unprintable."""
    short = text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in short
    )


def shown_message(error: Exception) -> str:
    """The text of a foreign error on one printable line."""
    return "".join(sign if sign.isprintable() else " " for sign in str(error))[:300]


def _near(word: str, known: list[str], most: int) -> list[str]:
    import difflib  # of no use to a configuration without a fault

    return difflib.get_close_matches(word[:SHOWN_MAX], known, n=most)
