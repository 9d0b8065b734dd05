"""Which days count; the holidays of a country against what its authorities have published."""

from datetime import date

import pytest

from gateway.config import holidays
from rules.days import Calendar, Days, On


def days_of(country: str) -> dict[date, str]:
    found = holidays.look_up(country)
    assert found.known == ()
    return {date.fromisoformat(day): name for day, name in found.holidays.items()}


# The yearly almanac of the Korea Astronomy and Space Science Institute (월력요항): lunar New Year
# and Chuseok of 2021 and 2025, and what follows from them by the Regulations on Holidays.
@pytest.mark.parametrize(
    "day",
    [
        "2021-02-11", "2021-02-12", "2021-02-13", "2021-09-20", "2021-09-21", "2021-09-22",
        "2025-01-28", "2025-01-29", "2025-01-30", "2025-10-05", "2025-10-06", "2025-10-07",
        "2025-03-01", "2025-05-05", "2025-06-06", "2025-08-15", "2025-10-03", "2025-10-09",
        "2025-12-25", "2025-01-01",
        "2025-03-03",  # for 1 March, a Saturday
        "2025-05-06",  # Buddha's birthday and Children's Day fell together
        "2025-10-08",  # a day of Chuseok was a Sunday
        # The almanac for 2026: 1 March and Buddha's birthday on Sundays, made up for.
        "2026-02-16", "2026-02-17", "2026-02-18", "2026-03-02", "2026-05-24", "2026-05-25",
        "2026-08-17", "2026-09-24", "2026-09-25", "2026-09-26", "2026-10-05",
    ],
)  # fmt: skip
def test_korean_holidays_are_known_the_lunar_ones_too(day: str) -> None:
    assert date.fromisoformat(day) in days_of("KR")


def test_ordinary_days_are_none() -> None:
    found = days_of("KR")
    for day in ("2025-01-31", "2025-10-10", "2026-02-19", "2026-09-28"):
        assert date.fromisoformat(day) not in found


def test_a_country_that_is_not_known_names_those_that_are() -> None:
    assert "KR" in holidays.look_up("KX").known
    assert "DE-BY" in holidays.look_up("DE-XX").known
    assert date(2026, 1, 6) in days_of("DE-BY")  # Epiphany, in Bavaria and not in Berlin
    assert date(2026, 1, 6) not in days_of("DE-BE")


def test_weekends_are_those_of_the_country() -> None:
    assert holidays.look_up("KR").weekend == (5, 6)
    assert holidays.look_up("EG").weekend == (4, 5)


CALENDAR = Calendar(holidays={date(2026, 5, 5): "Children's Day"})


@pytest.mark.parametrize(
    ("days", "counting"),
    [
        (Days(), "4 5 6 7 8 9 10"),
        (Days(on=On.WORKDAYS, calendar=CALENDAR), "4 6 7 8"),
        (Days(on=On.HOLIDAYS, calendar=CALENDAR), "5"),
        (Days(weekdays=frozenset({0, 1, 5})), "4 5 9"),
        (Days(weekdays=frozenset({0, 1, 5}), on=On.WORKDAYS, calendar=CALENDAR), "4"),
    ],
)
def test_weekdays_and_workdays_narrow_each_other_down(days: Days, counting: str) -> None:
    """The week of 4 May 2026, a Monday; its Tuesday is a holiday."""
    found = [day for day in range(4, 11) if days.count(date(2026, 5, day))]
    assert " ".join(map(str, found)) == counting


def test_holidays_that_cannot_be_looked_up_are_an_error_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    holidays.look_up.cache_clear()
    with pytest.raises(holidays.LookupFailed, match="No such file"):
        holidays.look_up("KR")
    monkeypatch.undo()
    assert days_of("KR")
