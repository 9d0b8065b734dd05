"""Recorded kitchens to replay: real ones where they are at hand, else one we make ourselves.

`KG_SHARED` names a folder with `data/` in it; without it the folder `shared` beside the
repository is looked for. Nothing of it is ever needed to run the product.
"""

import csv
import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drivers.emulated.world import World
from tests.processes import REPOSITORY


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One recording and how a `replay` device reads it."""

    name: str
    path: Path
    columns: Mapping[str, tuple[str, str]]  # metric -> column, unit
    time: str  # the YAML of `time:` or `period:`


def _data() -> Path:
    named = os.environ.get("KG_SHARED")
    return (Path(named) if named else REPOSITORY.parent / "shared") / "data"


def occupancy() -> Recorded | None:
    """Temperature, light, sound, CO2 and motion of a room; every half minute, with gaps."""
    columns = {f"temperature_{n}": (f"S{n}_Temp", "Cel") for n in range(1, 5)}
    columns |= {f"light_{n}": (f"S{n}_Light", "lx") for n in range(1, 5)}
    columns |= {f"sound_{n}": (f"S{n}_Sound", "V") for n in range(1, 5)}
    columns |= {
        "co2": ("S5_CO2", "[ppm]"),
        "motion_1": ("S6_PIR", "1"),
        "motion_2": ("S7_PIR", "1"),
    }
    time = 'time: {columns: [Date, Time], format: "%Y/%m/%d %H:%M:%S"}'
    return _known("env/room_occupancy_30s.csv.gz", "occupancy", columns, time)


def smoke() -> Recorded | None:
    """Temperature, humidity and gas of a fire scene, once a second."""
    columns = {
        "temperature": ("Temperature[C]", "Cel"),
        "humidity": ("Humidity[%]", "%"),
        "eco2": ("eCO2[ppm]", "[ppm]"),
        "fire": ("Fire Alarm", "1"),
    }
    return _known("safety/smoke_fire_alarm_1hz.csv.gz", "smoke", columns, "period: 1s")


def pump() -> Recorded | None:
    """A water pump whose valves are closed and whose rotor is out of balance, in 25 recordings."""
    columns = {
        "acceleration_1": ("Accelerometer1RMS", "[g]"),
        "acceleration_2": ("Accelerometer2RMS", "[g]"),
        "current": ("Current", "A"),
        "pressure": ("Pressure", "bar"),
        "temperature_engine": ("Temperature", "Cel"),
        "temperature_water": ("Thermocouple", "Cel"),
        "voltage": ("Voltage", "V"),
        "flow": ("Volume Flow RateRMS", "L/min"),
        "anomaly": ("anomaly", "1"),
    }
    time = "time: {columns: [datetime]}\n    group: file"
    return _known("machine/skab_pump_valve_faults_1s.csv.gz", "pump", columns, time)


def _known(
    name: str, label: str, columns: Mapping[str, tuple[str, str]], time: str
) -> Recorded | None:
    path = _data() / name
    if not path.exists():
        return None
    return Recorded(name=label, path=path, columns=columns, time=time)


def stand_in(folder: Path) -> Recorded:
    """Three hours of the emulated cold room once a second, with a gap of ten minutes."""
    world = World(seed=5, scenario="door-left-open")
    path = folder / "stand_in.csv.gz"
    with gzip.open(path, "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Temperature", "Humidity", "Door"])
        for second in range(3 * 3600):
            world.advance(second * 1000)
            silent = 3600 <= second < 4200
            temperature = "" if silent else f"{world.feel('cold_room', 'temperature'):.2f}"
            humidity = f"{world.feel('cold_room', 'humidity'):.1f}"
            rows.writerow([temperature, humidity, int(world.feel("cold_room_door", "open"))])
    columns = {
        "temperature": ("Temperature", "Cel"),
        "humidity": ("Humidity", "%"),
        "door": ("Door", "1"),
    }
    return Recorded(name="stand_in", path=path, columns=columns, time="period: 1s")


def cells(recorded: Recorded) -> dict[tuple[str, int], float | None]:
    """What the cloud must hold: the value of each metric and row, None for a gap."""
    wanted: dict[tuple[str, int], float | None] = {}
    opened = gzip.open if recorded.path.suffix == ".gz" else open
    with opened(recorded.path, "rt", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            for metric, (column, _) in recorded.columns.items():
                text = row[column].strip()
                wanted[metric, number] = None if text in ("", "NaN", "nan") else float(text)
    return wanted
