"""The audit chain in `gateway.db`: entries are appended in the transaction of what they tell of."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from gateway.audit import key as keys
from gateway.audit.chain import Checkpoint, Head, genesis, link, seal
from gateway.audit.key import Key
from gateway.store.errors import StoreError

logger = logging.getLogger(__name__)

KEPT = 50_000  # entries; the oldest are let go of behind a signed checkpoint
SPARE = 1_000  # so many more before that is done
PAGE_MAX = 200


class StoredEntry(NamedTuple):
    """A row of the chain."""

    n: int
    body: bytes
    hash: bytes


class Signed(NamedTuple):
    """A checkpoint that has just been made: of entry `n`, with its hash in hex."""

    n: int
    hash: str
    body: bytes
    signature: bytes


class StoredCheckpoint(NamedTuple):
    """A signed row."""

    c: int
    body: bytes
    signature: bytes


class Chain:
    """Appends to the chain of one installation; its methods are jobs for the writer."""

    def __init__(self, key: Key, install: str) -> None:
        self.key = key
        self.install = install
        self.left = False  # there were entries without a checkpoint when it was opened

    def append(self, connection: sqlite3.Connection, bodies: Sequence[bytes]) -> None:
        """Add entries, in the caller's transaction."""
        if not bodies:
            return
        head = self._head(connection)
        for body in bodies:
            number = head.n + 1
            digest = link(head.hash, number, body)
            # What somebody put there behind the head's back is none of ours and makes room.
            connection.execute(
                "INSERT OR REPLACE INTO audit (n, body, hash) VALUES (?, ?, ?)",
                (number, body, digest),
            )
            head = msgspec.structs.replace(head, n=number, hash=digest)
        self._keep(connection, head)

    def add(self, connection: sqlite3.Connection, bodies: Sequence[bytes]) -> None:
        """Add entries in a transaction of their own."""
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            self.append(connection, bodies)

    def unsigned(self, connection: sqlite3.Connection) -> bool:
        """Whether there are entries after the last checkpoint."""
        return self._head(connection).n > _signed_up_to(connection)

    def sign(self, connection: sqlite3.Connection, wall: int) -> Signed | None:
        """A checkpoint of the last entry; None when it has one. Loads `cryptography`."""
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            head = self._head(connection)
            if head.n <= _signed_up_to(connection):
                return None
            return self._sign(connection, head, "seals", StoredEntry(head.n, b"", head.hash), wall)

    def let_go(self, connection: sqlite3.Connection, wall: int) -> int:
        """Remove what is more than may be kept, behind a checkpoint that carries on; how many."""
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            (first,) = connection.execute("SELECT min(n) FROM audit").fetchone()
            head = self._head(connection)
            if first is None or head.n - first < KEPT + SPARE:
                return 0
            query = "SELECT n, body, hash FROM audit WHERE n = ?"
            last = connection.execute(query, (head.n - KEPT,)).fetchone()
            if last is None:
                return 0  # damaged there: nothing may go that somebody has to look at
            self._sign(connection, head, "carries", StoredEntry(*last), wall)
            gone = connection.execute("DELETE FROM audit WHERE n <= ?", (last[0],)).rowcount
            query = "DELETE FROM audit_checkpoints WHERE c < ?"
            connection.execute(query, (self._first_kept(connection, last[0]),))
            return gone

    def begin(self, connection: sqlite3.Connection, *, known: bool) -> None:
        """Make the head of a new chain; one that should have one (`known`) shows it is gone."""
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT 1 FROM audit_head").fetchone() is None:
                amiss = 0 if known or _holds_any(connection) else None
                (last,) = connection.execute("SELECT max(n) FROM audit").fetchone()
                head = Head(n=last or 0, hash=genesis(self.install), amiss=amiss)
                self._keep(connection, head)
            elif not known and not _holds_any(connection):
                self._keep(connection, Head(n=0, hash=genesis(self.install)))

    def _first_kept(self, connection: sqlite3.Connection, carried: int) -> int:
        """The oldest checkpoint that still has something to say."""
        query = "SELECT c, body FROM audit_checkpoints ORDER BY c"
        for c, body in connection.execute(query):
            said = read_checkpoint(body)
            if said is None or said.n >= carried:
                return int(c)
        return 1

    def _sign(
        self,
        connection: sqlite3.Connection,
        head: Head,
        kind: Literal["seals", "carries"],
        entry: StoredEntry,
        wall: int,
    ) -> Signed:
        number = head.checkpoints + 1
        first = self._first_kept(connection, entry.n) if kind == "carries" else 1
        checkpoint = Checkpoint(
            c=number,
            kind=kind,
            n=entry.n,
            hash=entry.hash.hex(),
            at=wall,
            install=self.install,
            key=keys.fingerprint(self.key.public),
            first=first,
        )
        body = msgspec.json.encode(checkpoint)
        signature = self.key.sign(body)
        connection.execute(
            "INSERT OR REPLACE INTO audit_checkpoints (c, body, signature) VALUES (?, ?, ?)",
            (number, body, signature),
        )
        self._keep(connection, msgspec.structs.replace(head, checkpoints=number))
        return Signed(entry.n, entry.hash.hex(), body, signature)

    def _head(self, connection: sqlite3.Connection) -> Head:
        """Where the chain goes on; a seal that is broken stays known for good."""
        found = stored_head(connection)
        if found is None:
            (last,) = connection.execute("SELECT max(n) FROM audit").fetchone()
            return Head(n=last or 0, hash=genesis(self.install), amiss=last or 0)
        head, sealed = found
        if head.amiss is None and seal(self.key.secret, head, self.install) != sealed:
            logger.error("audit: the seal of the chain is broken; `audit verify` says where")
            return msgspec.structs.replace(head, amiss=head.n)
        return head

    def _keep(self, connection: sqlite3.Connection, head: Head) -> None:
        sealed = seal(self.key.secret, head, self.install)
        connection.execute(
            "INSERT OR REPLACE INTO audit_head VALUES (1, ?, ?, ?, ?, ?)",
            (head.n, head.hash, head.checkpoints, head.amiss, sealed),
        )


def open_chain(folder: Path, connection: sqlite3.Connection, install: str) -> Chain:
    """The chain of a data folder, begun where there is none; raises StoreError."""
    try:
        key = keys.read(folder)
        chain = Chain(key or keys.new(), install)
        chain.begin(connection, known=key is not None)
        chain.left = chain.unsigned(connection)
        if key is None:
            keys.keep(folder, chain.key)
    except keys.KeyDamaged as error:
        raise StoreError(str(error)) from error
    except OSError as error:
        raise StoreError(f"{folder / keys.NAME}: {error.strerror}") from error
    return chain


def adding(folder: Path, body: bytes) -> Callable[[sqlite3.Connection], None]:
    """A job for the writer of a process beside the gateway; nothing before the first start."""

    def add(connection: sqlite3.Connection) -> None:
        query = "SELECT value FROM meta WHERE key = 'install'"
        row = connection.execute(query).fetchone()
        if row is not None:
            open_chain(folder, connection, row[0]).add(connection, [body])

    return add


def stored_head(connection: sqlite3.Connection) -> tuple[Head, bytes] | None:
    """The head and its seal as they are stored; None where there is none, or nonsense."""
    row = connection.execute("SELECT n, hash, checkpoints, amiss, seal FROM audit_head").fetchone()
    if row is None:
        return None
    number, digest, checkpoints, amiss, sealed = row
    whole = isinstance(number, int) and isinstance(checkpoints, int) and number >= 0
    if not (whole and isinstance(digest, bytes) and isinstance(sealed, bytes)):
        return None
    if amiss is not None and not isinstance(amiss, int):
        return None
    return Head(n=number, hash=digest, checkpoints=checkpoints, amiss=amiss), sealed


def _signed_up_to(connection: sqlite3.Connection) -> int:
    """The last entry a checkpoint is of; 0 where there is none that can be read."""
    query = "SELECT body FROM audit_checkpoints ORDER BY c DESC LIMIT 2"
    said = [read_checkpoint(body) for (body,) in connection.execute(query)]
    return max((checkpoint.n for checkpoint in said if checkpoint is not None), default=0)


def read_checkpoint(body: object) -> Checkpoint | None:
    """What a stored checkpoint says; None where it can be none."""
    try:
        return msgspec.json.decode(body, type=Checkpoint) if isinstance(body, bytes) else None
    except (msgspec.MsgspecError, ValueError):
        return None


def page(connection: sqlite3.Connection, before: int | None, limit: int) -> list[StoredEntry]:
    """Entries before number `before` (None: the end), newest first."""
    query = "SELECT n, body, hash FROM audit WHERE n < ? ORDER BY n DESC LIMIT ?"
    last = 1 << 62 if before is None else before
    return [StoredEntry(*row) for row in connection.execute(query, (last, min(limit, PAGE_MAX)))]


def fingerprint(connection: sqlite3.Connection) -> str | None:
    """The key the last checkpoint names; None before the first."""
    query = "SELECT body FROM audit_checkpoints ORDER BY c DESC LIMIT 1"
    row = connection.execute(query).fetchone()
    said = None if row is None else read_checkpoint(row[0])
    return None if said is None else said.key


def _holds_any(connection: sqlite3.Connection) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM audit) OR EXISTS (SELECT 1 FROM audit_checkpoints)"
    return bool(connection.execute(query).fetchone()[0])
