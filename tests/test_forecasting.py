"""The outlook as points: honest about what it does not know, and not set back by a restart."""

from pathlib import Path

from gateway.conditioning import Conditioner, Treatment
from gateway.config.load import load
from gateway.forecasting import Forecasting, Outlook
from gateway.hub import Hub
from gateway.points import points_of
from gateway.reading import Point, Quality, Reading
from gateway.sampling import Intake
from gateway.store.opening import Store
from models.predict import ColdRoom
from tests.fakes import ManualClock
from tests.processes import REPOSITORY

MINUTE_MS = 60_000


class Site:
    """The shipped kitchen's forecast on a store of its own."""

    def __init__(self, data: Path, clock: ManualClock) -> None:
        config = load(REPOSITORY / "config.yaml").config
        assert config is not None
        self.clock = clock
        self.store = Store(data, clock)
        self.points = self.store.register(points_of(config))
        self.hub = Hub(clock.now())
        self.hub.store = self.store.log.append
        settings = config.forecasts["walk_in_outlook"]
        conditioners = {
            point.id.partition("/")[2]: Conditioner(point, Treatment(), clock.now())
            for point in self.points.values()
            if point.device == settings.id
        }
        self.outlook = Outlook(settings, Intake(self.hub, conditioners))
        self.forecasting = Forecasting([self.outlook], self.hub, clock, lambda: None)

    async def begin(self) -> None:
        await self.forecasting._begin(self.store.recent)
        self.forecasting.model = ColdRoom.load()

    def read(self, temperature: float, *, door: bool) -> None:
        now = self.clock.now()
        self.hub.publish(
            Reading(self._point("walk_in/temperature"), temperature, Quality.GOOD, now)
        )
        self.hub.publish(Reading(self._point("walk_in_door/open"), door, Quality.GOOD, now))

    def issue(self) -> Reading:
        assert self.forecasting.model is not None
        self.outlook.issue(self.forecasting.model, self.clock.now(), None)
        return self.hub.latest["walk_in_outlook/in_60min"]

    def _point(self, name: str) -> Point:
        return self.points[name]


async def live(site: Site, minutes: int) -> None:
    for step in range(minutes * 6):
        site.read(3.0 + 0.01 * (step % 7), door=False)
        await site.clock.advance(MINUTE_MS // 6)
    await site.store.log.commit()


async def test_without_enough_data_there_is_a_reason_and_no_number(tmp_path: Path) -> None:
    site = Site(tmp_path, ManualClock())
    await site.begin()
    await live(site, 5)
    seen = site.issue()
    assert seen.value is None
    assert seen.quality is Quality.NOT_STARTED
    site.store.close()


async def test_with_enough_data_the_outlook_is_a_point_like_any_other(tmp_path: Path) -> None:
    site = Site(tmp_path, ManualClock())
    await site.begin()
    await live(site, 40)
    seen = site.issue()
    assert isinstance(seen.value, (int, float))
    assert 0 < seen.value < 8
    low = site.hub.latest["walk_in_outlook/in_60min_low"].value
    high = site.hub.latest["walk_in_outlook/in_60min_high"].value
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    assert low <= seen.value <= high
    assert site.hub.latest["walk_in_outlook/minutes_to_breach"].value == 60
    site.store.close()


async def test_a_restart_looks_back_over_the_log(tmp_path: Path) -> None:
    clock = ManualClock()
    site = Site(tmp_path, clock)
    await site.begin()
    await live(site, 90)
    before = site.issue()
    site.store.close()
    await clock.advance(1_000)
    again = Site(tmp_path, clock)
    await again.begin()
    after = again.issue()
    assert isinstance(before.value, (int, float))
    assert isinstance(after.value, (int, float))
    assert abs(after.value - before.value) < 0.05
    again.store.close()
