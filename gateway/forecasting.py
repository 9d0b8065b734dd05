"""Runs the shipped models beside control and publishes their outlook as ordinary points.

A forecast never replaces a limit: it is one more point that a rule may look at. The runtime is
loaded in a thread of its own once the gateway is ready, because its import takes long.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING

from drivers.base import Reason, Sample, Samples, failed
from gateway.clock import Clock
from gateway.config.schema import FORECAST_METRICS, Forecast
from gateway.hub import Hub
from gateway.loading import in_thread
from gateway.points import OUTLOOK_S
from gateway.reading import Reading, Value
from gateway.sampling import Intake
from gateway.store.state import JudgedReading
from models.minutes import Minute, MinuteLog

if TYPE_CHECKING:
    from models.predict import ColdRoom

logger = logging.getLogger(__name__)

HORIZON_MIN = 60.0
HISTORY_MS = 3_600_000

Recent = Callable[[int, Collection[str]], Awaitable[Iterable[JudgedReading]]]


class Outlook:
    """One cold room's next hour; `minutes_to_breach` is 60 when no breach is seen in the hour."""

    def __init__(self, settings: Forecast, intake: Intake) -> None:
        self.settings = settings
        self.trouble: str | None = None
        self._intake = intake
        self._minutes = MinuteLog()

    @property
    def points(self) -> set[str]:
        """The points it looks at."""
        return {point for point in (self.settings.point, self.settings.door) if point is not None}

    def see(self, point: str, at: int, value: Value) -> None:
        """Take one reading of a point it looks at."""
        if point == self.settings.point:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            self._minutes.temperature(at, value if number else None)  # type: ignore[arg-type]
        elif point == self.settings.door:
            self._minutes.door(at, value if isinstance(value, bool) else None)

    def issue(self, model: "ColdRoom", now: int, hour: float | None) -> None:
        """Publish what the model says now, or why it can say nothing."""
        minutes = self._minutes.minutes(now)
        self.trouble = model.obstacle(minutes)
        self._intake.take(self._samples(model, minutes, hour), now)

    def _samples(
        self, model: "ColdRoom", minutes: tuple[Minute, ...], hour: float | None
    ) -> Samples:
        forecast = model.forecast(minutes, hour)
        if forecast is None:
            return failed(FORECAST_METRICS[self.settings.kind], Reason.NOT_STARTED)
        breach = forecast.minutes_to_breach(self.settings.limit)
        return {
            "in_60min": Sample(forecast.middle[-1]),
            "in_60min_low": Sample(forecast.low[-1]),
            "in_60min_high": Sample(forecast.high[-1]),
            "minutes_to_breach": Sample(HORIZON_MIN if breach is None else breach),
        }


class Forecasting:
    """All outlooks of a kitchen and the one model behind them.

    `hour` tells the local hour of the day, or None where it means nothing (an emulated kitchen).
    """

    def __init__(
        self, outlooks: list[Outlook], hub: Hub, clock: Clock, hour: Callable[[], float | None]
    ) -> None:
        self.outlooks = outlooks
        self.model: ColdRoom | None = None  # may be handed on from one to the next
        self._hub = hub
        self._clock = clock
        self._hour = hour
        self._begun = False

    async def run(self, recent: Recent) -> None:
        """Load the model once, then issue every minute; for ever. Raises models.ModelError."""
        if not self.outlooks:
            return
        if not self._begun:
            await self._begin(recent)
        model = self.model
        if model is None:
            model = self.model = await in_thread(_load, "forecast-load")
        logger.info("forecast: model %s on %s", model.version, model.engine)
        if model.note:
            logger.warning("forecast: numpy stands in: %s", model.note)
        while True:
            for outlook in self.outlooks:
                outlook.issue(model, self._clock.now(), self._hour())
            await self._clock.sleep(OUTLOOK_S)

    async def _begin(self, recent: Recent) -> None:
        """Look back over the last hour in the log, then watch what comes."""
        points = self._points()
        for seen in await recent(self._clock.now() - HISTORY_MS, points):
            self._see(seen.point, seen.at, seen.value)
        for point in points:
            self._hub.watch(point, self._watch)
        self._begun = True

    def close(self) -> None:
        """Look at no reading any more."""
        for point in self._points() if self._begun else ():
            self._hub.unwatch(point, self._watch)

    def _points(self) -> set[str]:
        return set().union(*(outlook.points for outlook in self.outlooks))

    def _watch(self, reading: Reading) -> None:
        self._see(reading.point.id, reading.at, reading.value)

    def _see(self, point: str, at: int, value: Value) -> None:
        for outlook in self.outlooks:
            outlook.see(point, at, value)


def _load() -> "ColdRoom":
    from models.predict import ColdRoom

    return ColdRoom.load()
