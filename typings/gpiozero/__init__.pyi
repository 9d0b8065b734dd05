from collections.abc import Callable
from typing import ClassVar, NamedTuple

class PinInfo(NamedTuple):
    number: int
    name: str
    names: frozenset[int | str]
    pull: str
    row: int
    col: int
    interfaces: frozenset[str]

class Pin:
    @property
    def function(self) -> str: ...
    @property
    def state(self) -> bool: ...
    def close(self) -> None: ...

class Factory:
    def close(self) -> None: ...
    def pin(self, name: int) -> Pin: ...

class Device:
    pin_factory: ClassVar[Factory | None]
    @staticmethod
    def ensure_pin_factory() -> None: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...

class GPIODevice(Device):
    @property
    def pin(self) -> Pin: ...

class OutputDevice(GPIODevice):
    value: float
    def __init__(
        self,
        pin: int,
        *,
        active_high: bool = True,
        initial_value: bool | None = False,
        pin_factory: Factory | None = None,
    ) -> None: ...

class DigitalInputDevice(GPIODevice):
    when_activated: Callable[[], None] | None
    when_deactivated: Callable[[], None] | None
    def __init__(
        self,
        pin: int,
        *,
        pull_up: bool | None = False,
        active_state: bool | None = None,
        bounce_time: float | None = None,
        pin_factory: Factory | None = None,
    ) -> None: ...
