"""The section `forecasts`: what they publish can be named from then on."""

from drivers.base import Metric
from gateway import health
from gateway.config import schema
from gateway.config.known import Entry, Known
from gateway.config.typed import FLAW, Filler, Key, keys_of


def forecasts(
    entries: list[Entry], filler: Filler, known: Known, taken: frozenset[str]
) -> dict[str, schema.Forecast]:
    """The sound ones; `taken` are the ids of devices and actuators."""
    found: dict[str, schema.Forecast] = {}
    for entry in entries:
        if entry.name in taken or entry.name == health.DEVICE:
            filler.report.add(entry.spot.place, entry.spot.path, "the id is taken by a device")
        forecast = _forecast(entry, filler, known)
        if forecast is not None:
            found[entry.name] = forecast
    for name, forecast in found.items():
        for metric in schema.FORECAST_METRICS[forecast.kind]:
            known.points[f"{name}/{metric.name}"] = metric
    return found


def _forecast(entry: Entry, filler: Filler, known: Known) -> schema.Forecast | None:
    metric = known.point(entry, "point", unit="Cel")
    door = known.point(entry, "door", kind="boolean")
    keys = keys_of(schema.Forecast)
    if not isinstance(metric, Metric):
        without: dict[str, Key] = {key: kind for key, kind in keys.items() if key != "limit"}
        filler.fields(entry.tree, without, entry.spot, also=["limit"])
        return None
    values = filler.fields(entry.tree, keys, entry.spot, metric)
    if values is FLAW or (door is None and "door" in entry.tree.entries):
        return None
    values |= {"id": entry.name, "label": values.get("label") or entry.name}
    forecast = filler.build(schema.Forecast, values, entry.tree, entry.spot)
    return None if forecast is FLAW else forecast
