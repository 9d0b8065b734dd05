"""Who is on duty: by role, over a hand-over, and where nobody is."""

from zoneinfo import ZoneInfo

import pytest

from rules.days import Days
from rules.occurrences import ClockTime, at_minutes
from rules.shift import Duty, OnDuty, Shift
from rules.time_window import Window
from tests.wall_clock import HOUR, MINUTE, utc

SEOUL = ZoneInfo("Asia/Seoul")
WEEK = Days(weekdays=frozenset(range(5)))


def shift(person: str, begin: int, end: int) -> Shift:
    window = Window(
        begin=ClockTime(SEOUL, at_minutes((begin * 60,), WEEK.count)),
        end=ClockTime(SEOUL, at_minutes((end * 60,))),
    )
    return Shift(person=person, window=window)


DUTY = Duty(
    roles={
        "chef": (shift("kim", 8, 16), shift("lee", 16, 23)),
        "manager": (shift("park", 10, 22),),
        "owner": (Shift(person="choi"),),
    },
    hand_over_ms=15 * MINUTE,
)


def at(time: str) -> int:
    return utc(f"2026-05-01T{time}+09:00")  # a Friday


@pytest.mark.parametrize(
    ("time", "role", "told"),
    [
        ("09:00", "chef", ["kim"]),
        ("15:59", "chef", ["kim"]),
        ("16:00", "chef", ["lee", "kim leaving"]),
        ("16:15", "chef", ["lee"]),
        ("23:05", "chef", ["choi"]),  # nobody there, nor a manager: the owner
        ("07:00", "chef", ["choi"]),
        ("11:00", "manager", ["park"]),
        ("22:30", "manager", ["choi"]),
        ("22:30", "unheard_of", ["lee"]),  # a role that is gone from the table: from the first on
    ],
)
def test_an_alarm_reaches_who_is_on_duty_or_the_next_role(
    time: str, role: str, told: list[str]
) -> None:
    found = DUTY.reached(role, at(time))
    assert [f"{one.person}{' leaving' if one.leaving else ''}" for one in found] == told


def test_with_nobody_on_duty_anywhere_there_is_nobody_and_everybody_must_be_told() -> None:
    table = Duty(roles={"chef": (shift("kim", 8, 16),)})
    assert table.reached("chef", utc("2026-05-02T12:00+09:00")) == ()  # a Saturday


def test_who_has_two_shifts_is_named_once() -> None:
    table = Duty(roles={"chef": (shift("kim", 8, 16), shift("kim", 12, 20))}, hand_over_ms=HOUR)
    assert table.on("chef", at("13:00")) == (OnDuty("chef", "kim"),)
    assert table.on("chef", at("20:30")) == ()


def test_roles_climb_in_the_order_of_the_table() -> None:
    assert DUTY.above("manager") == ("manager", "owner")


def test_its_next_change_is_the_next_at_which_anybody_comes_or_goes() -> None:
    now, found = at("07:00"), []
    for _ in range(9):
        change = DUTY.next_change(now)
        assert change is not None
        now = change
        found.append((change - at("00:00")) // MINUTE)
    assert found == [480, 495, 600, 615, 960, 975, 22 * 60, 22 * 60 + 15, 23 * 60]
    assert Duty(roles={"owner": (Shift(person="choi"),)}).next_change(now) is None
