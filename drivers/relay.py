"""A relay or solid-state relay on one output pin.

Many relay boards switch on at a low level: then `active_high: false`. Wire the load so that a
de-energised coil is the safe state: that is what power loss, reset and a dead gateway leave.
Tested: gpiozero's mock pins only.
"""

from dataclasses import dataclass

from drivers.base import Switch, SwitchOptions

BUS = "gpio"
ROLE = "acting"


@dataclass(frozen=True, kw_only=True)
class Options(SwitchOptions):
    """Settings accepted under an actuator with `driver: relay`."""


class Driver(Switch):
    """One relay."""
