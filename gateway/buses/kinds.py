"""The kinds of bus: one line here for each, and one module that has what `Kind` names.

A kind's `Options` are the keys beside `kind` in the file. What a bus can do shows in its methods:
a polled driver is handed the bus itself, `listen` hears devices that speak by themselves, and
`claim` gives what an acting driver writes to; `release` takes both back, for one device. `recover`
opens a bus anew on which nothing answers. A twin also has `mount` for the emulated chips, and
`dismount` where one can go without the others.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from drivers.base import DriverError
from gateway.clock import Clock

MODULES: Mapping[str, str] = {
    "gpio": "gateway.buses.gpio",
    "i2c": "gateway.buses.i2c",
    "mqtt": "gateway.buses.site",
    "onewire": "gateway.buses.onewire",
    "recording": "gateway.buses.recording",
    "serial": "gateway.buses.serial",
}


@dataclass(frozen=True, slots=True)
class Host:
    """What a bus may need of the daemon; relative file names start at `folder`."""

    clock: Clock
    folder: Path


@dataclass(frozen=True, slots=True)
class Mount:
    """One thing of the emulated kitchen: its settings, what it feels, and its own noise."""

    options: Any  # of its driver
    feel: Callable[[str], float | bool]
    seed: int
    acting: bool = False


class Ear(Protocol):
    """Who hears a device that speaks by itself; called on the loop."""

    def hear(self, message: Any) -> None:  # noqa: ANN401 - the driver knows its own messages
        """Take one message."""

    def fail(self, error: DriverError) -> None:
        """The device can no longer be heard."""

    def edges(self) -> Callable[[bool], None]:
        """What takes levels in any thread, of which only the last one waits to be heard."""

    def reads(self, level: Callable[[], bool]) -> None:
        """Learn how the level can be read again; that may raise BusError."""


class Bus(Protocol):
    """What every bus has; transfers after `close()` open it again."""

    def close(self) -> None: ...


class Options(Protocol):
    """What of a bus's settings is common to all kinds."""

    @property
    def wire(self) -> str:
        """What no two buses of a kind can share; empty where they share everything."""


class Kind(Protocol):
    """What the module of a kind contains."""

    Options: type[Options]

    def open_bus(self, options: Any, host: Host) -> Bus:  # noqa: ANN401 - its own Options
        """The bus of this machine; raises DriverError for one that is not there."""

    def emulate_bus(self, host: Host) -> Bus:
        """Its twin, without any chip yet."""


def kind(name: str) -> Kind:
    """The kind of that name; raises KeyError."""
    return cast(Kind, importlib.import_module(MODULES[name]))
