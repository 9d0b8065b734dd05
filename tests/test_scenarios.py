"""Every scenario raises exactly what the truth of the emulated kitchen demands; `normal` nothing.

The shipped configuration, from the bytes of each chip to the judge. In between what must and what
may stand (`demanded_alarms.py`) is the error of the sensors and the delay of the readings.
"""

from pathlib import Path

import pytest

from drivers.emulated.world import SCENARIOS
from tests.demanded_alarms import changes, demanded
from tests.emulated_day import DAY_S, EmulatedDay, kitchen_of
from tests.processes import REPOSITORY

SHIPPED = REPOSITORY / "config.yaml"
ALL_SEEDS = range(20)
STEP_S = 5
# To live more days in the same time, devices are read so many times as rarely.
QUICK_SEED, QUICK_SLOWER, QUICK_STEP_S = 14, 6, 15

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


async def _judged_as_demanded(
    folder: Path, scenario: str, seed: int, *, slower: int, step_s: int
) -> None:
    config = kitchen_of(SHIPPED, seed, slower)
    bounds = demanded(config, scenario, DAY_S, step_s)
    day = EmulatedDay(config, scenario, folder / "data")
    try:
        await day.live(step_s)
    finally:
        day.close()
    assert bounds.demanded >= DEMANDED[scenario]
    if scenario == "normal":
        assert not any(day.alarms), changes(day.alarms, step_s)
    told = changes(day.alarms, step_s)
    for step, alarms in enumerate(day.alarms):
        missing, invented = bounds.must[step] - alarms, alarms - bounds.may[step]
        story = f"{scenario}, seed {seed}, second {step * step_s}: {told}"
        assert not missing, f"missing {sorted(missing)} in {story}"
        assert not invented, f"invented {sorted(invented)} in {story}"


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_day_raises_what_its_truth_demands(tmp_path: Path, scenario: str) -> None:
    pace = {"slower": QUICK_SLOWER, "step_s": QUICK_STEP_S}
    await _judged_as_demanded(tmp_path, scenario, QUICK_SEED, **pace)


@pytest.mark.long
@pytest.mark.timeout(2_400)
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", ALL_SEEDS)
async def test_a_day_at_the_configured_pace_raises_what_its_truth_demands(
    tmp_path: Path, scenario: str, seed: int
) -> None:
    await _judged_as_demanded(tmp_path, scenario, seed, slower=1, step_s=STEP_S)
