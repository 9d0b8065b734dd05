"""Orders in the daemon: nothing acts before its row is stored, and no crash does it twice."""

import asyncio
from pathlib import Path

import pytest

from gateway.access import Role
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.orders import EXPIRY_S, BadWish, Orders, TooManyOrders, Wish, is_critical
from gateway.reading import Point, Quality, Reading
from rules.base import Priority
from rules.events import Drive
from rules.judge import Judge
from rules.order import IN_FLIGHT_MAX, Order, OrderState
from tests.fakes import ManualClock
from tests.kitchen_rules import contract, rule
from tests.store_files import open_store

FAN = Point(index=-1, id="fan/state", label="fan", unit="1", kind="boolean")


class Kitchen:
    """A gateway from orders to the file; `commit` is the disk, `obeys` whether the fan does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.obeys = True
        gas = rule("gas", priority=Priority.LIFE, commands=[("siren", True, 2)])
        self.judge = Judge([gas], {"fan": contract(), "siren": contract()})
        self.open()

    def open(self) -> None:
        self.driven: list[bool] = []
        self.store = open_store(self.folder, self.clock)
        self.points = self.store.register([FAN])
        self.hub = Hub(self.clock.now())
        self.judging = Judging(self.judge, self.store.found.entries, self.store.log, self.hub)
        self.orders = Orders(self.judging, self.store.log, self.clock, self.hub)
        self.orders.follow(self.points, ["fan", "siren"])
        self.judging.start(self.clock.now())
        self.judging.drive = self._drive

    def _drive(self, drive: Drive) -> None:
        self.driven.append(drive.value)
        if self.obeys:
            asyncio.get_running_loop().call_soon(self.read_back, drive.value)

    def read_back(self, value: bool | None) -> None:
        quality = Quality.NO_COMMUNICATION if value is None else Quality.GOOD
        self.hub.publish(Reading(self.points["fan/state"], value, quality, self.clock.now()))

    async def commit(self) -> None:
        await self.store.log.commit()
        await self.clock.settle()

    async def kill(self) -> None:
        """Lose what is not committed, and start again."""
        self.orders.close()
        assert self.store.close()
        self.open()
        await self.commit()

    def found(self, order_id: str = "order-01") -> Order:
        order = self.orders.find(order_id)
        assert order is not None
        return order


def wish(
    order_id: str = "order-01",
    *,
    actuator: str = "fan",
    value: bool | None = True,
    role: Role = Role.STAFF,
    slot: int = 8,
    for_s: float | None = None,
) -> Wish:
    return Wish(
        id=order_id, actuator=actuator, value=value, by="mina", role=role, origin="page",
        slot=slot, for_s=for_s,
    )  # fmt: skip


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path / "data")


async def test_nothing_is_driven_before_the_order_is_stored(kitchen: Kitchen) -> None:
    assert kitchen.orders.place(wish())
    await kitchen.clock.settle()
    assert kitchen.driven == []
    assert kitchen.found().state is OrderState.ACCEPTED
    await kitchen.commit()
    assert kitchen.driven == [True]
    assert kitchen.found().state is OrderState.SUCCEEDED
    kitchen.store.close()


async def test_the_outcome_is_told_once_it_is_stored(kitchen: Kitchen) -> None:
    kitchen.orders.place(wish())
    waiting = asyncio.create_task(kitchen.orders.outcome("order-01"))
    await kitchen.commit()
    assert kitchen.found().state is OrderState.SUCCEEDED
    assert not waiting.done(), "its end is not stored yet"
    await kitchen.commit()
    order = await waiting
    assert order is not None
    assert order.state is OrderState.SUCCEEDED
    kitchen.store.close()


async def test_who_asked_may_go_away_and_the_order_is_done_all_the_same(kitchen: Kitchen) -> None:
    kitchen.orders.place(wish())
    waiting = asyncio.create_task(kitchen.orders.outcome("order-01"))
    await kitchen.clock.settle()
    waiting.cancel()
    await kitchen.commit()
    assert kitchen.driven == [True]
    kitchen.store.close()


async def test_a_disk_that_hangs_makes_an_order_expire_and_it_is_not_done_later(
    kitchen: Kitchen,
) -> None:
    kitchen.orders.place(wish())
    await kitchen.clock.advance(round(EXPIRY_S * 1000))
    kitchen.judging.tick(kitchen.clock.now())
    await kitchen.commit()
    assert kitchen.driven == []
    assert kitchen.found().state is OrderState.EXPIRED
    kitchen.store.close()


@pytest.mark.parametrize("committed", [0, 1])
async def test_an_order_on_its_way_at_a_crash_is_not_done_again(
    kitchen: Kitchen, committed: int
) -> None:
    kitchen.obeys = False
    kitchen.orders.place(wish())
    await kitchen.commit()
    assert kitchen.driven == [True]
    for _ in range(committed):
        await kitchen.commit()
    await kitchen.kill()
    assert (kitchen.found().state, kitchen.found().code) == (OrderState.FAILED, "unknown")
    assert not kitchen.orders.place(wish()), "its id is known"
    await kitchen.commit()
    assert True not in kitchen.driven
    kitchen.store.close()


async def test_an_order_that_was_never_stored_is_not_known_after_a_crash(kitchen: Kitchen) -> None:
    kitchen.orders.place(wish())
    await kitchen.kill()
    assert kitchen.orders.find("order-01") is None
    assert kitchen.orders.place(wish()), "so it may be given again"
    await kitchen.commit()
    assert kitchen.driven == [True]
    kitchen.store.close()


async def test_a_second_order_of_the_same_id_switches_nothing(kitchen: Kitchen) -> None:
    kitchen.orders.place(wish())
    assert not kitchen.orders.place(wish(value=False)), "still on its way"
    await kitchen.commit()
    assert not kitchen.orders.place(wish(value=False))
    await kitchen.commit()
    assert kitchen.driven == [True]
    assert kitchen.orders.duplicates == 2
    kitchen.store.close()


async def test_an_override_lasts_half_an_hour_unless_somebody_says_otherwise(
    kitchen: Kitchen,
) -> None:
    began = kitchen.clock.now()
    kitchen.orders.place(wish())
    assert kitchen.found().until == began + 1_800_000
    kitchen.orders.place(wish("order-02", for_s=60.0))
    assert kitchen.found("order-02").until == began + 60_000
    kitchen.orders.place(wish("order-03", slot=1, role=Role.MANAGER))
    assert kitchen.found("order-03").until is None
    for wrong in (0.0, 28_801.0, float("nan")):
        with pytest.raises(BadWish, match="for"):
            wish(for_s=wrong)
    with pytest.raises(BadWish, match="slot 2"):
        wish(slot=2)
    kitchen.store.close()


@pytest.mark.parametrize(
    ("actuator", "slot", "role", "allowed"),
    [
        ("fan", 8, Role.VIEWER, False),
        ("fan", 8, Role.STAFF, True),
        ("fan", 1, Role.STAFF, False),
        ("fan", 1, Role.MANAGER, True),
        ("siren", 8, Role.STAFF, False),
        ("siren", 8, Role.MANAGER, True),
        ("siren", 1, Role.ADMIN, True),
    ],
)
async def test_who_may_order_what(
    kitchen: Kitchen, actuator: str, slot: int, role: Role, *, allowed: bool
) -> None:
    kitchen.orders.place(wish(actuator=actuator, slot=slot, role=role))
    order = kitchen.found()
    assert (order.state is OrderState.ACCEPTED) is allowed
    assert allowed or (order.code, order.about) in {("role", "manager"), ("role", "staff")}
    kitchen.store.close()


def test_what_guards_people_is_critical_and_so_is_what_the_owner_says() -> None:
    declared = Judge([], {"oven": contract()})
    assert not is_critical(declared, "oven")
    assert not is_critical(declared, "unknown")


async def test_so_many_orders_may_be_on_their_way(kitchen: Kitchen) -> None:
    for number in range(IN_FLIGHT_MAX):
        kitchen.orders.place(wish(f"order-{number:02}"))
    with pytest.raises(TooManyOrders):
        kitchen.orders.place(wish("one-too-many"))
    assert kitchen.orders.refused_busy == 1
    await kitchen.commit()
    assert kitchen.orders.place(wish("one-too-many"))
    kitchen.store.close()


async def test_a_stop_begins_nothing_any_more(kitchen: Kitchen) -> None:
    kitchen.orders.place(wish())
    kitchen.orders.close()
    await kitchen.commit()
    assert kitchen.driven == []
    with pytest.raises(TooManyOrders):
        kitchen.orders.place(wish("order-02"))
    kitchen.store.close()


async def test_what_an_output_says_of_itself_is_only_stored_when_something_hangs_on_it(
    kitchen: Kitchen,
) -> None:
    steps = kitchen.judging.steps
    for _ in range(5):
        kitchen.read_back(value=False)
    assert kitchen.judging.steps == steps
    kitchen.read_back(value=True)
    kitchen.read_back(value=True)
    assert kitchen.judging.outputs()["fan"].amiss is not None
    kitchen.orders.driven = lambda actuator: False
    kitchen.read_back(value=False)
    assert kitchen.judging.outputs()["fan"].amiss is not None, "it is on its way out"
    kitchen.store.close()
