"""The status of the gateway: a word with its reason for each part, and the times of its routes."""

import json
from typing import get_args

import msgspec
import pytest

from gateway.access import Role
from gateway.web.checks import Check, Reason, checks
from gateway.web.configuration_shapes import ConfigurationView, DoubtView
from gateway.web.point_shapes import PointView
from gateway.web.static import FOLDER
from gateway.web.status_shapes import CloudView
from gateway.web.timing import SAMPLES, Timing
from tests.kitchen_fake import NOON, KitchenInMemory, small_kitchen
from tests.web_client import web


def found(kitchen: KitchenInMemory, name: str) -> Check:
    return next(check for check in checks(kitchen, [], NOON) if check.id == name)


def load(**fields: object) -> PointView:
    return msgspec.structs.replace(small_kitchen().points()[-1], **fields)


@pytest.mark.parametrize(
    ("value", "state", "reason"),
    [(12.0, "ok", "fine"), (80.0, "warn", "above"), (99, "bad", "above")],
)
def test_a_measured_part_is_judged_by_its_limits(value: float, state: str, reason: str) -> None:
    kitchen = small_kitchen()
    kitchen.add(load(value=value))
    check = found(kitchen, "cpu")
    assert (check.state, check.reason, check.value, check.unit) == (state, reason, value, "%")


def test_what_cannot_be_measured_is_never_well() -> None:
    kitchen = small_kitchen()
    kitchen.add(load(value=None, quality="bad", reason="no communication"))
    check = found(kitchen, "cpu")
    assert (check.state, check.reason, check.value) == ("warn", "unknown", None)
    assert check.detail == "no communication"
    assert found(kitchen, "memory").state == "warn"  # there is no such point at all


def test_a_cloud_that_is_away_is_a_warning_and_after_a_day_bad() -> None:
    kitchen = small_kitchen()
    kitchen.cloud_view = CloudView(configured=True, error="refused", waiting=3, oldest_waiting=NOON)
    assert (found(kitchen, "cloud").state, found(kitchen, "cloud").detail) == ("warn", "refused")
    kitchen.cloud_view = msgspec.structs.replace(
        kitchen.cloud_view, oldest_waiting=NOON - 25 * 3_600_000
    )
    assert found(kitchen, "cloud").state == "bad"


def test_a_refused_file_and_a_device_that_is_left_out_are_named() -> None:
    kitchen = small_kitchen()
    kitchen.configuration_view = ConfigurationView(
        status="degraded", file="config.yaml", source="current", refused=True
    )
    assert found(kitchen, "configuration").reason == "refused"
    kitchen.configuration_view = msgspec.structs.replace(
        kitchen.configuration_view, refused=False, left_out=["walk_in"]
    )
    assert found(kitchen, "configuration").detail == "walk_in"


def test_days_off_nobody_knows_and_a_sun_that_stays_are_told_with_the_rule() -> None:
    kitchen = small_kitchen()
    assert {check.id for check in checks(kitchen, [], NOON)}.isdisjoint({"sun", "holidays"})
    doubts = [
        DoubtView("polar", "lights", "polar night: no sunset"),
        DoubtView("holidays", "", "the holidays of KR cannot be looked up: no answer"),
    ]
    kitchen.configuration_view = msgspec.structs.replace(kitchen.configuration_view, doubts=doubts)
    sun = found(kitchen, "sun")
    assert (sun.state, sun.reason, sun.detail) == (
        "warn",
        "polar",
        "lights: polar night: no sunset",
    )
    days = found(kitchen, "holidays")
    assert (days.state, days.reason) == ("warn", "holidays")
    assert days.detail == "the holidays of KR cannot be looked up: no answer"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_reason_a_part_can_have_is_told_in_words(language: str) -> None:
    words = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    assert [it for it in get_args(Reason) if f"check.reason.{it}" not in words] == []
    kitchen = small_kitchen()
    parts = {check.id for check in checks(kitchen, [], NOON)} | {"sun", "holidays"}
    elsewhere = {"cloud", "clock", "store"}  # have rows of their own there
    unnamed = {it for it in parts - elsewhere if f"check.{it}" not in words}
    assert {it for it in unnamed if f"metric.{it}" not in words} == set()


def test_the_times_of_a_route_are_of_its_last_requests() -> None:
    timing = Timing()
    for _ in range(1_000):
        timing.took("GET", "/slow", 9.0)
    for number in range(SAMPLES):
        timing.took("GET", "/slow", (number + 1) / 1000)
    (times,) = timing.routes()
    assert times.count == 1_000 + SAMPLES
    assert (times.p50_ms, times.p95_ms, times.p99_ms) == (128.0, 244.0, 254.0)


def test_one_slow_question_is_no_slow_page_but_twenty_are() -> None:
    timing, kitchen = Timing(), small_kitchen()

    def page() -> str:
        found = checks(kitchen, timing.routes(), NOON)
        return next(check.state for check in found if check.id == "page")

    for _ in range(19):
        timing.took("GET", "/trial", 9.0)
    assert page() == "ok"
    timing.took("GET", "/trial", 9.0)
    assert page() == "bad"


async def test_status_tells_the_times_of_the_routes_that_were_asked_for() -> None:
    async with web() as site:
        viewer = await site.headers(Role.VIEWER)
        for _ in range(3):
            await site.client.get("/api/v1/points", headers=viewer)
        for number in range(20):
            await site.client.get(f"/nothing/{number}", headers=viewer)
        body = await (await site.client.get("/api/v1/status", headers=viewer)).json()
        counts = {(each["method"], each["path"]): each["count"] for each in body["routes"]}
        assert counts["GET", "/api/v1/points"] == 3
        assert counts["GET", "unknown"] == 20
        assert {check["state"] for check in body["checks"]} <= {"ok", "warn", "bad"}
        assert all(check["reason"] for check in body["checks"])
