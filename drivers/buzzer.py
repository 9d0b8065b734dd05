"""An active buzzer or siren (it sounds while powered) on one output pin.

A gateway that is down cannot sound it: it warns of what the kitchen does, not of its own death.
Tested: gpiozero's mock pins only.
"""

from dataclasses import dataclass
from typing import ClassVar

from drivers.base import Metric, OutputPin, Sample, Samples

BUS = "gpio"
ROLE = "acting"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under an actuator with `driver: buzzer`."""

    pin: int  # GPIO number of the chip, not the position on the header
    active_high: bool = True


class Driver:
    """One buzzer; silent until the first `write()`."""

    METRICS: ClassVar[tuple[Metric, ...]] = (Metric("state", "1", kind="boolean"),)

    def __init__(self, pin: OutputPin, options: Options) -> None:
        self._pin = pin
        self._on_level = options.active_high

    def write(self, value: bool) -> None:
        """Switch on or off; raises BusError."""
        self._pin.write(value == self._on_level)

    def read(self) -> Samples:
        """What the level on the pin says, which need not be what was written; raises BusError."""
        level = self._pin.read()
        return {"state": Sample(level == self._on_level, raw=level)}
