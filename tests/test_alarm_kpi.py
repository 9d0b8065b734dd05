"""The figures about alarms, on logs whose answer can be counted by hand."""

from collections.abc import Iterable

from gateway.alarm_kpi import AlarmRow, Chatter, Figures, Flood, Often, figures

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T = 1_795_219_200_000


def row(
    at: int, name: str, verb: str = "raise", state: str = "", priority: str = "low"
) -> AlarmRow:
    state = state or {"raise": "unacknowledged", "acknowledge": "acknowledged"}.get(verb, "normal")
    return AlarmRow(T + at, name, verb, state, priority)


def over(rows: Iterable[AlarmRow], span: int = DAY) -> Figures:
    return figures(rows, T, T + span)


def test_a_quiet_day_has_no_alarms_and_no_mean() -> None:
    found = over([])
    assert (found.raised, found.per_hour, found.most_in_10_min, found.flood_share) == (0, 0, 0, 0)
    assert found.acknowledge_mean_s is None
    assert figures([], T, T).per_hour is None


def test_alarms_are_counted_by_hour_and_priority_and_the_most_frequent_named() -> None:
    rows = [row(hour * HOUR, "door", priority="medium") for hour in range(6)]
    rows += [row(hour * HOUR + MINUTE, "air") for hour in range(3)]
    rows += [row(7 * HOUR, "gas", priority="life")]
    found = over(sorted(rows, key=lambda it: it.at), span=10 * HOUR)
    assert (found.raised, found.per_hour, found.most_in_10_min) == (10, 1.0, 2)
    assert found.priorities == {"medium": 6, "low": 3, "life": 1}
    assert found.top == [Often("door", 6, 0.6), Often("air", 3, 0.3), Often("gas", 1, 0.1)]


def test_what_was_raised_while_hidden_bothered_nobody() -> None:
    rows = [row(0, "door", "shelve", "shelved"), row(MINUTE, "door", state="shelved"),
            row(2 * MINUTE, "warm", state="suppressed")]  # fmt: skip
    found = over(rows)
    assert (found.raised, found.shelved, found.suppressed) == (0, 1, 1)


def test_a_flood_lasts_from_the_eleventh_alarm_until_four_are_left_in_ten_minutes() -> None:
    rows = [row(number * MINUTE // 2, f"a{number}") for number in range(12)]  # 0:00 to 5:30
    found = over(rows, span=HOUR)
    # The eleventh comes at 5:00; the fifth from the end, at 3:30, leaves the window at 13:30.
    assert found.floods == [Flood(T + 5 * MINUTE, T + 13 * MINUTE + MINUTE // 2, 12)]
    assert found.flood_share == round(8.5 / 60, 4)
    assert found.most_in_10_min == 12
    assert over(rows[:10]).floods == []


def test_two_bursts_are_two_floods_and_one_that_lasts_has_no_end() -> None:
    first = [row(number * 1_000, f"a{number}") for number in range(11)]
    second = [row(HOUR + number * 1_000, f"b{number}") for number in range(15)]
    found = over([*first, *second], span=HOUR + MINUTE)
    assert [(flood.start - T, flood.end and flood.end - T) for flood in found.floods] == [
        (10_000, 10 * MINUTE + 6_000),
        (HOUR + 10_000, None),
    ]
    assert [flood.alarms for flood in found.floods] == [11, 15]


def test_three_raises_in_a_minute_are_chattering_and_three_in_two_minutes_are_not() -> None:
    rows = [row(at, "door") for at in (0, 20_000, 40_000, 59_999)]
    rows += [row(at + HOUR, "slow") for at in (0, 60_000, 120_000)]
    assert over(rows).chattering == [Chatter("door", 4)]


def test_an_alarm_that_stood_for_a_day_is_stale_also_when_it_is_over() -> None:
    rows = [
        row(0, "old"),
        row(0, "over"),
        row(HOUR, "short"),
        row(2 * HOUR, "short", "return"),
        row(25 * HOUR, "over", "return"),
        row(26 * HOUR, "fresh"),
    ]
    assert over(rows, span=30 * HOUR).stale == ["old", "over"]


def test_the_time_to_acknowledge_is_a_mean_over_those_that_were() -> None:
    rows = [
        row(0, "door"),
        row(MINUTE, "warm"),
        row(2 * MINUTE, "door", "acknowledge"),  # 120 s
        row(3 * MINUTE, "air"),
        row(5 * MINUTE, "warm", "return", "returned"),
        row(6 * MINUTE, "warm", "acknowledge", "normal"),  # 300 s
        row(7 * MINUTE, "air", "shelve", "shelved"),  # seen, but not acknowledged
        row(9 * MINUTE, "air", "acknowledge", "normal"),
    ]
    found = over(rows)
    assert (found.acknowledged, found.acknowledge_mean_s) == (2, 210.0)


def test_an_alarm_that_began_before_the_first_row_and_still_stands_is_stale() -> None:
    standing = {"old": T - DAY, "young": T}
    assert figures([], T, T + HOUR, standing).stale == ["old"]
