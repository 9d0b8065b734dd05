"""The emulated kitchen as a whole: the truth that the emulated chips measure.

Deterministic by seed, without a clock: `advance` is told the time and integrates in steps of one
second, so the same seed has the same kitchen at the same second however it was asked. Noise of
measurement belongs to the chips. One caller at a time; nothing here is locked. The physics, and
what each number rests on, is in `places/`; this file lets one place act on the other.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial

from drivers.emulated.places.cold_room import ColdRoom, draw_cold_room, draw_freezer
from drivers.emulated.places.compressor import Compressor
from drivers.emulated.places.day import MINUTE_S, busyness, chances
from drivers.emulated.places.dining_room import DiningRoom
from drivers.emulated.places.door import Door, Habits
from drivers.emulated.places.gas import Gas
from drivers.emulated.places.heated_box import draw_hot_cupboard
from drivers.emulated.places.incident import SCENARIOS, Incident
from drivers.emulated.places.kitchen import Kitchen
from drivers.emulated.places.mains import Mains
from drivers.emulated.places.oven import Oven

__all__ = ["PLACES", "SCENARIOS", "World", "busyness"]

_LOAD = {
    "running": "bool", "capacity": "1", "voltage": "V", "current": "A", "power": "W",
    "energy": "W.h", "frequency": "Hz", "power_factor": "1",
}  # fmt: skip

# Place -> what can be felt there, with its UCUM unit; "bool" where it is a state.
PLACES: Mapping[str, Mapping[str, str]] = {
    "cold_room": {"temperature": "Cel", "humidity": "%"},
    "cold_room_door": {"open": "bool"},
    "cold_room_compressor": _LOAD,
    "freezer": {"temperature": "Cel", "humidity": "%"},
    "freezer_door": {"open": "bool"},
    "freezer_compressor": _LOAD,
    "oven": {"temperature": "Cel", "voltage": "V"},
    "hot_cupboard": {"temperature": "Cel"},
    "kitchen": {"temperature": "Cel", "humidity": "%", "pressure": "hPa", "co2": "[ppm]"},
    "dining_room": {
        "temperature": "Cel", "humidity": "%", "pressure": "hPa", "co2": "[ppm]", "people": "1",
    },
    # `open` is the contact of a relay that is held closed while all is well.
    "gas_detector": {"voltage": "V", "level": "%", "open": "bool"},
    "mains": {"present": "bool", "voltage": "V", "frequency": "Hz", "open": "bool"},
}  # fmt: skip

_COLD_ROOM_DOOR = Habits(quiet=0.4, rush=18.0)
_FREEZER_DOOR = Habits(quiet=0.1, rush=4.0, median_s=9.0, most_s=60, delivery_s=(40, 120))


class World:
    """One kitchen; `start_hour` is the hour of the day at the first `advance`."""

    def __init__(self, seed: int, scenario: str = "normal", start_hour: float = 11.0) -> None:
        """Raise ValueError for a scenario that is not in SCENARIOS."""
        self._incident = Incident(scenario)
        self._start_hour = start_hour
        self._start_ms: int | None = None
        self._second = 0
        self._set: dict[tuple[str, str], float | bool] = {}
        room = chances(seed, "room")
        self._cold_room = ColdRoom(draw_cold_room(room))
        self._kitchen = Kitchen(
            chances(seed, "weather"),
            chances(seed, "pressure"),
            ambient=room.uniform(20.0, 23.0),
            rush_warmth=room.uniform(4.0, 7.0),
        )
        self._freezer = ColdRoom(draw_freezer(chances(seed, "freezer")))
        self._doors = {
            "cold_room_door": Door(chances(seed, "door"), _COLD_ROOM_DOOR, self._hour),
            "freezer_door": Door(chances(seed, "freezer_door"), _FREEZER_DOOR, self._hour),
        }
        worn = chances(seed, "wear")
        self._compressors = {
            "cold_room_compressor": (
                self._cold_room,
                Compressor(self._cold_room.build.cooling / 2.2, worn.uniform(0.0, 0.15)),
            ),
            "freezer_compressor": (
                self._freezer,
                Compressor(self._freezer.build.cooling / 1.3, worn.uniform(0.0, 0.15)),
            ),
        }
        self._oven = Oven(chances(seed, "oven"), self._kitchen.temperature)
        self._hot_cupboard = draw_hot_cupboard(chances(seed, "hot_cupboard"))
        self._dining_room = DiningRoom(chances(seed, "dining_room"))
        self._gas = Gas(chances(seed, "gas"))
        self._mains = Mains(chances(seed, "mains"))
        self._felt = self._feelings()

    def places(self) -> Mapping[str, Mapping[str, str]]:
        """Each place with its quantities and their UCUM units, "bool" where it is a state."""
        return PLACES

    def advance(self, now_ms: int) -> None:
        """Let the kitchen live until `now_ms` of kitchen time; the past is left as it was."""
        if self._start_ms is None:
            self._start_ms = now_ms
        due = (now_ms - self._start_ms) // 1000
        while self._second < due:
            if self._second % MINUTE_S == 0:
                self._begin_minute()
            minute_end = self._second - self._second % MINUTE_S + MINUTE_S
            changes = [door.changes_at(self._second) for door in self._doors.values()]
            stop = min(due, minute_end, *changes)
            self._integrate(stop - self._second)
            self._second = stop

    def feel(self, place: str, quantity: str) -> float | bool:
        """The true value now; ValueError for a place or quantity that is not there."""
        spot = (place, quantity)
        if spot in self._set:
            return self._set[spot]
        felt = self._felt.get(spot)
        if felt is None:
            raise _unknown(place, quantity)
        return felt()

    def set(self, place: str, quantity: str, value: float | bool | None) -> None:
        """Hold a quantity at `value` from now on; None returns it to the physics.

        A held door acts on its room at once, a held compressor capacity (0 to 1) and the presence
        of the mains from the next whole minute; any other held value is only what is felt, while
        the physics goes on beneath it. A ValueError names what is wrong.
        """
        if (place, quantity) not in self._felt:
            raise _unknown(place, quantity)
        if value is None:
            self._set.pop((place, quantity), None)
            return
        is_state = PLACES[place][quantity] == "bool"
        if isinstance(value, bool) != is_state or not math.isfinite(value):
            wanted = "true or false" if is_state else "a finite number"
            raise ValueError(f"{place}/{quantity} takes {wanted}, not {value!r}")
        self._set[place, quantity] = value

    def unplugged(self) -> frozenset[str]:
        """The places whose sensor has lost its cable: what is mounted there answers no more."""
        return self._incident.unplugs(self._second)

    def lockups(self) -> int:
        """How many times so far a chip has begun to hold SDA of the I2C bus low."""
        return self._incident.lockups(self._second)

    def holds_bus(self) -> bool:
        """Whether it goes on holding SDA however often the bus is initialised anew."""
        return self._incident.holds_bus(self._second)

    def _hour(self, second: int) -> float:
        return (self._start_hour + second / 3600) % 24

    def _door_open(self, place: str) -> bool:
        held = self._set.get((place, "open"))
        if held is not None:
            return bool(held)
        if place == "cold_room_door" and self._incident.leaves_open(self._second):
            return True
        return self._doors[place].is_open(self._second)

    def _begin_minute(self) -> None:
        """Refresh what changes slowly; who acts on others comes first."""
        second, incident = self._second, self._incident
        hour = self._hour(second)
        busy = busyness(hour)
        powered = bool(self._held("mains", "present", incident.mains(second)))
        self._mains.begin_minute(present=powered, busy=busy)
        self._kitchen.begin_minute(second, busy, powered=powered)
        self._gas.begin_minute(second, busy, leaking=incident.leaks(second))
        self._oven.begin_minute(second, hour, powered=powered)
        self._dining_room.begin_minute(second, hour, busy, powered=powered)
        for place, (room, compressor) in self._compressors.items():
            fails = incident.capacity(second) if place == "cold_room_compressor" else 1.0
            capacity = min(1.0, max(0.0, float(self._held(place, "capacity", fails))))
            compressor.begin_minute(
                second,
                room.ran_s,
                room.starts,
                capacity=capacity,
                ambient=self._kitchen.temperature,
                powered=powered,
            )
            room.begin_minute(second, capacity=capacity, powered=powered)

    def _held(self, place: str, quantity: str, otherwise: float | bool) -> float | bool:
        return self._set.get((place, quantity), otherwise)

    def _integrate(self, seconds: int) -> None:
        """Seconds in which no door moves and no minute ends."""
        outside, vapour = self._kitchen.temperature, self._kitchen.vapour
        for place, room in (("cold_room_door", self._cold_room), ("freezer_door", self._freezer)):
            opened = self._door_open(place)
            room.integrate(seconds, door_open=opened, outside=outside, vapour=vapour)
        self._oven.integrate(self._second, seconds, outside=outside)
        powered = self._mains.present
        self._hot_cupboard.integrate(seconds, outside=outside, supplied=powered)

    def _feelings(self) -> Mapping[tuple[str, str], Callable[[], float | bool]]:
        """How each quantity of PLACES is felt."""
        kitchen, dining, gas, mains = self._kitchen, self._dining_room, self._gas, self._mains
        felt: dict[tuple[str, str], Callable[[], float | bool]] = {
            ("oven", "temperature"): lambda: self._oven.temperature,
            ("oven", "voltage"): lambda: self._oven.voltage,
            ("hot_cupboard", "temperature"): lambda: self._hot_cupboard.celsius,
            ("kitchen", "temperature"): lambda: kitchen.temperature,
            ("kitchen", "humidity"): lambda: kitchen.humidity,
            ("kitchen", "pressure"): lambda: kitchen.pressure,
            ("kitchen", "co2"): lambda: kitchen.co2(self._second),
            ("dining_room", "temperature"): lambda: dining.temperature(self._second),
            ("dining_room", "humidity"): lambda: dining.humidity(self._second),
            ("dining_room", "pressure"): lambda: kitchen.pressure,
            ("dining_room", "co2"): lambda: dining.co2(self._second),
            ("dining_room", "people"): lambda: float(dining.people),
            ("gas_detector", "voltage"): lambda: gas.voltage(self._second),
            ("gas_detector", "level"): lambda: gas.level(self._second),
            ("gas_detector", "open"): gas.relay_open,
            ("mains", "present"): lambda: mains.present,
            ("mains", "voltage"): lambda: mains.voltage,
            ("mains", "frequency"): lambda: mains.frequency,
            ("mains", "open"): lambda: not mains.present,
        }
        for place, room in (("cold_room", self._cold_room), ("freezer", self._freezer)):
            felt |= _room_feelings(place, room)
        for place in self._doors:
            felt[place, "open"] = partial(self._door_open, place)
        for place in self._compressors:
            felt |= self._load_feelings(place)
        return felt

    def _load_feelings(self, place: str) -> Mapping[tuple[str, str], Callable[[], float | bool]]:
        room, load = self._compressors[place]
        mains = self._mains
        return {
            (place, "running"): lambda: room.cooling,
            (place, "capacity"): lambda: room.capacity,
            (place, "voltage"): lambda: mains.voltage,
            (place, "current"): lambda: load.current(mains.voltage, running=room.cooling),
            (place, "power"): lambda: load.power(running=room.cooling),
            (place, "energy"): lambda: load.energy(self._second, room.ran_s),
            (place, "frequency"): lambda: mains.frequency,
            (place, "power_factor"): lambda: load.factor(running=room.cooling),
        }


def _room_feelings(
    place: str, room: ColdRoom
) -> Mapping[tuple[str, str], Callable[[], float | bool]]:
    return {
        (place, "temperature"): lambda: room.air,
        (place, "humidity"): lambda: room.humidity,
    }


def _unknown(place: str, quantity: str) -> ValueError:
    known = ", ".join(f"{name}/{each}" for name, all_of in PLACES.items() for each in all_of)
    return ValueError(f"nothing to feel at {place}/{quantity}; known: {known}")
