"""Serial lines (8N1) through pyserial, and their emulated twin on a pseudo-terminal.

Calls block; only the bus's own thread makes them. The port is opened at the first transfer and
again after it was lost, exclusively: two programs on one line would eat each other's answers.
"""

import contextlib
import errno
import logging
import os
import select
import termios
import threading
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, runtime_checkable

from drivers.base import BusError
from gateway.buses.kinds import Host, Mount

if TYPE_CHECKING:
    from serial import Serial as Port

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

BY_ID = Path("/dev/serial/by-id")  # names that stay the same wherever an adapter is plugged in
WRITE_S = 1.0  # an adapter that takes no byte for so long hangs
_SHOWN_MAX = 4
_HEARD_MAX = 256  # bytes the emulated chips hear at once
_TURN_MS = 2  # between two mouthfuls of an emulated chip that speaks by itself
_QUIET_MS = 20  # how soon such a chip is heard that begins to speak

_ADVICE = {
    errno.EACCES: "not allowed: add the gateway's user to the group dialout",
    errno.EPERM: "not allowed: add the gateway's user to the group dialout",
    errno.EBUSY: "another program or a login console holds this port: stop it",
    errno.EAGAIN: "another program holds this port: stop it (fuser shows which)",
    errno.ENOTTY: "this is no serial port: correct the path",
    errno.EISDIR: "this is a folder: name a port in it",
}
_UNPLUGGED = "/dev/unplugged"
_GONE = "the port has gone: was its adapter unplugged?"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The keys of a bus of kind `serial`; always 8 data bits, no parity, 1 stop bit."""

    path: str = ""
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError('"path" is missing, such as /dev/serial0 or /dev/serial/by-id/usb-…')

    @property
    def wire(self) -> str:
        return self.path


class SerialPort:
    """One port of the kernel, a `drivers.base.Serial`."""

    def __init__(self, path: str, baud: int = 9600, by_id: Path = BY_ID) -> None:
        self.path = path
        self._baud = baud
        self._by_id = by_id
        self._port: Port | None = None

    def write(self, data: bytes) -> None:
        """Send all of `data`; raises BusError."""
        self._guarded(lambda port: port.write(data))

    def read(self, length: int, timeout_s: float) -> bytes:
        """Up to `length` bytes, fewer when the time is over; raises BusError."""

        def read(port: "Port") -> bytes:
            port.timeout = timeout_s
            return bytes(port.read(length))

        return self._guarded(read)

    def discard_input(self) -> None:
        """Forget what has come so far; raises BusError."""
        self._guarded(lambda port: port.reset_input_buffer())

    def close(self) -> None:
        """Let go of the port; the next transfer opens it again."""
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(OSError, termios.error):
                port.close()

    def recover(self) -> None:
        """Have the next transfer open the port anew."""
        self.close()

    def _guarded(self, act: "Callable[[Port], Result]") -> Result:
        from serial import SerialException, SerialTimeoutException

        port = self._port or self._opened()
        try:
            return act(port)
        except SerialTimeoutException as error:
            self.close()
            raise BusError(f"{self.path}: takes no data for {WRITE_S:g} s: unplug it") from error
        except (SerialException, OSError, termios.error) as error:
            self.close()
            raise BusError(f"{self.path}: {_GONE} ({error})") from error

    def _opened(self) -> "Port":
        from serial import Serial, SerialException

        try:
            self._port = Serial(
                self.path, self._baud, timeout=0, write_timeout=WRITE_S, exclusive=True
            )
        except (SerialException, OSError, termios.error) as error:
            raise BusError(f"{self.path}: {self._why(error)}") from error
        return self._port

    def _why(self, error: Exception) -> str:
        number = _number(error) or _number(error.__context__)
        if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
            return f"there is no such port: {self._plugged()}"
        if number is None:
            return str(error)
        name = errno.errorcode.get(number, str(number))
        return f"{_ADVICE.get(number, os.strerror(number))} ({name})"

    def _plugged(self) -> str:
        try:
            names = sorted(path.name for path in self._by_id.iterdir())
        except OSError:
            names = []
        if not names:
            return "no adapter is plugged in, or enable the port on this board"
        more = f" and {len(names) - _SHOWN_MAX} more" if len(names) > _SHOWN_MAX else ""
        return f"plugged in under {self._by_id} are {', '.join(names[:_SHOWN_MAX])}{more}"


class Chip(Protocol):
    """A chip at the far end of the line."""

    def hear(self, data: bytes) -> bytes:
        """What it answers to the bytes that have just come; possibly nothing."""


@runtime_checkable
class Speaking(Protocol):
    """A chip that also speaks by itself, a few bytes at a time."""

    speaking: bool  # whether there is more to say

    def speak(self) -> bytes:
        """What it says in this turn; possibly nothing."""


class EmulatedSerial(SerialPort):
    """The same port on a pseudo-terminal of the kernel; the chips answer at its other end."""

    def __init__(self, now_ms: Callable[[], int] = lambda: 0) -> None:
        super().__init__(_UNPLUGGED)
        self._now_ms = now_ms
        self._chips: list[Chip] = []
        self._adapter: _Adapter | None = None
        self._pulled = False

    def mount(self, make: Callable[..., Chip], mount: Mount) -> Chip:
        """Put a new chip at the far end; all that are there hear everything."""
        chip = make(mount.options, mount.feel, now_ms=self._now_ms, seed=mount.seed)
        self._chips.append(chip)
        return chip

    def unplug(self) -> None:
        """Pull the adapter out, in any thread, while the port may be open."""
        self._pulled = True
        self._take_away()

    def plug(self) -> None:
        """Plug it in again."""
        self._pulled = False

    def close(self) -> None:
        """As of a real port; its far end goes too, until the next transfer."""
        super().close()
        self._take_away()

    def _take_away(self) -> None:
        adapter, self._adapter, self.path = self._adapter, None, _UNPLUGGED
        if adapter is not None:
            adapter.close()

    def _opened(self) -> "Port":
        if self._adapter is None and not self._pulled:
            self._adapter = _Adapter(self._chips)
            self.path = self._adapter.path
        return super()._opened()


class _Adapter:
    """A pseudo-terminal whose far end is answered by chips, in a thread of its own."""

    def __init__(self, chips: Sequence[Chip]) -> None:
        self._chips = chips
        self._end, self._kept = os.openpty()  # kept open, or the far end would see a hang-up
        tty.setraw(self._kept)
        os.set_blocking(self._end, False)
        self.path = os.ttyname(self._kept)
        self._closing = os.eventfd(0)
        name = f"emulated {self.path}"
        self._thread = threading.Thread(target=self._answer, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up: the open port sees what a pulled adapter leaves."""
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        for each in (self._end, self._kept, self._closing):
            os.close(each)

    def _answer(self) -> None:
        try:
            self._serve()
        except Exception:
            logger.exception("%s: a chip has failed and is silent from now on", self.path)

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        poll.register(self._closing, select.POLLIN)
        while self._closing not in (ready := {each for each, _ in poll.poll(self._patience())}):
            if self._end in ready:
                data = os.read(self._end, _HEARD_MAX)
                for chip in self._chips:
                    self._write(chip.hear(data))
            for chip in self._chips:
                if isinstance(chip, Speaking):
                    self._write(chip.speak())

    def _patience(self) -> int | None:
        """Milliseconds until a chip may have something to say by itself; None where none does."""
        speaking = [chip.speaking for chip in self._chips if isinstance(chip, Speaking)]
        if not speaking:
            return None
        return _TURN_MS if any(speaking) else _QUIET_MS

    def _write(self, answer: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads: it is lost, as on any wire
            if answer:
                os.write(self._end, answer)


def _number(error: BaseException | None) -> int | None:
    """The errno of an OSError, or of a termios.error, which has it in its arguments."""
    number = getattr(error, "errno", None)
    if number is None and isinstance(error, termios.error):
        number = error.args[0]
    return number if isinstance(number, int) else None


def open_bus(options: Options, _host: Host) -> SerialPort:
    """The port of the kernel; it is opened at its first transfer."""
    return SerialPort(options.path, options.baud)


def emulate_bus(host: Host) -> EmulatedSerial:
    """A line with nobody at its far end yet."""
    return EmulatedSerial(host.clock.now)
