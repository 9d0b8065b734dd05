"""A session lasts no longer than the password or PIN it was opened with, however that changes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.access import Access, Caller, NotAllowed, Refused, Role, User
from gateway.store.file import open_beside
from gateway.store.opening import Store
from gateway.store.people import StoredPeople
from gateway.store.tokens import StoredTokens
from gateway.store.worker import StoreWorker
from tests.fakes import ManualClock
from tests.kitchen_fake import PeopleInMemory, TokensInMemory
from tests.store_files import open_store
from tests.web_client import OWNER, PASSWORD, PIN

PEER = "192.168.0.7"
NEW, NEW_PIN = "another long one", "739102"


@pytest.fixture
async def access() -> Access:
    opened = Access(TokensInMemory(), ManualClock(), people=PeopleInMemory())
    await opened.people.add(OWNER, "kim", "Kim", Role.STAFF, password=PASSWORD, pin=PIN)
    return opened


def who(access: Access, secret: str) -> User | None:
    return access.identify(Caller(peer=PEER, host="192.168.0.2", session=secret))


async def test_a_login_that_waits_while_the_password_changes_is_refused(access: Access) -> None:
    changing = asyncio.create_task(access.people.set_password(OWNER, "kim", NEW))
    await asyncio.sleep(0)  # the change waits for its turn, and the login behind it
    results = await asyncio.gather(
        access.log_in_by_password("kim", PASSWORD, PEER), return_exceptions=True
    )
    await changing
    assert isinstance(results[0], Refused)
    await access.log_in_by_password("kim", NEW, PEER)


async def test_a_pin_that_waits_while_it_changes_is_refused(access: Access) -> None:
    tablet = await access.tablets.pair("one")
    changing = asyncio.create_task(access.people.set_pin(OWNER, "kim", NEW_PIN))
    await asyncio.sleep(0)
    with pytest.raises(Refused):
        await access.log_in_by_pin("kim", PIN, tablet)
    await changing
    await access.log_in_by_pin("kim", NEW_PIN, tablet)


async def test_a_proof_that_waits_while_the_password_changes_is_refused(access: Access) -> None:
    tablet = await access.tablets.pair("one")
    _, user = await access.log_in_by_pin("kim", PIN, tablet)
    changing = asyncio.create_task(access.people.set_password(OWNER, "kim", NEW))
    await asyncio.sleep(0)
    with pytest.raises(Refused):
        await access.prove(user, PASSWORD)
    await changing


async def test_a_proof_for_a_session_that_is_ended_meanwhile_is_refused(access: Access) -> None:
    secret, user = await access.log_in_by_password("kim", PASSWORD, PEER)
    proving = asyncio.create_task(access.prove(user, PASSWORD))
    await asyncio.sleep(0)
    await access.log_out(user)
    with pytest.raises(Refused):
        await proving
    assert who(access, secret) is None


async def test_a_new_secret_ends_what_the_old_one_opened_and_nothing_else(access: Access) -> None:
    tablet = await access.tablets.pair("one")
    by_password, _ = await access.log_in_by_password("kim", PASSWORD, PEER)
    by_pin, user = await access.log_in_by_pin("kim", PIN, tablet)
    await access.people.set_pin(OWNER, "kim", NEW_PIN)
    assert who(access, by_password) is not None
    assert who(access, by_pin) is None
    assert not access.stands(user)
    await access.people.set_password(OWNER, "kim", NEW)
    assert who(access, by_password) is None
    await access.people.set_pin(OWNER, "kim", "")
    assert who(access, by_pin) is None


async def test_who_gives_a_new_password_stays_in_here_alone(access: Access) -> None:
    elsewhere, _ = await access.log_in_by_password("kim", PASSWORD, PEER)
    here, user = await access.log_in_by_password("kim", PASSWORD, PEER)
    for password in (NEW, PASSWORD):
        await access.people.set_password(user, "kim", password)
        assert who(access, here) is not None
        assert who(access, elsewhere) is None
    await access.people.set_password(OWNER, "kim", NEW)
    assert who(access, here) is None


async def test_who_knows_the_old_password_cannot_put_one_over_the_new(access: Access) -> None:
    _, thief = await access.log_in_by_password("kim", PASSWORD, PEER)
    resetting = asyncio.create_task(access.people.set_password(OWNER, "kim", NEW))
    await asyncio.sleep(0)
    with pytest.raises(NotAllowed, match="meanwhile"):
        await access.people.set_password(thief, "kim", "a password of the thief")
    await resetting
    with pytest.raises(Refused):
        access.check_stands(thief)
    await access.log_in_by_password("kim", NEW, PEER)


async def test_an_account_made_anew_does_not_revive_the_sessions_of_the_old(
    access: Access,
) -> None:
    secret, _ = await access.log_in_by_password("kim", PASSWORD, PEER)
    await access.people.remove(OWNER, "kim")
    await access.people.add(OWNER, "kim", "Kim", Role.ADMIN, password=PASSWORD)
    assert who(access, secret) is None


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path, ManualClock())
    yield opened
    opened.close()


async def test_a_password_of_the_command_line_ends_sessions_it_has_never_seen(
    store: Store,
) -> None:
    """The gateway knows the new one seconds later, and lets the old one in until then."""

    async def opened(writer: StoreWorker, reader: StoreWorker) -> tuple[StoredPeople, Access]:
        people, tokens = StoredPeople(writer, reader), StoredTokens(writer, reader)
        await people.load()
        await tokens.load()
        return people, Access(tokens, ManualClock(), people=people)

    people, page = await opened(store.writer, store.reader)
    await page.people.add(OWNER, "kim", "Kim", Role.STAFF, password=PASSWORD)
    other = StoreWorker(open_beside(store.path, ManualClock()), "other")
    _, command = await opened(other, other)
    await command.people.set_password(OWNER, "kim", NEW)
    assert await command.log_out_everywhere("kim") == 0
    secret, user = await page.log_in_by_password("kim", PASSWORD, PEER)
    await people.load()
    assert who(page, secret) is None
    assert not page.stands(user)
    other.close()
