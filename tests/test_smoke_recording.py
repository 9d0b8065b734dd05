"""A recorded fire through the smoke preset: told of at the first crossing, silent before it."""

import csv
import gzip
from pathlib import Path

from tests.conftest import Left
from tests.pack_kitchen import SECOND, Kitchen, kitchen
from tests.recordings import smoke

# Above all of the clean part (462) and below what the fire makes (993); the maker gives no figure.
SMOKE_ABOVE = 500.0


def test_the_recorded_fire_is_cut_off_at_its_first_crossing(tmp_path: Path, left_out: Left) -> None:
    recorded = smoke()
    if recorded is None:
        left_out("the smoke recording is not at hand: no recorded fire was judged")
        return
    with gzip.open(recorded.path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    levels = [float(row["eCO2[ppm]"]) for row in rows]
    burning = [row["Fire Alarm"] == "1" for row in rows]
    crossed = next(second for second, level in enumerate(levels) if level > SMOKE_ABOVE)
    assert burning[crossed], "the clean part stays below it"

    made = Kitchen(
        kitchen(
            tmp_path,
            "smoke@1",
            given=["air", "fuel", "hood", "siren", "state"],
            use=f"smoke_above: {SMOKE_ABOVE:g}",
            more="rules: {cook: {kind: limit, point: p/air, raise_above: -1, on_bad: hold, "
            "priority: low, then: [{command: fuel, value: on}, {command: hood, value: on}]}}",
        )
    )
    outputs = ("fuel", "hood", "siren")
    for second, level in enumerate(levels):
        made.see({"air": level})
        cut_off = [made.on(each) for each in outputs] == [False, False, True]
        assert made.raised("smoke") is cut_off is (second >= crossed), second
        if second == crossed:
            break
        made.pass_time(SECOND)
    for level in levels[crossed + 1 :]:
        made.pass_time(SECOND)
        made.see({"air": level})
        assert not made.on("fuel")
        assert not made.on("hood")


def test_the_relay_of_a_detector_counts_from_its_first_reading(
    tmp_path: Path, left_out: Left
) -> None:
    recorded = smoke()
    if recorded is None:
        left_out("the smoke recording is not at hand: no recorded fire was judged")
        return
    with gzip.open(recorded.path, "rt", newline="") as file:
        burning = [row["Fire Alarm"] == "1" for row in csv.DictReader(file)]
    made = Kitchen(kitchen(tmp_path, "smoke@1", given=["detector", "fuel", "siren", "state"]))
    for now in burning[: burning.index(True) + 1]:
        made.pass_time(SECOND)
        made.see({"detector": now})
        assert made.raised("detected") is made.on("siren") is now
