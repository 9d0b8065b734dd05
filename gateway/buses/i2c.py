"""I2C: the kernel's bus through smbus2, and its emulated twin.

Calls block; only the bus's own thread makes them. Each call is one message with its own stop
condition, as sensors that measure between command and answer need.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from drivers.base import BusError
from gateway.buses.kinds import Host, Mount

if TYPE_CHECKING:
    from smbus2 import i2c_msg

# What a person can do about it; the kernel's own words are "Remote I/O error" and the like.
_ADVICE = {
    errno.ENXIO: "no acknowledge: is it connected and powered, and is the address right?",
    errno.EREMOTEIO: "no acknowledge: is it connected and powered, and is the address right?",
    errno.EIO: "the transfer failed: check cable length, pull-ups and supply",
    errno.ETIMEDOUT: "the bus hangs: something holds SDA or SCL low",
    errno.EAGAIN: "lost arbitration: another master, or noise on SDA",
    errno.EBUSY: "a kernel driver owns this address (UU in i2cdetect): remove its overlay",
    errno.ENOENT: "there is no such bus: enable I2C on this board, or correct the path",
    errno.ENODEV: "the bus has gone: was its adapter unplugged?",
    errno.EACCES: "not allowed: add the gateway's user to the group i2c",
    errno.EPERM: "not allowed: add the gateway's user to the group i2c",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The keys of a bus of kind `i2c`."""

    path: str = ""

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError('"path" is missing, such as /dev/i2c-1')

    @property
    def wire(self) -> str:
        return self.path


class Messages(Protocol):
    """What of `smbus2.SMBus` is used here."""

    def i2c_rdwr(self, *i2c_msgs: "i2c_msg") -> None:
        """Run the messages as one transfer; raises OSError."""

    def close(self) -> None: ...


class LinuxI2C:
    """A bus of the kernel such as /dev/i2c-1; opened at the first transfer, again after a loss."""

    def __init__(self, path: str, open_bus: Callable[[str], Messages] | None = None) -> None:
        self.path = path
        self._open_bus = open_bus or _open
        self._bus: Messages | None = None

    def write(self, address: int, data: bytes) -> None:
        """Send `data` in one message; raises BusError."""
        from smbus2 import i2c_msg

        self._transfer(address, i2c_msg.write(address, data))

    def read(self, address: int, length: int) -> bytes:
        """Exactly `length` bytes in one message; raises BusError."""
        from smbus2 import i2c_msg

        message = i2c_msg.read(address, length)
        self._transfer(address, message)
        return bytes(message)

    def close(self) -> None:
        """Let go of the device file; the next transfer opens it again."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()

    def recover(self) -> None:
        """Have the next transfer open the device file anew.

        The clock pulses that free a held SDA line are the kernel's to give: its driver does so
        when a transfer times out, on boards whose device tree names the pins.
        """
        with contextlib.suppress(OSError):
            self.close()

    def _transfer(self, address: int, message: "i2c_msg") -> None:
        try:
            if self._bus is None:
                self._bus = self._open_bus(self.path)
            self._bus.i2c_rdwr(message)
        except OSError as error:
            if error.errno in {errno.ENODEV, errno.EBADF}:
                self.close()
            raise BusError(f"{self.path} address 0x{address:02x}: {_words(error)}") from error


class Chip(Protocol):
    """A chip on the emulated bus; both calls raise BusError where it would not acknowledge."""

    def write(self, data: bytes) -> None: ...
    def read(self, length: int) -> bytes: ...


class EmulatedI2C:
    """The same bus in the air: emulated chips by address, nobody at the others."""

    def __init__(self, chips: Mapping[int, Chip], now_ms: Callable[[], int] = lambda: 0) -> None:
        self._chips = dict(chips)
        self.locked = False
        self.held = False  # who holds SDA does not let go, whatever is tried
        self._now_ms = now_ms

    def mount(self, make: Callable[..., Chip], mount: Mount) -> Chip:
        """Put a new chip at its address."""
        chip = make(mount.options, mount.feel, now_ms=self._now_ms, seed=mount.seed)
        self._chips[mount.options.address] = chip
        return chip

    def dismount(self, options: Any) -> None:  # noqa: ANN401 - each chip has its own
        """Take a chip away."""
        self._chips.pop(options.address, None)

    def write(self, address: int, data: bytes) -> None:
        """Send `data` to the chip at `address`; raises BusError."""
        self._chip(address).write(data)

    def read(self, address: int, length: int) -> bytes:
        """What the chip at `address` answers; raises BusError."""
        return self._chip(address).read(length)

    def close(self) -> None:
        """Nothing is held."""

    def lock(self) -> None:
        """Hold SDA low, as a chip does that was cut off in the middle of a byte."""
        self.locked = True

    def recover(self) -> None:
        """Free the lines, as the clock pulses of a kernel driver do; in vain while it is held."""
        self.locked = self.locked and self.held

    def _chip(self, address: int) -> Chip:
        if self.locked:
            raise BusError(
                f"emulated address 0x{address:02x}: {_words(OSError(errno.ETIMEDOUT, ''))}"
            )
        chip = self._chips.get(address)
        if chip is None:
            raise BusError(f"emulated address 0x{address:02x}: {_ADVICE[errno.ENXIO]}")
        return chip


def open_bus(options: Options, _host: Host) -> LinuxI2C:
    """The bus of the kernel; it is opened at its first transfer."""
    return LinuxI2C(options.path)


def emulate_bus(host: Host) -> EmulatedI2C:
    """A bus in the air with nobody on it yet."""
    return EmulatedI2C({}, host.clock.now)


def _open(path: str) -> Messages:
    from smbus2 import SMBus

    return SMBus(path)


def _words(error: OSError) -> str:
    number = error.errno or 0
    name = errno.errorcode.get(number, str(number))
    return f"{_ADVICE.get(number, os.strerror(number))} ({name})"
