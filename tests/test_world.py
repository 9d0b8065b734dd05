"""The emulated kitchen: the same by seed, believable, and different when something is wrong."""

import hashlib
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.emulated.world import PLACES, SCENARIOS, World, busyness

_DAY_S = 86_400
_START_MS = 5_000_123  # kitchen time rarely starts at 0

_POSSIBLE = {
    ("kitchen", "temperature"): (15.0, 33.0),
    ("kitchen", "humidity"): (25.0, 85.0),
    ("kitchen", "pressure"): (970.0, 1050.0),
    ("kitchen", "co2"): (400.0, 1_500.0),
    ("cold_room_compressor", "capacity"): (0.0, 1.0),
    ("cold_room_compressor", "power"): (0.0, 1_000.0),
    ("cold_room_compressor", "current"): (0.0, 6.0),
    ("cold_room_compressor", "power_factor"): (0.0, 1.0),
    ("freezer", "temperature"): (-24.0, 0.0),
    ("freezer", "humidity"): (30.0, 100.0),
    ("freezer_compressor", "energy"): (0.0, 25_000.0),
    ("oven", "temperature"): (15.0, 240.0),
    ("oven", "voltage"): (0.4, 2.0),
    ("hot_cupboard", "temperature"): (20.0, 75.0),
    ("dining_room", "temperature"): (5.0, 32.0),
    ("dining_room", "humidity"): (20.0, 100.0),
    ("dining_room", "co2"): (400.0, 6_000.0),
    ("dining_room", "people"): (0.0, 26.0),
    ("gas_detector", "level"): (0.0, 100.0),
    ("gas_detector", "voltage"): (0.4, 2.0),
    ("mains", "voltage"): (0.0, 233.0),
    ("mains", "frequency"): (0.0, 60.2),
}

# SHA-256 of what the cold room of a seed went through in a day, every 7 s, to a thousandth.
_LEARNED = {
    (0, "normal"): "1b89c225d1050a425909d3f080dc07481e551eb9c5541e6cf5a82eb25004d4f0",
    (7, "door-left-open"): "c7b0c09134321cc6fd0afbe45f1e86317c6812cc3497c734d27a80fe03fe76b5",
    (19, "compressor-failing"): "3c803f50b03b8c7e22fc43ecb8ad76471ed899673dfc2c59a031ef45c20364f4",
}


def _feel_all(world: World) -> list[float | bool]:
    return [world.feel(place, each) for place, all_of in PLACES.items() for each in all_of]


def _temperatures(world: World, seconds: int, every_s: int = 10) -> list[float]:
    seen = []
    for second in range(0, seconds, every_s):
        world.advance(_START_MS + 1000 * second)
        seen.append(float(world.feel("cold_room", "temperature")))
    return seen


def _longest_above(temperatures: list[float], limit: float, every_s: int = 10) -> int:
    longest = running = 0
    for temperature in temperatures:
        running = running + every_s if temperature > limit else 0
        longest = max(longest, running)
    return longest


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**64),
    scenario=st.sampled_from(sorted(SCENARIOS)),
    steps=st.lists(st.integers(0, 400_000), max_size=40),
)
def test_the_same_seed_is_the_same_kitchen_however_it_was_asked(
    seed: int, scenario: str, steps: list[int]
) -> None:
    often, once = World(seed, scenario), World(seed, scenario)
    now = _START_MS
    often.advance(now)
    once.advance(now)
    for step in steps:
        now += step
        often.advance(now)
        _feel_all(often)
    once.advance(now)
    assert _feel_all(often) == _feel_all(once)


@pytest.mark.parametrize(("seed", "scenario"), list(_LEARNED))
def test_the_cold_room_is_the_one_the_networks_have_learned_from(seed: int, scenario: str) -> None:
    world, digest = World(seed, scenario), hashlib.sha256()
    for second in range(0, _DAY_S, 7):
        world.advance(_START_MS + 1000 * second)
        digest.update(_cold_room(world).encode())
    assert digest.hexdigest() == _LEARNED[seed, scenario]


def _cold_room(world: World) -> str:
    kitchen, door = world.feel("kitchen", "temperature"), world.feel("cold_room_door", "open")
    air, humidity = world.feel("cold_room", "temperature"), world.feel("cold_room", "humidity")
    return f"{air:.3f} {humidity:.3f} {door} {kitchen:.3f};"


def test_another_seed_is_another_kitchen() -> None:
    assert _temperatures(World(1), 7200) != _temperatures(World(2), 7200)


def test_time_that_steps_back_changes_nothing() -> None:
    world = World(3)
    world.advance(_START_MS)
    world.advance(_START_MS + 600_000)
    before = _feel_all(world)
    world.advance(_START_MS + 1000)
    assert _feel_all(world) == before


def test_an_ordinary_day_is_cold_in_every_kitchen() -> None:
    for seed in range(20):
        day = _temperatures(World(seed), _DAY_S)
        seen = sorted(day)
        assert seen[0] > 1.5
        assert 2.5 < seen[len(seen) // 2] < 4.0
        assert seen[len(seen) * 9 // 10] < 4.8, f"seed {seed}"
        assert _longest_above(day, 8.0) <= 600, f"seed {seed}"


def test_every_value_is_possible_all_day_in_every_scenario() -> None:
    for scenario in SCENARIOS:
        world = World(7, scenario)
        for minute in range(0, 1440, 3):
            world.advance(_START_MS + 60_000 * minute)
            assert 0.0 < world.feel("cold_room", "temperature") < 35.0
            assert 40.0 < world.feel("cold_room", "humidity") <= 100.0
            for (place, quantity), (low, high) in _POSSIBLE.items():
                value = world.feel(place, quantity)
                assert low <= value <= high, f"{scenario} {minute} {place}/{quantity}: {value}"


def test_the_compressor_cycles_and_does_not_run_all_day() -> None:
    world = World(4)
    running = []
    for second in range(0, _DAY_S, 10):
        world.advance(_START_MS + 1000 * second)
        running.append(bool(world.feel("cold_room_compressor", "running")))
    starts = sum(now and not before for before, now in itertools.pairwise(running))
    assert 48 < starts < 240
    assert 0.15 < sum(running) / len(running) < 0.6


def test_the_door_opens_more_often_in_the_rush_than_at_night() -> None:
    assert busyness(12.5) > 10 * busyness(3.0)
    openings = {}
    for start_hour in (11.5, 2.0):
        total = 0
        for seed in range(5):
            world = World(seed, start_hour=start_hour)
            before = False
            for second in range(0, 2 * 3600, 2):
                world.advance(_START_MS + 1000 * second)
                now = bool(world.feel("cold_room_door", "open"))
                total += now and not before
                before = now
        openings[start_hour] = total
    assert openings[11.5] > 5 * openings[2.0]
    assert 20 < openings[11.5] / 5 < 60


def test_a_door_left_open_warms_the_room_past_the_limit_and_heals() -> None:
    for seed in range(5):
        world = World(seed, "door-left-open")
        seen = _temperatures(world, 2 * 3600)
        assert max(seen[: 60 // 10]) < 5.0
        assert seen[8 * 6] > 6.0, "warm within minutes, so that a demonstration shows it"
        assert _longest_above(seen, 8.0) > 600
        assert max(seen[-180:]) < 8.0


def test_the_door_stands_open_from_one_minute_after_the_start() -> None:
    world = World(0, "door-left-open", start_hour=3.0)
    world.advance(_START_MS)
    assert world.feel("cold_room_door", "open") is False
    for second in (60, 600, 1559):
        world.advance(_START_MS + 1000 * second)
        assert world.feel("cold_room_door", "open") is True


def test_a_failing_compressor_lets_the_room_warm_for_good() -> None:
    for seed in range(5):
        seen = _temperatures(World(seed, "compressor-failing"), 8 * 3600)
        assert max(seen[:60]) < 6.0
        assert min(seen[-360:]) > 8.0


def test_moist_air_comes_in_with_an_open_door() -> None:
    world = World(2, start_hour=3.0)
    world.advance(_START_MS)
    world.advance(_START_MS + 600_000)
    before = world.feel("cold_room", "humidity")
    world.set("cold_room_door", "open", value=True)
    world.advance(_START_MS + 720_000)
    assert world.feel("cold_room", "humidity") > before + 3.0


def test_a_held_door_acts_on_the_room_until_it_is_returned() -> None:
    held, free = World(5, start_hour=3.0), World(5, start_hour=3.0)
    for world in (held, free):
        world.advance(_START_MS)
    held.set("cold_room_door", "open", value=True)
    for world in (held, free):
        world.advance(_START_MS + 900_000)
    assert held.feel("cold_room_door", "open") is True
    assert held.feel("cold_room", "temperature") > free.feel("cold_room", "temperature") + 3.0
    held.set("cold_room_door", "open", None)
    for world in (held, free):
        world.advance(_START_MS + 5 * 3_600_000)
        assert world.feel("cold_room", "temperature") < 8.0
    assert held.feel("cold_room_door", "open") == free.feel("cold_room_door", "open")


def test_a_held_capacity_of_nothing_stops_the_cooling() -> None:
    world = World(6)
    world.advance(_START_MS)
    world.set("cold_room_compressor", "capacity", 0.0)
    assert min(_temperatures(world, 6 * 3600)[-60:]) > 6.0


def test_a_held_temperature_is_felt_and_the_physics_goes_on_beneath() -> None:
    held, free = World(8), World(8)
    for world in (held, free):
        world.advance(_START_MS)
    held.set("cold_room", "temperature", 12.5)
    for world in (held, free):
        world.advance(_START_MS + 600_000)
    assert held.feel("cold_room", "temperature") == 12.5
    held.set("cold_room", "temperature", None)
    assert _feel_all(held) == _feel_all(free)


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'nromal'.*normal, door-left-open, compressor-failing"):
        World(1, "nromal")


@pytest.mark.parametrize(("place", "quantity"), [("attic", "temperature"), ("kitchen", "open")])
def test_an_unknown_place_or_quantity_names_the_known_ones(place: str, quantity: str) -> None:
    world = World(1)
    with pytest.raises(ValueError, match="known: cold_room/temperature"):
        world.feel(place, quantity)
    with pytest.raises(ValueError, match="known: cold_room/temperature"):
        world.set(place, quantity, 1.0)


@pytest.mark.parametrize(
    ("place", "quantity", "value"),
    [
        ("cold_room_door", "open", 1.0),
        ("cold_room", "temperature", True),
        ("cold_room", "temperature", math.nan),
        ("cold_room", "temperature", math.inf),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    place: str, quantity: str, value: float | bool
) -> None:
    world = World(1)
    before = world.feel(place, quantity)
    with pytest.raises(ValueError, match="takes"):
        world.set(place, quantity, value)
    assert world.feel(place, quantity) == before
