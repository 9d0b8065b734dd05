"""Who made whom what: deeds about accounts and tokens stand in the chain with the deed itself."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from gateway.access import Access, NotAllowed, Reach, Role
from gateway.audit.entry import ACTOR, Actor, Entry
from gateway.store import audit as chains
from gateway.store.errors import StoreError
from gateway.store.people import StoredPeople
from gateway.store.tokens import StoredTokens
from tests.chains import report
from tests.fakes import ManualClock
from tests.processes import Daemon
from tests.test_audit import Recorder
from tests.web_client import OWNER, PASSWORD, PIN

PEER = "192.168.0.7"
KITCHEN = "site: {label: Test, zone: UTC}\nweb: {listen: 127.0.0.1}\n"


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[Recorder]:
    found = Recorder(tmp_path)
    yield found
    await found.close()


@pytest.fixture
def actor() -> Actor:
    return Actor(name="lee", role="admin", peer=PEER)


@pytest.fixture
def access(recorder: Recorder, actor: Actor) -> Access:
    ACTOR.set(actor)
    store = recorder.store
    people = StoredPeople(store.writer, store.reader, recorder.audit)
    tokens = StoredTokens(store.writer, store.reader, recorder.audit)
    return Access(tokens, ManualClock(), people=people)


async def committed(recorder: Recorder) -> list[Entry]:
    """What is in the file, without waiting for the log to commit anything more."""
    rows = await recorder.store.writer.call(lambda it: chains.page(it, None, 200))
    return [msgspec.json.decode(row.body, type=Entry) for row in reversed(rows)]


async def test_what_happens_to_an_account_is_told_with_what_changed(
    access: Access, recorder: Recorder, actor: Actor, tmp_path: Path
) -> None:
    ACTOR.set(actor)
    people = access.people
    await people.add(OWNER, "boss", "Boss", Role.ADMIN, password=PASSWORD)
    await people.add(OWNER, "kim", "Kim", Role.STAFF, reach=Reach(("bar",), ("fryer",)))
    await people.change(OWNER, "kim", role=Role.MANAGER, reach=Reach(), label="김민지")
    await people.change(OWNER, "kim", role=Role.MANAGER)
    await people.change(OWNER, "kim", password=PASSWORD, pin=PIN)
    await people.set_pin(OWNER, "kim", "")
    await people.remove(OWNER, "kim")
    found = await committed(recorder)
    assert {(it.by, it.role, it.origin, it.peer) for it in found} == {
        ("lee", "admin", "page", PEER)
    }
    assert [(it.action, it.about, it.detail) for it in found] == [
        ("add_person", "boss", {"role": "admin", "reach": "everywhere"}),
        ("add_person", "kim", {"role": "staff", "reach": "bar, fryer"}),
        (
            "change_person",
            "kim",
            {
                "label": "김민지",
                "role": "manager",
                "role_before": "staff",
                "reach": "everywhere",
                "reach_before": "bar, fryer",
            },
        ),
        ("change_person", "kim", {"password": "new", "pin": "new"}),
        ("change_person", "kim", {"pin": "none"}),
        ("remove_person", "kim", {"role": "manager", "reach": "everywhere"}),
    ]
    assert report(tmp_path).findings == []


async def test_tokens_and_tablets_are_told_of_and_sessions_are_not(
    access: Access, recorder: Recorder, actor: Actor
) -> None:
    ACTOR.set(actor)
    secret = await access.create_token("pos", Role.STAFF, reach=Reach(("bar",)))
    await access.log_in(secret, PEER)
    (token,) = access.tokens()
    assert await access.withdraw_token(token.id)
    assert not await access.withdraw_token(token.id)
    await access.tablets.pair("wall")
    (tablet,) = access.tablets.all()
    assert await access.tablets.take_back(tablet.id)
    found = await committed(recorder)
    told = {"id": token.id, "role": "staff", "reach": "bar"}
    assert [(it.action, it.about) for it in found] == [
        ("create_token", "pos"),
        ("withdraw_token", "pos"),
        ("pair_tablet", "wall"),
        ("take_back_tablet", "wall"),
    ]
    assert [it.detail for it in found[:2]] == [told, told]
    assert secret not in str(found)


async def test_the_first_admin_is_told_as_paired(access: Access, recorder: Recorder) -> None:
    ACTOR.set(Actor(peer=PEER))
    code = await access.create_pairing_code()
    await access.pair(code, "boss", "Boss", PASSWORD, PEER)
    (entry,) = await committed(recorder)
    assert (entry.action, entry.by, entry.about, entry.peer) == ("pair", "boss", "boss", PEER)
    assert entry.detail == {"role": "admin", "reach": "everywhere"}


async def test_a_deed_that_cannot_be_told_is_not_done(
    access: Access, recorder: Recorder, actor: Actor
) -> None:
    ACTOR.set(actor)

    def no_more_entries(action: int, table: str | None, *_: object) -> int:
        refused = action == sqlite3.SQLITE_INSERT and table == "audit"
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    await recorder.store.writer.call(lambda it: it.set_authorizer(no_more_entries))
    with pytest.raises(StoreError):
        await access.people.add(OWNER, "kim", "Kim", Role.ADMIN)
    with pytest.raises(StoreError):
        await access.create_token("pos", Role.ADMIN)
    await recorder.store.writer.call(lambda it: it.set_authorizer(None))
    people = StoredPeople(recorder.store.writer, recorder.store.reader)
    tokens = StoredTokens(recorder.store.writer, recorder.store.reader)
    await people.load()
    await tokens.load()
    assert people.people() == access.people.all() == []
    assert tokens.rows("token") == access.tokens() == []
    assert not actor.recorded


async def test_a_deed_that_is_refused_leaves_no_entry_of_having_been_done(
    access: Access, recorder: Recorder, actor: Actor
) -> None:
    ACTOR.set(actor)
    await access.people.add(OWNER, "boss", "Boss", Role.ADMIN)
    actor.recorded = False
    with pytest.raises(NotAllowed):
        await access.people.remove(OWNER, "boss")
    assert len(await committed(recorder)) == 1
    assert not actor.recorded


async def test_entries_of_both_ways_make_one_chain(
    access: Access, recorder: Recorder, actor: Actor, tmp_path: Path
) -> None:
    ACTOR.set(actor)

    async def one(number: int) -> None:
        recorder.audit.record("log_in", str(number))
        await access.people.add(OWNER, f"p{number}", "P", Role.STAFF)

    await asyncio.gather(*(one(number) for number in range(20)))
    assert len(await recorder.entries()) == 40
    await recorder.audit.sign()
    assert recorder.audit.checkpoints == 1
    assert report(tmp_path).findings == []


def actions(daemon: Daemon, token: str) -> Sequence[Entry]:
    _, body = daemon.get("/api/v1/audit?limit=200", token)
    rows = [json.dumps(row["entry"]) for row in body["entries"]]
    return [msgspec.json.decode(row, type=Entry) for row in rows]


def test_an_admin_who_was_made_just_before_a_kill_is_in_the_chain(tmp_path: Path) -> None:
    with Daemon(tmp_path, KITCHEN) as daemon:
        token = daemon.create_token("admin")
        daemon.wait_until(lambda: daemon.get("/api/v1/points", token)[0] == 200)
        new = {"id": "evil", "label": "Evil", "role": "admin", "password": PASSWORD}
        assert daemon.post("/api/v1/people", token, new)[0] == 201
        daemon.kill()
        assert report(daemon.data).findings == []
        daemon.start()
        daemon.wait_until(lambda: daemon.get("/api/v1/points", token)[0] == 200)
        found = [entry for entry in actions(daemon, token) if entry.about == "evil"]
        assert [(it.action, it.by, it.detail["role"]) for it in found] == [
            ("add_person", "api", "admin")
        ]
