"""Whether an emulated sensor hangs where there is something for it to feel."""

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.config import schema
from gateway.config.problem import Report
from gateway.config.yaml import Entry, Map, Scalar

DEFAULT_PLACE = "kitchen"

Places = Mapping[str, Mapping[str, str]]  # what can be felt at each


def check(
    emulation: Entry, devices: Mapping[str, schema.Device], places: Places, report: Report
) -> None:
    """Report each device whose emulated chip feels something that its place does not have."""
    written = _written(emulation)
    for device in devices.values():
        entry = written.get(device.id)
        node = emulation.node if entry is None else entry.node
        name = node.text if isinstance(node, Scalar) else DEFAULT_PLACE
        felt = places.get(name)
        if felt is None:
            continue  # the place itself is reported
        missing = [quantity for quantity in _feels(device.driver) if quantity not in felt]
        if missing:
            report.add(
                emulation.key if entry is None else node.place,
                ("emulation", "places", device.id),
                f'no {", ".join(missing)} for {device.driver} at "{name}"'
                + _elsewhere(missing, places),
            )


def _elsewhere(missing: Iterable[str], places: Places) -> str:
    known = [name for name, felt in places.items() if set(missing) <= felt.keys()]
    return f"; hang it at {' or '.join(known)}" if known else ""


def _written(emulation: Entry) -> Mapping[str, Entry]:
    places = emulation.node.entries.get("places") if isinstance(emulation.node, Map) else None
    return places.node.entries if places and isinstance(places.node, Map) else {}


def _feels(driver: str) -> tuple[str, ...]:
    full_name = f"drivers.emulated.{driver}"
    try:
        module: Any = importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        if error.name != full_name:
            raise
        return ()
    return tuple(getattr(module, "FEELS", ()))
