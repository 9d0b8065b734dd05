"""Schedules, windows and duty tables as they are written: what they become, and what is said."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway.config import holidays, yaml
from gateway.config.duty import duty
from gateway.config.problem import Report
from gateway.config.schedule import schedule
from gateway.config.schema import Site
from gateway.config.times import Times
from gateway.config.typed import FLAW, Filler, Flaw, Spot
from gateway.config.yaml import Map, Node
from rules.schedule import IfMissed, Schedule
from rules.shift import Duty
from rules.time_window import Window
from tests.processes import REPOSITORY
from tests.test_config import KITCHEN, good, read
from tests.wall_clock import HOUR, MINUTE, utc

GUIDE = (REPOSITORY / "docs" / "schedules.md").read_text()
Made = Schedule | Window | Duty | Flaw
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
SITE = Site(label="Kitchen", zone="Asia/Seoul", latitude=37.5665, longitude=126.978, country="KR")
BARE = Site(label="Kitchen", zone="Asia/Seoul")
NOON = utc("2026-05-01T12:00+09:00")  # a Friday, and Labour Day


def parsed(text: str) -> tuple[Map, Report]:
    report = Report("config.yaml")
    root = yaml.parse(text.encode(), report)
    assert isinstance(root, Map), report.problems
    return root, report


def made_by(times: Times, key: str, node: Node, spot: Spot) -> Made:
    if key == "schedule":
        return schedule(times, node, spot)
    return times.window(node, spot) if key == "between" else duty(times, node, spot)


def read_one(text: str, site: Site = SITE) -> tuple[Made, Report]:
    """The one key of a text: `schedule`, `between` or `duty`."""
    root, report = parsed(text)
    ((key, entry),) = root.entries.items()
    times = Times(Filler(report, Path()), site)
    return made_by(times, key, entry.node, Spot((key,), entry.key)), report


def compiled(written: str, site: Site = SITE) -> Schedule:
    found, report = read_one(f"schedule: {written}", site)
    assert report.problems == []
    assert isinstance(found, Schedule)
    return found


def shown(at: int | None) -> str:
    assert at is not None
    return datetime.fromtimestamp(at / 1000, ZoneInfo("Asia/Seoul")).strftime("%a %m-%d %H:%M")


# The next time each example of the page runs or changes, after noon on 1 May 2026.
NEXT = {
    "hood_off_at_night": "Fri 05-01 23:30",
    "oven_preheat": "Mon 05-04 09:30",  # Tuesday is Children's Day
    "holiday_opening": "Tue 05-05 11:00",
    "sign_lights_on": "Fri 05-01 19:",  # the tables are held against test_sun.py
    "probe_check": "Fri 05-01 15:00",
    "rinse_the_ice_machine": "Mon 06-01 04:00",
    "air_quality_record": "Fri 05-01 12:15",
    "motion_out_of_hours": "Sun 05-03 23:00",
    "outside_light": "Fri 05-01 19:",
}


def test_every_example_of_the_page_runs_when_it_says() -> None:
    root, report = parsed(BLOCKS[0])
    times = Times(Filler(report, Path()), SITE)
    found: dict[str, str] = {}
    for name, entry in root.entries.items():
        assert isinstance(entry.node, Map)
        ((key, one),) = entry.node.entries.items()
        made = made_by(times, key, one.node, Spot((name, key), one.key))
        assert report.problems == []
        assert isinstance(made, (Schedule, Window))
        at = made.next_after(NOON) if isinstance(made, Schedule) else made.next_change(NOON)
        found[name] = shown(at)
    assert found.keys() == NEXT.keys()
    for name, start in NEXT.items():
        assert found[name].startswith(start), name


def test_the_duty_table_of_the_page_names_who_is_there() -> None:
    indented = "".join(f"  {line}\n" for line in BLOCKS[1].splitlines())
    found, report = read_one(f"duty:\n{indented}")
    assert report.problems == []
    assert isinstance(found, Duty)
    assert [one.person for one in found.reached("chef", NOON)] == ["kim"]
    assert [one.person for one in found.reached("chef", NOON + 4 * HOUR)] == ["lee", "kim"]
    assert [one.person for one in found.reached("chef", NOON + 12 * HOUR)] == ["choi"]
    assert found.hand_over_ms == 15 * MINUTE


def test_what_is_left_out_takes_its_default() -> None:
    plain = compiled('"22:00"')
    assert (plain.if_missed, plain.late_within_ms) == (IfMissed.ONCE, HOUR)
    chosen = compiled('{at: "22:00", missed: skip, late_within: 5min}')
    assert (chosen.if_missed, chosen.late_within_ms) == (IfMissed.SKIP, 5 * MINUTE)


def test_the_same_schedule_has_the_same_name_for_itself_in_any_zone() -> None:
    other = Site(label="Kitchen", zone="Europe/Berlin")
    assert compiled('{at: "22:00"}').of == compiled('"22:00"').of == compiled('"22:00"', other).of
    different = ['"22:01"', '{at: "22:00", days: mon-fri}', '{at: "22:00", on: workdays}', "sunset"]
    assert len({compiled(written).of for written in ['"22:00"', *different]}) == 5
    late = '{at: "22:00", missed: skip, late_within: 5min}'
    assert compiled(late).of == compiled('"22:00"').of


def test_own_days_off_count_without_a_country() -> None:
    site = Site(label="Kitchen", zone="Asia/Seoul", holidays=("2026-05-06",))
    assert shown(compiled('{at: "9:00", on: holidays}', site).next_after(NOON)) == "Wed 05-06 09:00"


BROKEN = [
    ("schedule: {}", "schedule:", 'expected either "at" or "cron"', BARE),
    ('schedule: {at: "22:00", cron: "* * * * *"}', "schedule:", "expected either", BARE),
    ("schedule:", "schedule:", 'expected either "at" or "cron"', BARE),
    ('schedule: {at: ▶"24:00"}', "schedule.at:", 'expected a time such as "22:00"', BARE),
    ('schedule: ▶"7 pm"', "schedule:", "expected a time", BARE),
    ("schedule: ▶[a]", "schedule:", "expected keys and values", BARE),
    ("schedule: {at: ▶[]}", "schedule.at:", "got 0 times, expected 1 to 48", BARE),
    ('schedule: {at: ▶["10:00", sunset]}', "schedule.at:", "one rule for each", SITE),
    ("schedule: {at: ▶sunsett}", "schedule.at:", 'did you mean "sunset"?', SITE),
    ("schedule: {at: ▶sunset - 5}", "schedule.at:", 'did you mean "5s"?', SITE),
    ("schedule: {at: ▶sunset - 13h}", "schedule.at:", "at most 12h from sunset", SITE),
    ("schedule: {at: ▶sunset}", "schedule.at:", "site: {latitude: 37.55", BARE),
    ('schedule: {cron: ▶"60 * * * *"}', "schedule.cron:", "with a wrong minute", BARE),
    ('schedule: {cron: ▶"0 0 30 2 *"}', "schedule.cron:", "wrong day-of-month", BARE),
    ('schedule: {cron: ▶"0 0 * 2 mon#5"}', "schedule.cron:", "which never comes",
     Site(label="", zone="UTC")),
    ('schedule: {at: "22:00", days: ▶mon-fry}', "schedule.days:", 'did you mean "fri"?', BARE),
    ('schedule: {at: "22:00", days: ▶{a: b}}', "schedule.days:", "got keys and values", BARE),
    ('schedule: {at: "22:00", on: ▶workday}', "schedule.on:", 'did you mean "workdays"?', BARE),
    ('schedule: {at: "22:00", on: ▶holidays}', "schedule.on:", "site: {country: KR}", BARE),
    ('schedule: {at: "22:00", on: ▶holidays}', "schedule.on:", 'unknown site.country "KX"',
     Site(label="", zone="UTC", country="KX")),
    ('schedule: {at: "22:00", late_within: ▶2d}', "schedule.late_within:", "1 to 86400 s", BARE),
    ('schedule: {at: "22:00", missed: ▶twice}', "schedule.missed:", "one of skip, once", BARE),
    ('schedule: {at: "22:00", ▶dayz: mon}', "schedule.dayz:", 'did you mean "days"?', BARE),
    ('between: {from: "22:00"}', "between:", '"to" is missing', BARE),
    ('between: {from: "22:00", to: ▶"22:00"}', "between.to:", "leave both out", BARE),
    ('between: {from: ▶"25:00", to: "22:00"}', "between.from:", "expected a time", BARE),
    ('between: {from: "20:00", to: ▶sunrise}', "between.to:", "site: {latitude", BARE),
    ("between: ▶night", "between:", "expected keys and values", BARE),
    ("duty: {}", "duty:", '"roles" is missing', BARE),
    ("duty: {▶roles: {}}", "duty.roles:", "got 0 roles, expected 1 to 16", BARE),
    ("duty: {roles: {chef: ▶kim}}", "duty.roles.chef:", "expected a list of 1 to 100", BARE),
    ("duty: {roles: {▶Chef: [{person: kim}]}}", "duty.roles.Chef:", 'did you mean "chef"?', BARE),
    ("duty: {roles: {chef: [▶{}]}}", "duty.roles.chef[0]:", '"person" is missing', BARE),
    ("duty: {roles: {chef: [▶{person: kim, days: mon}]}}", "duty.roles.chef[0]:",
     '"from" is missing', BARE),
    ("duty: {hand_over: ▶3h, roles: {chef: [{person: kim}]}}", "duty.hand_over:",
     "0 to 7200", BARE),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "message", "site"), BROKEN)
def test_what_is_wrong_is_shown_where_it_is(text: str, path: str, message: str, site: Site) -> None:
    column = text.index("▶") + 1 if "▶" in text else 1
    found, report = read_one(text.replace("▶", ""), site)
    assert found is FLAW
    problem = report.problems[0]
    assert message in problem.message
    assert f"{problem.path}:" == path
    assert (problem.line, problem.column) == (1, column)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    _, report = read_one("schedule: {at: sunsett, days: mom, on: holidayz, mised: once}", BARE)
    assert len(report.problems) == 4
    _, report = read_one("between: {from: sunset, to: 9, days: mom}", SITE)
    assert len(report.problems) == 2


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("latitude: 37.5", "latitude and longitude belong together"),
        ("latitude: 91, longitude: 0", "-90 to 90"),
        ("latitude: 37.5, longitude: 181", "-180 to 180"),
        ("country: kr", 'did you mean "KR"?'),
        ("country: Korea", "expected a country such as KR"),
        ("holidays: [2026-02-30]", "expected a date such as 2026-10-05"),
    ],
)
def test_a_site_that_cannot_be_is_refused(tmp_path: Path, written: str, message: str) -> None:
    text = KITCHEN.replace("zone: Asia/Seoul}", f"zone: Asia/Seoul, {written}}}", 1)
    (problem,) = read(tmp_path, text).problems
    assert message in problem.message
    assert problem.path.startswith("site")


def test_a_site_says_where_it_is_and_when_it_rests(tmp_path: Path) -> None:
    written = "latitude: 37.5665, longitude: 126.978, country: KR, holidays: [2026-10-05]"
    site = good(tmp_path, KITCHEN.replace("Asia/Seoul}", f"Asia/Seoul, {written}}}", 1)).site
    assert (site.latitude, site.longitude, site.country) == (37.5665, 126.978, "KR")
    assert site.holidays == ("2026-10-05",)


def test_a_proven_file_goes_on_without_its_holidays_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(_: str) -> holidays.Found:
        raise holidays.LookupFailed("no answer within 60 s")

    monkeypatch.setattr(holidays, "look_up", failing)
    root, report = parsed('schedule: {at: "22:00", on: workdays}')
    entry = root.entries["schedule"]
    spot = Spot(("schedule",), entry.key)
    assert schedule(Times(Filler(report, Path()), SITE), entry.node, spot) is FLAW
    assert "the holidays of KR cannot be looked up: no answer" in report.problems[0].message

    times = Times(Filler(Report("config.yaml"), Path(), proven=True), SITE)
    assert schedule(times, entry.node, spot) is not FLAW
    assert times.doubts == {"the holidays of KR cannot be looked up: no answer within 60 s"}


def test_only_a_schedule_that_asks_for_holidays_looks_them_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(holidays, "look_up")
    assert compiled('{at: "22:00", days: mon-fri}').next_after(NOON) is not None
