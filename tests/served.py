"""A kitchen in memory behind the real server, as the tests with a browser meet it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from gateway.access import Access
from gateway.clock import SystemClock
from gateway.web.alarm_shapes import AlarmView
from gateway.web.point_shapes import Band, PointView
from gateway.web.route import Settings
from gateway.web.server import Server
from tests.kitchen_fake import KitchenInMemory, TokensInMemory, contact, door_alarm, temperature

NAMES = {
    "en": ("Walk-in fridge", "Walk-in freezer", "Dishwasher rins", "Back door"),
    "ko": ("워크인 냉장", "워크인 냉동", "식기세척 헹굼", "출입문"),
}
GAS = AlarmView(
    id="gas",
    label="Fry line · gas leak",
    advice="1 Burners and valve off\n2 Open windows and doors\n3 Go outside, call 119",
    priority="life",
    state="unacknowledged",
    value=18.0,
    unit="%",
    since=0,
)
LEAK = msgspec.structs.replace(
    GAS,
    id="gas_leak",
    label="가스 누출 · leak",
    advice="불을 끄고 밸브를 잠그세요. 전기 스위치를 만지지 말고 창문을 열고 나가세요.\n"
    "Flames out, shut the valve. Touch no switch, open the windows, leave.",
)
DETECTOR = msgspec.structs.replace(
    GAS,
    id="gas_detector_calls",
    label="가스 경보기 작동 · detector calls",
    advice="불을 끄고 밸브를 잠그고 나가세요. 가스가 없으면 경보기 선을 확인하세요.\n"
    "Flames out, shut the valve, leave. If there is no gas, check the detector's cable.",
)


class Site:
    """A kitchen, its server, and the clock both run by."""

    def __init__(self, kitchen: KitchenInMemory, *, demo: bool = True, port: int = 0) -> None:
        self.kitchen = kitchen
        self.clock = SystemClock()
        self.tokens = TokensInMemory()
        self.access = Access(self.tokens, self.clock, demo=demo)
        settings = Settings(host="127.0.0.1", port=port)
        self.server = Server(kitchen, self.access, self.clock, settings)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/"


@asynccontextmanager
async def serving(
    kitchen: KitchenInMemory, *, demo: bool = True, port: int = 0
) -> AsyncIterator[Site]:
    site = Site(kitchen, demo=demo, port=port)
    site.kitchen.now = site.clock.wall()
    await site.server.start()
    try:
        yield site
    finally:
        await site.server.stop()


def kitchen_of(language: str, *, now: int, alarms: int, zones: str = "ABC") -> KitchenInMemory:
    """Four tiles in each zone, in all the states a tile can be in."""
    fridge, freezer, rinse, door = NAMES[language]
    points: list[PointView] = []
    for number, zone in enumerate(zones):
        points += [
            temperature(f"fridge{number}", fridge, 3.2, Band(high=5.0), zone),
            temperature(f"freezer{number}", freezer, -19.6, Band(high=-18.0), zone),
            temperature(f"rinse{number}", rinse, 84.1, Band(60.0, 90.0), zone),
            contact(f"door{number}", door, opened=False, zone=zone),
        ]
    for metric in ("cpu", "memory", "disk", "resident"):
        load = temperature("system", "", 12.0, Band())
        own = {"id": f"system/{metric}", "metric": metric, "origin": "gateway", "unit": "%"}
        points.append(msgspec.structs.replace(load, **own))
    points = [
        msgspec.structs.replace(p, at=now - 2_000, last_at=now - 370_000, simulated=True)
        for p in points
    ]
    kitchen = KitchenInMemory(points)
    if alarms:
        silent = {"value": None, "quality": "bad"}
        kitchen.change("fridge0/temperature", state="stale", reason="stale", **silent)
        kitchen.change("freezer0/temperature", state="fault", reason="sensor_failure", **silent)
        kitchen.change("rinse0/temperature", state="acknowledged")
        kitchen.change("freezer1/temperature", state="returned")
        kitchen.change("fridge1/temperature", quality="uncertain", reason="substituted")
        kitchen.change("door1/open", value=True, state="alarm")
        kitchen.change("rinse1/temperature", state="life")
        since = now - 420_000
        kitchen.raise_alarm(door_alarm(id="door", point="door1/open", since=since))
        if alarms > 1:
            kitchen.raise_alarm(msgspec.structs.replace(GAS, since=since))
        for number in range(2, alarms):
            kitchen.raise_alarm(door_alarm(id=f"door{number}", since=since))
    return kitchen
