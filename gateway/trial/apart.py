"""A trial in a process of its own, so that the kitchen is judged on while the past is."""

import asyncio
import sys
from pathlib import Path

import msgspec

from gateway.config.problem import Problem

DEADLINE_S = 120.0
NOTHING = msgspec.Raw(b"null")
_SAID_MAX = 300  # characters of what a broken child said last


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tried: UTC ms; an end that is left open is the newest there is."""

    data: str
    file: str  # as the problems call the configuration
    config: str  # its text
    rules: str | None = None  # edited ones, in the form of `rules test --rules`
    part: str | None = None  # they are this file of rules.d instead, beside all others
    start: int | None = None
    end: int | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three: a report, why there is none, or what is wrong with the edited rules."""

    report: msgspec.Raw = NOTHING
    failed: str | None = None
    problems: tuple[Problem, ...] = ()


class TrialBroken(Exception):
    """The process has ended without an answer, for a bug of ours; the message is its last word."""


class TrialBusy(Exception):
    """One is under way; a second would take the processor from the kitchen."""


class Apart:
    """Starts the process and waits for it, one at a time."""

    def __init__(self) -> None:
        self._busy = False

    async def ask(self, asked: Asked) -> Answer:
        """Its answer; raises TrialBusy, TrialBroken, and TimeoutError after DEADLINE_S."""
        if self._busy:
            raise TrialBusy
        self._busy = True
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await _asked(asked)
        finally:
            self._busy = False


async def _asked(asked: Asked) -> Answer:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.trial"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        told, said = await child.communicate(msgspec.json.encode(asked))
    finally:
        if child.returncode is None:
            child.kill()
            await asyncio.shield(child.wait())
    if child.returncode:
        last = said.decode(errors="replace").strip()[-_SAID_MAX:]
        raise TrialBroken(last or f"ended with {child.returncode}")
    return msgspec.json.decode(told, type=Answer)


def asked_of(data: Path, file: Path, config: bytes) -> Asked:
    """A question about the stored history of a gateway, by the configuration in force."""
    return Asked(data=str(data.absolute()), file=str(file), config=config.decode())
