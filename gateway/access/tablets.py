"""Paired tablets: browsers that a manager has said hang in this kitchen.

One may look and acknowledge by itself, and lets staff in by name and PIN.
"""

from gateway.access.caller import User
from gateway.access.errors import Unfit
from gateway.access.person import EVERYWHERE, check_names
from gateway.access.role import Role
from gateway.access.secret import (
    SECRET_MAX,
    TABLETS_MAX,
    TokenRow,
    TokenStore,
    digest_of,
    new_secret,
)
from gateway.clock import Clock

_ANY_ID = "tablet"


class Tablets:
    """Their cookies, as digests; one stays until it is taken back."""

    def __init__(self, tokens: TokenStore, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    async def pair(self, label: str) -> str:
        """The secret for the cookie of this browser; raises Unfit."""
        check_names(_ANY_ID, label)
        if len(self.all()) >= TABLETS_MAX:
            message = f"{TABLETS_MAX} tablets are paired: take back one that is gone"
            raise Unfit(message, "full")
        if any(row.user == label for row in self.all()):
            message = f"there is a tablet {label} already: take it back first, or name this anew"
            raise Unfit(message, "tablet")
        secret = new_secret()
        await self._tokens.add(
            TokenRow(
                digest=digest_of(secret),
                kind="tablet",
                role=Role.VIEWER,
                user=label,
                created=self._clock.now(),
            )
        )
        return secret

    def all(self) -> list[TokenRow]:
        return sorted(self._tokens.rows("tablet"), key=lambda row: row.created)

    def of(self, secret: str | None) -> TokenRow | None:
        """The tablet with that cookie."""
        if secret is None or not 0 < len(secret) <= SECRET_MAX:
            return None
        return self.by_digest(digest_of(secret))

    def by_digest(self, digest: bytes) -> TokenRow | None:
        row = self._tokens.find(digest)
        return row if row is not None and row.kind == "tablet" else None

    async def take_back(self, tablet_id: str) -> bool:
        """Whether there was such a tablet; who is logged in on it is so no longer."""
        found = [row for row in self.all() if row.id == tablet_id]
        return bool(found) and await self._tokens.remove(found[0].digest)


def as_user(row: TokenRow) -> User:
    """The tablet by itself: it looks, and what it acknowledges is recorded as by it."""
    return User(row.user, Role.VIEWER, "tablet", row.digest, EVERYWHERE, tablet=row.user)
