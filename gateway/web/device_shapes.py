"""One device at length, as the page and the API show it."""

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
