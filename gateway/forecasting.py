"""Runs the shipped models beside control and publishes their outlook as ordinary points.

A forecast never replaces a limit: it is one more point that a rule may look at. The runtime is
loaded in a thread of its own once the gateway is ready, because its import takes long.
"""

import logging
from typing import TYPE_CHECKING

from drivers.base import Reason, Sample, Samples, failed
from gateway.clock import Clock
from gateway.config.schema import FORECAST_METRICS, Forecast
from gateway.hub import Hub
from gateway.loading import in_thread
from gateway.points import OUTLOOK_S
from gateway.reading import Reading
from gateway.sampling import Intake
from models.minutes import Minute, MinuteLog

if TYPE_CHECKING:
    from models.predict import ColdRoom

logger = logging.getLogger(__name__)

HORIZON_MIN = 60.0


class Outlook:
    """One cold room's next hour; `minutes_to_breach` is 60 when no breach is seen in the hour."""

    def __init__(self, settings: Forecast, intake: Intake, hub: Hub) -> None:
        self.settings = settings
        self.trouble: str | None = None
        self._intake = intake
        self._minutes = MinuteLog()
        hub.watch(settings.point, self._temperature)
        if settings.door is not None:
            hub.watch(settings.door, self._door)

    def issue(self, model: "ColdRoom", now: int) -> None:
        """Publish what the model says now, or why it can say nothing."""
        minutes = self._minutes.minutes(now)
        self.trouble = model.obstacle(minutes)
        self._intake.take(self._samples(model, minutes), now)

    def _samples(self, model: "ColdRoom", minutes: tuple[Minute, ...]) -> Samples:
        forecast = model.forecast(minutes)
        if forecast is None:
            return failed(FORECAST_METRICS[self.settings.kind], Reason.NOT_STARTED)
        breach = forecast.minutes_to_breach(self.settings.limit)
        return {
            "in_60min": Sample(forecast.middle[-1]),
            "in_60min_low": Sample(forecast.low[-1]),
            "in_60min_high": Sample(forecast.high[-1]),
            "minutes_to_breach": Sample(HORIZON_MIN if breach is None else breach),
        }

    def _temperature(self, reading: Reading) -> None:
        value = reading.value
        self._minutes.temperature(reading.at, value if isinstance(value, (int, float)) else None)

    def _door(self, reading: Reading) -> None:
        value = reading.value
        self._minutes.door(reading.at, value if isinstance(value, bool) else None)


class Forecasting:
    """All outlooks of a kitchen and the one model behind them."""

    def __init__(self, outlooks: list[Outlook], clock: Clock) -> None:
        self.outlooks = outlooks
        self.model: ColdRoom | None = None
        self._clock = clock

    async def run(self) -> None:
        """Load the model once, then issue every minute; for ever. Raises models.ModelError."""
        if not self.outlooks:
            return
        self.model = await in_thread(_load, "forecast-load")
        logger.info("forecast: model %s on %s", self.model.version, self.model.engine)
        if self.model.note:
            logger.warning("forecast: numpy stands in: %s", self.model.note)
        while True:
            for outlook in self.outlooks:
                outlook.issue(self.model, self._clock.now())
            await self._clock.sleep(OUTLOOK_S)


def _load() -> "ColdRoom":
    from models.predict import ColdRoom

    return ColdRoom.load()
