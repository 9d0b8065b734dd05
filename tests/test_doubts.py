"""What of a configuration may not come about though nothing in it is wrong, as people are told."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.check import check
from gateway.config import holidays
from gateway.config.analysis import findings
from gateway.config.load import Loaded, load, load_text
from gateway.told import doubts
from gateway.web.configuration_shapes import DoubtView
from tests.fakes import ManualClock
from tests.wall_clock import utc

CONFIG = """
site: {label: Tromso, zone: Europe/Oslo, latitude: 69.65, longitude: 18.96, country: NO}
buses: {pins: {kind: gpio, chip: pinctrl-bcm2711}}
actuators:
  lamp:
    {driver: relay, bus: pins, pin: 24,
      fail_safe: {safe: off, on_sensor_loss: hold, max_on: 24h}}
rules:
  evening: {priority: low, when: [{schedule: sunset}],
    then: [{command: lamp, value: on, expires: 1h}]}
  closing: {priority: low, when: [{schedule: {at: "22:00", on: workdays}}],
    then: [{command: lamp, value: off, expires: 1h}]}
"""


def without_holidays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """The configuration as it is while nobody can look its holidays up."""

    def failing(_: str) -> holidays.Found:
        raise holidays.LookupFailed("no answer within 60 s")

    monkeypatch.setattr(holidays, "look_up", failing)
    return load_text(CONFIG.encode(), folder / "config.yaml", proven=True)


def test_a_schedule_by_a_sun_that_does_not_set_is_named_on_that_day(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace(", on: workdays", ""))
    loaded = load(file)
    assert loaded.config is not None, loaded.problems
    rules = loaded.config.rules
    assert doubts(loaded.doubts, rules, utc("2014-04-01T12:00")) == []
    assert doubts(loaded.doubts, rules, utc("2014-06-21T12:00")) == [
        DoubtView("polar", "evening", "polar day: no sunset")
    ]


def test_holidays_that_cannot_be_looked_up_in_a_file_that_is_in_use_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = without_holidays(tmp_path, monkeypatch)
    assert loaded.config is not None, loaded.problems
    told = doubts(loaded.doubts, loaded.config.rules, utc("2014-04-01T12:00"))
    assert told == [
        DoubtView("holidays", "", "the holidays of NO cannot be looked up: no answer within 60 s")
    ]


def test_check_warns_of_both_where_they_stand_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = without_holidays(tmp_path, monkeypatch)
    found = findings(loaded, utc("2014-06-21T12:00"))
    assert [(it.line, it.path, it.level, it.message) for it in found] == [
        (
            2,
            "site.country",
            "warning",
            "the holidays of NO cannot be looked up: no answer within 60 s",
        ),
        (9, "rules.evening.when", "warning", "polar day: no sunset"),
    ]
    assert findings(loaded, utc("2014-04-01T12:00")) == found[:1]
    assert findings(loaded) == []


def test_the_command_looks_at_today_and_fails_only_when_strict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace(", on: workdays", ""))
    today = ManualClock(wall_ms=utc("2014-06-21T12:00"))
    monkeypatch.setattr("gateway.cli.check.SystemClock", lambda: today)
    result = CliRunner().invoke(check, ["--config", str(file)])
    (warning, outcome) = result.output.splitlines()
    assert result.exit_code == 0
    assert warning == (
        f"{file}:9:28: warning: rules.evening.when: polar day: no sunset; "
        "nothing is due on such days: add a time of the clock"
    )
    assert outcome.endswith("; 1 warning")
    assert CliRunner().invoke(check, ["--config", str(file), "--strict"]).exit_code == 2
    told = CliRunner().invoke(check, ["--config", str(file), "--json"])
    (finding,) = json.loads(told.output)["findings"]
    assert (finding["level"], finding["path"]) == ("warning", "rules.evening.when")
