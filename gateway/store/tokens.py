"""The secrets that let people in, as digests: in memory to ask, in `gateway.db` to last."""

import logging
import sqlite3
from collections.abc import Callable

import msgspec

from gateway.access import Kind, TokenRow
from gateway.audit.entry import Detail
from gateway.clock import Clock
from gateway.store.deed import Witness
from gateway.store.errors import StoreError
from gateway.store.worker import StoreWorker

logger = logging.getLogger(__name__)

Job = Callable[[sqlite3.Connection], bool]
_DEEDS = {
    "token": ("create_token", "withdraw_token"),
    "tablet": ("pair_tablet", "take_back_tablet"),
}
REFRESH_S = 2.0  # how soon a token made or withdrawn by the command line counts


class StoredTokens:
    """A `TokenStore`; changes return once committed."""

    def __init__(
        self, writer: StoreWorker, reader: StoreWorker, witness: Witness | None = None
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._witness = witness
        self._rows: dict[bytes, TokenRow] = {}
        self._changes = 0
        self._readable = True

    async def refresh(self, clock: Clock) -> None:
        """Take over what another process changed, for ever."""
        while True:
            await self.load()
            await clock.sleep(REFRESH_S * clock.speed)

    async def load(self) -> None:
        """Read what is stored; those known stay while it cannot be read."""
        before = self._changes
        try:
            rows = await self._reader.call(read_tokens)
        except StoreError as error:
            if self._readable:
                logger.error("tokens cannot be read, those known stay: %s", error)
            self._readable = False
        else:
            self._readable = True
            if self._changes == before:  # else it may have been read too early
                self._rows = rows

    def find(self, digest: bytes) -> TokenRow | None:
        return self._rows.get(digest)

    def rows(self, kind: Kind) -> list[TokenRow]:
        return [row for row in self._rows.values() if row.kind == kind]

    async def add(self, row: TokenRow) -> None:
        await self._do(lambda connection: write_token(connection, row), row, new=True)
        self._rows[row.digest] = row
        self._changes += 1

    async def replace(self, row: TokenRow) -> None:
        """Nothing when the secret has been withdrawn meanwhile."""
        replaced = await self._writer.call(lambda connection: replace_token(connection, row))
        if replaced and row.digest in self._rows:
            self._rows[row.digest] = row
        self._changes += 1

    async def remove(self, digest: bytes) -> bool:
        row = self._rows.get(digest)
        removed = await self._do(lambda it: remove_token(it, digest), row, new=False)
        self._rows.pop(digest, None)
        self._changes += 1
        return removed

    async def _do(self, job: Job, row: TokenRow | None, *, new: bool) -> bool:
        """Whether the job did something; where that is a deed, it is taken down with it."""
        actions = None if row is None else _DEEDS.get(row.kind)
        if self._witness is None or row is None or actions is None:
            return await self._writer.call(job)
        deed, action = self._witness.deed(), actions[0 if new else 1]

        def work(connection: sqlite3.Connection) -> bool:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                done = job(connection)
                if done:
                    deed.enter(connection, action, row.user, _told(row))
                return done

        done = await self._writer.call(work)
        deed.done()
        return done


def _told(row: TokenRow) -> dict[str, Detail]:
    return {"id": row.id, "role": row.role.value, "reach": str(row.reach)}


def read_tokens(connection: sqlite3.Connection) -> dict[bytes, TokenRow]:
    """All rows by digest."""
    rows = connection.execute("SELECT digest, body FROM tokens")
    return {digest: msgspec.json.decode(body, type=TokenRow) for digest, body in rows}


def write_token(connection: sqlite3.Connection, row: TokenRow) -> bool:
    """Add or overwrite one row; true."""
    body = msgspec.json.encode(row).decode()
    query = "INSERT OR REPLACE INTO tokens VALUES (?, ?)"
    return connection.execute(query, (row.digest, body)).rowcount == 1


def replace_token(connection: sqlite3.Connection, row: TokenRow) -> bool:
    """Overwrite a row; whether it was still there."""
    body = msgspec.json.encode(row).decode()
    query = "UPDATE tokens SET body = ? WHERE digest = ?"
    return connection.execute(query, (body, row.digest)).rowcount == 1


def remove_token(connection: sqlite3.Connection, digest: bytes) -> bool:
    """Whether there was such a row."""
    return connection.execute("DELETE FROM tokens WHERE digest = ?", (digest,)).rowcount == 1
