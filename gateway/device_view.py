"""One device at length: its settings as the configuration has them, and how it went."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.config.schema import Actuator, Device, PointSettings
from gateway.config.secret import KEYS, Secret
from gateway.config.written import REDACTED
from gateway.sampling import DeviceState
from gateway.web.device_shapes import CountView, DeviceDetailView, PointSettingsView, SettingView
from gateway.web.kitchen_errors import UnknownDevice

if TYPE_CHECKING:
    from gateway.app import Gateway

_TEXT_MAX = 200
_OWN = ("every_s", "deadline_s", "stale_after_s")  # of every device, whatever its driver
_COUNTS = (
    "reads",
    "failures",
    "retries",
    "reinitialised",
    "skipped_ticks",
    "bounces",
    "coalesced",
)


def detail(gateway: "Gateway", device_id: str) -> DeviceDetailView:
    """That device or actuator; raises UnknownDevice, also for one that an error has left out."""
    config = gateway.config
    thing = config.devices.get(device_id) or config.actuators.get(device_id)
    if thing is None:
        raise UnknownDevice(device_id)
    state = gateway.fitout.equipment.states.get(device_id, DeviceState(device_id))
    units = {metric.name: metric.unit for metric in thing.metrics}
    return DeviceDetailView(
        id=device_id,
        settings=tuple(settings(thing)),
        points=tuple(
            PointSettingsView(f"{device_id}/{name}", tuple(point_settings(found, units[name])))
            for name, found in thing.points.items()
            if name in units
        ),
        counts=tuple(CountView(name, getattr(state, name)) for name in _COUNTS),
        last_trouble=state.last_trouble,
    )


def settings(thing: Device | Actuator) -> Iterator[SettingView]:
    """Driver and wire, then the keys of all devices, then those of this driver."""
    yield SettingView("driver", thing.driver)
    yield SettingView("bus", thing.bus)
    if isinstance(thing, Device):
        for name in _OWN if thing.role == "polled" else _OWN[2:]:
            yield _setting(name, getattr(thing, name))
    else:
        for each in dataclasses.fields(thing.fail_safe):
            yield _setting(each.name, getattr(thing.fail_safe, each.name))
    if dataclasses.is_dataclass(thing.options):
        for each in dataclasses.fields(thing.options):
            yield _setting(each.name, getattr(thing.options, each.name))


def point_settings(found: PointSettings, unit: str) -> Iterator[SettingView]:
    """Calibration, limits and smoothing of a point in its `unit`; differences of °C are in K."""
    apart = "K" if unit == "Cel" else unit
    yield SettingView("offset", found.offset, apart)
    yield SettingView("low", found.low, unit)
    yield SettingView("high", found.high, unit)
    yield SettingView("deadband", found.deadband, apart)
    slew = None if found.slew_per_s is None else round(found.slew_per_s * 60, 6)
    yield SettingView("slew", slew, f"{apart}/min")
    yield _setting("smooth_s", found.smooth_s)
    yield _setting("stuck_after_s", found.stuck_after_s)


def _setting(name: str, value: object) -> SettingView:
    """As it is called in the file; a duration says so by its name."""
    key, unit = (name.removesuffix("_s"), "s") if name.endswith("_s") else (name, "")
    if isinstance(value, Secret):
        return SettingView(key, f"{{secret: {value.name}}}")
    text = value if isinstance(value, str) else ""
    if key in KEYS or ("://" in text and "@" in text):
        return SettingView(key, REDACTED)
    if key == "address" and isinstance(value, int):
        return SettingView(key, f"0x{value:02x}")
    if value is None or isinstance(value, bool | int | float):
        return SettingView(key, value, unit if value is not None else "")
    return SettingView(key, str(value)[:_TEXT_MAX])
