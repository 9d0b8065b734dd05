"""Rules with a schedule in the judge: runs, power cuts, and what is missed reaches the record."""

from zoneinfo import ZoneInfo

import msgspec

from rules.base import Due, Note
from rules.events import Clocked, Elapsed, Record, Started
from rules.judge import Judge
from rules.occurrences import cron
from rules.schedule import IfMissed, Schedule, State
from tests.kitchen_rules import Bench, decided
from tests.test_runs import bench, notes, rule
from tests.wall_clock import DAY, HOUR, MINUTE, utc

NOON = utc("2026-05-01T12:00+09:00")


def nightly(zone: str = "Asia/Seoul", if_missed: IfMissed = IfMissed.ONCE) -> Due:
    line = "0 22 * * *"
    planned = Schedule(trigger=cron(line, ZoneInfo(zone)), of=line, if_missed=if_missed)
    return Due(schedule=planned)


def kitchen(due: Due, kept: Bench | None = None) -> Bench:
    return bench(rule("night", triggers=[due], actions=[Note(text="done")]), kept=kept)


def started(due: Due) -> Bench:
    made = kitchen(due)
    made.feed(Started(), 0)
    made.feed(Clocked(NOON), 0)
    return made


def told(effects: object) -> list[dict[str, object]]:
    assert isinstance(effects, list)
    return [one.data for one in decided(effects, Record) if one.kind == "schedule"]


def test_it_runs_at_its_instant_though_nobody_asks_just_then() -> None:
    made = started(nightly())
    assert made.state.next_due == 10 * HOUR
    effects = made.feed(Elapsed(), 10 * HOUR + 700)
    assert notes(effects) == ["done"]
    assert notes(made.feed(Elapsed(), 11 * HOUR)) == []


def test_after_a_power_cut_the_policy_decides_and_what_was_missed_can_be_stored() -> None:
    for off, done, missed in ((10 * HOUR + 20 * MINUTE, ["done"], []), (3 * DAY, [], [3])):
        before = started(nightly())
        after = kitchen(nightly(), kept=before)
        effects = after.feed(Started(), off)
        assert notes(effects) == done
        rows = told(effects)
        assert [row["count"] for row in rows] == missed
        assert msgspec.json.encode(rows)
        assert after.feed(Clocked(NOON), off) == []


def test_a_clock_that_is_not_believed_runs_nothing_until_it_is() -> None:
    made = kitchen(nightly())
    made.feed(Started(), 0)
    made.feed(Clocked(None), 0)
    assert made.feed(Elapsed(), 30 * DAY) == []
    waiting = made.state.entries["schedule/night"]
    assert isinstance(waiting, State)
    assert waiting.waiting
    made.feed(Clocked(NOON), 30 * DAY)
    assert notes(made.feed(Elapsed(), 30 * DAY + 10 * HOUR)) == ["done"]


def test_a_reload_in_another_zone_goes_on_with_the_day() -> None:
    before = started(nightly())
    before.feed(Elapsed(), 10 * HOUR)
    after = kitchen(nightly("Europe/Berlin"), kept=before)
    after.feed(Started(fresh=False), 11 * HOUR)
    after.feed(Clocked(NOON), 11 * HOUR)
    assert notes(after.feed(Elapsed(), 25 * HOUR)) == []  # 22:00 of 1 May in Berlin
    berlin = utc("2026-05-02T22:00+02:00") - NOON
    assert notes(after.feed(Elapsed(), berlin)) == ["done"]


def test_a_schedule_that_is_gone_leaves_nothing_behind() -> None:
    before = started(nightly())
    after = Bench(Judge([], {}), dict(before.state.entries))
    after.feed(Started(), HOUR)
    assert "schedule/night" not in after.state.entries
