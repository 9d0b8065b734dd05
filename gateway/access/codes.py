"""One-use codes: wrong guesses by anybody use them up, whatever they were meant for."""

import msgspec

from gateway.access.person import EVERYWHERE, Reach
from gateway.access.role import Role
from gateway.access.secret import (
    CODE_LIFE_S,
    CODE_TRIES,
    CODES_MAX,
    SECRET_MAX,
    Kind,
    TokenRow,
    TokenStore,
    as_code,
    digest_of,
    new_code,
)
from gateway.access.sessions import expired, make_room
from gateway.clock import Clock


class Codes:
    """Codes that log in, and the pairing code that makes the first admin."""

    def __init__(self, tokens: TokenStore, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self.evaluated = 0  # guesses that a living code was compared with

    async def create(
        self, kind: Kind, user: str, role: Role, life_s: float = CODE_LIFE_S,
        reach: Reach = EVERYWHERE,
    ) -> str:  # fmt: skip
        """A new code; of pairing codes only the newest counts."""
        now = self._clock.now()
        await make_room(self._tokens, kind, 1 if kind == "pairing" else CODES_MAX, now)
        code = new_code()
        await self._tokens.add(
            TokenRow(
                digest=digest_of(code),
                kind=kind,
                role=role,
                user=user,
                created=now,
                expires=now + int(life_s * 1000),
                tries=CODE_TRIES,
                reach=reach,
            )
        )
        return code

    def any(self, kind: Kind) -> bool:
        """Whether one of that kind could be used now."""
        return any(not expired(row, self._clock.now()) for row in self._tokens.rows(kind))

    async def find(self, typed: str, kind: Kind) -> TokenRow | None:
        """The row of a code; a wrong one costs every living code a try."""
        living = self.any("code") or self.any("pairing")
        self.evaluated += living
        row = self._tokens.find(digest_of(as_code(typed))) if len(typed) <= SECRET_MAX else None
        if row is not None and row.kind == kind and not expired(row, self._clock.now()):
            return row
        if living:
            await self._count_wrong_guess()
        return None

    async def spend(self, row: TokenRow) -> bool:
        """Use a code up; of two callers only one is told so."""
        return await self._tokens.remove(row.digest)

    async def _count_wrong_guess(self) -> None:
        for row in (*self._tokens.rows("code"), *self._tokens.rows("pairing")):
            if row.tries <= 1 or expired(row, self._clock.now()):
                await self._tokens.remove(row.digest)
            else:
                await self._tokens.replace(msgspec.structs.replace(row, tries=row.tries - 1))
