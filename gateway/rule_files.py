"""Rules edited on the page: checked whole, then written for good, then taken over; or nothing.

They are files of `rules.d`, which the installer's editor may change as well: who saves names the
text they have read. Where taking over is refused, the text before is put back.
"""

import asyncio
import contextlib
import errno
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from gateway import rule_texts, whole_file
from gateway.audit.entry import Detail
from gateway.config import texts
from gateway.config.load import Loaded
from gateway.config.problem import Problem
from gateway.config.texts import Texts
from gateway.documents import tag_of
from gateway.loading import in_thread
from gateway.reloading import Busy, Outcome
from gateway.store.errors import StoreError

logger = logging.getLogger(__name__)

_MODE = 0o644  # the installer reads them too; secrets stand elsewhere
_FOLDER_MODE = 0o755
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class UnknownFile(Exception):
    """There is no such file."""


class WrongName(Exception):
    """No file that is edited here is called that."""


class ForAnEditor(Exception):
    """It is too large to be edited here, or no UTF-8."""


class TagNeeded(Exception):
    """There is such a file; who replaces it has to say which text they have read."""


class ChangedMeanwhile(Exception):
    """The file is another one than was read, or is there no more."""


class NotWritten(Exception):
    """The disk did not take it, and all is as it was; the message says who must do what."""


class Unfit(Exception):
    """These rules cannot be used, and nothing has changed."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__()
        self.problems = problems


class Saved(NamedTuple):
    """What became of a change; `tag` is None where the file is gone."""

    outcome: Outcome
    tag: str | None


class Source(Protocol):
    """Where the files stand, and what may be made of them; both calls block."""

    file: Path

    def check(self, found: Texts) -> Loaded: ...


class Note(Protocol):
    """Enters a deed into the audit chain; returns once that is stored, or raises StoreError."""

    async def __call__(
        self, action: str, name: str, by: str, detail: Mapping[str, Detail], refused: str = ""
    ) -> None: ...


Reload = Callable[[str], Awaitable[Outcome]]  # raises Busy


class RuleFiles:
    """One is saved at a time, and one checked; a second is refused as Busy."""

    def __init__(self, source: Source, reload: Reload, note: Note) -> None:
        self._source = source
        self._reload = reload
        self._note = note
        self.saving = False  # one is under way
        self._checking = False
        self._task: asyncio.Task[Saved] | None = None  # held, else it could be collected

    async def all(self) -> Texts:
        """Every file; raises OSError where the configuration itself cannot be read."""
        return await in_thread(lambda: texts.read(self._source.file), "rule files")

    async def read(self, name: str) -> tuple[str, str]:
        """A file's text and tag; raises UnknownFile and ForAnEditor."""
        data = rule_texts.find(await self.all(), name)
        if data is None:
            raise UnknownFile(name)
        text = rule_texts.text_of(data)
        if text is None:
            raise ForAnEditor(name)
        return text, tag_of(data)

    async def check(self, name: str, text: str) -> tuple[Problem, ...]:
        """What would be wrong with that text among all others; raises Busy, one at a time."""
        _check_name(name)
        if self._checking:
            raise Busy("another text is being checked")
        self._checking = True
        try:
            wanted = rule_texts.with_text(await self.all(), name, text.encode())
            return await self._problems(wanted)
        finally:
            self._checking = False

    async def save(self, name: str, text: str | None, tag: str | None, by: str) -> Saved:
        """Replace, add or, without a text, take out a file; `tag` of what was read, "*" of any.

        Raises one of the above, TooMuch, Busy or StoreError; then nothing has changed. It goes on
        to its end, whatever becomes of who asked.
        """
        _check_name(name)
        if self.saving:
            raise Busy("another file of rules is being saved")
        data = None if text is None else text.encode()
        self.saving = True
        self._task = asyncio.create_task(self._save(name, data, tag, by), name=f"rules {name}")
        return await asyncio.shield(self._task)

    async def _save(self, name: str, data: bytes | None, tag: str | None, by: str) -> Saved:
        try:
            found = await self.all()
            before = rule_texts.find(found, name)
            _check_tag(before, tag, adding=data is not None)
            problems = await self._problems(rule_texts.with_text(found, name, data))
            if problems:
                raise Unfit(problems)
            return await self._change(_Change(name, before, data, by))
        finally:
            self.saving = False

    async def _change(self, change: "_Change") -> Saved:
        await self._note(change.action, change.name, change.by, change.versions)
        try:
            await self._write(change.name, change.before, change.data)
            outcome = await self._taken_over(change)
        except (NotWritten, ChangedMeanwhile, Unfit, Busy) as error:
            reason = type(error).__name__.lower()
            with contextlib.suppress(StoreError):  # the reload says so as well
                await self._note(change.action, change.name, change.by, {}, refused=reason)
            raise
        return Saved(outcome, None if change.data is None else tag_of(change.data))

    async def _problems(self, wanted: Texts) -> tuple[Problem, ...]:
        loaded = await in_thread(lambda: self._source.check(wanted), "rule check")
        return loaded.problems if loaded.config is None else ()

    async def _taken_over(self, change: "_Change") -> Outcome:
        try:
            outcome = await self._reload(change.by)
        except Busy:
            await self._put_back(change)
            raise
        if outcome.result == "refused":
            await self._put_back(change)
            await self._reload(change.by)  # else the files would go on to count as refused
            raise Unfit(outcome.problems)
        return outcome

    async def _put_back(self, change: "_Change") -> None:
        try:
            await self._write(change.name, change.data, change.before)
        except (NotWritten, ChangedMeanwhile) as error:
            logger.error("rules: %s is not in force, and stays as saved: %s", change.name, error)
            raise

    async def _write(self, name: str, before: bytes | None, data: bytes | None) -> None:
        file = self._source.file.parent / texts.FOLDER / name
        try:
            await in_thread(lambda: _write(file, before, data), "rule file")
        except OSError as error:
            raise NotWritten(_why(error, file)) from error


class _Change(NamedTuple):
    """One file from a text to another; None is no file."""

    name: str
    before: bytes | None
    data: bytes | None
    by: str

    @property
    def action(self) -> str:
        return "remove_rules" if self.data is None else "save_rules"

    @property
    def versions(self) -> dict[str, Detail]:
        """Their tags, for who looks at what was changed."""
        named = {"was": self.before, "is": self.data}
        return {key: tag_of(text) for key, text in named.items() if text is not None}


def _write(file: Path, before: bytes | None, data: bytes | None) -> None:
    """Raises ChangedMeanwhile when the file is no longer what it was."""
    folder = file.parent
    if not folder.is_dir():
        whole_file.make_folder(folder, _FOLDER_MODE)
    there = file.read_bytes() if file.exists() else None
    if there != before:
        raise ChangedMeanwhile(file.name)
    if data is not None:
        mode = _MODE if there is None else file.stat().st_mode & 0o777
        whole_file.put(file, data, mode)
    elif there is not None:
        whole_file.remove(file)


def _check_name(name: str) -> None:
    if not rule_texts.is_name(name):
        raise WrongName(name)


def _check_tag(before: bytes | None, tag: str | None, *, adding: bool) -> None:
    if before is None:
        if tag is not None:
            raise ChangedMeanwhile
        if not adding:
            raise UnknownFile
    elif tag is None:
        raise TagNeeded
    elif tag not in ("*", tag_of(before)):
        raise ChangedMeanwhile


def _why(error: OSError, file: Path) -> str:
    if error.errno in _FULL:
        return "the disk is full; have the installer make room on it"
    if error.errno in _FORBIDDEN:
        return (
            f"the gateway may not write in {file.parent}; "
            "the installer has to give that folder to the user it runs as"
        )
    return f"{file.name}: {error.strerror or error}; have the installer look at the disk"
