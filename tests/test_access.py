"""Who is let in: tokens, sessions, one-use codes, and the user `demo`."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import (
    CODE_TRIES,
    SESSIONS_MAX,
    Access,
    Caller,
    Refused,
    Role,
    TokenRow,
    TooManyTries,
    TooOften,
    User,
)
from gateway.access.pace import ADDRESSES_MAX, LOGINS_MAX
from gateway.access.secret import SESSIONS_EACH_MAX
from gateway.store.errors import StoreError
from tests.fakes import ManualClock
from tests.kitchen_fake import TokensInMemory
from tests.patience import PATIENCE_S

PEER = "192.168.0.7"
LOCAL = Caller(peer="127.0.0.1", host="localhost:8080")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tokens() -> TokensInMemory:
    return TokensInMemory()


@pytest.fixture
def access(tokens: TokensInMemory, clock: ManualClock) -> Access:
    return Access(tokens, clock)


def bearer(secret: str) -> Caller:
    return Caller(peer=PEER, host="192.168.0.2:8080", authorization=f"Bearer {secret}")


def cookie(secret: str) -> Caller:
    return Caller(peer=PEER, host="192.168.0.2:8080", session=secret)


async def test_a_token_names_its_user_and_role(access: Access) -> None:
    secret = await access.create_token("pos", Role.VIEWER)
    user = access.identify(bearer(secret))
    assert user is not None
    assert (user.name, user.role, user.kind) == ("pos", Role.VIEWER, "token")


async def test_only_the_digest_of_a_secret_is_stored(
    access: Access, tokens: TokensInMemory
) -> None:
    secret = await access.create_token("pos", Role.VIEWER)
    (row,) = tokens.rows("token")
    assert len(row.digest) == 32
    assert secret.encode() not in repr(row).encode()


async def test_a_wrong_bearer_token_is_not_made_good_by_cookie_or_loopback(
    tokens: TokensInMemory, clock: ManualClock
) -> None:
    access = Access(tokens, clock, demo=True)
    session, _ = await access.log_in(await access.create_code("kim", Role.STAFF), PEER)
    caller = Caller(
        peer="127.0.0.1", host="localhost", session=session, authorization="Bearer wrong"
    )
    assert access.identify(caller) is None


@given(st.text(max_size=200))
def test_no_made_up_authorization_is_anybody(header: str) -> None:
    access = Access(TokensInMemory(), ManualClock(), demo=True)
    caller = Caller(peer="127.0.0.1", host="localhost", authorization=header)
    assert access.identify(caller) is None


async def test_a_session_is_no_bearer_token_and_a_token_no_session(access: Access) -> None:
    token = await access.create_token("pos", Role.ADMIN)
    session, _ = await access.log_in(token, PEER)
    assert access.identify(cookie(token)) is None
    assert access.identify(bearer(session)) is None
    assert access.identify(cookie(session)) is not None


async def test_an_expired_token_is_nobody(access: Access, clock: ManualClock) -> None:
    secret = await access.create_token("pos", Role.VIEWER, life_s=60)
    await clock.advance(60_000)
    assert access.identify(bearer(secret)) is None


async def test_a_code_logs_in_once_in_any_case_and_with_dashes(access: Access) -> None:
    code = await access.create_code("kim", Role.STAFF)
    _, user = await access.log_in(f" {code[:5].lower()}-{code[5:]} ", PEER)
    assert (user.name, user.role) == ("kim", Role.STAFF)
    with pytest.raises(Refused):
        await access.log_in(code, PEER)


async def test_of_two_who_send_one_code_at_once_one_gets_in(access: Access) -> None:
    code = await access.create_code("kim", Role.STAFF)
    results = await asyncio.gather(
        access.log_in(code, PEER), access.log_in(code, "192.168.0.8"), return_exceptions=True
    )
    assert sum(isinstance(result, Refused) for result in results) == 1


async def test_wrong_guesses_by_anybody_use_a_code_up(access: Access) -> None:
    code = await access.create_code("kim", Role.STAFF)
    for guess in range(CODE_TRIES):
        with pytest.raises(Refused):
            await access.log_in(f"GUESS{guess}", f"192.168.0.{guess}")
    with pytest.raises(Refused):
        await access.log_in(code, PEER)


async def test_a_code_expires_after_a_quarter_of_an_hour(
    access: Access, clock: ManualClock
) -> None:
    code = await access.create_code("kim", Role.STAFF)
    await clock.advance(900_000)
    with pytest.raises(Refused):
        await access.log_in(code, PEER)


async def test_an_address_that_guesses_too_often_must_wait_a_minute(
    access: Access, clock: ManualClock
) -> None:
    for _ in range(10):
        with pytest.raises(Refused):
            await access.log_in("wrong", PEER)
    code = await access.create_code("kim", Role.STAFF)
    with pytest.raises(TooManyTries):
        await access.log_in(code, PEER)
    assert access.refused == 11
    await clock.advance(60_001)
    await access.log_in(code, PEER)


async def test_a_wall_tablet_in_use_stays_logged_in(access: Access, clock: ManualClock) -> None:
    session, user = await access.log_in(await access.create_code("wall", Role.STAFF), PEER)
    for _ in range(10):
        await clock.advance(7 * 3_600_000)
        await access.renew(user)
    assert access.identify(cookie(session)) is not None
    await clock.advance(12 * 3_600_000)
    assert access.identify(cookie(session)) is None
    assert not access.stands(user)


class FullDisk(TokensInMemory):
    """Refuses to change a row while `trouble` says so."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = ""
        self.tries = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def replace(self, row: TokenRow) -> None:
        self.tries += 1
        await self.answers.wait()
        if self.trouble:
            raise StoreError(self.trouble, full=True)
        await super().replace(row)


async def test_a_session_is_renewed_in_memory_while_the_disk_is_full_and_stored_when_it_is_not(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = FullDisk()
    access = Access(tokens, clock)
    session, user = await access.log_in(await access.create_code("wall", Role.STAFF), PEER)
    tokens.trouble = "database or disk is full"
    for _ in range(3):
        await clock.advance(7 * 3_600_000)
        await access.renew(user)
        await access.renew(user)
        await clock.settle()
        await access.renew(user)
        assert access.identify(cookie(session)) is not None
    assert (tokens.tries, access.renewal_failures) == (3, 3), "once a minute at most"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    tokens.trouble = ""
    await clock.advance(7 * 3_600_000)
    await access.renew(user)
    await clock.settle()
    stored = tokens.find(user.digest)
    assert stored is not None
    assert stored.expires == clock.now() + 12 * 3_600_000


async def test_what_is_renewed_in_memory_only_is_not_taken_for_expired_when_others_log_in(
    clock: ManualClock,
) -> None:
    tokens = FullDisk()
    access = Access(tokens, clock)
    session, user = await access.log_in(await access.create_code("wall", Role.STAFF), PEER)
    tokens.trouble = "database or disk is full"
    await clock.advance(7 * 3_600_000)
    await access.renew(user)
    await clock.settle()
    await clock.advance(7 * 3_600_000)
    await access.log_in(await access.create_token("pos", Role.VIEWER), PEER)
    assert access.identify(cookie(session)) is not None


async def test_a_disk_that_hangs_holds_no_request(clock: ManualClock) -> None:
    tokens = FullDisk()
    access = Access(tokens, clock)
    _, user = await access.log_in(await access.create_code("wall", Role.STAFF), PEER)
    tokens.answers.clear()
    await clock.advance(7 * 3_600_000)
    for _ in range(5):
        await asyncio.wait_for(access.renew(user), PATIENCE_S)
        await clock.settle()
    assert tokens.tries == 1
    await clock.advance(6 * 3_600_000)
    assert access.stands(user)
    tokens.answers.set()
    await clock.settle()


async def test_a_manager_is_logged_out_after_a_quarter_of_an_hour(
    access: Access, clock: ManualClock
) -> None:
    session, _ = await access.log_in(await access.create_code("lee", Role.MANAGER), PEER)
    await clock.advance(900_000)
    assert access.identify(cookie(session)) is None


async def test_logging_out_ends_the_session_but_not_the_token(access: Access) -> None:
    token = await access.create_token("lee", Role.MANAGER)
    session, user = await access.log_in(token, PEER)
    await access.log_out(user)
    assert access.identify(cookie(session)) is None
    assert access.identify(bearer(token)) is not None


async def test_a_session_opened_with_a_token_ends_when_that_is_withdrawn(
    access: Access, tokens: TokensInMemory
) -> None:
    token, other = [await access.create_token(name, Role.STAFF) for name in ("pos", "bar")]
    session, user = await access.log_in(token, PEER)
    kept, _ = await access.log_in(other, PEER)
    withdrawn = next(row for row in access.tokens() if row.user == "pos")
    assert await access.withdraw_token(withdrawn.id)
    assert access.identify(cookie(session)) is None
    assert not access.stands(user)
    assert access.identify(cookie(kept)) is not None
    assert [row.user for row in tokens.rows("session")] == ["bar"]


async def test_use_renews_a_session_opened_with_a_token_never_beyond_the_token(
    access: Access, tokens: TokensInMemory, clock: ManualClock
) -> None:
    token = await access.create_token("pos", Role.STAFF, life_s=50_000)
    session, user = await access.log_in(token, PEER)
    for _ in range(4):
        await clock.advance(12_000_000)
        assert access.identify(cookie(session)) is not None
        await access.renew(user)
    await clock.advance(2_000_000)
    assert access.identify(cookie(session)) is None
    assert not access.stands(user)
    again = Access(tokens, clock)  # what was renewed is stored with a later end of its own
    assert again.identify(cookie(session)) is None


async def test_the_oldest_session_makes_room_for_the_newest(
    access: Access, tokens: TokensInMemory, clock: ManualClock
) -> None:
    first, _ = await access.log_in(await access.create_code("kim", Role.STAFF), PEER)
    for number in range(SESSIONS_MAX // SESSIONS_EACH_MAX):
        token = await access.create_token(f"wall {number}", Role.VIEWER)
        for _ in range(SESSIONS_EACH_MAX):
            await clock.advance(1)
            await access.log_in(token, PEER)
    assert len(tokens.rows("session")) == SESSIONS_MAX
    assert access.identify(cookie(first)) is None


async def test_one_token_ends_no_sessions_but_its_own(
    access: Access, tokens: TokensInMemory, clock: ManualClock
) -> None:
    others = [
        (await access.log_in(secret, PEER))[0]
        for secret in (
            await access.create_code("lee", Role.MANAGER),
            await access.create_token("pos", Role.STAFF),
        )
    ]
    token, own = await access.create_token("wall", Role.VIEWER), []
    for _ in range(SESSIONS_EACH_MAX + 3):
        await clock.advance(1)
        own.append((await access.log_in(token, PEER))[0])
    assert [access.identify(cookie(secret)) is not None for secret in own] == (
        [False] * 3 + [True] * SESSIONS_EACH_MAX
    )
    assert all(access.identify(cookie(secret)) is not None for secret in others)
    assert len(tokens.rows("session")) == 2 + SESSIONS_EACH_MAX


async def test_expired_sessions_make_room_before_a_living_one_does(
    access: Access, tokens: TokensInMemory, clock: ManualClock
) -> None:
    token = await access.create_token("wall", Role.STAFF)
    first, user = await access.log_in(token, PEER)
    for _ in range(SESSIONS_EACH_MAX - 1):
        await clock.advance(1)
        await access.log_in(token, PEER)
    await clock.advance(11 * 3_600_000)
    await access.renew(user)
    await clock.settle()
    await clock.advance(11 * 3_600_000)
    await access.log_in(token, PEER)
    assert access.identify(cookie(first)) is not None
    assert len(tokens.rows("session")) == 2


async def test_many_addresses_that_guess_keep_nobody_else_out(access: Access) -> None:
    for number in range(ADDRESSES_MAX + 1):
        with pytest.raises(Refused):
            await access.log_in("wrong", f"fd00:0:0:{number:x}::1")
    await access.log_in(await access.create_token("pos", Role.VIEWER), PEER)


async def test_a_token_that_logs_in_without_end_must_wait_and_others_need_not(
    access: Access, tokens: TokensInMemory, clock: ManualClock
) -> None:
    token = await access.create_token("wall", Role.VIEWER)
    for _ in range(LOGINS_MAX):
        await access.log_in(token, PEER)
    before = tokens.rows("session")
    for _ in range(3):
        with pytest.raises(TooOften) as waiting:
            await access.log_in(token, "192.168.0.8")
        assert waiting.value.wait_s == 60
    assert tokens.rows("session") == before
    await access.log_in(await access.create_token("pos", Role.VIEWER), PEER)
    await clock.advance(60_000)
    await access.log_in(token, PEER)


@pytest.mark.parametrize(
    "caller",
    [
        LOCAL,
        Caller(peer="127.0.0.1", host="127.0.0.1:8080"),
        Caller(peer="::1", host="[::1]:8080"),
        Caller(peer="::1", host="[::1]"),
        Caller(peer="127.0.0.1", host="localhost", origin="http://localhost"),
        Caller(peer="127.0.0.1", host="localhost:8080", origin="http://localhost:8080"),
    ],
)
def test_under_demo_this_machine_is_the_user_demo(caller: Caller) -> None:
    access = Access(TokensInMemory(), ManualClock(), demo=True)
    assert access.identify(caller) == User("demo", Role.STAFF, "demo")
    assert Access(TokensInMemory(), ManualClock()).identify(caller) is None


@pytest.mark.parametrize(
    "caller",
    [
        Caller(peer="192.168.0.7", host="localhost:8080"),
        Caller(peer="", host="localhost:8080"),
        Caller(peer="127.0.0.2", host="localhost:8080"),
        Caller(peer="127.0.0.1", host="192.168.0.2:8080"),
        Caller(peer="127.0.0.1", host="evil.example"),
        Caller(peer="127.0.0.1", host="localhost.evil.example:8080"),
        Caller(peer="127.0.0.1", host="localhost:8080", origin="http://evil.example"),
        Caller(peer="127.0.0.1", host="localhost:8080", origin="null"),
        Caller(peer="127.0.0.1", host="localhost:8080", origin="http://localhost"),
        Caller(peer="127.0.0.1", host="localhost:8080", forwarded=True),
    ],
)
def test_under_demo_nobody_else_is(caller: Caller) -> None:
    assert Access(TokensInMemory(), ManualClock(), demo=True).identify(caller) is None


def test_a_role_covers_those_beneath_it() -> None:
    assert Role.ADMIN.covers(Role.VIEWER)
    assert Role.STAFF.covers(Role.STAFF)
    assert not Role.VIEWER.covers(Role.STAFF)
