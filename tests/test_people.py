"""People with passwords and PINs: who may make whom, what is guessed, and how long one waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.access import (
    Access,
    Caller,
    Locked,
    NotAllowed,
    Overrun,
    Reach,
    Refused,
    Role,
    TooManyTries,
    Unfit,
    User,
)
from gateway.access.lock import (
    PIN_WAITS,
    PLACES_MAX,
    forgiven,
    one_more,
    one_more_at,
    right_at,
    wait_at_ms,
    wait_ms,
)
from gateway.access.person import Lock, check_password, check_pin
from gateway.store.opening import Store
from gateway.store.people import StoredPeople
from gateway.store.tokens import StoredTokens
from tests.fakes import ManualClock
from tests.kitchen_fake import PeopleInMemory, TokensInMemory
from tests.store_files import open_store
from tests.web_client import OWNER, PASSWORD, PIN

PEER = "192.168.0.7"
LOCAL = "127.0.0.1"  # where a proxy on this machine speaks for everybody
DAY_MS = 86_400_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store() -> PeopleInMemory:
    return PeopleInMemory()


@pytest.fixture
def tokens() -> TokensInMemory:
    return TokensInMemory()


@pytest.fixture
async def access(tokens: TokensInMemory, store: PeopleInMemory, clock: ManualClock) -> Access:
    opened = Access(tokens, clock, people=store)
    await opened.people.add(OWNER, "lee", "이민호", Role.MANAGER, password=PASSWORD)
    await opened.people.add(OWNER, "kim", "김민지", Role.STAFF, pin=PIN)
    return opened


def who(access: Access, secret: str) -> User | None:
    return access.identify(Caller(peer=PEER, host="192.168.0.2", session=secret))


async def test_a_person_logs_in_by_id_or_by_name_and_nobody_else_does(access: Access) -> None:
    for name in ("lee", "LEE ", "이민호"):
        secret, user = await access.log_in_by_password(name, PASSWORD, PEER)
        assert (user.name, user.role, user.person) == ("lee", Role.MANAGER, "lee")
        assert who(access, secret) == user
    for name, password in (("lee", PASSWORD + " "), ("nobody", PASSWORD), ("kim", ""), ("", "")):
        with pytest.raises(Refused):
            await access.log_in_by_password(name, password, PEER)


async def test_a_stored_password_is_argon2id_with_19_mib_two_passes_and_one_lane(
    store: PeopleInMemory, access: Access
) -> None:
    del access
    person = store.person("lee")
    assert person is not None
    assert person.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in person.password


async def test_the_password_of_nobody_takes_a_whole_comparison() -> None:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    from gateway.access.password import _NOBODY

    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(_NOBODY, "")


async def test_wrong_passwords_sent_at_once_are_ten_a_minute_all_the_same(access: Access) -> None:
    tries = [access.log_in_by_password("nobody", f"guess {n}", LOCAL) for n in range(40)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Refused) for result in results) == 10
    assert sum(isinstance(result, TooManyTries) for result in results) == 30
    assert access.refused == 40


async def test_a_shift_that_logs_in_at_once_behind_one_proxy_gets_in(access: Access) -> None:
    tries = [access.log_in_by_password("lee", PASSWORD, LOCAL) for _ in range(12)]
    assert len(await asyncio.gather(*tries)) == 12


async def test_of_one_address_four_wait_and_the_others_come_again(access: Access) -> None:
    tries = [access.log_in_by_password("lee", PASSWORD, PEER) for _ in range(6)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [isinstance(result, Overrun) for result in results] == [False] * 4 + [True] * 2
    assert access.people.passwords.turns.overruns == 2
    await access.log_in_by_password("lee", PASSWORD, PEER)


async def test_whoever_gets_in_buys_no_tries_for_their_address(access: Access) -> None:
    for _ in range(9):
        with pytest.raises(Refused):
            await access.log_in("wrong", PEER)
    await access.log_in(await access.create_token("pos", Role.VIEWER), PEER)
    with pytest.raises(Refused):
        await access.log_in("wrong", PEER)
    with pytest.raises(TooManyTries):
        await access.log_in("wrong", PEER)


async def test_whoever_is_removed_or_demoted_is_so_at_once(access: Access) -> None:
    secret, user = await access.log_in_by_password("lee", PASSWORD, PEER)
    await access.people.change(OWNER, "lee", role=Role.VIEWER)
    now = who(access, secret)
    assert now is not None
    assert now.role is Role.VIEWER
    assert not access.stands(user)
    await access.people.remove(OWNER, "lee")
    assert who(access, secret) is None


async def test_logging_out_everywhere_leaves_this_browser_alone(access: Access) -> None:
    first, _ = await access.log_in_by_password("lee", PASSWORD, PEER)
    here, user = await access.log_in_by_password("lee", PASSWORD, PEER)
    assert await access.log_out_everywhere("lee", but=user.digest) == 1
    assert who(access, first) is None
    assert who(access, here) is not None


async def test_a_manager_makes_staff_and_nobody_above(access: Access) -> None:
    _, lee = await access.log_in_by_password("lee", PASSWORD, PEER)
    await access.people.add(lee, "park", "박", Role.STAFF, pin=PIN)
    for role in (Role.MANAGER, Role.ADMIN):
        with pytest.raises(NotAllowed, match="only an admin"):
            await access.people.add(lee, "choi", "최", role, password=PASSWORD)
        with pytest.raises(NotAllowed):
            await access.people.change(lee, "park", role=role)
    await access.people.add(OWNER, "boss", "Boss", Role.ADMIN, password=PASSWORD)
    for attempt in (
        access.people.set_password(lee, "boss", PASSWORD + "!"),
        access.people.remove(lee, "boss"),
        access.people.unlock(lee, "boss"),
    ):
        with pytest.raises(NotAllowed):
            await attempt


async def test_nobody_gives_more_reach_than_they_have(access: Access) -> None:
    await access.people.change(OWNER, "lee", reach=Reach(("bar",), ("fryer",)))
    _, lee = await access.log_in_by_password("lee", PASSWORD, PEER)
    await access.people.add(lee, "a", "A", Role.STAFF, pin=PIN, reach=Reach(("bar",)))
    for wide in (Reach(), Reach(("kitchen",)), Reach((), ("oven",))):
        with pytest.raises(NotAllowed, match="further"):
            await access.people.add(lee, "b", "B", Role.STAFF, pin=PIN, reach=wide)


async def test_the_only_admin_stays(access: Access) -> None:
    await access.people.add(OWNER, "boss", "Boss", Role.ADMIN, password=PASSWORD)
    with pytest.raises(NotAllowed, match="only admin"):
        await access.people.remove(OWNER, "boss")
    with pytest.raises(NotAllowed, match="only admin"):
        await access.people.change(OWNER, "boss", role=Role.STAFF)


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaa", "abababababab", "leelee12345", "x" * 129]
)
def test_a_password_that_would_be_guessed_is_not_taken(password: str) -> None:
    with pytest.raises(Unfit):
        check_password(password, "lee", "Lee")


@pytest.mark.parametrize(
    "pin", ["12345", "1234567", "123456", "876543", "111111", "121212", "١٢٣٤٥٦", ""]
)
def test_a_pin_that_would_be_guessed_is_not_taken(pin: str) -> None:
    with pytest.raises(Unfit):
        check_pin(pin)


async def test_the_pairing_code_makes_the_first_admin_and_no_second(access: Access) -> None:
    code = await access.create_pairing_code()
    assert len(code) == 10
    assert access.can_pair()
    with pytest.raises(Unfit):
        await access.pair(code, "boss", "Boss", "short", PEER)
    secret, user = await access.pair(
        f"{code[:5]}-{code[5:].lower()}", "boss", "Boss", PASSWORD, PEER
    )
    assert (user.name, user.role) == ("boss", Role.ADMIN)
    assert who(access, secret) == user
    assert not access.can_pair()
    with pytest.raises(NotAllowed):
        await access.pair(code, "two", "Two", PASSWORD, PEER)
    with pytest.raises(NotAllowed):
        await access.create_pairing_code()


async def test_a_pairing_code_logs_nobody_in_and_a_login_code_pairs_nobody(access: Access) -> None:
    code = await access.create_pairing_code()
    with pytest.raises(Refused):
        await access.log_in(code, PEER)
    login = await access.create_code("kim", Role.STAFF)
    with pytest.raises(Refused):
        await access.pair(login, "boss", "Boss", PASSWORD, PEER)
    assert not access.people.has_admin()


async def test_a_pairing_code_ends_after_a_quarter_of_an_hour(
    access: Access, clock: ManualClock
) -> None:
    code = await access.create_pairing_code()
    await clock.advance(900_000)
    assert not access.can_pair()
    with pytest.raises(Refused):
        await access.pair(code, "boss", "Boss", PASSWORD, PEER)


async def test_of_a_hundred_thousand_guesses_five_are_evaluated(access: Access) -> None:
    code = await access.create_pairing_code()
    for guess in range(100_000):
        with pytest.raises((Refused, TooManyTries)):
            await access.pair(f"{guess:010}", "evil", "Evil", PASSWORD, f"10.0.0.{guess % 20}")
    assert access.codes.evaluated == 5
    assert not access.can_pair()
    with pytest.raises(Refused):
        await access.pair(code, "evil", "Evil", PASSWORD, PEER)
    assert not access.people.has_admin()


async def test_a_pin_counts_on_a_paired_tablet_alone_and_makes_staff_at_most(
    access: Access, clock: ManualClock
) -> None:
    await access.people.set_pin(OWNER, "lee", PIN)
    with pytest.raises(NotAllowed):
        await access.log_in_by_pin("lee", PIN, "forged")
    tablet = await access.tablets.pair("주방 태블릿")
    secret, user = await access.log_in_by_pin("lee", PIN, tablet)
    assert (user.role, user.own_role, user.tablet) == (Role.STAFF, Role.MANAGER, "주방 태블릿")
    assert not access.proven(user)
    risen = await access.prove(user, PASSWORD)
    assert (risen.role, access.proven(risen)) == (Role.MANAGER, True)
    await clock.advance(600_000)
    fallen = who(access, secret)
    assert fallen is not None
    assert (fallen.role, access.proven(fallen)) == (Role.STAFF, False)
    assert not access.stands(risen)
    (row,) = access.tablets.all()
    assert await access.tablets.take_back(row.id)
    assert who(access, secret) is None


async def test_wrong_pins_lock_the_person_and_the_tablet_but_not_others_elsewhere(
    access: Access, clock: ManualClock
) -> None:
    await access.people.add(OWNER, "park", "박", Role.STAFF, pin=PIN)
    first, second = await access.tablets.pair("one"), await access.tablets.pair("two")
    for _ in range(3):
        with pytest.raises(Refused):
            await access.log_in_by_pin("kim", "000000", first)
    for person, tablet in (("kim", first), ("kim", second), ("park", first)):
        with pytest.raises(Locked) as locked:
            await access.log_in_by_pin(person, PIN, tablet)
        assert 0 < locked.value.wait_s <= 60
    await access.log_in_by_pin("park", PIN, second)
    await clock.advance(60_000)
    await access.log_in_by_pin("kim", PIN, first)
    await access.log_in_by_pin("park", PIN, first)


async def test_a_new_pin_ends_the_wait(access: Access) -> None:
    tablet, other = await access.tablets.pair("one"), await access.tablets.pair("two")
    for _ in range(3):
        with pytest.raises(Refused):
            await access.log_in_by_pin("kim", "000000", tablet)
    assert access.people.locked_s("kim") == 60
    await access.people.set_pin(OWNER, "kim", "739102")
    assert access.people.locked_s("kim") == 0
    await access.log_in_by_pin("kim", "739102", other)


async def test_tries_at_once_are_counted_before_they_are_made(access: Access) -> None:
    tablet = await access.tablets.pair("one")
    tries = [access.log_in_by_pin("kim", f"{guess:06}", tablet) for guess in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, Refused) for result in results) == 3
    assert sum(isinstance(result, Locked | Overrun) for result in results) == 17


def test_whoever_guesses_as_fast_as_they_may_has_35_tries_a_day() -> None:
    now, lock, tried = 0, None, []
    while now < 30 * DAY_MS:
        now += wait_ms(lock, now, PIN_WAITS)
        tried.append(now)
        lock = one_more(lock, now)
    for first in tried:
        assert sum(first <= at < first + DAY_MS for at in tried) <= 35
    assert wait_ms(lock, now + DAY_MS, PIN_WAITS) == 0


def test_a_password_is_never_locked_for_more_than_a_quarter_of_an_hour() -> None:
    assert wait_at_ms(Lock(10_000, 0, {"here": Lock(10_000, 0)}), "here", 0) == 900_000
    assert wait_at_ms(Lock(99, 0, {"here": Lock(9, 0)}), "here", 0) == 0


def test_who_guesses_for_weeks_at_one_place_holds_up_the_others_a_minute_in_fifteen() -> None:
    now, lock, waits = 0, None, []
    while now < 30 * DAY_MS:
        now += wait_at_ms(lock, "there", now)
        lock = one_more_at(lock, "there", now)
        waits.append(wait_at_ms(lock, "here", now))
    assert max(waits) == 60_000
    assert wait_at_ms(lock, "here", now + 60_000) == 0
    assert wait_at_ms(lock, "there", now + 60_000) == 840_000


@given(some.lists(some.tuples(some.integers(0, 40), some.integers(0, 900_000)), max_size=200))
def test_guesses_at_any_number_of_places_are_a_hundred_and_one_a_minute(
    course: list[tuple[int, int]],
) -> None:
    now, lock, tried = 0, None, 0
    for place, pause_ms in course:
        now += pause_ms
        if wait_at_ms(lock, str(place), now) == 0:
            lock, tried = one_more_at(lock, str(place), now), tried + 1
            assert len(lock.places) <= PLACES_MAX
            assert str(place) in lock.places
    assert tried <= 100 + now / 60_000 + 1


def test_the_right_password_forgives_that_place_and_the_sum_but_no_other_place() -> None:
    lock = None
    for place in (*["there"] * 10, *["here"] * 3):
        lock = one_more_at(lock, place, 1_000)
    after = right_at(lock, "here")
    assert after == Lock(0, 1_000, {"there": Lock(10, 1_000)})
    assert (wait_at_ms(after, "here", 1_000), wait_at_ms(after, "there", 1_000)) == (0, 60_000)
    assert right_at(after, "there") is None


async def test_who_knows_a_name_locks_nobody_out_from_elsewhere(access: Access) -> None:
    for guess in range(10):
        with pytest.raises(Refused):
            await access.log_in_by_password("lee", f"guess {guess}", "192.168.0.66")
    with pytest.raises(Locked):
        await access.people.check_password("lee", PASSWORD, "192.168.0.66")
    _, user = await access.log_in_by_password("lee", PASSWORD, PEER)
    await access.prove(user, PASSWORD)
    with pytest.raises(Locked):
        await access.people.check_password("lee", PASSWORD, "192.168.0.66")
    await access.people.unlock(OWNER, "lee")
    await access.people.check_password("lee", PASSWORD, "192.168.0.66")


async def test_wrong_proofs_lock_proving_on_that_login_alone(access: Access) -> None:
    _, guessing = await access.log_in_by_password("lee", PASSWORD, PEER)
    _, other = await access.log_in_by_password("lee", PASSWORD, PEER)
    for guess in range(10):
        with pytest.raises(Refused):
            await access.prove(guessing, f"guess {guess}")
    with pytest.raises(Locked):
        await access.prove(guessing, PASSWORD)
    await access.prove(other, PASSWORD)
    await access.log_in_by_password("lee", PASSWORD, PEER)


@given(some.lists(some.sampled_from(["kim", "park", "right"]), max_size=60))
@settings(max_examples=200)
def test_only_ones_own_mistakes_are_forgiven(course: list[str]) -> None:
    """Somebody with a PIN of their own cannot buy further tries at that of others."""
    own: Lock | None = None
    shared: Lock | None = None
    others = 0
    for step in course:
        if step == "right":
            shared = forgiven(shared, own.wrong if own else 0, 1)
            own = None
        else:
            shared = one_more(shared, 1)
            own = one_more(own, 1) if step == "kim" else own
            others += step == "park"
    assert (shared.wrong if shared else 0) >= others


@pytest.fixture
async def opened(tmp_path: object, clock: ManualClock) -> AsyncIterator[Store]:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    store = open_store(tmp_path, clock)
    yield store
    store.close()


async def test_people_and_their_waits_outlive_the_process(
    opened: Store, clock: ManualClock
) -> None:
    def fresh() -> tuple[StoredPeople, Access]:
        people = StoredPeople(opened.writer, opened.reader)
        return people, Access(StoredTokens(opened.writer, opened.reader), clock, people=people)

    _, access = fresh()
    await access.people.add(OWNER, "kim", "김민지", Role.STAFF, pin=PIN, reach=Reach(("bar",)))
    tablet = await access.tablets.pair("one")
    for _ in range(3):
        with pytest.raises(Refused):
            await access.log_in_by_pin("kim", "000000", tablet)
    wrong = one_more_at(one_more_at(None, "10.0.0.1", 5), "10.0.0.2", 6)
    await fresh()[0].keep_lock("password/kim", wrong)
    people, later = fresh()
    await people.load()
    person = people.person("kim")
    assert person is not None
    assert (person.label, person.reach) == ("김민지", Reach(("bar",)))
    assert later.people.locked_s("kim") == 60
    assert people.lock("password/kim") == wrong
    await later.people.remove(OWNER, "kim")
    assert people.people() == []
    await people.load()
    assert people.people() == []


async def test_an_account_that_cannot_be_read_is_said_once_and_lets_nobody_in(
    opened: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def spoil(disk: object) -> None:
        import sqlite3

        assert isinstance(disk, sqlite3.Connection)
        disk.execute("INSERT INTO people VALUES ('kim', '{')")
        disk.execute("INSERT INTO locks VALUES ('pin/kim', '?')")

    await opened.writer.call(spoil)
    people = StoredPeople(opened.writer, opened.reader)
    for _ in range(3):
        await people.load()
    assert people.person("kim") is None
    assert people.lock("pin/kim") is None
    assert [record.getMessage() for record in caplog.records] == [
        "the account kim cannot be read: add it anew"
    ]
