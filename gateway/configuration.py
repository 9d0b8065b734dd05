"""Which configuration is in force, and why: the file's, or the last good one kept of it.

The file is the truth and is never written by us. What was proven of it is kept in `gateway.db` as
a generation; where the file cannot be used, the newest generation that is whole starts instead.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from gateway.config import describe, preset, texts
from gateway.config.load import Loaded, load, load_text, load_texts
from gateway.config.problem import Problem
from gateway.config.texts import Texts
from gateway.store.generations import Generation, Generations

logger = logging.getLogger(__name__)

SHOWN_MAX = 50  # problems on page and /health; the log and `check` have them all
Source = Literal["file", "current", "previous", "factory", "none"]


class Candidate(NamedTuple):
    """A configuration to try: the file's, or a generation of it."""

    source: Source
    loaded: Loaded


@dataclass
class Configuration:
    """The configuration in force, what is wrong with the file, and where both came from."""

    file: Path
    needs_emulation: bool = False  # a demonstration never touches hardware
    source: Source = "none"
    live: Loaded | None = None  # None: nothing is in force, only the page is up
    refused: Loaded | None = None  # the file, while something else than it is in force
    why: tuple[Problem, ...] = ()  # it was refused
    seen: tuple[object, ...] | None = None  # which state of the files was read last
    damaged: list[str] = field(default_factory=list)  # generations that no longer fit their sum

    def read(self) -> Loaded:
        """The file as it is now; blocks for the reading of it."""
        # First: a change while it is read is seen at the next look.
        self.seen = texts.stamp(self.file)
        return self._fit(load(self.file))

    def check(self, found: Texts) -> Loaded:
        """What these files would be, were they written; blocks for the reading of them."""
        return self._fit(load_texts(found, self.file))

    def changed(self) -> bool:
        """Whether the file is another one than was read last."""
        return texts.stamp(self.file) != self.seen

    def candidates(self, loaded: Loaded, kept: Generations) -> Iterator[Candidate]:
        """What to try at a start, best first; the file only where something can be made of it."""
        if loaded.config is not None:
            yield Candidate("file", loaded)
        seen = set() if loaded.config is None else {loaded.text}
        for name, generation in kept.newest_first():
            text = self._whole(name, generation)
            if text is None or text in seen:
                continue
            seen.add(text)
            found = self._fit(load_text(text, self.file, proven=True))
            if found.config is not None:
                yield Candidate(_source(name), found)

    def accept(self, candidate: Candidate, file: Loaded) -> None:
        """Go by this one from now on; `file` is what the file says."""
        self.source, self.live = candidate
        for line in describe.problems(candidate.loaded.problems).splitlines():
            logger.error("config: %s", line)
        if candidate.source == "file":
            self.refused, self.why = None, ()
        elif self.refused is None:
            self.refuse(file, file.problems)

    def refuse(self, loaded: Loaded, why: tuple[Problem, ...]) -> None:
        """The file cannot be used; whatever is in force stays so."""
        if why == self.why:
            return
        self.refused, self.why = loaded, why
        for line in describe.problems(why).splitlines():
            logger.error("config: %s", line)

    def troubles(self) -> list[str]:
        """What keeps the kitchen from being guarded as the file says, each in a few words."""
        troubles = [self.says()] if self.refused is not None else []
        troubles += [describe.problem(problem) for problem in self.why[1:SHOWN_MAX]]
        disabled = self.live.disabled if self.live is not None else {}
        troubles += [f"{name}: {problem.message}" for name, problem in disabled.items()]
        return troubles + self.damaged

    def alarms(self) -> dict[str, str]:
        """The alarms that must stand about it, by name, and what each of them says."""
        alarms = {"config": self.says()} if self.refused is not None else {}
        disabled = self.live.disabled if self.live is not None else {}
        return alarms | {f"left_out.{name}": _brief(problem) for name, problem in disabled.items()}

    def stands_for(self, loaded: Loaded) -> bool:
        """Whether the file, as loaded, is what is in force already."""
        live = self.live
        same = live is not None and (live.text, live.problems) == (loaded.text, loaded.problems)
        return same and self.source == "file" and self.refused is None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything wrong with the file, in its order."""
        if self.refused is not None:
            return self.why
        return self.live.problems if self.live is not None else ()

    def says(self) -> str:
        """What is in force instead of the file, in a few words; empty while the file is."""
        if self.refused is None:
            return ""
        count = len(self.why)
        first = _brief(self.why[0]) if self.why else "see the log"
        more = f" (and {count - 1} more)" if count > 1 else ""
        return f"{first}{more}; {self.instead()}"

    def instead(self) -> str:
        """What runs while the file is refused."""
        if self.live is None:
            return "nothing runs but this page"
        if self.source == "file":
            return "the configuration from before the change runs on"
        return f"the {_NAMES[self.source]} good configuration runs"

    def _whole(self, name: str, generation: Generation) -> bytes | None:
        if generation.text is None:
            said = f"generation {generation.number} ({name}) does not fit its checksum; left out"
            self.damaged.append(said)
            logger.error("config: %s", said)
        return generation.text

    def _fit(self, loaded: Loaded) -> Loaded:
        """Nothing but emulated hardware in a demonstration."""
        config = loaded.config
        if config is None or config.emulation is not None or not self.needs_emulation:
            return loaded
        message = 'got no "emulation", expected one: a demonstration touches no hardware'
        problem = whole(self.file, message)
        return replace(loaded, config=None, problems=(problem, *loaded.problems))


_NAMES = {"current": "last", "previous": "last but one", "factory": "first"}


def _source(name: str) -> Source:
    match name:
        case "current" | "previous":
            return name
        case _:
            return "factory"


def _brief(problem: Problem) -> str:
    """As `check` says it, but without the folder of the file: a wall is not that wide."""
    beside = problem.file.startswith((texts.FOLDER, preset.FOLDER))
    file = problem.file if beside else Path(problem.file).name
    return describe.problem(replace(problem, file=file))


def whole(file: Path, message: str) -> Problem:
    """A problem with the file as a whole."""
    return Problem(file=str(file), line=1, column=1, path="", message=message)
