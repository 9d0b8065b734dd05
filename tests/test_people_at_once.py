"""Two who change accounts at once: nothing is lost, nobody comes back, and an admin stays."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.access import Access, NotAllowed, Reach, Role, Unfit, User
from gateway.cli import main
from gateway.store.file import open_beside
from gateway.store.opening import Store
from gateway.store.people import StoredPeople
from gateway.store.tokens import StoredTokens
from gateway.store.worker import StoreWorker
from tests.fakes import ManualClock
from tests.store_files import open_store
from tests.web_client import OWNER, PASSWORD, PIN


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(tmp_path, ManualClock())
    yield opened
    opened.close()


@pytest.fixture
async def beside(store: Store) -> AsyncIterator[StoreWorker]:
    """The connection of another process."""
    worker = StoreWorker(open_beside(store.path, ManualClock()), "other")
    yield worker
    worker.close()


async def people_of(writer: StoreWorker, reader: StoreWorker) -> tuple[StoredPeople, Access]:
    people = StoredPeople(writer, reader)
    await people.load()
    return people, Access(StoredTokens(writer, reader), ManualClock(), people=people)


def as_user(person_id: str, role: Role, reach: Reach = Reach()) -> User:  # noqa: B008 - frozen
    return User(person_id, role, "session", reach=reach, person=person_id)


async def test_of_two_admins_who_demote_each_other_one_stays(store: Store) -> None:
    people, access = await people_of(store.writer, store.reader)
    for name in ("one", "two"):
        await access.people.add(OWNER, name, name, Role.ADMIN)
    results = await asyncio.gather(
        access.people.change(as_user("one", Role.ADMIN), "two", role=Role.STAFF),
        access.people.change(as_user("two", Role.ADMIN), "one", role=Role.STAFF),
        return_exceptions=True,
    )
    assert sum(isinstance(result, NotAllowed) for result in results) == 1
    assert access.people.has_admin()
    await people.load()
    assert access.people.has_admin()


async def test_the_command_line_and_the_page_leave_an_admin_between_them(
    store: Store, beside: StoreWorker
) -> None:
    _, page = await people_of(store.writer, store.reader)
    for name in ("one", "two"):
        await page.people.add(OWNER, name, name, Role.ADMIN)
    _, command = await people_of(beside, beside)
    await command.people.remove(OWNER, "one")
    with pytest.raises(NotAllowed, match="only admin"):
        await page.people.change(OWNER, "two", role=Role.STAFF)
    with pytest.raises(NotAllowed, match="only admin"):
        await page.people.remove(OWNER, "two")
    with pytest.raises(KeyError):
        await page.people.change(OWNER, "one", label="One")
    with pytest.raises(Unfit, match="already"):
        await command.people.add(OWNER, "two", "Two", Role.STAFF)


async def test_whoever_is_removed_while_they_are_changed_stays_removed(store: Store) -> None:
    people, access = await people_of(store.writer, store.reader)
    await access.people.add(OWNER, "kim", "Kim", Role.STAFF, pin=PIN)
    changing = asyncio.create_task(access.people.set_password(OWNER, "kim", PASSWORD))
    renaming = asyncio.create_task(access.people.change(OWNER, "kim", label="김민지"))
    await access.people.remove(OWNER, "kim")
    results = await asyncio.gather(changing, renaming, return_exceptions=True)
    assert isinstance(results[0], KeyError)
    assert people.people() == []
    await people.load()
    assert people.people() == []


async def test_changes_of_one_person_at_once_are_all_kept(
    store: Store, beside: StoreWorker
) -> None:
    people, access = await people_of(store.writer, store.reader)
    await access.people.add(OWNER, "kim", "Kim", Role.MANAGER, pin=PIN)
    _, command = await people_of(beside, beside)
    await asyncio.gather(
        access.people.change(OWNER, "kim", role=Role.VIEWER),
        access.people.change(OWNER, "kim", label="김민지"),
        access.people.set_pin(OWNER, "kim", ""),
        command.people.change(OWNER, "kim", reach=Reach(("bar",))),
    )
    await people.load()
    person = people.person("kim")
    assert person is not None
    assert (person.role, person.label, person.pin) == (Role.VIEWER, "김민지", "")
    assert person.reach == Reach(("bar",))


async def test_of_two_new_accounts_with_one_name_the_second_is_refused(store: Store) -> None:
    people, access = await people_of(store.writer, store.reader)
    results = await asyncio.gather(
        access.people.add(OWNER, "kim", "First", Role.STAFF),
        access.people.add(OWNER, "kim", "Second", Role.ADMIN),
        return_exceptions=True,
    )
    assert isinstance(results[1], Unfit)
    assert [person.label for person in people.people()] == ["First"]


async def test_somebody_demoted_meanwhile_changes_nobody(store: Store) -> None:
    _, access = await people_of(store.writer, store.reader)
    for name, role in (("one", Role.ADMIN), ("two", Role.ADMIN), ("kim", Role.STAFF)):
        await access.people.add(OWNER, name, name, role)
    two = as_user("two", Role.ADMIN)
    results = await asyncio.gather(
        access.people.change(OWNER, "two", role=Role.STAFF),
        access.people.change(two, "kim", role=Role.ADMIN),
        access.people.add(two, "own", "Own", Role.ADMIN),
        access.people.remove(two, "one"),
        access.people.change(two, "two", role=Role.ADMIN),
        return_exceptions=True,
    )
    assert [type(result) for result in results[1:]] == [NotAllowed] * 4


async def test_a_change_that_is_refused_leaves_the_file_and_the_memory_as_they_were(
    store: Store,
) -> None:
    people, access = await people_of(store.writer, store.reader)
    kim = await access.people.add(OWNER, "kim", "Kim", Role.STAFF)
    lee = as_user("lee", Role.MANAGER)
    await access.people.add(OWNER, "lee", "Lee", Role.MANAGER)
    for refused in (
        access.people.change(lee, "kim", label="Kim", role=Role.ADMIN),
        access.people.change(lee, "lee", role=Role.ADMIN),
    ):
        with pytest.raises(NotAllowed):
            await refused
    for unfit in (
        access.people.change(OWNER, "kim", role=Role.ADMIN, pin="1"),
        access.people.change(OWNER, "kim", label=""),
    ):
        with pytest.raises(Unfit):
            await unfit
    assert people.person("kim") == kim
    await people.load()
    assert people.person("kim") == kim


def test_a_role_is_given_by_the_command_line_but_the_only_admin_stays_one(tmp_path: Path) -> None:
    open_store(tmp_path, ManualClock()).close()

    def user(*arguments: str) -> Result:
        return CliRunner().invoke(
            main, ["user", *arguments, "--data", str(tmp_path)], input=f"{PASSWORD}\n"
        )

    assert user("add", "kim", "--role", "admin").exit_code == 0
    refused = user("role", "kim", "staff")
    assert (refused.exit_code, "only admin" in refused.output) == (1, True)
    assert user("add", "lee").exit_code == 0
    assert "lee is admin from now on" in user("role", "lee", "admin").output
    assert user("role", "kim", "staff").exit_code == 0
    told = CliRunner().invoke(main, ["audit", "show", "--data", str(tmp_path)]).output
    assert "kim (admin, everywhere)" in told
    assert "lee (admin)" in told
    shown = json.loads(user("list", "--json").output)
    assert [row["role"] for row in shown["people"]] == ["staff", "admin"]
