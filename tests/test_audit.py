"""Who did what is in the chain once it is done: of people, programs and the cloud."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.access import Role, User
from gateway.audit import key as keys
from gateway.audit import recording
from gateway.audit.entry import ACTOR, TEXT_MAX, Actor, Entry
from gateway.audit.recording import OF_STRANGERS, REFUSALS_AN_HOUR, SIGN_AFTER_S, SIGN_EVERY, Audit
from gateway.audit.verify import Known, verify
from gateway.store import audit as chains
from gateway.store import audit_file
from gateway.store.log import WAITING_AUDIT, unpacked
from gateway.store.opening import Store
from tests.chains import report
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY, Daemon
from tests.store_files import open_store, until
from tests.web_client import web

HOUR_MS = 3_600_000
KITCHEN = """
site: {label: Test, zone: Asia/Seoul}
buses: {sim: {kind: emulated}}
"""


class Recorder:
    """A store whose log commits, with its audit."""

    def __init__(self, data: Path) -> None:
        self.clock = ManualClock()
        self.store: Store = open_store(data, self.clock)
        self.audit = Audit(self.store.chain, self.store.writer, self.store.log, self.clock)
        self.task = asyncio.create_task(self.store.log.run())

    async def entries(self) -> list[Entry]:
        """All that is committed, oldest first."""
        await self.store.log.durable()
        rows = await self.store.writer.call(lambda it: chains.page(it, None, 200))
        return [msgspec.json.decode(row.body, type=Entry) for row in reversed(rows)]

    async def events(self) -> list[dict[str, Any]]:
        """What was told to the cloud of the chain."""
        await self.store.log.durable()

        def read(connection: Any) -> list[bytes]:  # noqa: ANN401 - the store's own
            return [unpacked(body) for (body,) in connection.execute("SELECT body FROM ev")]

        rows = [json.loads(body) for body in await self.store.writer.call(read)]
        return [row["d"] for row in rows if row["k"] == recording.EVENT]

    async def close(self) -> None:
        self.store.log.close()
        await asyncio.wait_for(self.task, PATIENCE_S)
        self.store.close()


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    found = Recorder(tmp_path)
    yield found
    await found.close()


async def test_an_entry_is_committed_with_what_it_tells_of(
    recorder: Recorder, tmp_path: Path
) -> None:
    actor = Actor(name="kim", role="staff", peer="10.0.0.7")
    token = ACTOR.set(actor)
    try:
        recorder.store.log.remember("alarm/warm", "{}")
        recorder.audit.record("acknowledge", "warm")
        recorder.audit.record("reload", by="cron", role="", origin="gateway")
    finally:
        ACTOR.reset(token)
    assert actor.recorded
    first, second = await recorder.entries()
    assert (first.by, first.role, first.origin, first.peer) == ("kim", "staff", "page", "10.0.0.7")
    assert (first.action, first.about, first.at) == ("acknowledge", "warm", recorder.clock.wall())
    assert (second.by, second.origin) == ("cron", "gateway")
    assert recorder.store.log.counters.commits == 1
    assert report(tmp_path).findings == []


async def test_texts_of_strangers_are_cut_and_nothing_breaks_an_entry(recorder: Recorder) -> None:
    recorder.audit.record("x" * 1000, "\x00\n\u202e" * 500, detail={"why": "\ud7ff" * 300})
    (entry,) = await recorder.entries()
    assert len(entry.action) == len(entry.about) == TEXT_MAX
    assert entry.detail == {"why": "\ud7ff" * TEXT_MAX}


async def test_a_checkpoint_comes_after_a_hundred_entries_or_ten_minutes(
    recorder: Recorder, tmp_path: Path
) -> None:
    await recorder.audit.sign()
    signing = asyncio.create_task(recorder.audit.run())
    for number in range(SIGN_EVERY):
        recorder.audit.record("log_in", str(number))
    await until(lambda: recorder.audit.checkpoints == 1)
    recorder.audit.record("log_out")
    await recorder.store.log.durable()
    await until(lambda: recorder.clock.sleeping)
    for _ in range(3):
        await recorder.clock.advance(int(SIGN_AFTER_S * 1000))
    await until(lambda: recorder.audit.checkpoints == 2)
    told = await recorder.events()
    assert told[-1]["n"] == SIGN_EVERY + 1
    key = keys.read(tmp_path)
    assert key is not None
    assert bytes.fromhex(told[-1]["key"]) == key.public
    said = told[-1]["checkpoint"].encode()
    assert keys.is_signed(key.public, said, bytes.fromhex(told[-1]["sig"]))
    assert not keys.is_signed(key.public, said + b" ", bytes.fromhex(told[-1]["sig"]))
    known = Known(told[-1]["n"], told[-1]["hash"], "the cloud")
    with audit_file.opened(tmp_path, [known]) as stored:
        assert verify(stored, None, [key.public]).findings[0].n is None  # only the head's seal
    assert report(tmp_path, known).findings == []
    signing.cancel()


async def test_what_a_start_before_could_not_sign_is_signed_at_the_next(tmp_path: Path) -> None:
    before = Recorder(tmp_path)
    before.audit.record("log_in")
    await before.close()
    after = Recorder(tmp_path)
    await after.audit.sign()
    assert after.audit.checkpoints == 1
    await after.audit.sign()
    assert after.audit.checkpoints == 1  # nothing new
    await after.close()


async def test_refusals_cannot_push_out_what_happened_before(recorder: Recorder) -> None:
    for _ in range(REFUSALS_AN_HOUR + 500):
        recorder.audit.record("log_in", "kim", refused="wrong")
    recorder.audit.record("log_in", by="kim")
    found = await recorder.entries()
    assert len(found) == REFUSALS_AN_HOUR + 1
    await recorder.clock.advance(HOUR_MS)
    recorder.audit.record("log_out", by="kim")
    found = await recorder.entries()
    assert (found[-2].action, found[-2].detail) == ("refusals", {"count": 500})


async def test_strangers_cannot_hide_what_is_tried_on_somebodys_name(recorder: Recorder) -> None:
    for _ in range(500):
        recorder.audit.record("request", "POST /api/v1/timers", refused="no-origin")
        recorder.audit.record("log_in", refused="refused")
    recorder.audit.record("log_in", "kim", refused="refused")
    recorder.audit.record("request", "POST /api/v1/people", by="vic", refused="no-permission")
    found = await recorder.entries()
    assert len(found) == OF_STRANGERS + 2
    assert [(entry.by, entry.about) for entry in found[-2:]] == [
        ("", "kim"),
        ("vic", "POST /api/v1/people"),
    ]


async def test_what_finds_no_room_while_the_disk_refuses_is_counted_in_the_chain(
    recorder: Recorder,
) -> None:
    for _ in range(WAITING_AUDIT + 7):
        recorder.audit.record("log_in")
    assert recorder.store.log.counters.dropped_audit == 7
    await recorder.store.log.durable()
    recorder.audit.record("log_in")
    found = await recorder.entries()
    assert (found[-2].action, found[-2].detail) == ("lost", {"count": 7})


async def test_a_request_that_leaves_no_entry_of_its_own_leaves_one_all_the_same() -> None:
    async with web() as site:
        headers = await site.headers(Role.MANAGER)
        answer = await site.client.post("/api/v1/config/reload", headers=headers)
        assert answer.status == 200
        (entry,) = site.kitchen.entries
        assert (entry.action, entry.about) == ("request", "POST /api/v1/config/reload")
        assert (entry.by, entry.role, entry.origin) == ("manager", "manager", "api")
        assert entry.peer == "127.0.0.1"
        await site.client.get("/api/v1/points", headers=headers)
        assert len(site.kitchen.entries) == 1


async def test_what_somebody_may_not_do_is_recorded_as_refused() -> None:
    async with web() as site:
        headers = await site.headers(Role.VIEWER)
        await site.client.post("/api/v1/config/reload", headers=headers)
        await site.client.get("/api/v1/points", headers={"Authorization": "Bearer kg_wrong"})
        await site.client.get("/api/v1/points")
        first, second = site.kitchen.entries
        assert (first.by, first.refused) == ("viewer", "no-permission")
        assert (second.by, second.refused) == ("", "no-login")


async def test_logins_are_recorded_with_who_and_from_where() -> None:
    async with web() as site:
        origin = {"Origin": f"http://{site.host}"}
        code = await site.access.create_code("kim", Role.STAFF)
        for secret in ("wrong", code):
            await site.client.post(
                "/login", data={"secret": secret}, headers=origin, allow_redirects=False
            )
        refused, done = site.kitchen.entries
        assert (refused.action, refused.refused, refused.peer) == ("log_in", "wrong", "127.0.0.1")
        assert (done.action, done.by, done.role, done.refused) == ("log_in", "kim", "staff", "")


async def test_a_login_as_a_person_tells_who_was_tried_and_never_the_password() -> None:
    async with web() as site:
        origin = {"Origin": f"http://{site.host}"}
        console = User("console", Role.ADMIN, "console")
        await site.access.people.add(
            console, "kim", "Kim", Role.STAFF, password="a long enough one"
        )
        for name, password in (("kim", "wrong"), ("hunter2", "x"), ("kim", "a long enough one")):
            body = {"name": name, "password": password}
            await site.client.post("/api/v1/session", json=body, headers=origin)
        wrong, stranger, done = site.kitchen.entries
        assert (wrong.action, wrong.about, wrong.refused) == ("log_in", "kim", "refused")
        assert (stranger.about, stranger.refused) == ("", "refused")
        assert (done.by, done.refused) == ("kim", "")


async def test_nobody_is_let_in_while_that_cannot_be_recorded() -> None:
    async with web() as site:
        site.kitchen.disk_refuses = True
        code = await site.access.create_code("kim", Role.STAFF)
        own = {"Origin": f"http://{site.host}"}
        answer = await site.client.post(
            "/login", data={"secret": code}, headers=own, allow_redirects=False
        )
        assert answer.status == 503
        assert "Set-Cookie" not in answer.headers


async def test_the_record_is_read_page_by_page_and_by_managers_only() -> None:
    async with web() as site:
        for number in range(120):
            site.kitchen.record("log_in", str(number))
        staff, manager = await site.headers(Role.STAFF), await site.headers(Role.MANAGER)
        assert (await site.client.get("/api/v1/audit", headers=staff)).status == 403
        site.kitchen.entries.pop()
        seen, before = [], ""
        while True:
            answer = await site.client.get(f"/api/v1/audit?limit=50{before}", headers=manager)
            body = await answer.json()
            seen += [row["n"] for row in body["entries"]]
            if body["next"] is None:
                break
            before = f"&before={body['next']}"
        assert seen == list(range(len(seen), 0, -1))
        for wrong in ("before=0", "limit=-1", "before=x", "before=9999999999999999"):
            answer = await site.client.get(f"/api/v1/audit?{wrong}", headers=manager)
            assert answer.status == 400


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli", "audit", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )


def told_to_the_cloud(data: Path) -> list[int]:
    with audit_file.opened(data) as stored:
        return [known.n for known in stored.known]


def test_a_running_gateway_is_verified_beside_it_and_a_stopped_one_is_signed(
    tmp_path: Path,
) -> None:
    with Daemon(tmp_path, REPOSITORY / "config.yaml") as daemon:
        token = daemon.create_token("manager")
        daemon.reload(token)
        data = str(daemon.data)
        done = run("verify", "--data", data)
        assert (done.returncode, done.stderr) == (0, "")
        assert "The chain is whole" in done.stdout
        status, body = daemon.get("/api/v1/audit?limit=200", token)
        assert status == 200
        actions = [row["entry"]["action"] for row in body["entries"]]
        assert {"config_applied", "reload", "token create"} <= set(actions)
        shown = run("show", "--data", data, "-n", "200")
        assert "reload" in shown.stdout
        assert "(manager)" in shown.stdout
        assert len(shown.stdout.splitlines()) == len(actions)
    found = report(daemon.data)
    assert found.findings == []
    with daemon:  # what the stop had no time to sign, the next start does
        daemon.wait_until(lambda: told_to_the_cloud(daemon.data))
    last = max(told_to_the_cloud(daemon.data))
    told = run("verify", "--data", data, "--json", "--head", f"{last}:{'0' * 64}")
    assert told.returncode == 1
    assert json.loads(told.stdout)["findings"][0][0] == last


def test_a_wrong_call_is_told_apart_from_a_chain_that_was_changed(tmp_path: Path) -> None:
    assert run("verify", "--data", str(tmp_path)).returncode == 1
    assert run("verify", "--data", str(tmp_path), "--head", "7").returncode == 2
    assert run("verify", "--data", str(tmp_path), "--key", "zz").returncode == 2
