"""The physics of the places: balances that can be checked by hand, and who acts on whom."""

import math
from random import Random

import pytest

from drivers.emulated.places.compressor import Compressor
from drivers.emulated.places.dining_room import DiningRoom
from drivers.emulated.places.gas import Gas
from drivers.emulated.places.mains import Mains
from drivers.emulated.places.mixing import Mixed
from drivers.emulated.world import World

_HOUR_S = 3600
_MINUTES = range(1, 24 * 60)


def _at(world: World, hour: float) -> World:
    """The world so many hours after its start at 11:00."""
    world.advance(0)
    world.advance(round(1000 * _HOUR_S * hour))
    return world


def test_what_is_mixed_goes_a_part_of_e_of_its_way_in_a_time_constant() -> None:
    mixed = Mixed(400.0)
    mixed.begin(0, towards=1400.0, tau_s=900.0)
    assert mixed.at(0) == 400.0
    assert mixed.at(900) == pytest.approx(1400.0 - 1000.0 / math.e)
    mixed.begin(900, towards=400.0, tau_s=900.0)
    assert mixed.at(900) == pytest.approx(1400.0 - 1000.0 / math.e)


def test_the_air_of_the_dining_room_is_the_balance_of_its_people() -> None:
    room = DiningRoom(Random(1))
    for minute in range(600):
        room.begin_minute(60 * minute, 12.0 if minute < 60 else 23.0, 1.0, powered=True)
        if minute == 59:
            assert room.people > 10
            assert room.co2(60 * minute) > 800.0
    assert room.people == 0
    assert room.co2(60 * 599) == pytest.approx(420.0, abs=1.0)


def test_without_mains_nobody_is_seated_and_the_air_is_used_up() -> None:
    with_mains, without = World(3), World(3)
    _at(without, 1.5)
    without.set("mains", "present", value=False)
    without.advance(1000 * 2 * _HOUR_S)
    _at(with_mains, 2.0)
    used_up = float(without.feel("dining_room", "co2"))
    assert used_up > float(with_mains.feel("dining_room", "co2")) + 500.0


@pytest.mark.parametrize("seed", range(5))
def test_a_leak_rises_to_the_balance_of_leak_and_exchange(seed: int) -> None:
    draw = Random(seed)
    exchange_m3s, leak_m3s = draw.uniform(0.040, 0.060), draw.uniform(4.0, 6.0) / 3600
    gas = Gas(Random(seed))
    for minute in range(120):
        gas.begin_minute(60 * minute, 0.0, leaking=True)
    balance = 100.0 * leak_m3s / exchange_m3s / 0.05  # % of the lower explosive limit
    assert gas.level(7200) == pytest.approx(min(100.0, balance), rel=0.001)
    assert gas.relay_open()
    assert gas.voltage(7200) == pytest.approx(0.4 + 1.6 * gas.level(7200) / 100.0)


def test_a_running_compressor_draws_what_volts_and_amperes_say() -> None:
    world = World(4)
    world.advance(0)
    seen = set()
    for minute in range(180):
        world.advance(60_000 * minute)
        load = {each: float(world.feel("cold_room_compressor", each)) for each in
                ("voltage", "current", "power", "power_factor")}  # fmt: skip
        assert load["power"] == pytest.approx(
            load["voltage"] * load["current"] * load["power_factor"]
        )
        seen.add(bool(world.feel("cold_room_compressor", "running")))
    assert seen == {True, False}


def test_energy_is_the_sum_of_power_over_time() -> None:
    world = _at(World(5), 0.0)
    watt_seconds = 0.0
    for second in range(1, 3 * _HOUR_S):
        world.advance(1000 * second)
        watt_seconds += float(world.feel("freezer_compressor", "power"))
    energy = float(world.feel("freezer_compressor", "energy"))
    assert energy == pytest.approx(watt_seconds / 3600, rel=0.01)
    assert energy > 100.0


def _worn(starts_every_min: int) -> Compressor:
    """A compressor that ran half of 1,000 hours, with a start now and then."""
    compressor = Compressor(600.0, 0.0)
    for minute in range(1, 60_000):
        compressor.begin_minute(
            60 * minute,
            30 * minute,
            minute // starts_every_min,
            capacity=1.0,
            ambient=25.0,
            powered=True,
        )
    return compressor


def test_wear_makes_running_dearer_and_short_cycling_wears_most() -> None:
    calm, short = _worn(30), _worn(5)
    assert 0.005 < calm.wear < 0.01  # 10 % after 10,000 hours
    assert short.wear > 3 * calm.wear
    assert short.power(running=True) > calm.power(running=True) > 600.0


def test_without_mains_all_that_heats_cools_and_blows_stands_still() -> None:
    world = _at(World(6, "mains-lost"), 2.0)
    for place in ("cold_room_compressor", "freezer_compressor"):
        assert world.feel(place, "running") is False
        for quantity in ("voltage", "current", "power", "frequency"):
            assert world.feel(place, quantity) == 0.0
    assert world.feel("mains", "open") is True
    assert world.feel("hot_cupboard", "temperature") < 55.0
    assert world.feel("freezer", "temperature") > -20.0
    _at(world, 12.0)
    assert world.feel("mains", "open") is False
    assert world.feel("hot_cupboard", "temperature") > 65.0
    assert world.feel("freezer", "temperature") < -18.0


def test_the_oven_preheats_for_both_services_and_is_cold_at_night() -> None:
    world = World(7)
    hot = {}
    for hour in (1.0, 2.0, 8.0, 16.0):  # 12:00, 13:00, 19:00, 3:00
        hot[hour] = float(_at(world, hour).feel("oven", "temperature"))
        volts = float(world.feel("oven", "voltage"))
        assert volts == pytest.approx(0.4 + 1.6 * hot[hour] / 300.0)
    assert min(hot[1.0], hot[2.0], hot[8.0]) > 150.0
    assert hot[16.0] < 100.0


def test_the_mains_stay_within_what_the_law_allows() -> None:
    mains = Mains(Random(8))
    for minute in _MINUTES:
        mains.begin_minute(present=True, busy=minute % 2)
        assert 207.0 <= mains.voltage <= 233.0
        assert 59.8 <= mains.frequency <= 60.2
