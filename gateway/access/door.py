"""The one place that says who a caller is, and that logs in and out.

Times are kitchen time, so that a wall clock set back does not bring an expired secret to life.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import msgspec

from gateway.access.caller import Caller, User
from gateway.access.codes import Codes
from gateway.access.errors import NotAllowed, Refused, TooManyTries, Unfit
from gateway.access.nobody import Nobody
from gateway.access.pace import Entries, Pace
from gateway.access.people import People
from gateway.access.person import (
    EVERYWHERE,
    PeopleStore,
    Person,
    Reach,
    check_names,
    check_password,
)
from gateway.access.place import place_of
from gateway.access.role import Role
from gateway.access.secret import (
    CODE_LIFE_S,
    SECRET_MAX,
    TOKEN_PREFIX,
    TOKENS_MAX,
    TokenRow,
    TokenStore,
    digest_of,
    new_secret,
)
from gateway.access.sessions import PROOF_LIFE_S, Sessions, capped
from gateway.access.tablets import Tablets, as_user
from gateway.clock import Clock

LOOPBACK_PEERS = frozenset({"127.0.0.1", "::1"})
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
_NEW_ADMIN = "new admin"


class Access:
    """Decides who a caller is, and hands out secrets; `demo` lets loopback in as `demo`."""

    def __init__(
        self,
        tokens: TokenStore,
        clock: Clock,
        *,
        people: PeopleStore | None = None,
        demo: bool = False,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._demo = demo
        self._changing = asyncio.Lock()
        self._pace = Pace(clock)
        self._entries = Entries(clock)
        self.people = People(people or Nobody(), clock)
        self.sessions = Sessions(tokens, clock)
        self.codes = Codes(tokens, clock)
        self.tablets = Tablets(tokens, clock)
        self.refused = 0

    def identify(self, caller: Caller) -> User | None:
        """The user behind a request, or None; a wrong bearer token is never made good by others.

        Whoever may open the socket in the data folder may read and write all there: an admin.
        """
        if caller.console is not None:
            return User(caller.console, Role.ADMIN, "console")
        if caller.authorization is not None:
            scheme, _, secret = caller.authorization.partition(" ")
            return self._user(secret.strip(), "token") if scheme.lower() == "bearer" else None
        if caller.session is not None and (user := self._user(caller.session, "session")):
            return user
        if (tablet := self.tablets.of(caller.tablet)) is not None:
            return as_user(tablet)
        return User("demo", Role.STAFF, "demo") if self._is_demo(caller) else None

    def stands(self, user: User) -> bool:
        """Whether the secret behind `user` is still valid, and the role still that."""
        if user.kind == "demo" or user.kind == "console":  # noqa: PLR1714 - mypy narrows by it
            return True
        if user.kind == "tablet":
            return self.tablets.by_digest(user.digest) is not None
        row = self.sessions.valid(user.digest, user.kind)
        now = None if row is None else self._as_user(row, user.kind)
        return now is not None and now.role.covers(user.role)

    def check_stands(self, user: User) -> None:
        """Raise Refused where the secret behind `user` has come to nothing meanwhile."""
        if not self.stands(user):
            raise Refused

    def proven(self, user: User) -> bool:
        """Whether a password counts as just given; who has none is not asked for it."""
        if user.kind != "session":
            return user.kind in ("token", "console")
        return user.proven_until is not None and user.proven_until > self._clock.now()

    async def renew(self, user: User) -> None:
        """Extend a session that is in use.

        Counts at once and never waits for the disk; it is stored when that can be done.
        """
        if user.kind == "session":
            self.sessions.renew(user.digest)

    @property
    def renewal_failures(self) -> int:
        return self.sessions.renewal_failures

    async def create_token(
        self, user: str, role: Role, life_s: float | None = None, reach: Reach = EVERYWHERE
    ) -> str:
        """A new API token; it is shown once and cannot be read again. Raises Unfit."""
        if len(self.tokens()) >= TOKENS_MAX:
            raise Unfit(f"there are {TOKENS_MAX} tokens: withdraw one that nobody uses", "full")
        secret, now = TOKEN_PREFIX + new_secret(), self._clock.now()
        row = TokenRow(
            digest=digest_of(secret),
            kind="token",
            role=role,
            user=user,
            created=now,
            expires=None if life_s is None else now + int(life_s * 1000),
            reach=reach,
        )
        await self._tokens.add(row)
        return secret

    def tokens(self) -> list[TokenRow]:
        """Those of programs, the oldest first."""
        return sorted(self._tokens.rows("token"), key=lambda row: row.created)

    async def withdraw_token(self, token_id: str) -> bool:
        """Whether there was such a token; every session opened with it ends at once."""
        found = next((row.digest for row in self.tokens() if row.id == token_id), None)
        if found is None or not await self._tokens.remove(found):
            return False
        await self.sessions.end_of_secret(found)
        return True

    async def take_back_tablet(self, tablet_id: str) -> bool:
        """Whether there was such a tablet; everybody logged in on it is out at once."""
        found = next((row.digest for row in self.tablets.all() if row.id == tablet_id), None)
        if found is None or not await self.tablets.take_back(tablet_id):
            return False
        await self.sessions.end_of_secret(found)
        return True

    async def create_code(
        self, user: str, role: Role, life_s: float = CODE_LIFE_S, reach: Reach = EVERYWHERE
    ) -> str:
        """A code that logs in once; wrong guesses by anybody use it up."""
        async with self._changing:
            return await self.codes.create("code", user, role, life_s, reach)

    async def create_pairing_code(self, life_s: float = CODE_LIFE_S) -> str:
        """The code that makes the first admin; raises NotAllowed once there is one."""
        self._check_no_admin()
        async with self._changing:
            return await self.codes.create("pairing", _NEW_ADMIN, Role.ADMIN, life_s)

    def can_pair(self) -> bool:
        """Whether a pairing code would be taken now."""
        return not self.people.has_admin() and self.codes.any("pairing")

    async def pair(
        self, code: str, person_id: str, label: str, password: str, peer: str
    ) -> tuple[str, User]:
        """Make the first admin and log in; raises Refused, TooManyTries, Unfit or NotAllowed."""
        check_names(person_id, label)
        check_password(password, person_id, label)
        self._check_no_admin()
        async with self._changing:
            with self._one_try(peer):
                row = await self.codes.find(code.strip(), "pairing")
                if row is None:
                    raise Refused
            by = User(_NEW_ADMIN, Role.ADMIN, "console")
            person = await self.people.add(
                by, person_id, label, Role.ADMIN, password=password, first=True
            )
            await self.codes.spend(row)
            return await self._open(_session_of(person, self._proof()))

    async def log_in(self, secret: str, peer: str, tablet: str | None = None) -> tuple[str, User]:
        """Swap a token or code for a session's secret; raises Refused, TooManyTries or TooOften.

        `tablet` is the cookie of the paired tablet it is done on, with which the session ends.
        """
        async with self._changing:
            with self._one_try(peer):
                row = await self._spend(secret.strip())
                if row is None:
                    raise Refused
            token = row.digest if row.kind == "token" else b""
            return await self._open(
                msgspec.structs.replace(row, proven_until=self._proof(), token=token), tablet
            )

    async def log_in_by_password(
        self, name: str, password: str, peer: str, tablet: str | None = None
    ) -> tuple[str, User]:
        """Raises Refused, Locked, TooManyTries, TooOften or Overrun; `tablet` as in `log_in`."""
        self._check_pace(peer)
        place = place_of(peer)
        turn = "" if place in LOOPBACK_PEERS else place  # a proxy on this machine speaks for many
        async with self.people.passwords.turns.take(turn):
            with self._one_try(peer):
                person = await self.people.check_password(name, password, place)
        async with self._changing:
            return await self._open(_session_of(person, self._proof()), tablet)

    async def log_in_by_pin(self, person_id: str, pin: str, tablet: str | None) -> tuple[str, User]:
        """On the tablet with that cookie, else NotAllowed; raises as `log_in_by_password` does."""
        row = self.tablets.of(tablet)
        if row is None:
            raise NotAllowed("a PIN counts on a paired tablet only: use your password here")
        async with self.people.passwords.turns.take(row.id, known=True):
            try:
                person = await self.people.check_pin(person_id, pin, row.id)
            except Refused:
                self.refused += 1
                raise
        async with self._changing:
            return await self._open(_session_of(person, None, row.digest))

    async def prove(self, user: User, password: str) -> User:
        """Give the password again, before settings are changed.

        Wrong ones count for this session: nobody else can keep it from being done. Raises
        Refused, Locked, NotAllowed or Overrun.
        """
        row = self.sessions.valid(user.digest, "session")
        if row is None or not user.person:
            raise NotAllowed("this login has no password: log in with yours", "no_password")
        async with self.people.passwords.turns.take(row.id, known=True):
            try:
                await self.people.check_password(user.person, password, row.id, proof=True)
            except Refused:
                self.refused += 1
                raise
        await self.sessions.prove(row)
        proven = self.sessions.valid(user.digest, "session")
        now = None if proven is None else self._as_user(proven, "session")
        if now is None:  # it was ended, or the password changed, while this one was checked
            raise Refused
        return now

    async def log_out(self, user: User) -> None:
        """End a session; a token stays valid until it is withdrawn."""
        if user.kind == "session":
            await self.sessions.end(user.digest)

    async def log_out_everywhere(self, person_id: str, *, but: bytes = b"") -> int:
        """End all sessions of a person except one; how many there were."""
        return await self.sessions.end_of(person_id, but=but)

    async def log_out_of_tablets(self, person_id: str, *, but: bytes = b"") -> None:
        """End all sessions that a person opened with a PIN, except one."""
        await self.sessions.end_with_pin(person_id, but=but)

    def _is_demo(self, caller: Caller) -> bool:
        host = caller.host
        name = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
        return (
            self._demo
            and place_of(caller.peer) in LOOPBACK_PEERS
            and name in _LOOPBACK_HOSTS
            and caller.own_origin
            and not caller.forwarded
        )

    def _user(self, secret: str, kind: Literal["token", "session"]) -> User | None:
        if not 0 < len(secret) <= SECRET_MAX:
            return None
        row = self.sessions.valid(digest_of(secret), kind)
        return self._as_user(row, kind) if row else None

    def _as_user(self, row: TokenRow, kind: Literal["token", "session"]) -> User | None:
        role = self._role_of(row)
        if role is None:
            return None
        person = self.people.find(row.person) if row.person else None
        paired = self.tablets.by_digest(row.tablet) if row.tablet else None
        return User(
            row.user,
            role,
            kind,
            row.digest,
            row.reach if person is None else person.reach,
            row.proven_until,
            "" if paired is None else paired.user,
            row.person,
            None if person is None else person.role,
        )

    def _role_of(self, row: TokenRow) -> Role | None:
        """A person's session has the role of the account as it is now; None: it counts no more."""
        role = row.role
        if not row.tablet and not row.person:
            return role
        if row.tablet and self.tablets.by_digest(row.tablet) is None:
            return None
        if row.person:
            person = self.people.find(row.person)
            if person is None or not _counts(row, person):
                return None
            role = person.role
        return capped(row, role, self._clock.now())

    async def _open(self, row: TokenRow, tablet: str | None = None) -> tuple[str, User]:
        if row.owner:
            self._entries.spend(row.owner)
        paired = self.tablets.of(tablet)
        on = row.tablet or (b"" if paired is None else paired.digest)
        secret, opened = await self.sessions.open(msgspec.structs.replace(row, browser=on))
        user = self._as_user(opened, "session")
        if user is None:  # the account was changed or removed in this very moment
            await self.sessions.end(opened.digest)
            raise Refused
        return secret, user

    def _proof(self) -> int:
        return self._clock.now() + round(PROOF_LIFE_S * 1000)

    async def _spend(self, secret: str) -> TokenRow | None:
        if not 0 < len(secret) <= SECRET_MAX:
            return None
        if secret.startswith(TOKEN_PREFIX):
            return self.sessions.valid(digest_of(secret), "token")
        row = await self.codes.find(secret, "code")
        return row if row is not None and await self.codes.spend(row) else None

    def _check_no_admin(self) -> None:
        if self.people.has_admin():
            raise NotAllowed("there is an admin already: log in")

    def _check_pace(self, peer: str) -> None:
        """Before a turn is waited for."""
        try:
            self._pace.check(place_of(peer))
        except TooManyTries:
            self.refused += 1
            raise

    @contextmanager
    def _one_try(self, peer: str) -> Iterator[None]:
        """A try from there, counted before it is made; given back unless it raises Refused."""
        self._check_pace(peer)
        place = place_of(peer)
        at, wrong = self._pace.take(place), False
        try:
            yield
        except Refused:
            wrong = True
            self.refused += 1
            raise
        finally:
            if not wrong:
                self._pace.give_back(place, at)


def _session_of(person: Person | None, proven_until: int | None, tablet: bytes = b"") -> TokenRow:
    """What a session of that person is opened like."""
    if person is None:
        raise Refused
    role = person.role.at_most(Role.STAFF) if tablet else person.role
    return TokenRow(
        digest=b"",
        kind="session",
        role=role,
        user=person.id,
        created=0,
        person=person.id,
        tablet=tablet,
        proven_until=proven_until,
        opened_by=_opener(person, tablet),
    )


def _opener(person: Person, tablet: bytes) -> bytes:
    """What stands for the password or PIN that lets in, as long as it is the same one."""
    return digest_of(person.pin if tablet else person.password)


def _counts(row: TokenRow, person: Person) -> bool:
    """Whether the secret it was opened with is still theirs, or it is what gave the new one."""
    return row.opened_by == _opener(person, row.tablet) or row.digest == person.spared
