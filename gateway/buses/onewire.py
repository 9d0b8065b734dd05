"""1-Wire as the kernel shows it: a folder with one folder for each device. And the emulated twin.

The kernel does the bit slots, the search and the conversion (`dtoverlay=w1-gpio`); we read text.
A read blocks for a conversion, about a second a device, so only the bus's own thread reads.
"""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Protocol

from drivers.base import BusError
from gateway.buses.kinds import Host, Mount

DEVICES = Path("/sys/bus/w1/devices")
SIZE_MAX = 4096  # of one file; the kernel's own limit
_SHOWN_MAX = 8
_NO_BUS = "no 1-Wire bus here: enable it (dtoverlay=w1-gpio) and restart the board"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The keys of a bus of kind `onewire`."""

    path: str = str(DEVICES)

    @property
    def wire(self) -> str:
        return self.path


class OneWireFiles:
    """The devices of the kernel's 1-Wire buses, a `drivers.base.OneWire`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, address: str, file: str) -> bytes:
        """One file of one device, possibly empty; raises BusError."""
        try:
            with (self.folder / address / file).open("rb", buffering=0) as opened:
                return opened.read(SIZE_MAX) or b""
        except FileNotFoundError as error:
            raise BusError(self._missing(address)) from error
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, str(error.errno))
            what = os.strerror(error.errno or 0)
            raise BusError(f"{address}: {what} ({name}): check its cable and plug") from error

    def close(self) -> None:
        """Nothing is held."""

    def _missing(self, address: str) -> str:
        try:
            found = sorted(path.name for path in self.folder.iterdir() if path.name[2:3] == "-")
        except OSError:
            return f"{self.folder}: {_NO_BUS}"
        if not found:
            return f"{address} is not on the bus, and nothing else: check cable, supply, pull-up"
        more = f" and {len(found) - _SHOWN_MAX} more" if len(found) > _SHOWN_MAX else ""
        shown = ", ".join(found[:_SHOWN_MAX])
        return f"{address} is not on the bus; there are {shown}{more}: check its cable"


class Chip(Protocol):
    """A device on the emulated wire, with what the kernel makes of it."""

    def present(self) -> bool:
        """Whether the kernel finds it on the bus."""

    def convert(self) -> tuple[float, bytes]:
        """Measure: how many seconds that takes, and the text of `w1_slave` after it."""


class EmulatedOneWire(OneWireFiles):
    """The same files in a temporary folder; what is read is written just before."""

    def __init__(self, pause: Callable[[float], None], now_ms: Callable[[], int]) -> None:
        super().__init__(Path(mkdtemp(prefix="kitchen-gateway-w1-")))
        self._pause = pause
        self._now_ms = now_ms
        self._chips: dict[str, Chip] = {}

    def mount(self, make: Callable[..., Chip], mount: Mount) -> Chip:
        """Put a new chip on the wire."""
        chip = make(mount.options, mount.feel, now_ms=self._now_ms, seed=mount.seed)
        self._chips[mount.options.address] = chip
        return chip

    def read(self, address: str, file: str) -> bytes:
        """As in the real folder, after letting the chip measure; raises BusError."""
        for each, chip in self._chips.items():
            device = self.folder / each
            if not chip.present():
                shutil.rmtree(device, ignore_errors=True)
            elif not device.exists():
                device.mkdir(parents=True)
        if address in self._chips and self._chips[address].present():
            seconds, text = self._chips[address].convert()
            self._pause(seconds)
            (self.folder / address / "w1_slave").write_bytes(text)
        return super().read(address, file)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def open_bus(options: Options, _host: Host) -> OneWireFiles:
    """The kernel's folder; a device that is not in it shows when it is read."""
    return OneWireFiles(Path(options.path))


def emulate_bus(host: Host) -> EmulatedOneWire:
    """A wire with nobody on it yet."""
    return EmulatedOneWire(host.clock.pause, host.clock.now)
