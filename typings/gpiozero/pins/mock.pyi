from typing import NamedTuple

from gpiozero import Factory, Pin

class PinState(NamedTuple):
    timestamp: float
    state: bool

class MockPin(Pin):
    states: list[PinState]
    def drive_high(self) -> None: ...
    def drive_low(self) -> None: ...

class MockFactory(Factory):
    def __init__(
        self, revision: str | None = None, pin_class: type[MockPin] | None = None
    ) -> None: ...
    def pin(self, name: int, pin_class: type[MockPin] | None = None) -> MockPin: ...
