"""A cold store as two heat stores, its air and its goods, and the vapour in the air.

Walk-in cold room: 2.4 m x 2.4 m x 2.2 m (12.7 m3, 32.6 m2 of wall). What the numbers rest on:

- Walls: 80 mm of PUR at 0.023 W/(m K) (textbook value) = 0.29 W/(m2 K), 9.4 W/K over the area.
- Open doorway, 0.9 m x 2.0 m: the Gosney-Olama exchange flow as given by T. Jekel, "Door
  Infiltration Estimator", IRC 2017, in SI V = 0.221 A sqrt(1 - ro/ri) sqrt(g H) F_m: 0.50 m3/s at
  3 and 26 Cel. Strip curtains hold back 93 % while hanging still (same source; Pham and Oliver
  1983) and less when people pass; 75 % here is an estimate: 0.125 m3/s, 160 W/K.
- Thermostat: cuts in near 4 and out near 2 Cel, short-cycle guard 180 s (a common setting).
- Coil 5.6 K (10 F) colder than the air: the usual design of walk-ins, for about 85 % humidity.
- Estimates: heat stores of air with everything thin in it (90 kJ/K) and of goods (200 kg near
  3.5 kJ/(kg K)), their exchange (160 W/K), 1,300 W of cooling, 100 W of fans, defrost of 15 min
  every 6 h leaving 250 W in the air, and all rates of drying and moistening.

Freezer: 1.8 m x 1.8 m x 2.2 m (7.1 m3, 22.3 m2 of wall), by the same rules:

- Walls: 100 mm of the same PUR, 0.23 W/(m2 K), 5.1 W/K.
- Open doorway, 0.8 m x 1.9 m, at -20 and 26 Cel: 0.55 m3/s; 80 % held back by curtain and a
  self-closing leaf that stands ajar (estimate): 0.11 m3/s of 1.39 kg/m3, 150 W/K.
- Thermostat: cuts in near -20.5 and out near -22.5 Cel, for the -18 Cel of food law.
- Frozen goods: 300 kg at 1.9 kJ/(kg K) (frozen meat, textbook value).
- Estimates: 70 kJ/K of air and thin things, 900 W of cooling, defrost of 15 min every 8 h.

Each seed draws its own room around these.
"""

import random
from dataclasses import dataclass

from drivers.emulated.places.air import HEAT, frosty, relative, saturated
from drivers.emulated.places.day import MINUTE_S

_SHORT_CYCLE_S = 180
_COIL_COLDER_K = 5.6
_COIL_RATE = 1 / 110  # share of the excess vapour frozen out each second
_GOODS_RATE = 1 / 2400  # share of the missing vapour given off by the goods each second
_AIR_CHANGES_HOUR = 0.5  # through the seals with the door shut; estimate


@dataclass(frozen=True, slots=True)
class Build:
    """What differs from one room to the next; W, K, J, kg and seconds."""

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
    defrost_every_s: int
    defrost_s: int
    defrost_w: float
    air_kg: float
    frozen: bool  # what touches the goods and the coil is ice


class ColdRoom:
    """Air, goods and vapour of one room with its thermostat; stepped by whole seconds."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.air = build.cut_out + 0.8
        self.cooling = False
        self.ran_s = 0  # of the compressor, in all
        self.starts = 0
        self._goods = build.cut_out + 0.9
        self._saturated = frosty if build.frozen else saturated
        self._vapour = 0.8 * self._saturated(self.air)
        self._rest_s = 0
        self._capacity = 1.0
        self._heat_w = 0.0
        self._goods_vapour = self._coil_vapour = 0.0
        self._seal_kg_s = build.air_kg * _AIR_CHANGES_HOUR / 3600

    @property
    def capacity(self) -> float:
        """The share of its cooling the compressor has left."""
        return self._capacity

    @property
    def humidity(self) -> float:
        """Relative humidity in %, over water."""
        return relative(self._vapour, self.air)

    def begin_minute(self, second: int, *, capacity: float, powered: bool) -> None:
        """Refresh what changes slowly: defrost, supply, the fault, saturation."""
        build = self.build
        since_defrost = second - build.first_defrost_s
        defrosting = since_defrost >= 0 and since_defrost % build.defrost_every_s < build.defrost_s
        self._heat_w = build.fans + (build.defrost_w if defrosting else 0.0)
        if not powered:
            self._heat_w = 0.0
        if defrosting or not powered:
            self.cooling, self._rest_s = False, MINUTE_S + 1
        self._capacity = capacity
        self._vapour = min(self._vapour, self._saturated(self.air))
        self._goods_vapour = self._saturated(self._goods)
        self._coil_vapour = self._saturated(self.air - _COIL_COLDER_K)

    def integrate(self, seconds: int, *, door_open: bool, outside: float, vapour: float) -> None:
        """Heat and vapour balance over seconds in which nothing outside changes (Euler, 1 s).

        `outside` is the air before the door in Cel, with `vapour` g/kg in it.
        """
        build = self.build
        through_door = build.doorway if door_open else 0.0
        into = build.walls + through_door
        gain_w = self._heat_w + into * outside
        loss = into + build.exchange
        cooling_w = build.cooling * self._capacity
        fresh = (through_door / HEAT + self._seal_kg_s) / build.air_kg
        moist = fresh * vapour + _GOODS_RATE * self._goods_vapour
        drier = fresh + _GOODS_RATE
        frozen = _COIL_RATE * self._capacity
        air, goods, inside = self.air, self._goods, self._vapour
        cooling, rest_s, ran_s = self.cooling, self._rest_s, self.ran_s
        for _ in range(seconds):
            if cooling:
                if air <= build.cut_out:
                    cooling, rest_s = False, _SHORT_CYCLE_S
            elif rest_s > 0:
                rest_s -= 1
            elif air >= build.cut_in:
                cooling = True
                self.starts += 1
            heat = gain_w + build.exchange * goods - loss * air
            change = moist - drier * inside
            if cooling:
                ran_s += 1
                heat -= cooling_w
                change -= frozen * max(0.0, inside - self._coil_vapour)
            goods += build.exchange * (air - goods) / build.goods
            air += heat / build.air
            inside += change
        self.air, self._goods, self._vapour = air, goods, inside
        self.cooling, self._rest_s, self.ran_s = cooling, rest_s, ran_s


def draw_cold_room(draw: random.Random) -> Build:
    """One walk-in cold room; the networks were trained on these, so the draws keep their order."""
    return Build(
        air=90e3 * draw.uniform(0.8, 1.25),
        goods=700e3 * draw.uniform(0.6, 1.4),
        exchange=160.0 * draw.uniform(0.85, 1.15),
        walls=9.4 * draw.uniform(0.9, 1.2),
        doorway=160.0 * draw.uniform(0.9, 1.1),
        fans=100.0 * draw.uniform(0.8, 1.2),
        cooling=1300.0 * draw.uniform(0.9, 1.15),
        cut_in=draw.uniform(3.6, 4.1),
        cut_out=draw.uniform(1.8, 2.4),
        first_defrost_s=MINUTE_S * draw.randrange(60, 360),
        defrost_every_s=6 * 3600,
        defrost_s=15 * MINUTE_S,
        defrost_w=250.0,
        air_kg=16.0,  # 12.7 m3 at 1.27 kg/m3
        frozen=False,
    )


def draw_freezer(draw: random.Random) -> Build:
    """One walk-in freezer."""
    return Build(
        air=70e3 * draw.uniform(0.85, 1.2),
        goods=570e3 * draw.uniform(0.7, 1.3),
        exchange=160.0 * draw.uniform(0.9, 1.1),
        walls=5.1 * draw.uniform(0.9, 1.2),
        doorway=150.0 * draw.uniform(0.9, 1.1),
        fans=80.0 * draw.uniform(0.8, 1.2),
        cooling=900.0 * draw.uniform(0.95, 1.15),
        cut_in=draw.uniform(-20.8, -20.2),
        cut_out=draw.uniform(-22.8, -22.2),
        first_defrost_s=MINUTE_S * draw.randrange(60, 480),
        defrost_every_s=8 * 3600,
        defrost_s=15 * MINUTE_S,
        defrost_w=250.0,
        air_kg=9.9,  # 7.1 m3 at 1.39 kg/m3
        frozen=True,
    )
