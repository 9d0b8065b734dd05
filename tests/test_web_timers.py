"""Cooking timers through the API, and over a kill of the process."""

import json
from pathlib import Path

import msgspec

from gateway.access import Role
from tests.processes import Daemon
from tests.test_web_live import event, streaming
from tests.web_client import web

TIMERS = "/api/v1/timers"
CONFIG = """
site: {label: Timers, zone: UTC}
web: {listen: 127.0.0.1}
emulation: {seed: 1, scenario: normal}
"""


async def test_a_timer_is_started_listed_seen_and_gone() -> None:
    async with web() as site:
        staff = await site.headers(Role.STAFF)
        body = {"label": "Fries", "for_s": 180, "id": "fries"}
        answer = await site.client.post(TIMERS, data=json.dumps(body), headers=staff)
        timer = await answer.json()
        assert answer.status == 201
        assert (timer["label"], timer["due"] - timer["since"]) == ("Fries", 180_000)
        assert timer["by"] == "staff"
        seen = await site.client.post(f"{TIMERS}/fries/acknowledge", headers=staff)
        assert seen.status == 404  # it has not elapsed
        view = site.kitchen.timer_views["fries"]
        site.kitchen.timer_views["fries"] = msgspec.structs.replace(view, state="elapsed")
        seen = await site.client.post(f"{TIMERS}/fries/acknowledge", headers=staff)
        assert (seen.status, await seen.json()) == (200, {"timers": []})


async def test_what_is_no_timer_and_one_too_many_is_refused() -> None:
    async with web() as site:
        staff = await site.headers(Role.STAFF)
        for wrong in (
            {},
            {"label": "", "for_s": 60},
            {"label": "x" * 61, "for_s": 60},
            {"label": "x", "for_s": 0},
            {"label": "x", "for_s": 86_401},
            {"label": "x", "for_s": 60, "id": "../x"},
        ):
            answer = await site.client.post(TIMERS, data=json.dumps(wrong), headers=staff)
            assert answer.status == 400, wrong
        site.kitchen.timers_most = 0
        body = json.dumps({"label": "x", "for_s": 60})
        answer = await site.client.post(TIMERS, data=body, headers=staff)
        assert answer.status == 409


async def test_an_open_page_is_shown_a_timer_that_changes() -> None:
    async with web(demo=True) as site, streaming(site) as page:
        _, data = await event(page)
        assert data["timers"] == []
        await site.kitchen.start_timer("fries", "Fries", 60_000, "kim")
        site.live.timers_changed()
        while "timers" not in (data := (await event(page))[1]):
            await site.clock.advance(1_000)
        assert "Fries" in json.dumps(data["timers"])


def test_a_timer_is_still_running_after_the_process_was_killed(tmp_path: Path) -> None:
    with Daemon(tmp_path, CONFIG) as daemon:
        token = daemon.create_token("staff")
        daemon.wait_until(lambda: daemon.get(TIMERS, token)[0] == 200)
        for label, seconds in (("rice", 3_600), ("egg", 1)):
            wanted = {"label": label, "for_s": seconds, "id": label}
            assert daemon.post(TIMERS, token, wanted)[0] == 201
        daemon.kill()
        daemon.start()

        def states() -> dict[str, str]:
            status, body = daemon.get(TIMERS, token)
            return {one["id"]: one["state"] for one in body["timers"]} if status == 200 else {}

        daemon.wait_until(lambda: states() == {"rice": "running", "egg": "elapsed"})
        assert daemon.post(f"{TIMERS}/egg/acknowledge", token)[0] == 200
        assert states() == {"rice": "running"}
