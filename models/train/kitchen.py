"""Days of the emulated cold room as minutes: what the network learns from and is judged on."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.emulated.world import World

Floats = NDArray[np.float64]

DAY_MIN = 1440
_SAMPLE_S = 5
_CHIP_NOISE_K = 0.06  # of one reading; near the repeatability of an SHT3x
_CHIP_OFFSET_K = 0.15  # from chip to chip

# Held quantity from a minute on; None gives it back.
Event = tuple[int, str, str, float | bool | None]


@dataclass(frozen=True)
class Day:
    """One kitchen's minutes: mean temperature, share of the door open, hour of the day."""

    temperature: Floats
    door_open: Floats
    hour: Floats


def record_day(seed: int, kind: str, minutes: int = DAY_MIN) -> Day:
    """Let one kitchen live; kind is "normal", "door", "fault" or a scenario of the world."""
    draw = random.Random(f"{seed}/{kind}/plan")
    start_hour = draw.uniform(0.0, 24.0)
    plan = {"door": _door_incidents, "fault": _faults}.get(kind, _nothing)(draw, minutes)
    world = World(seed, kind if kind not in {"door", "fault"} else "normal", start_hour)
    noise = np.random.default_rng(seed)
    offset = noise.normal(0.0, _CHIP_OFFSET_K)
    temperature, door = [], []
    for minute in range(minutes):
        world.advance(60_000 * minute)
        for at, place, quantity, value in plan:
            if at == minute:
                world.set(place, quantity, value)
        felt, opened = _one_minute(world, minute)
        temperature.append(felt)
        door.append(opened)
    means = np.array(temperature) + offset
    means += noise.normal(0.0, _CHIP_NOISE_K / np.sqrt(60 / _SAMPLE_S), minutes)
    hour = (start_hour + np.arange(1, minutes + 1) / 60.0) % 24.0
    return Day(means, np.array(door), hour)


def record_days(seeds: Sequence[int], kind: str, minutes: int = DAY_MIN) -> list[Day]:
    return [record_day(seed, kind, minutes) for seed in seeds]


def _one_minute(world: World, minute: int) -> tuple[float, float]:
    temperature, opened, count = 0.0, 0, 60 // _SAMPLE_S
    for sample in range(count):
        world.advance(60_000 * minute + 1000 * _SAMPLE_S * (sample + 1))
        temperature += world.feel("cold_room", "temperature")
        opened += bool(world.feel("cold_room_door", "open"))
    return temperature / count, opened / count


def _nothing(_draw: random.Random, _minutes: int) -> list[Event]:
    return []


def _door_incidents(draw: random.Random, minutes: int) -> list[Event]:
    """Somebody leaves the door open for 3 to 45 minutes, about six times a day."""
    events: list[Event] = []
    at = draw.randrange(20, 240)
    while at < minutes:
        open_min = round(3.0 * 15.0 ** draw.random())
        events.append((at, "cold_room_door", "open", True))
        events.append((at + open_min, "cold_room_door", "open", None))
        at += open_min + draw.randrange(60, 330)
    return events


def _faults(draw: random.Random, minutes: int) -> list[Event]:
    """The cooling fades in up to 3 hours, often to nothing, and is mended 1 to 6 hours later."""
    events: list[Event] = []
    at = draw.randrange(60, 420)
    while at < minutes:
        left = max(0.0, draw.uniform(-0.5, 0.7))
        fade_min = draw.choice((1, 30, 90, 180))
        for minute in range(0, fade_min, 5):
            capacity = 1.0 - (1.0 - left) * (minute + 5) / (fade_min + 5)
            events.append((at + minute, "cold_room_compressor", "capacity", capacity))
        events.append((at + fade_min, "cold_room_compressor", "capacity", left))
        at += fade_min + draw.randrange(60, 360)
        events.append((at, "cold_room_compressor", "capacity", None))
        at += draw.randrange(240, 600)
    return events
