"""Every scenario raises exactly what the truth of the emulated kitchen demands; `normal` nothing.

The shipped configuration, from the bytes of each chip to the judge. In between what must and what
may stand (`demanded_alarms.py`) is the error of the sensors and the delay of the readings.
"""

from pathlib import Path

import pytest

from drivers.emulated.world import SCENARIOS
from tests.demanded_alarms import changes, demanded
from tests.emulated_day import DAY_S, STEP_S, EmulatedDay, kitchen_of
from tests.processes import REPOSITORY

SHIPPED = REPOSITORY / "config.yaml"
ALL_SEEDS = range(20)
QUICK_SEEDS = (3, 14)
QUICK_SLOWER = 6  # devices are read so many times as rarely, to live more days in the same time

# What each incident is about, whatever the seed.
DEMANDED: dict[str, set[str]] = {
    "normal": set(),
    "door-left-open": {"walk_in_door_open", "walk_in_warm"},
    "compressor-failing": {"walk_in_warm", "walk_in_runs_on"},
    "sensor-unplugged": {"walk_in_silent"},
    "bus-lockup": {"walk_in_silent", "gas_silent"},
    "mains-lost": {"mains_lost", "hot_cupboard_cold"},
    "gas-leak": {"gas_leak", "gas_detector_calls"},
}


def test_every_scenario_has_something_to_demand() -> None:
    assert set(DEMANDED) == set(SCENARIOS)


async def _judged_as_demanded(folder: Path, scenario: str, seed: int, slower: int) -> None:
    config = kitchen_of(SHIPPED, seed, slower)
    bounds = demanded(config, scenario, DAY_S, STEP_S)
    day = EmulatedDay(config, scenario, folder / "data")
    try:
        await day.live()
    finally:
        day.close()
    assert bounds.demanded >= DEMANDED[scenario]
    if scenario == "normal":
        assert not any(day.alarms), changes(day.alarms, STEP_S)
    told = changes(day.alarms, STEP_S)
    for step, alarms in enumerate(day.alarms):
        missing, invented = bounds.must[step] - alarms, alarms - bounds.may[step]
        story = f"{scenario}, seed {seed}, second {step * STEP_S}: {told}"
        assert not missing, f"missing {sorted(missing)} in {story}"
        assert not invented, f"invented {sorted(invented)} in {story}"


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", QUICK_SEEDS)
async def test_a_day_raises_what_its_truth_demands(
    tmp_path: Path, scenario: str, seed: int
) -> None:
    await _judged_as_demanded(tmp_path, scenario, seed, QUICK_SLOWER)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", ALL_SEEDS)
async def test_a_day_at_the_configured_pace_raises_what_its_truth_demands(
    tmp_path: Path, scenario: str, seed: int
) -> None:
    await _judged_as_demanded(tmp_path, scenario, seed, 1)
