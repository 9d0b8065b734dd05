"""The physics of the emulated kitchen: the truth that the emulated chips measure.

Deterministic by seed, without a clock: `advance` is told the time and integrates in steps of one
second, so the same seed has the same kitchen at the same second however it was asked. Noise of
measurement belongs to the chips. One caller at a time; nothing here is locked.

Cold room: a walk-in of 2.4 m x 2.4 m x 2.2 m (12.7 m3, 32.6 m2 of wall) as two heat stores, its
air and its goods, and the vapour in the air. What the numbers rest on:

- Walls: 80 mm of PUR at 0.023 W/(m K) (textbook value) = 0.29 W/(m2 K), 9.4 W/K over the area.
- Open doorway, 0.9 m x 2.0 m: the Gosney-Olama exchange flow as given by T. Jekel, "Door
  Infiltration Estimator", IRC 2017, in SI V = 0.221 A sqrt(1 - ro/ri) sqrt(g H) F_m: 0.50 m3/s at
  3 and 26 Cel. Strip curtains hold back 93 % while hanging still (same source; Pham and Oliver
  1983) and less when people pass; 75 % here is an estimate: 0.125 m3/s, 160 W/K.
- Thermostat: cuts in near 4 and out near 2 Cel, short-cycle guard 180 s (a common setting).
- Coil 5.6 K (10 F) colder than the air: the usual design of walk-ins, for about 85 % humidity.
- Vapour pressure: Magnus, 6.112 hPa exp(17.62 t / (243.12 + t)) (WMO No. 8).
- Estimates: heat stores of air with everything thin in it (90 kJ/K) and of goods (200 kg near
  3.5 kJ/(kg K)), their exchange (160 W/K), 1,300 W of cooling, 100 W of fans, defrost of 15 min
  every 6 h leaving 250 W in the air, the day of the kitchen, how often and how long the door opens,
  and all rates of drying and moistening. Each seed draws its own room around these.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

SCENARIOS: Mapping[str, str] = {
    "normal": "an ordinary day",
    "door-left-open": "one minute after the start the cold room stays open for 25 minutes",
    "compressor-failing": "from one minute after the start the cooling fades to nothing in 2 hours",
}

PLACES: Mapping[str, Mapping[str, str]] = {
    "cold_room": {"temperature": "Cel", "humidity": "%"},
    "cold_room_door": {"open": "bool"},
    "cold_room_compressor": {"running": "bool", "capacity": "1"},
    "kitchen": {"temperature": "Cel", "humidity": "%"},
}

_MINUTE = 60
_INCIDENT_S = 60
_LEFT_OPEN_S = 25 * _MINUTE
_FADE_S = 2 * 3600
_SHORT_CYCLE_S = 180
_DEFROST_EVERY_S = 6 * 3600
_DEFROST_S = 15 * _MINUTE
_DEFROST_W = 250.0
_COIL_COLDER_K = 5.6
_AIR_KG = 16.0  # 12.7 m3 at 1.27 kg/m3
_AIR_HEAT = 1006.0  # J/(kg K)
_SEAL_KG_S = _AIR_KG * 0.5 / 3600  # half an air change an hour with the door shut; estimate
_COIL_RATE = 1 / 110  # share of the excess vapour frozen out each second
_GOODS_RATE = 1 / 2400  # share of the missing vapour given off by the goods each second
_HPA = 1013.25

# Hour of the day -> how busy the kitchen is, 0 to 1; straight lines between.
_DAY = (
    (0.0, 0.05), (5.0, 0.0), (8.0, 0.25), (11.0, 0.6), (12.5, 1.0), (14.5, 0.4),
    (17.0, 0.6), (19.0, 1.0), (21.0, 0.7), (23.0, 0.1), (24.0, 0.05),
)  # fmt: skip
_OPENINGS_QUIET = 0.4  # an hour
_OPENINGS_RUSH = 18.0
_OPEN_MEDIAN_S = 11.0
_OPEN_MOST_S = 90
_DELIVERY_HOURS = (8.0, 10.5)
_DELIVERY_SHARE = 0.12  # of the openings in those hours
_DELIVERY_S = (60, 180)


@dataclass(frozen=True, slots=True)
class _Room:
    """What differs from one cold room to the next; W, K and J."""

    air: float
    goods: float
    exchange: float
    walls: float
    doorway: float
    fans: float
    cooling: float
    cut_in: float
    cut_out: float
    first_defrost_s: int
    ambient: float
    rush_warmth: float


class World:
    """One kitchen; `start_hour` is the hour of the day at the first `advance`."""

    def __init__(self, seed: int, scenario: str = "normal", start_hour: float = 11.0) -> None:
        """Raise ValueError for a scenario that is not in SCENARIOS."""
        if scenario not in SCENARIOS:
            raise ValueError(f"unknown scenario {scenario!r}; known: {', '.join(SCENARIOS)}")
        self._scenario = scenario
        self._start_hour = start_hour
        self._start_ms: int | None = None
        self._second = 0
        self._set: dict[tuple[str, str], float | bool] = {}
        self._door_random = _stream(seed, "door")
        self._weather = _stream(seed, "weather")
        self._room = _draw_room(_stream(seed, "room"))
        self._open_at = self._close_at = 0
        self._draw_opening()
        self._drift = 0.0
        self._kitchen, self._kitchen_vapour = self._room.ambient, 9.0
        self._air = self._room.cut_out + 0.8
        self._goods = self._room.cut_out + 0.9
        self._vapour = 0.8 * _saturated(self._air)
        self._cooling = False
        self._rest_s = 0
        self._capacity = 1.0
        self._heat_w = 0.0
        self._goods_vapour = self._coil_vapour = 0.0

    def places(self) -> Mapping[str, Mapping[str, str]]:
        """Each place with its quantities and their UCUM units, "bool" where it is a state."""
        return PLACES

    def advance(self, now_ms: int) -> None:
        """Let the kitchen live until `now_ms` of kitchen time; the past is left as it was."""
        if self._start_ms is None:
            self._start_ms = now_ms
        due = (now_ms - self._start_ms) // 1000
        while self._second < due:
            if self._second % _MINUTE == 0:
                self._begin_minute()
            minute_end = self._second - self._second % _MINUTE + _MINUTE
            stop = min(due, minute_end, self._door_changes_at())
            self._integrate(stop - self._second, door_open=self._door_open())
            self._second = stop

    def feel(self, place: str, quantity: str) -> float | bool:
        """The true value now; ValueError for a place or quantity that is not there."""
        _check_known(place, quantity)
        if (place, quantity) in self._set:
            return self._set[place, quantity]
        value: float | bool
        match place, quantity:
            case "cold_room", "temperature":
                value = self._air
            case "cold_room", "humidity":
                value = _relative(self._vapour, self._air)
            case "cold_room_door", _:
                value = self._door_open()
            case "cold_room_compressor", "running":
                value = self._cooling
            case "cold_room_compressor", _:
                value = self._capacity
            case _, "temperature":
                value = self._kitchen
            case _:
                value = _relative(self._kitchen_vapour, self._kitchen)
        return value

    def set(self, place: str, quantity: str, value: float | bool | None) -> None:
        """Hold a quantity at `value` from now on; None returns it to the physics.

        A held door acts on the room at once, a held compressor capacity (0 to 1) from the next
        whole minute; any other held value is only what is felt, while the physics goes on beneath
        it. A ValueError names what is wrong.
        """
        _check_known(place, quantity)
        if value is None:
            self._set.pop((place, quantity), None)
            return
        is_state = PLACES[place][quantity] == "bool"
        if isinstance(value, bool) != is_state or not math.isfinite(value):
            wanted = "true or false" if is_state else "a finite number"
            raise ValueError(f"{place}/{quantity} takes {wanted}, not {value!r}")
        self._set[place, quantity] = value

    def _hour(self, second: int) -> float:
        return (self._start_hour + second / 3600) % 24

    def _door_open(self) -> bool:
        held = self._set.get(("cold_room_door", "open"))
        if held is not None:
            return bool(held)
        since_incident = self._second - _INCIDENT_S
        if self._scenario == "door-left-open" and 0 <= since_incident < _LEFT_OPEN_S:
            return True
        self._skip_past_openings()
        return self._open_at <= self._second

    def _door_changes_at(self) -> int:
        self._skip_past_openings()
        return self._close_at if self._open_at <= self._second else self._open_at

    def _skip_past_openings(self) -> None:
        while self._close_at <= self._second:
            self._draw_opening()

    def _draw_opening(self) -> None:
        """Next opening of a Poisson process that follows the day, by thinning."""
        draw = self._door_random
        most = _OPENINGS_QUIET + _OPENINGS_RUSH
        second = float(self._close_at)
        while True:
            second += draw.expovariate(most / 3600)
            hour = self._hour(int(second))
            if draw.random() * most < _OPENINGS_QUIET + _OPENINGS_RUSH * busyness(hour):
                break
        low, high = _DELIVERY_HOURS
        if low <= hour < high and draw.random() < _DELIVERY_SHARE:
            open_s = draw.randint(*_DELIVERY_S)
        else:
            open_s = min(_OPEN_MOST_S, 2 + int(draw.lognormvariate(math.log(_OPEN_MEDIAN_S), 0.7)))
        self._open_at = int(second) + 1
        self._close_at = self._open_at + open_s

    def _begin_minute(self) -> None:
        """Refresh what changes slowly: the kitchen, the defrost, the fault, saturation."""
        busy = busyness(self._hour(self._second))
        self._drift += self._weather.gauss(0.0, 0.1) - self._drift / 30
        room = self._room
        self._kitchen = room.ambient + room.rush_warmth * busy + self._drift
        self._kitchen_vapour = 7.5 + 4.5 * busy + 0.5 * self._drift
        since_defrost = self._second - room.first_defrost_s
        defrosting = since_defrost >= 0 and since_defrost % _DEFROST_EVERY_S < _DEFROST_S
        self._heat_w = room.fans + (_DEFROST_W if defrosting else 0.0)
        if defrosting:
            self._cooling, self._rest_s = False, _MINUTE + 1
        self._capacity = self._capacity_now()
        self._vapour = min(self._vapour, _saturated(self._air))
        self._goods_vapour = _saturated(self._goods)
        self._coil_vapour = _saturated(self._air - _COIL_COLDER_K)

    def _capacity_now(self) -> float:
        held = self._set.get(("cold_room_compressor", "capacity"))
        if held is not None:
            return min(1.0, max(0.0, float(held)))
        if self._scenario == "compressor-failing":
            return min(1.0, max(0.0, 1.0 - (self._second - _INCIDENT_S) / _FADE_S))
        return 1.0

    def _integrate(self, seconds: int, *, door_open: bool) -> None:
        """Heat and vapour balance over seconds in which nothing outside changes (Euler, 1 s)."""
        room = self._room
        through_door = room.doorway if door_open else 0.0
        outside = room.walls + through_door
        gain_w = self._heat_w + outside * self._kitchen
        loss = outside + room.exchange
        cooling_w = room.cooling * self._capacity
        fresh = (through_door / _AIR_HEAT + _SEAL_KG_S) / _AIR_KG
        moist = fresh * self._kitchen_vapour + _GOODS_RATE * self._goods_vapour
        drier = fresh + _GOODS_RATE
        frozen = _COIL_RATE * self._capacity
        air, goods, vapour = self._air, self._goods, self._vapour
        cooling, rest_s = self._cooling, self._rest_s
        for _ in range(seconds):
            if cooling:
                if air <= room.cut_out:
                    cooling, rest_s = False, _SHORT_CYCLE_S
            elif rest_s > 0:
                rest_s -= 1
            elif air >= room.cut_in:
                cooling = True
            heat = gain_w + room.exchange * goods - loss * air
            change = moist - drier * vapour
            if cooling:
                heat -= cooling_w
                change -= frozen * max(0.0, vapour - self._coil_vapour)
            goods += room.exchange * (air - goods) / room.goods
            air += heat / room.air
            vapour += change
        self._air, self._goods, self._vapour = air, goods, vapour
        self._cooling, self._rest_s = cooling, rest_s


def busyness(hour: float) -> float:
    """How busy the kitchen is at this hour of the day, 0 to 1."""
    for (left, low), (right, high) in pairwise(_DAY):
        if hour <= right:
            return low + (high - low) * (hour - left) / (right - left)
    return _DAY[-1][1]


def _stream(seed: int, purpose: str) -> random.Random:
    return random.Random(f"{seed}/{purpose}")  # noqa: S311 - a simulation, no secret


def _draw_room(draw: random.Random) -> _Room:
    return _Room(
        air=90e3 * draw.uniform(0.8, 1.25),
        goods=700e3 * draw.uniform(0.6, 1.4),
        exchange=160.0 * draw.uniform(0.85, 1.15),
        walls=9.4 * draw.uniform(0.9, 1.2),
        doorway=160.0 * draw.uniform(0.9, 1.1),
        fans=100.0 * draw.uniform(0.8, 1.2),
        cooling=1300.0 * draw.uniform(0.9, 1.15),
        cut_in=draw.uniform(3.6, 4.1),
        cut_out=draw.uniform(1.8, 2.4),
        first_defrost_s=_MINUTE * draw.randrange(60, 360),
        ambient=draw.uniform(20.0, 23.0),
        rush_warmth=draw.uniform(4.0, 7.0),
    )


def _saturated(celsius: float) -> float:
    """Vapour in saturated air, g/kg (Magnus)."""
    pressure = 6.112 * math.exp(17.62 * celsius / (243.12 + celsius))
    return 621.98 * pressure / (_HPA - pressure)


def _relative(vapour: float, celsius: float) -> float:
    return min(100.0, 100.0 * vapour / _saturated(celsius))


def _check_known(place: str, quantity: str) -> None:
    if quantity not in PLACES.get(place, {}):
        known = ", ".join(f"{name}/{each}" for name, all_of in PLACES.items() for each in all_of)
        raise ValueError(f"nothing to feel at {place}/{quantity}; known: {known}")
