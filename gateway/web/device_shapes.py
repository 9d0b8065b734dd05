"""Devices as the page and the API show them, and one of them at length."""

from typing import Literal

import msgspec


class SettingView(msgspec.Struct, frozen=True, gc=False):
    """One key of the configuration with the value in force, its own default included."""

    key: str
    value: float | bool | str | None  # a number is in `unit`
    unit: str = ""  # UCUM


class PointSettingsView(msgspec.Struct, frozen=True, gc=False):
    """How what the driver reads becomes the value of this point."""

    point: str
    settings: tuple[SettingView, ...]


class CountView(msgspec.Struct, frozen=True, gc=False):
    """How often something has happened to a device since the start."""

    name: str
    count: int


class DeviceDetailView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is set for a device, and how it went since the start; without any secret."""

    id: str
    settings: tuple[SettingView, ...]
    points: tuple[PointSettingsView, ...]
    counts: tuple[CountView, ...]
    last_trouble: str | None = None  # the last since the start, over by now or not


class DeviceView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One device or actuator; `waiting` has not been heard of yet, `left_out` has an error."""

    id: str
    label: str
    zone: str = ""
    driver: str
    wire: str  # where it hangs: "i2c 0x44"
    role: str  # "polled", "pushed" or "acting"; empty where it is left out
    period_s: float = 0.0
    state: Literal["ok", "lost", "waiting", "left_out"]
    trouble: str | None = None  # why it is lost or left out, in words for who mends it
    reads: int = 0
    failures: int = 0
    skipped_ticks: int = 0
    points: tuple[str, ...] = ()
    simulated: bool = False
