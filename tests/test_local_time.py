"""Labels and instants: what comes twice counts once, what is left out comes when the gap ends."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import local_time
from tests.wall_clock import utc

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # its summer time is half an hour
ZONES = [BERLIN, LORD_HOWE, ZoneInfo("Asia/Seoul"), ZoneInfo("America/St_Johns"), UTC]


def label(text: str) -> int:
    return local_time.label_of(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("zone", "shown", "instant"),
    [
        ("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59"),
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00"),  # 02:00 to 03:00 is left out
        ("Europe/Berlin", "2026-03-29T02:59", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),  # and again at 01:30
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),
        ("Asia/Seoul", "2026-03-29T02:30", "2026-03-28T17:30"),
        ("America/Sao_Paulo", "2018-11-04T00:30", "2018-11-04T03:00"),  # no midnight
        ("America/Nuuk", "2024-03-30T23:30", "2024-03-31T01:00"),  # the gap ends the day
    ],
)
def test_a_label_stands_for_its_first_instant_or_the_end_of_the_gap(
    zone: str, shown: str, instant: str
) -> None:
    assert local_time.first_instant(ZoneInfo(zone), label(shown)) == utc(instant)


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Pacific/Fakaofo"])
def test_a_day_that_a_zone_leaves_out_has_no_instants(zone: str) -> None:
    for minute in range(0, 24 * 60, 30):
        shown = label("2011-12-30") + minute * local_time.MINUTE_MS
        assert local_time.first_instant(ZoneInfo(zone), shown) is None
    assert local_time.first_instant(ZoneInfo(zone), label("2011-12-31T00:00")) is not None


@given(
    st.sampled_from(ZONES),
    st.integers(utc("2025-01-01"), utc("2028-01-01")),
    st.integers(0, 3 * local_time.DAY_MS),
)
def test_what_has_come_by_an_instant_is_what_lies_up_to_its_latest_label(
    zone: ZoneInfo, now: int, apart: int
) -> None:
    latest = local_time.latest_label(zone, now)
    for shown in (latest - apart, latest, latest + 1, latest + 1 + apart):
        at = local_time.first_instant(zone, shown)
        assert at is not None
        assert (at <= now) is (shown <= latest)
