"""AT commands: asking a modem over a serial line, with every way to fail told apart.

Source: ITU-T V.250, 5.7 (result codes), 3GPP TS 27.007, 9 (`+CME ERROR`), 3GPP TS 27.005, 3.2.5
(`+CMS ERROR`) and 3.5.1 (the prompt). A modem speaks by itself at any time, may repeat what it is
told, and may start anew in the middle of an answer.
"""

import re
from typing import Final

from drivers.base import BusError, DriverError, Serial

WAKE_TRIES = 3
WAKE_S = 1.0  # for the OK to a bare AT
PROMPT: Final = ">"

_SLICE_S = (
    0.02  # a read that waits no longer; they are counted, so that a limit holds for any noise
)
_CHUNK = 64
_LINE_MAX = 512
_QUIET_READS = 25  # at most, until nothing comes that belongs to an earlier question
_ESCAPE = b"\x1b"  # leaves a prompt in which an earlier message was broken off
_SUBMIT = b"\x1a"
_PRINTABLE = re.compile(rb"[\x20-\x7e]*")
_ERROR = re.compile(r"\+(CM[ES]) ERROR: ?(.{1,80})")
_STARTED = frozenset({"RDY", "^SYSSTART", "*ATREADY: 1", "START", "SYSTEM READY"})


class Silent(BusError):
    """The modem said no final result in time."""


class Restarted(BusError):
    """The modem has just started anew and has forgotten what it was told."""


class Refusal(DriverError):
    """The modem answered with an error; `code` is None where it gave no number."""

    def __init__(self, command: str, source: str, code: int | None, said: str) -> None:
        super().__init__(f"{command}: {said}")
        self.source = source  # CME, CMS or nothing
        self.code = code


class Lines:
    """Cuts what comes into lines; a prompt, which has no end, counts as one where it is asked for.

    A line that is too long or has bytes no modem sends is `noise`: counted and left out.
    """

    def __init__(self) -> None:
        self.noise = 0
        self.prompt_wanted = False
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are whole now, without their ends and without empty ones."""
        *whole, self._rest = re.split(rb"[\r\n]", self._rest + data)
        lines = [line for part in whole if (line := self._decoded(part))]
        if self.prompt_wanted and self._rest.strip() == PROMPT.encode():
            self._rest = b""
            lines.append(PROMPT)
        if len(self._rest) > _LINE_MAX:
            self._rest = b""
            self.noise += 1
        return lines

    def forget(self) -> None:
        """What has come of a line so far belongs to an earlier question."""
        self._rest = b""

    def _decoded(self, part: bytes) -> str:
        line = part.strip(b" \x00\x1a\x1b")
        if len(line) > _LINE_MAX or not _PRINTABLE.fullmatch(line):
            self.noise += 1
            return ""
        return line.decode("ascii")


class Commands:
    """One modem on one line; calls block, each for no longer than its limit."""

    def __init__(self, line: Serial) -> None:
        self.unsolicited = 0  # lines nobody had asked for
        self._line = line
        self._lines = Lines()

    @property
    def noise(self) -> int:
        """Lines that were none."""
        return self._lines.noise

    def wake(self) -> None:
        """Have it listen from the start of a line; raises Silent, Restarted or BusError."""
        for attempt in range(WAKE_TRIES):
            if attempt:
                self._line.write(_ESCAPE)
            self._let_it_finish()
            try:
                self.ask("AT", WAKE_S)
            except (Silent, Refusal):
                continue
            self._let_it_finish()
            return
        raise Silent(
            f"no answer to AT, {WAKE_TRIES} times: is the modem powered, is this its AT port and "
            "not its data port, and is the baud rate right?"
        )

    def ask(self, command: str, limit_s: float, *, answer: str = "") -> list[str]:
        """What it says under the prefix `answer` (`+CSQ:`) until OK, without that prefix.

        Raises Silent, Restarted, Refusal, and BusError where there was an OK and no answer.
        """
        self._line.write(command.encode("ascii") + b"\r")
        return self._result(command, command, limit_s, answer)

    def ask_for_prompt(self, command: str, limit_s: float) -> None:
        """Return once it waits for a text; raises as `ask`."""
        self._line.write(command.encode("ascii") + b"\r")
        self._lines.prompt_wanted = True
        try:
            self._result(command, command, limit_s, PROMPT)
        finally:
            self._lines.prompt_wanted = False

    def submit(self, text: str, limit_s: float, *, answer: str) -> list[str]:
        """The text at the prompt, and what becomes of it; raises as `ask`."""
        self._line.write(text.encode("ascii") + _SUBMIT)
        return self._result("the message", text, limit_s, answer)

    def cancel(self) -> None:
        """Leave the prompt without sending; raises BusError."""
        self._line.write(_ESCAPE)

    def _let_it_finish(self) -> None:
        """An answer to an earlier question, coming late, would be taken for that to the next."""
        self._line.discard_input()
        for _ in range(_QUIET_READS):
            if not self._line.read(_CHUNK, _SLICE_S):
                break
        self._lines.forget()

    def _result(self, what: str, written: str, limit_s: float, answer: str) -> list[str]:
        said: list[str] = []
        for _ in range(max(1, round(limit_s / _SLICE_S))):
            for line in self._lines.feed(self._line.read(_CHUNK, _SLICE_S)):
                if line == PROMPT == answer:
                    return said
                if line == "OK":
                    return _answered(what, said, answer)
                _raise_refusal(what, line)
                if line in _STARTED:
                    raise Restarted(f"{what}: the modem has started anew ({line}): is its supply "
                                    "strong enough for 2 A while it sends?")  # fmt: skip
                if answer and line.startswith(answer):
                    said.append(line.removeprefix(answer).strip())
                elif line != written:  # else an echo
                    self.unsolicited += 1
        raise Silent(f"{what}: no answer within {limit_s:g} s")


def _answered(what: str, said: list[str], answer: str) -> list[str]:
    if answer and not said:
        raise BusError(f"{what}: OK, but no {answer} before it")
    return said


def _raise_refusal(what: str, line: str) -> None:
    found = _ERROR.fullmatch(line)
    if found is not None:
        source, said = found.groups()
        raise Refusal(what, source, int(said) if said.isdecimal() else None, line)
    if line == "ERROR":
        raise Refusal(what, "", None, "ERROR, and not why")
