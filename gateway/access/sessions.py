"""Sessions of browsers: opened, kept alive by use, ended one by one or all of a person at once."""

import asyncio
import hmac
import logging

import msgspec

from gateway.access.role import SESSION_LIFE_S, Role
from gateway.access.secret import (
    SESSIONS_EACH_MAX,
    SESSIONS_MAX,
    Kind,
    TokenRow,
    TokenStore,
    digest_of,
    new_secret,
)
from gateway.clock import Clock
from gateway.store.errors import StoreError

logger = logging.getLogger(__name__)

PIN_LIFE_S = 900.0  # on a tablet that the next cook uses too
PROOF_LIFE_S = 600.0  # so long after giving the password settings may be changed
_KEEP_AGAIN_MS = 60_000  # between two attempts to store renewed sessions


class Sessions:
    """Which secrets are valid now; what is renewed counts at once and is stored when it can be."""

    def __init__(self, tokens: TokenStore, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._renewed: dict[bytes, int] = {}  # digest -> kitchen ms; not in the store yet
        self._keeping: asyncio.Task[None] | None = None
        self._keep_again = clock.now()
        self.renewal_failures = 0

    async def open(self, row: TokenRow) -> tuple[str, TokenRow]:
        """A new session like `row`, which says whose: its secret, and how it is stored.

        Where its person or token has as many as each may, the oldest of these goes.
        """
        await self._make_room(row.owner)
        secret, now = new_secret(), self._clock.now()
        opened = msgspec.structs.replace(
            row,
            digest=digest_of(secret),
            kind="session",
            created=now,
            expires=now + self._life_ms(row),
            tries=0,
        )
        await self._tokens.add(opened)
        return secret, opened

    def valid(self, digest: bytes, kind: Kind) -> TokenRow | None:
        """The row of that digest, if there is one of that kind that has not expired.

        A session opened with a token counts as long as the token does and no longer; one opened
        on a paired tablet as long as that is paired.
        """
        row = self._tokens.find(digest)
        if row is None or row.kind != kind or not hmac.compare_digest(row.digest, digest):
            return None
        if row.token and self.valid(row.token, "token") is None:
            return None
        if row.browser and self.valid(row.browser, "tablet") is None:
            return None
        return None if self._expired(row) else row

    def renew(self, digest: bytes) -> None:
        """Extend a session that is in use; stored once half of its life is gone."""
        row = self.valid(digest, "session")
        if row is None or row.expires is None:
            return
        now, life_ms = self._clock.now(), self._life_ms(row)
        if row.expires - now > life_ms - life_ms // 8:
            return
        self._renewed[digest] = now + life_ms
        half_gone = row.expires - now <= life_ms // 2
        idle = self._keeping is None or self._keeping.done()
        if half_gone and idle and now >= self._keep_again:
            self._keeping = asyncio.create_task(self._keep_renewed(), name="renewed sessions")

    async def prove(self, row: TokenRow) -> None:
        """The password was given just now."""
        until = self._clock.now() + round(PROOF_LIFE_S * 1000)
        await self._tokens.replace(msgspec.structs.replace(row, proven_until=until))

    async def end(self, digest: bytes) -> None:
        await self._tokens.remove(digest)
        self._renewed.pop(digest, None)

    async def end_of(self, person: str, *, but: bytes = b"") -> int:
        """End all of a person, on every browser, except one; how many there were."""
        rows = [row for row in self._tokens.rows("session") if row.person == person]
        ended = [row for row in rows if row.digest != but]
        for row in ended:
            await self.end(row.digest)
        return len(ended)

    async def end_with_pin(self, person: str, *, but: bytes = b"") -> None:
        """End what a person opened with a PIN, on every tablet, except one."""
        for row in self._tokens.rows("session"):
            if row.person == person and row.tablet and row.digest != but:
                await self.end(row.digest)

    async def end_of_secret(self, digest: bytes) -> None:
        """Remove what a token opened or a tablet showed that is no more; none of it counts."""
        for row in self._tokens.rows("session"):
            if digest in (row.token, row.tablet, row.browser):
                await self.end(row.digest)

    async def _make_room(self, owner: str) -> None:
        """What counts no more goes first, then the oldest of the owner, then the oldest of all."""
        rows = sorted(self._tokens.rows("session"), key=lambda row: row.created)
        living = [row for row in rows if self.valid(row.digest, "session") is not None]
        own = [row for row in living if owner and row.owner == owner]
        surplus = own[: max(0, len(own) - SESSIONS_EACH_MAX + 1)]
        kept = [row for row in living if row not in surplus]
        kept = kept[max(0, len(kept) - SESSIONS_MAX + 1) :]
        for row in rows:
            if row not in kept:
                await self.end(row.digest)

    def _life_ms(self, row: TokenRow) -> int:
        life_s = SESSION_LIFE_S[row.role]
        return round((min(PIN_LIFE_S, life_s) if row.tablet else life_s) * 1000)

    def _expired(self, row: TokenRow) -> bool:
        if row.expires is None:
            return False
        return expired(row, max(self._clock.now(), 0), self._renewed.get(row.digest, 0))

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


def expired(row: TokenRow, now: int, renewed: int = 0) -> bool:
    """Whether a secret counts no more at that kitchen time."""
    return row.expires is not None and max(row.expires, renewed) <= now


async def make_room(tokens: TokenStore, kind: Kind, most: int, now: int) -> None:
    """Remove the expired of a kind, and the oldest, until one more has room."""
    rows = sorted(tokens.rows(kind), key=lambda row: row.created)
    living = [row for row in rows if not expired(row, now)]
    surplus = living[: max(0, len(living) - most + 1)]
    for row in [row for row in rows if expired(row, now)] + surplus:
        await tokens.remove(row.digest)


def capped(row: TokenRow, role: Role, now: int) -> Role:
    """What a session may do now: with a PIN staff at most, until the password is given."""
    proven = row.proven_until is not None and row.proven_until > now
    return role if proven or not row.tablet else role.at_most(Role.STAFF)
