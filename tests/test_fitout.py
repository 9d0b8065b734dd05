"""The fit-out: what stands in both configurations is the same object before and after."""

import asyncio
from pathlib import Path

import pytest

from gateway.config import schema
from gateway.config.load import load
from gateway.fitout import FitOut
from gateway.hub import Hub
from gateway.points import points_of
from gateway.reading import Quality
from gateway.reloading import Busy, Outcome, Reloading
from tests.fakes import ManualClock
from tests.store_files import until

KITCHEN = """
site: {label: Fit, zone: UTC}
buses:
  i2c: {kind: i2c, path: /dev/i2c-1}
  pins: {kind: gpio, chip: pinctrl-bcm2711}
devices:
  cold: {driver: sht3x, bus: i2c, address: 0x44, every: 1s}
  warm: {driver: sht3x, bus: i2c, address: 0x45, every: 1s}
  door: {driver: contact, bus: pins, pin: 17}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}
emulation: {seed: 1, places: {cold: cold_room, door: cold_room_door}}
"""


class Kitchen:
    """One fit-out that is given one configuration after another."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "config.yaml"
        self.clock = ManualClock()
        self.hub = Hub(self.clock.now())
        nothing = schema.nothing(folder, schema.Web())
        self.fitout = FitOut(nothing, self.hub, self.clock, None)

    def config(self, text: str) -> schema.Config:
        self._file.write_text(text)
        config = load(self._file).config
        assert config is not None
        return config

    def fit(self, text: str) -> None:
        config = self.config(text)
        self.fitout.fit(config, {point.id: point for point in points_of(config)})
        self.fitout.equipment.listen()


@pytest.fixture
def kitchen(tmp_path: Path) -> Kitchen:
    return Kitchen(tmp_path)


def standing(kitchen: Kitchen) -> dict[str, object]:
    equipment = kitchen.fitout.equipment
    drivers = {sampled.state.id: sampled for sampled in equipment.sampled}
    return {**equipment.states, **{f"{name} driver": it for name, it in drivers.items()},
            **{f"{name} output": it.driver for name, it in equipment.actuators.items()},
            **{f"{name} bus": it for name, it in equipment.buses.items()}}  # fmt: skip


def same(before: dict[str, object], after: dict[str, object]) -> set[str]:
    return {name for name, it in before.items() if after.get(name) is it}


async def test_only_what_differs_is_built_anew(kitchen: Kitchen) -> None:
    kitchen.fit(KITCHEN)
    before = standing(kitchen)
    kitchen.fit(KITCHEN.replace("0x45, every: 1s", "0x45, every: 2s"))
    after = standing(kitchen)
    assert before.keys() == after.keys()
    assert before.keys() - same(before, after) == {"warm", "warm driver"}
    kitchen.fitout.equipment.close()


async def test_a_new_contract_or_label_does_not_let_go_of_an_output(kitchen: Kitchen) -> None:
    kitchen.fit(KITCHEN)
    before = standing(kitchen)
    kitchen.fit(
        KITCHEN.replace("max_on: 0s", "max_on: 5min, deadline: 1s").replace(
            "pin: 24", "pin: 24\n    label: x"
        )
    )
    assert before.keys() == same(before, standing(kitchen))
    assert kitchen.fitout.effects.actuators["siren"].deadline_s == 1.0
    kitchen.fitout.equipment.close()


async def test_a_pin_that_is_given_back_can_be_used_by_another(kitchen: Kitchen) -> None:
    kitchen.fit(KITCHEN)
    await until(lambda: "door/open" in kitchen.hub.latest)
    swapped = (
        KITCHEN.replace("pin: 17", "pin: 9")
        .replace("pin: 24", "pin: 17")
        .replace("pin: 9", "pin: 24")
    )
    kitchen.fit(swapped)
    assert not kitchen.fitout.equipment.unbuilt
    assert kitchen.fitout.troubles() == []
    await until(lambda: kitchen.hub.latest["door/open"].quality is Quality.GOOD)
    kitchen.fitout.equipment.close()


async def test_what_is_gone_is_no_longer_shown_and_its_chip_no_longer_answers(
    kitchen: Kitchen,
) -> None:
    kitchen.fit(KITCHEN)
    await until(lambda: "door/open" in kitchen.hub.latest)
    lines = [line for line in KITCHEN.splitlines() if not line.startswith(("  door:", "  warm:"))]
    kitchen.fit("\n".join(lines).replace(", door: cold_room_door", ""))
    assert "door/open" not in kitchen.hub.latest
    assert kitchen.fitout.emulated is not None
    assert kitchen.fitout.emulated.chips.keys() == {"cold", "siren"}
    kitchen.fitout.equipment.close()


async def test_another_world_is_built_from_the_beginning(kitchen: Kitchen) -> None:
    kitchen.fit(KITCHEN)
    before = standing(kitchen)
    kitchen.fit(KITCHEN.replace("seed: 1", "seed: 2"))
    assert same(before, standing(kitchen)) == set()
    kitchen.fitout.equipment.close()


async def test_a_thing_where_its_chip_feels_nothing_is_lost_and_says_where_to_put_it(
    kitchen: Kitchen,
) -> None:
    kitchen.fit(KITCHEN.replace(", door: cold_room_door", ""))
    await until(lambda: "door/open" in kitchen.hub.latest)
    assert kitchen.hub.latest["door/open"].value is None
    assert "emulation.places" in kitchen.fitout.troubles()[0]
    kitchen.fit(KITCHEN)
    assert kitchen.fitout.troubles() == []
    kitchen.fitout.equipment.close()


async def test_what_a_failed_fit_has_left_is_made_whole_by_the_one_before(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.fit(KITCHEN)
    before = standing(kitchen)

    def broken(*_: object) -> None:
        raise LookupError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.equipment.Builder._actuator", broken)
        with pytest.raises(LookupError):
            kitchen.fit(KITCHEN.replace("pin: 24", "pin: 25").replace("every: 1s", "every: 2s"))
    kitchen.fit(KITCHEN)
    after = standing(kitchen)
    assert after.keys() == before.keys()
    assert {"i2c bus", "pins bus", "door"} <= same(before, after)
    kitchen.fitout.equipment.close()


async def test_reloads_take_their_turn_and_too_many_are_refused() -> None:
    running = asyncio.Event()
    order: list[str] = []

    async def reload(by: str) -> Outcome:
        order.append(by)
        await running.wait()
        return Outcome(result="applied")

    reloading = Reloading(reload)
    task = asyncio.create_task(reloading.run())
    asked = [asyncio.create_task(reloading.ask("0"))]
    await until(lambda: order == ["0"])
    asked += [asyncio.create_task(reloading.ask(str(number))) for number in range(1, 9)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await reloading.ask("one too many")
    running.set()
    assert [(await each).result for each in asked] == ["applied"] * 9
    assert order[:9] == [str(number) for number in range(9)]
    reloading.close()
    with pytest.raises(Busy, match="stopping"):
        await reloading.ask("late")
    task.cancel()


async def test_one_signal_that_waits_stands_for_all_that_come_meanwhile() -> None:
    order: list[str] = []

    async def reload(by: str) -> Outcome:
        order.append(by)
        return Outcome(result="unchanged")

    reloading = Reloading(reload)
    for _ in range(100):
        reloading.ask_soon("SIGHUP")
    task = asyncio.create_task(reloading.run())
    await until(lambda: bool(order))
    assert order == ["SIGHUP"]
    task.cancel()


async def test_who_waits_for_a_reload_is_told_when_the_gateway_stops() -> None:
    begun: list[str] = []

    async def reload(by: str) -> Outcome:
        begun.append(by)
        await asyncio.Event().wait()
        raise AssertionError(by)

    reloading = Reloading(reload)
    task = asyncio.create_task(reloading.run())
    first, second = (asyncio.create_task(reloading.ask(by)) for by in ("one", "two"))
    await until(lambda: begun == ["one"])
    reloading.close()
    task.cancel()
    with pytest.raises(Busy, match="stopping"):
        await second
    with pytest.raises(Busy, match="broken off"):
        await first
