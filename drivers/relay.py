"""A relay or solid-state relay on one output pin.

Many relay boards switch on at a low level: then `active_high: false`. Wire the load so that a
de-energised coil is the safe state: that is what power loss, reset and a dead gateway leave.
Tested: gpiozero's mock pins only.
"""

from dataclasses import dataclass
from typing import ClassVar

from drivers.base import Metric, OutputPin, Sample, Samples

BUS = "gpio"
ROLE = "acting"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under an actuator with `driver: relay`."""

    pin: int  # GPIO number of the chip, not the position on the header
    active_high: bool = True


class Driver:
    """One relay; off until the first `write()`."""

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
