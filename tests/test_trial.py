"""`kitchen-gateway rules test`: edited rules on stored history, and on a recorded file."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from click.testing import CliRunner, Result

from gateway.cli.rules import rules
from gateway.reading import Quality
from tests.processes import REPOSITORY, Daemon
from tests.stored_week import BEGAN, CONFIG, DOOR, HOUR, MINUTE, RULES, TEMPERATURE, Week


@pytest_asyncio.fixture
async def week(tmp_path: Path) -> AsyncIterator[Week]:
    week = Week(tmp_path)
    yield week
    week.close()


def tried(week: Week, *arguments: object) -> Result:
    given = ["test", "--config", str(week.config), "--data", str(week.data), "--from", "0"]
    return CliRunner().invoke(rules, [*given, *map(str, arguments)])


def found(week: Week, *arguments: object) -> dict[str, Any]:
    done = tried(week, "--json", *arguments)
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def edited(week: Week, *changes: tuple[str, str]) -> Path:
    text = RULES
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = week.config.with_name("edited.yaml")
    path.write_text(text)
    return path


async def day_with_doors(week: Week) -> None:
    """A door open for 3, 6 and 20 minutes."""
    for minutes in (3, 6, 20):
        await week.quiet(60)
        await week.door(minutes)
    await week.quiet(60)
    await week.commit()


async def test_what_the_rules_did_is_told_with_the_readings_that_caused_it(week: Week) -> None:
    await day_with_doors(week)
    report = found(week)
    assert report["readings"] == 4 * 60 + 29 + 6
    alarms = [one for one in report["episodes"] if one["what"] == "alarm"]
    began = BEGAN + (60 + 3 + 60) * MINUTE
    assert alarms[0] == {
        "what": "alarm",
        "name": "door_open",
        "value": "medium",
        "start": began + 4 * MINUTE,
        "by": "rule/door_open",
        "began": {"point": DOOR, "value": True, "at": began, "reason": None},
        "end": began + 6 * MINUTE,
        "ended": {"point": DOOR, "value": False, "at": began + 6 * MINUTE, "reason": None},
    }
    assert [one["name"] for one in report["episodes"]] == ["door_open", "buzzer"] * 2


async def test_a_shorter_for_gains_an_alarm_and_moves_the_others(week: Week) -> None:
    await day_with_doors(week)
    report = found(week, "--rules", edited(week, ("for: 4min", "for: 2min")))
    kinds = [(each["kind"], each["moved_s"], each["longer_s"]) for each in report["differences"]]
    assert kinds == [("gained", 0.0, 0.0)] * 2 + [("moved", -120.0, 120.0)] * 4
    gained = report["differences"][0]["after"]
    assert gained["began"]["at"] == BEGAN + 60 * MINUTE
    assert (report["before"]["alarms"], report["after"]["alarms"]) == (2, 3)
    assert (report["before"]["commands"], report["after"]["commands"]) == (2, 3)


async def test_a_longer_for_loses_one_and_moves_one_by_five_minutes(week: Week) -> None:
    await day_with_doors(week)
    report = found(week, "--rules", edited(week, ("for: 4min", "for: 9min")))
    assert [(each["kind"], each["moved_s"]) for each in report["differences"]] == [
        ("lost", 0.0), ("lost", 0.0), ("moved", 300.0), ("moved", 300.0),
    ]  # fmt: skip


async def test_a_week_has_one_alarm_lost_one_gained_and_one_moved(week: Week) -> None:
    lost = warm = moved = 0
    for day in range(7):
        await week.quiet(20 * 60)
        began = week.clock.wall()
        if day == 2:
            lost = began
            await week.door(6)
        if day == 4:
            warm = began + 6 * MINUTE
            await week.quiet(20, temperature=6.5)
        if day == 5:
            moved = began
            await week.door(25)
        await week.quiet(3 * 60)
    await week.fold(and_trim=False)
    changes = (("for: 4min", "for: 9min"), ("8 °C", "7 °C"), ("for: 10min", "for: 3min"))
    report = found(week, "--rules", edited(week, *changes))
    told = [(one["kind"], one["after"] or one["before"]) for one in report["differences"]]
    causes = [(kind, one["began"]) for kind, one in told if one["what"] == "alarm"]
    assert causes == [
        ("lost", {"point": DOOR, "value": True, "at": lost, "reason": None}),
        ("gained", {"point": TEMPERATURE, "value": 7.1, "at": warm, "reason": None}),
        ("moved", {"point": DOOR, "value": True, "at": moved, "reason": None}),
    ]
    assert report["differences"][-1]["moved_s"] == 300.0


async def test_the_same_from_the_months_as_from_the_log(week: Week) -> None:
    await day_with_doors(week)
    await week.quiet(120)
    await week.restart(2 * HOUR)
    await day_with_doors(week)
    rules_file = edited(week, ("for: 4min", "for: 2min"))
    end = week.clock.wall()

    def told() -> list[dict[str, Any]]:
        both = [found(week, "--to", end, "--rules", rules_file), found(week, "--to", end)]
        return [{key: report[key] for key in report if key != "seconds"} for report in both]

    from_log = told()
    await week.fold(and_trim=True)
    assert told() == from_log
    assert len(from_log[0]["differences"]) == 12


async def test_what_the_live_run_did_is_what_a_trial_of_its_rules_tells(week: Week) -> None:
    await day_with_doors(week)
    week.see(TEMPERATURE, 9.0)
    for _ in range(15):
        week.pass_time(MINUTE)
        week.see(TEMPERATURE, 9.0)
    week.judging.acknowledge("warm", "mina", week.clock.now())
    await week.restart(5 * MINUTE)
    week.see(TEMPERATURE, None, Quality.NO_COMMUNICATION)
    week.pass_time(3 * MINUTE)
    await week.quiet(10)
    await week.commit()
    live = await week.told()
    alarms = [one for one in found(week)["episodes"] if one["what"] == "alarm"]
    assert sorted((one["name"], one["start"]) for one in alarms) == sorted(
        (name, at) for name, verb, at in live if verb == "raise"
    )
    assert sorted((one["name"], one["end"]) for one in alarms) == sorted(
        (name, at) for name, verb, at in live if verb == "return"
    )


async def test_the_table_names_each_difference_and_its_cause(week: Week) -> None:
    await day_with_doors(week)
    path = edited(week, ("for: 4min", "for: 9min"))
    said = tried(week, "--rules", path).output
    lost, moved = "2027-01-15 19:07:00", "2027-01-15 20:18:00"
    assert f"lost   alarm door_open        {lost}  for 2min" in said
    assert f"moved  alarm door_open        {moved}  5min later, 5min shorter" in said
    assert "door/open = on at 2027-01-15 20:09:00" in said
    assert said.endswith("4 differences; 0 the same in both\n")


async def test_a_wrong_rule_is_told_with_its_place_and_nothing_is_tried(week: Week) -> None:
    await day_with_doors(week)
    done = tried(week, "--rules", edited(week, ("raise_above: 8 °C", "raise_abov: 8 °C")))
    assert done.exit_code == 2
    assert "edited.yaml:5:5: rules.warm.raise_abov: got the unknown key" in done.output


async def test_a_stretch_without_history_says_so_and_what_there_is(week: Week) -> None:
    await day_with_doors(week)
    done = tried(week, "--from", "2020-01-01", "--to", "2020-01-02")
    assert done.exit_code == 1
    assert "there is no history from 2020-01-01 09:00 to 2020-01-02 09:00; there is some from" in (
        done.output
    )


async def test_an_alarm_that_stands_at_the_beginning_is_known(week: Week) -> None:
    await week.quiet(30)
    week.see(DOOR, value=True)
    await week.quiet(300)
    week.see(DOOR, value=False)
    await week.quiet(10)
    await week.commit()
    start = BEGAN + 2 * HOUR
    report = found(week, "--from", start)
    (alarm,) = report["episodes"]  # the buzzer has fallen silent after its hour
    assert (alarm["name"], alarm["start"]) == ("door_open", BEGAN + 34 * MINUTE)


async def test_points_no_reading_came_of_are_named(week: Week) -> None:
    await week.quiet(70)
    await week.commit()
    said = tried(week).output
    assert "no alarm, and no command" in said
    assert said.endswith("config.yaml: no reading in this time of door/open\n")


async def test_rules_in_force_are_compared_with_the_file_as_it_is_now(week: Week) -> None:
    await day_with_doors(week)
    await week.store.keep_generation(CONFIG.encode(), BEGAN)
    assert found(week)["before"] is None
    week.config.write_text(CONFIG.replace("for: 4min", "for: 9min"))
    report = found(week)
    assert report["before"]["rules"] == "the last ones proven"
    assert [each["kind"] for each in report["differences"]] == ["lost", "lost", "moved", "moved"]


RECORDED = """\
site: {label: Last night, zone: Asia/Seoul}
buses: {files: {kind: recording}}
devices:
  night:
    driver: replay
    bus: files
    file: night.csv
    time: {columns: [when]}
    pace: 10
    columns:
      temperature: {column: "Fridge (C)", unit: Cel}
      door: {column: Door, unit: "1", kind: boolean}
rules:
  too_warm:
    kind: limit
    point: night/temperature
    raise_above: 8 °C
    on_bad: hold
    then: [{alarm: high}]
"""


def test_a_recorded_file_is_tried_as_a_replay_device_reads_it(tmp_path: Path) -> None:
    config, edited = tmp_path / "config.yaml", tmp_path / "edited.yaml"
    config.write_text(RECORDED)
    edited.write_text(RECORDED.replace("8 °C", "9.5 °C"))
    night = tmp_path / "night.csv"
    night.write_text(
        "when,Fridge (C),Door\n2026-03-01 03:00:00,3.4,0\n2026-03-01 03:00:10,9.1,1\n"
        "2026-03-01 03:00:20,,1\n2026-03-01 03:00:30,9.6,1\n2026-03-01 03:00:40,4.0,0\n"
    )
    given = ["test", "--config", str(config), "--recording", str(night), "--rules", str(edited)]
    done = CliRunner().invoke(rules, [*given, "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    (moved,) = report["differences"]
    assert (moved["kind"], moved["moved_s"], moved["longer_s"]) == ("moved", 20.0, -20.0)
    assert moved["after"]["began"] == {
        "point": "night/temperature", "value": 9.6, "at": 1_772_334_030_000, "reason": None,
    }  # fmt: skip


def test_the_gateway_tries_edited_rules_while_it_runs(tmp_path: Path) -> None:
    with Daemon(tmp_path, REPOSITORY / "config.yaml") as daemon:
        token = daemon.create_token("manager")
        path = "/api/v1/rules/test?from=0"

        def tried() -> tuple[int, Any] | None:
            answer = daemon.get(path, token)
            return None if answer[0] in {401, 404} else answer

        status, report = daemon.wait_until(tried)
        assert (status, report["before"], report["after"]["rules"]) == (200, None, "in force")
        hot = "kind: limit, point: kitchen/temperature, raise_above: -30 °C, on_bad: hold"
        text = f"rules: {{hot: {{{hot}, then: [{{alarm: low}}]}}}}"
        status, report = daemon.post("/api/v1/rules/test", token, {"from": 0, "rules": text})
        assert status == 200
        (gained,) = [one for one in report["differences"] if one["kind"] == "gained"]
        assert gained["after"]["began"]["point"] == "kitchen/temperature"
        wrong = text.replace("limit,", "limt,")
        status, problem = daemon.post("/api/v1/rules/test", token, {"from": 0, "rules": wrong})
        assert status == 422
        assert problem["problems"][0]["path"] == "rules.hot.kind"
        # As one file of rules.d: all others stay in force.
        sent = {"from": 0, "rules": text, "file": "hot.yaml"}
        status, report = daemon.post("/api/v1/rules/test", token, sent)
        assert status == 200
        assert {one["kind"] for one in report["differences"]} == {"gained"}
        status, problem = daemon.post("/api/v1/rules/test", token, sent | {"rules": wrong})
        assert (status, problem["problems"][0]["file"]) == (422, "rules.d/hot.yaml")
        assert daemon.post("/api/v1/rules/test", token, sent | {"file": "../x.yaml"})[0] == 400
        assert daemon.health()["status"] == "running"
