"""Which points a configuration has: of its devices, of its forecasts, and of the gateway itself."""

from collections.abc import Iterator

from drivers.base import Metric
from gateway import health
from gateway.config.schema import FORECAST_METRICS, Actuator, Config, Device, PointSettings
from gateway.modes import DEVICE
from gateway.reading import Origin, Point

OUTLOOK_S = 60.0  # how often a forecast is made


def points_of(config: Config) -> Iterator[Point]:
    """Every point, not yet with its index."""
    simulated = config.emulation is not None
    things: list[Device | Actuator] = [*config.devices.values(), *config.actuators.values()]
    for thing in things:
        polled = isinstance(thing, Device) and thing.role == "polled"
        for metric in thing.metrics:
            yield _of_thing(thing, metric, simulated=simulated, polled=polled)
    for name, forecast in config.forecasts.items():
        for metric in FORECAST_METRICS[forecast.kind]:
            label = forecast.label or name
            yield _own(
                name, metric, "forecast", label=label, period_s=OUTLOOK_S, simulated=simulated
            )
    for name in config.modes:
        yield _own(DEVICE, Metric(name, "", kind="text"), "gateway", label="", period_s=0.0)
    for metric in health.METRICS:
        yield _own(health.DEVICE, metric, "gateway", label="", period_s=health.PERIOD_S)


def _of_thing(thing: Device | Actuator, metric: Metric, *, simulated: bool, polled: bool) -> Point:
    settings = thing.points.get(metric.name, PointSettings())
    alone = bool(settings.label) or len(thing.metrics) == 1
    return Point(
        index=-1,
        id=f"{thing.id}/{metric.name}",
        label=settings.label or thing.label or thing.id,
        metric="" if alone else metric.name,
        unit=metric.unit,
        kind=metric.kind,
        low=metric.low if settings.low is None else settings.low,
        high=metric.high if settings.high is None else settings.high,
        precision=metric.precision,
        period_s=thing.every_s if polled and isinstance(thing, Device) else 0.0,
        simulated=simulated,
        secondary=metric.secondary,
        zone=settings.zone or thing.zone,
    )


def _own(
    device: str,
    metric: Metric,
    origin: Origin,
    *,
    label: str,
    period_s: float,
    simulated: bool = False,
) -> Point:
    return Point(
        index=-1,
        id=f"{device}/{metric.name}",
        label=label,
        metric=metric.name,
        unit=metric.unit,
        kind=metric.kind,
        low=metric.low,
        high=metric.high,
        precision=metric.precision,
        period_s=period_s,
        simulated=simulated,
        secondary=metric.secondary,
        origin=origin,
    )
