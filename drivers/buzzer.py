"""An active buzzer or siren (it sounds while powered) on one output pin.

A gateway that is down cannot sound it: it warns of what the kitchen does, not of its own death.
Tested: gpiozero's mock pins only.
"""

from dataclasses import dataclass

from drivers.base import Switch, SwitchOptions

BUS = "gpio"
ROLE = "acting"


@dataclass(frozen=True, kw_only=True)
class Options(SwitchOptions):
    """Settings accepted under an actuator with `driver: buzzer`."""


class Driver(Switch):
    """One buzzer."""
