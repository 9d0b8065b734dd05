"""Each preset in the smallest kitchen that satisfies it, and at its figures."""

from pathlib import Path

import pytest

from gateway.config import describe
from gateway.config.analysis import findings
from tests.pack_kitchen import (
    HOUR,
    MINUTE,
    SECOND,
    Kitchen,
    Readings,
    kitchen,
    limit_sets,
    presets,
    read,
)

# What a preset cannot be without, where it has a choice or a figure of its user's.
LEAST = {
    "gas@1": (["level"], ""),
    "smoke@1": (["air"], "smoke_above: 5"),
    "ventilation@1": (["co2"], ""),
    "intrusion@1": (["door"], ""),
    "oven@1": ([], "overheats_above: 280 °C"),
    "overload@1": ([], "rating: 20 A"),
    "lighting@1": ([], 'on_at: "07:00", hours_on: 15h'),
}


@pytest.mark.parametrize("name", presets())
def test_a_preset_loads_in_the_smallest_kitchen(tmp_path: Path, name: str) -> None:
    given, use = LEAST.get(name, ([], ""))
    loaded = kitchen(tmp_path, name, given=given, use=use)
    assert not describe.problems(loaded.problems)
    assert loaded.config is not None
    assert loaded.config.rules
    assert not findings(loaded), findings(loaded)


@pytest.mark.parametrize("name", presets())
def test_a_preset_loads_with_all_it_can_use(tmp_path: Path, name: str) -> None:
    one = read(name)
    loaded = kitchen(tmp_path, name, given=[*one.needs], use=LEAST.get(name, ([], ""))[1])
    assert not describe.problems(loaded.problems)
    assert loaded.config is not None
    assert {rule.id for rule in loaded.config.rules} == {f"u_{rule}" for rule in one.rules}
    assert not findings(loaded), findings(loaded)


@pytest.mark.parametrize("name", [*presets(), *limit_sets()])
def test_each_figure_has_a_source_and_each_alarm_an_advice(name: str) -> None:
    one = read(name)
    assert one.label
    assert all(figure.source for figure in one.figures.values())
    for rule, tree in one.rules.items():
        assert "label" in tree.entries, rule
    for need in one.needs.values():
        assert set(need.with_) <= set(one.needs)
    for figure in one.figures.values():
        assert figure.as_ is None or figure.as_ in one.figures


@pytest.mark.parametrize("name", limit_sets())
def test_each_figure_of_a_limit_set_is_taken_by_a_preset(name: str) -> None:
    taken = {figure.limit for each in presets() for figure in read(each).figures.values()}
    assert set(read(name).figures) <= taken


# preset, limit set, further keys, rule, what is just not enough, what is, and for how long.
Case = tuple[str, str, str, str, Readings, Readings, int]
T = "temperature"
CASES: list[Case] = [
    ("fridge@1", "kr_restaurant@1", "", "warm", {T: 10.0}, {T: 10.1}, 10 * MINUTE),
    ("fridge@1", "kr_school@1", "", "warm", {T: 5.0}, {T: 5.1}, 10 * MINUTE),
    ("fridge@1", "us_food_code@1", "", "warm", {T: 5.0}, {T: 5.1}, 10 * MINUTE),
    ("fridge@1", "eu@1", "", "warm", {T: 6.0}, {T: 6.1}, 10 * MINUTE),
    ("fridge@1", "", "", "warm", {T: 5.0}, {T: 5.1}, 10 * MINUTE),
    ("fridge@1", "", "", "door_open", {"door": False}, {"door": True}, 4 * MINUTE),
    ("fridge@1", "", "", "silent", {T: 4.0}, {T: None}, MINUTE),
    ("freezer@1", "kr_restaurant@1", "", "warm", {T: -18.0}, {T: -17.9}, 30 * MINUTE),
    ("freezer@1", "eu@1", "", "warm", {T: -18.0}, {T: -17.9}, 30 * MINUTE),
    ("hot_holding@1", "kr_school@1", "", "cold", {T: 60.0}, {T: 59.9}, 15 * MINUTE),
    ("hot_holding@1", "us_food_code@1", "", "cold", {T: 57.3}, {T: 57.2}, 15 * MINUTE),
    ("oven@1", "", "overheats_above: 280 °C", "overheats", {T: 280.0}, {T: 280.1}, 2 * MINUTE),
    ("ventilation@1", "kr_school@1", "", "stale", {"co2": 1500.0}, {"co2": 1501.0}, 20 * MINUTE),
    ("ventilation@1", "", "", "danger", {"co2": 4999.0}, {"co2": 5030.0}, 8 * HOUR),
    ("comfort@1", "", "", "temperature", {T: 24.4}, {T: 24.5}, 30 * MINUTE),
    ("comfort@1", "", "", "temperature", {T: 20.0}, {T: 19.9}, 30 * MINUTE),
    ("comfort@1", "", "", "humidity", {"humidity": 60.0}, {"humidity": 60.1}, 30 * MINUTE),
    ("comfort@1", "", "", "humidity", {"humidity": 20.0}, {"humidity": 19.9}, 30 * MINUTE),
    ("noise@1", "", "", "osha_action", {"level": 84.9}, {"level": 85.1}, 8 * HOUR),
    ("noise@1", "", "", "osha_limit", {"level": 89.9}, {"level": 90.1}, 8 * HOUR),
    ("noise@1", "", "", "niosh_limit", {"level": 84.9}, {"level": 85.1}, 8 * HOUR),
    ("motion_out_of_hours@1", "", "", "silent", {"motion": False}, {"motion": None}, 5 * MINUTE),
    ("gas@1", "", "", "leak", {"level": 20.0}, {"level": 20.1}, 0),
    ("gas@1", "", "", "detector_calls", {"detector": False}, {"detector": True}, 0),
    ("gas@1", "", "", "detector_calls", {"detector": False}, {"detector": None}, 0),
    ("smoke@1", "", "smoke_above: 5", "smoke", {"air": 5.0}, {"air": 5.1}, 0),
    ("smoke@1", "", "smoke_above: 5", "detected", {"detector": False}, {"detector": True}, 0),
    ("fire_heat@1", "", "", "hot", {T: 57.2}, {T: 57.3}, 0),
    ("fire_heat_vote@1", "", "", "hot", {"first": 99.0, "second": 57.2, "third": 20.0},
     {"first": 99.0, "second": 57.3, "third": 20.0}, 0),
    ("fire_heat_vote@1", "", "", "hot", {"first": 99.0, "second": 57.2, "third": None},
     {"first": 99.0, "second": 57.3, "third": None}, 0),
    ("fire_heat_vote@1", "", "", "silent", {"first": 20.0, "second": 20.0, "third": 20.0},
     {"first": 20.0, "second": 20.0, "third": None}, MINUTE),
    ("co@1", "", "", "osha_shift", {"co": 49.9}, {"co": 50.1}, 8 * HOUR),
    ("co@1", "", "", "niosh_shift", {"co": 34.9}, {"co": 35.1}, 8 * HOUR),
    ("co@1", "", "", "ceiling", {"co": 200.0}, {"co": 201.0}, 5 * MINUTE),
    ("water_leak@1", "", "", "leak", {"water": False}, {"water": True}, 10 * SECOND),
    ("mains@1", "", "", "lost", {"off": False}, {"off": True}, 5 * SECOND),
    ("overload@1", "", "rating: 20 A", "overload", {"current": 20.0}, {"current": 20.1}, MINUTE),
    ("overload@1", "", "rating: 20 A", "continuous", {"current": 16.0}, {"current": 16.1},
     3 * HOUR),
]  # fmt: skip


@pytest.mark.parametrize(("name", "limits", "use", "rule", "short", "enough", "for_ms"), CASES)
def test_it_raises_at_its_figure_and_not_just_below(  # noqa: PLR0913 - a row of the table
    tmp_path: Path, name: str, limits: str, use: str, rule: str,
    short: Readings, enough: Readings, for_ms: int,
) -> None:  # fmt: skip
    one = read(name)
    given = [key for key in (*short, *LEAST.get(name, ([],))[0]) if key in one.needs]
    said = ", ".join(each for each in (use, f"limits: {limits}" if limits else "") if each)
    every = MINUTE if for_ms > HOUR else SECOND
    made = Kitchen(kitchen(tmp_path, name, given=given, use=said), every_ms=every)
    made.hold(short, max(for_ms, MINUTE) + 10 * MINUTE)
    assert not made.raised(rule)
    if for_ms <= HOUR and for_ms:
        made.hold(enough, for_ms)
        assert not made.raised(rule), "a moment too early"
    made.hold(enough, for_ms + 2 * MINUTE if for_ms > HOUR else SECOND)
    assert made.raised(rule)


# UL 2034 (2018 edition and before): concentration, no alarm before, alarm no later than.
@pytest.mark.parametrize(
    ("ppm", "after", "within"), [(70.0, 60, 240), (150.0, 10, 50), (400.0, 4, 15)]
)
def test_carbon_monoxide_is_told_of_within_the_times_of_ul_2034(
    tmp_path: Path, ppm: float, after: int, within: int
) -> None:
    made = Kitchen(kitchen(tmp_path, "co@1"))
    rules = ("within_an_hour", "within_minutes", "at_once")
    made.hold({"co": 0.0}, 90 * MINUTE)
    made.hold({"co": ppm}, after * MINUTE)
    assert not any(made.raised(rule) for rule in rules)
    made.hold({"co": ppm}, (within - after) * MINUTE)
    assert any(made.raised(rule) for rule in rules)


def test_thirty_ppm_for_a_month_raise_nothing(tmp_path: Path) -> None:
    made = Kitchen(kitchen(tmp_path, "co@1"), every_ms=MINUTE)
    # Nothing looks further back than 8 h, so what is silent after 16 is silent after 30 days.
    made.hold({"co": 30.0}, 16 * HOUR)
    assert not any(made.raised(rule) for rule in read("co@1").rules)


def test_a_fire_is_known_by_its_rise_and_an_opened_oven_is_none(tmp_path: Path) -> None:
    loaded = kitchen(tmp_path, "fire_heat@1", given=["opened"])
    for opened, k_per_min, expected in (
        (False, 8.2, False),
        (False, 8.6, True),
        (True, 20.0, False),
    ):
        made = Kitchen(loaded, every_ms=SECOND)
        made.hold({"opened": opened, "temperature": 25.0}, 2 * MINUTE)
        for second in range(90):
            made.hold({"temperature": 25.0 + k_per_min * second / 60}, SECOND)
        assert made.raised("rises") is expected, (opened, k_per_min)
        assert not made.raised("hot") or expected


def cooking(condition: str, *actuators: str) -> str:
    """A rule that wants these on as long as nothing more urgent speaks."""
    lines = ", ".join(f"{{command: {each}, value: on}}" for each in actuators)
    return f"rules: {{cook: {{{condition}, priority: low, then: [{lines}]}}}}"


def test_gas_shuts_the_valve_until_somebody_has_reset_it(tmp_path: Path) -> None:
    given = ["level", "valve", "siren", "state"]
    more = cooking("kind: limit, point: p/level, raise_below: 100 %, on_bad: hold", "valve")
    made = Kitchen(kitchen(tmp_path, "gas@1", given=given, more=more))
    made.hold({"level": 0.0}, MINUTE)
    assert made.on("valve")
    made.see({"level": 25.0})
    assert (made.on("valve"), made.on("siren")) == (False, True)
    made.pass_time(SECOND)
    made.see({"level": 0.0})
    assert (made.on("valve"), made.on("siren")) == (False, False)
    assert made.raised("leak")
    made.switch("m_state", "normal")
    assert made.on("valve")


@pytest.mark.parametrize(("level", "lit"), [(15.0, True), (25.0, False)])
def test_nothing_is_switched_where_there_is_gas(tmp_path: Path, level: float, *, lit: bool) -> None:
    lamp = "kind: limit, point: p/level, raise_above: 10 %, on_bad: hold"
    loaded = kitchen(tmp_path, "gas@1", given=["level", "zone"], more=cooking(lamp, "lamp"))
    made = Kitchen(loaded)
    made.see({"level": level})
    made.pass_time(SECOND)
    assert made.on("lamp") is lit


def test_smoke_takes_fuel_and_hood_away_and_they_stay_off(tmp_path: Path) -> None:
    given = ["detector", "fuel", "hood", "siren", "state"]
    more = cooking("kind: stale, point: p/detector", "fuel", "hood")
    made = Kitchen(kitchen(tmp_path, "smoke@1", given=given, more=more))
    made.see({"detector": True})
    assert [made.on(each) for each in ("fuel", "hood", "siren")] == [False, False, True]
    made.see({"detector": False})
    made.pass_time(SECOND)
    assert [made.on(each) for each in ("fuel", "hood", "siren")] == [False, False, False]


@pytest.mark.parametrize(("disarmed_after", "siren"), [(29, False), (31, True)])
def test_who_comes_in_has_half_a_minute_to_disarm(
    tmp_path: Path, disarmed_after: int, *, siren: bool
) -> None:
    made = Kitchen(kitchen(tmp_path, "intrusion@1", given=["door", "window", "siren"]))
    made.see({"door": False, "window": False})
    made.switch("m_mode", "armed")
    made.see({"door": True})
    made.pass_time(SECOND)
    made.see({"door": False})  # who breaks in shuts the door behind him
    made.pass_time((disarmed_after - 1) * SECOND)
    assert made.on("siren") is siren
    made.switch("m_mode", "disarmed")
    assert not made.on("siren")
    made.pass_time(MINUTE)
    assert made.raised("intrusion") is siren


def test_a_window_gives_no_time(tmp_path: Path) -> None:
    made = Kitchen(kitchen(tmp_path, "intrusion@1", given=["door", "window", "siren"]))
    made.see({"door": False, "window": False})
    made.see({"window": True})
    assert not made.on("siren")
    made.see({"window": False})
    made.switch("m_mode", "armed")
    made.see({"window": True})
    assert made.on("siren")


def test_motion_counts_while_the_kitchen_is_closed(tmp_path: Path) -> None:
    made = Kitchen(kitchen(tmp_path, "motion_out_of_hours@1"))
    made.see({"motion": True})
    assert not made.raised("motion")
    made.switch("m_mode", "closed")
    assert made.raised("motion")


@pytest.mark.parametrize(
    ("point", "on", "between", "off"),
    [("co2", 1001.0, 900.0, 799.0), ("voc", 501.0, 450.0, 399.0), ("humidity", 60.1, 57.0, 54.9)],
)
def test_a_fan_runs_until_the_air_is_well_again(
    tmp_path: Path, point: str, on: float, between: float, off: float
) -> None:
    made = Kitchen(kitchen(tmp_path, "ventilation@1", given=["co2", "voc", "humidity", "fan"]))
    for value, runs in ((between, False), (on, True), (between, True), (off, False)):
        made.see({point: value})
        assert made.on("fan") is runs, value


def test_light_follows_motion_out_of_hours(tmp_path: Path) -> None:
    use = 'on_at: "07:00", hours_on: 15h'
    made = Kitchen(kitchen(tmp_path, "lighting@1", given=["motion", "mode"], use=use))
    made.see({"motion": False})
    made.see({"motion": True})
    assert not made.on("light")
    made.see({"motion": False})
    made.switch("m_mode", "closed")
    made.see({"motion": True})
    assert made.on("light")
    made.pass_time(10 * MINUTE)
    assert not made.on("light")


def test_a_fridge_that_warms_is_told_of_before_it_is_warm(tmp_path: Path) -> None:
    loaded = kitchen(tmp_path, "fridge@1", given=["door"], use="limits: kr_restaurant@1")
    for door, expected in ((False, True), (True, False)):
        made = Kitchen(loaded)
        made.hold({"temperature": 4.0, "door": door}, 10 * MINUTE)
        for minute in range(25):
            made.hold({"temperature": 4.0 + 0.2 * minute}, MINUTE)
        assert made.raised("warming_fast") is expected
        assert not made.raised("warm")
