"""Who may do what: roles, tokens, sessions, one-use codes, and the `demo` user.

Secrets are opaque and random; only their SHA-256 is kept and compared. Times are kitchen time, so
that a wall clock set back does not bring an expired secret to life.
"""

import asyncio
import hashlib
import hmac
import logging
import secrets
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from gateway.clock import Clock
from gateway.store.errors import StoreError

logger = logging.getLogger(__name__)

TOKEN_PREFIX = "kg_"  # noqa: S105 - what tells a token from a code, no secret
SESSIONS_MAX = 256
CODES_MAX = 16
CODE_TRIES = 5
CODE_LIFE_S = 900.0
LOOPBACK_PEERS = frozenset({"127.0.0.1", "::1"})
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})

_CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that are mistaken for one another
_CODE_LENGTH = 10
_SECRET_MAX = 128
_WRONG_MAX = 10  # wrong logins of one address in a minute
_WRONG_WINDOW_MS = 60_000
_ADDRESSES_MAX = 256
_KEEP_AGAIN_MS = 60_000  # between two attempts to store renewed sessions


class Role(StrEnum):
    """What a user may do; each role may do all that the ones before it may."""

    VIEWER = "viewer"
    STAFF = "staff"
    MANAGER = "manager"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


# A wall tablet stays logged in as long as it is used; who can change things is logged out soon.
SESSION_LIFE_S = {
    Role.VIEWER: 2_592_000.0,
    Role.STAFF: 43_200.0,
    Role.MANAGER: 900.0,
    Role.ADMIN: 900.0,
}

Kind = Literal["token", "session", "code"]


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a secret."""

    digest: bytes  # SHA-256 of the secret
    kind: Kind
    role: Role
    user: str
    created: int  # kitchen time, ms
    expires: int | None = None  # kitchen time, ms
    tries: int = 0  # wrong guesses a code still survives


class TokenStore(Protocol):
    """Where rows are kept. `find` and `rows` answer from memory; the rest return once committed."""

    def find(self, digest: bytes) -> TokenRow | None: ...

    def rows(self, kind: Kind) -> list[TokenRow]: ...

    async def add(self, row: TokenRow) -> None: ...

    async def replace(self, row: TokenRow) -> None:
        """Overwrite the row of the same digest; does nothing when it is gone."""

    async def remove(self, digest: bytes) -> bool:
        """Whether there was such a row: of two callers only one is told so."""


class User(msgspec.Struct, frozen=True):
    """Who is asking."""

    name: str
    role: Role
    kind: Literal["token", "session", "demo", "console"]
    digest: bytes = b""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says of itself, as it came over the wire."""

    peer: str
    host: str  # the Host header, lower case, with its port
    scheme: str = "http"
    origin: str | None = None
    authorization: str | None = None
    session: str | None = None
    forwarded: bool = False  # it names somebody else as its source
    console: str | None = None  # who it is on this machine, where it came through the data folder

    @property
    def own_origin(self) -> bool:
        """Whether the page that asks, if one does, came from this very address."""
        return self.origin is None or self.origin.lower() == f"{self.scheme}://{self.host}"


class Refused(Exception):
    """The secret is wrong, used up or expired."""


class TooManyTries(Exception):
    """Somebody at this address has guessed too often, and must wait a minute."""


class Access:
    """Decides who a caller is, and hands out secrets; `demo` lets loopback in as `demo`."""

    def __init__(self, tokens: TokenStore, clock: Clock, *, demo: bool = False) -> None:
        self._tokens = tokens
        self._clock = clock
        self._demo = demo
        self._changing = asyncio.Lock()
        self._wrong: dict[str, list[int]] = {}
        self._renewed: dict[bytes, int] = {}  # digest -> kitchen ms; not in the store yet
        self._keeping: asyncio.Task[None] | None = None
        self._keep_again = clock.now()
        self.refused = 0
        self.renewal_failures = 0

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
        return User("demo", Role.STAFF, "demo") if self._is_demo(caller) else None

    def stands(self, user: User) -> bool:
        """Whether the secret behind `user` is still valid."""
        if user.kind in ("demo", "console"):
            return True
        return self._valid(user.digest, user.kind) is not None

    async def renew(self, user: User) -> None:
        """Extend a session that is in use once half of its life is gone.

        Counts at once and never waits for the disk; it is stored when that can be done.
        """
        if user.kind != "session":
            return
        row = self._valid(user.digest, "session")
        now, life_ms = self._clock.now(), int(SESSION_LIFE_S[user.role] * 1000)
        if row is None or row.expires is None or row.expires - now > life_ms // 2:
            return
        self._renewed[row.digest] = now + life_ms
        if now >= self._keep_again and (self._keeping is None or self._keeping.done()):
            self._keeping = asyncio.create_task(self._keep_renewed(), name="renewed sessions")

    async def create_token(self, user: str, role: Role, life_s: float | None = None) -> str:
        """A new API token; it is shown once and cannot be read again."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        await self._add(secret, "token", user, role, life_s)
        return secret

    async def create_code(self, user: str, role: Role, life_s: float = CODE_LIFE_S) -> str:
        """A code that logs in once; wrong guesses by anybody use it up."""
        async with self._changing:
            await self._make_room("code", CODES_MAX)
            secret = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
            await self._add(secret, "code", user, role, life_s)
        return secret

    async def log_in(self, secret: str, peer: str) -> tuple[str, User]:
        """Swap a token or code for a session's secret; raises Refused or TooManyTries."""
        async with self._changing:
            self._check_pace(peer)
            row = await self._spend(secret.strip())
            if row is None:
                self.refused += 1
                self._wrong[peer] = [*self._wrong.get(peer, ()), self._clock.now()]
                raise Refused
            self._wrong.pop(peer, None)
            await self._make_room("session", SESSIONS_MAX)
            session = secrets.token_urlsafe(32)
            await self._add(session, "session", row.user, row.role, SESSION_LIFE_S[row.role])
        return session, User(row.user, row.role, "session", _digest(session))

    async def log_out(self, user: User) -> None:
        """End a session; a token stays valid until it is withdrawn."""
        if user.kind == "session":
            await self._tokens.remove(user.digest)
            self._renewed.pop(user.digest, None)

    async def _keep_renewed(self) -> None:
        for digest, expires in list(self._renewed.items()):
            row = self._tokens.find(digest)
            try:
                if row is not None:
                    await self._tokens.replace(msgspec.structs.replace(row, expires=expires))
            except StoreError as error:
                if not self.renewal_failures:
                    logger.warning("sessions are renewed in memory only: %s", error)
                self.renewal_failures += 1
                self._keep_again = self._clock.now() + _KEEP_AGAIN_MS
                return
            if self._renewed.get(digest) == expires:
                del self._renewed[digest]

    def _is_demo(self, caller: Caller) -> bool:
        host = caller.host
        name = host if host.endswith("]") or ":" not in host else host.rpartition(":")[0]
        return (
            self._demo
            and caller.peer in LOOPBACK_PEERS
            and name in LOOPBACK_HOSTS
            and caller.own_origin
            and not caller.forwarded
        )

    def _user(self, secret: str, kind: Literal["token", "session"]) -> User | None:
        if not 0 < len(secret) <= _SECRET_MAX:
            return None
        row = self._valid(_digest(secret), kind)
        return User(row.user, row.role, kind, row.digest) if row else None

    def _valid(self, digest: bytes, kind: str) -> TokenRow | None:
        row = self._tokens.find(digest)
        if row is None or row.kind != kind or not hmac.compare_digest(row.digest, digest):
            return None
        return None if self._expired(row) else row

    def _expired(self, row: TokenRow) -> bool:
        if row.expires is None:
            return False
        return max(row.expires, self._renewed.get(row.digest, 0)) <= self._clock.now()

    async def _spend(self, secret: str) -> TokenRow | None:
        if not 0 < len(secret) <= _SECRET_MAX:
            return None
        if secret.startswith(TOKEN_PREFIX):
            return self._valid(_digest(secret), "token")
        row = self._valid(_digest(secret.upper().replace("-", "")), "code")
        if row is None:
            await self._count_wrong_guess()
            return None
        return row if await self._tokens.remove(row.digest) else None

    async def _count_wrong_guess(self) -> None:
        for row in self._tokens.rows("code"):
            if row.tries <= 1 or self._expired(row):
                await self._tokens.remove(row.digest)
            else:
                await self._tokens.replace(msgspec.structs.replace(row, tries=row.tries - 1))

    def _check_pace(self, peer: str) -> None:
        since = self._clock.now() - _WRONG_WINDOW_MS
        recent = {who: [at for at in when if at > since] for who, when in self._wrong.items()}
        self._wrong = {who: when for who, when in recent.items() if when}
        crowded = len(self._wrong) >= _ADDRESSES_MAX and peer not in self._wrong
        if crowded or len(self._wrong.get(peer, ())) >= _WRONG_MAX:
            self.refused += 1
            raise TooManyTries

    async def _make_room(self, kind: Kind, most: int) -> None:
        rows = sorted(self._tokens.rows(kind), key=lambda row: row.created)
        living = [row for row in rows if not self._expired(row)]
        surplus = living[: max(0, len(living) - most + 1)]
        for row in [row for row in rows if self._expired(row)] + surplus:
            await self._tokens.remove(row.digest)

    async def _add(
        self, secret: str, kind: Kind, user: str, role: Role, life_s: float | None
    ) -> None:
        now = self._clock.now()
        expires = None if life_s is None else now + int(life_s * 1000)
        tries = CODE_TRIES if kind == "code" else 0
        row = TokenRow(
            digest=_digest(secret), kind=kind, role=role, user=user, created=now, expires=expires
        )
        await self._tokens.add(msgspec.structs.replace(row, tries=tries))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
