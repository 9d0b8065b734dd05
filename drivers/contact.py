"""A door, lid or hatch contact: a reed switch or micro-switch between a pin and ground.

Wire it so that the open door opens the circuit (the default: pull-up, open is high). A cut cable
then reads as an open door and somebody looks, instead of a closed one for ever.
Tested: gpiozero's mock pins only.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from drivers.base import DurationS, Metric, Sample, Samples

BUS = "gpio"
ROLE = "pushed"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings accepted under a device with `driver: contact`."""

    pin: Annotated[int, "0..57"]  # GPIO number of the chip, not the position on the header
    open_is: Literal["high", "low"] = "high"
    pull: Literal["up", "down", "none"] = "up"
    debounce_s: Annotated[DurationS, "0..10"] = 0.0  # 50ms calms most micro-switches


class Driver:
    """One contact; it is fed the level of the pin at start and on each change."""

    METRICS: ClassVar[tuple[Metric, ...]] = (Metric("open", "1", kind="boolean"),)

    def __init__(self, options: Options) -> None:
        self._open_level = options.open_is == "high"

    def feed(self, message: bool, at: int) -> Samples:  # noqa: ARG002 - the Protocol names it
        """Whether the door is open at this electrical level (True is high)."""
        return {"open": Sample(message == self._open_level, raw=message)}
