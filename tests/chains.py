"""Audit chains in real databases, and everything a meddler with a pencil can do to one."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.audit import key as keys
from gateway.audit.chain import genesis, link
from gateway.audit.entry import Entry, encoded
from gateway.audit.verify import Known, Report, verify
from gateway.store import audit_file
from gateway.store.audit import open_chain
from gateway.store.file import NAME, connect, prepare

INSTALL = "2f9d5219ef1a75083d6d7f85b11cf46a"
WALL = 1_800_000_000_000
ACTIONS = ("log_in", "acknowledge", "shelve", "override", "switch_mode", "reload")
PEOPLE = ("kim", "lee", "park", "이영희")


def entry(number: int) -> bytes:
    """Entry `number` as somebody's deed; no two are alike."""
    return encoded(
        Entry(
            at=WALL + number * 1000,
            by=PEOPLE[number % len(PEOPLE)],
            role="staff",
            action=ACTIONS[number % len(ACTIONS)],
            about=f"thing_{number}",
            detail={"value": number % 2 == 0},
        )
    )


def make_chain(folder: Path, entries: int, every: int) -> None:
    """A data folder with that chain, a checkpoint each `every` entries."""
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder / NAME)
    with closing(connect(folder / NAME)) as connection:
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('install', ?)", (INSTALL,))
        chain = open_chain(folder, connection, INSTALL)
        for number in range(1, entries + 1):
            chain.add(connection, [entry(number)])
            if number % every == 0:
                chain.sign(connection, WALL)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def report(folder: Path, *known: Known) -> Report:
    """What `audit verify` finds."""
    with audit_file.opened(folder, known) as stored:
        return verify(stored, keys.read(folder))


Meddling = Callable[[sqlite3.Connection, random.Random], None]


def edit_body(connection: sqlite3.Connection, dice: random.Random) -> None:
    """One bit of one entry."""
    number, body = _any(connection, dice, "n, body")
    changed = bytearray(body)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    connection.execute("UPDATE audit SET body = ? WHERE n = ?", (bytes(changed), number))


def rewrite_body(connection: sqlite3.Connection, dice: random.Random) -> None:
    """Somebody else did it."""
    number, body = _any(connection, dice, "n, body")
    connection.execute(
        "UPDATE audit SET body = ? WHERE n = ?", (body.replace(b'"by":"', b'"by":"x'), number)
    )


def rewrite_with_hashes(connection: sqlite3.Connection, dice: random.Random) -> None:
    """An entry and all hashes after it, by somebody who knows how they are made."""
    number, _ = _any(connection, dice, "n, body")
    rows = connection.execute("SELECT n, body FROM audit WHERE n >= ?", (number,)).fetchall()
    query = "SELECT hash FROM audit WHERE n = ?"
    found = connection.execute(query, (number - 1,)).fetchone()
    before = found[0] if found else genesis(INSTALL)
    for n, body in rows:
        made = body.replace(b'"by":"', b'"by":"x') if n == number else body
        before = link(before, n, made)
        change = "UPDATE audit SET body = ?, hash = ? WHERE n = ?"
        connection.execute(change, (made, before, n))


def edit_hash(connection: sqlite3.Connection, dice: random.Random) -> None:
    """One bit of one hash."""
    number, digest = _any(connection, dice, "n, hash")
    changed = bytearray(digest)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    connection.execute("UPDATE audit SET hash = ? WHERE n = ?", (bytes(changed), number))


def delete(connection: sqlite3.Connection, dice: random.Random) -> None:
    """One entry or a run of them, wherever."""
    number, _ = _any(connection, dice, "n, body")
    last = number + dice.choice((0, 0, 1, dice.randrange(200)))
    connection.execute("DELETE FROM audit WHERE n BETWEEN ? AND ?", (number, last))


def delete_and_close_up(connection: sqlite3.Connection, dice: random.Random) -> None:
    """One entry, and those after it move up."""
    number, _ = _any(connection, dice, "n, body")
    connection.execute("DELETE FROM audit WHERE n = ?", (number,))
    later = "SELECT n FROM audit WHERE n > ? ORDER BY n"
    for (n,) in connection.execute(later, (number,)).fetchall():
        connection.execute("UPDATE audit SET n = ? WHERE n = ?", (n - 1, n))
    if number == _last(connection) + 1:
        connection.execute("UPDATE audit_head SET n = n - 1")


def reorder(connection: sqlite3.Connection, dice: random.Random) -> None:
    """Two entries change places, with their hashes or without."""
    first, *_ = _any(connection, dice, "n, body")
    second, *_ = _any(connection, dice, "n, body")
    second = second if second != first else (first % _last(connection)) + 1
    columns = dice.choice(("body", "body, hash"))
    rows = {
        n: connection.execute(f"SELECT {columns} FROM audit WHERE n = ?", (n,)).fetchone()
        for n in (first, second)
    }
    change = ", ".join(f"{name} = ?" for name in columns.split(", "))
    for n, other in ((first, second), (second, first)):
        connection.execute(f"UPDATE audit SET {change} WHERE n = ?", (*rows[other], n))


def truncate(connection: sqlite3.Connection, dice: random.Random) -> None:
    """The last entries; with what is said of them elsewhere in the file, or without."""
    keep = dice.randrange(_last(connection))
    how = dice.randrange(3)
    connection.execute("DELETE FROM audit WHERE n > ?", (keep,))
    if how:
        connection.execute(
            "DELETE FROM audit_checkpoints WHERE json_extract(body, '$.n') > ?", (keep,)
        )
    if how == 2:
        row = connection.execute("SELECT hash FROM audit WHERE n = ?", (keep,)).fetchone()
        (count,) = connection.execute("SELECT count(*) FROM audit_checkpoints").fetchone()
        connection.execute(
            "UPDATE audit_head SET n = ?, hash = ?, checkpoints = ?",
            (keep, row[0] if row else b"\0" * 32, count),
        )


def add(connection: sqlite3.Connection, dice: random.Random) -> None:
    """An entry that never was, at the end or before the beginning."""
    (digest,) = connection.execute("SELECT hash FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    last = _last(connection)
    number = dice.choice((last + 1, last + 1, 0, -dice.randrange(1, 99)))
    body = entry(dice.randrange(1 << 30))
    made = link(digest, number, body) if number > 0 else digest
    connection.execute("INSERT INTO audit VALUES (?, ?, ?)", (number, body, made))
    if number > 0 and dice.random() < 0.5:
        connection.execute("UPDATE audit_head SET n = ?, hash = ?", (number, made))


def edit_checkpoint(connection: sqlite3.Connection, dice: random.Random) -> None:
    """One bit of a checkpoint or of its signature."""
    column = dice.choice(("body", "signature"))
    query = f"SELECT c, {column} FROM audit_checkpoints ORDER BY random() LIMIT 1"
    number, found = connection.execute(query).fetchone()
    changed = bytearray(found)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    query = f"UPDATE audit_checkpoints SET {column} = ? WHERE c = ?"
    connection.execute(query, (bytes(changed), number))


def delete_checkpoint(connection: sqlite3.Connection, dice: random.Random) -> None:
    """A checkpoint, or all from one on."""
    (count,) = connection.execute("SELECT max(c) FROM audit_checkpoints").fetchone()
    number = dice.randrange(1, count + 1)
    how = dice.choice(("=", ">=", "<="))
    connection.execute(f"DELETE FROM audit_checkpoints WHERE c {how} ?", (number,))


def edit_head(connection: sqlite3.Connection, dice: random.Random) -> None:
    """The head: how far it is, its hash, its seal, or it is gone."""
    change = dice.choice(
        (
            "UPDATE audit_head SET n = n - 1",
            "UPDATE audit_head SET n = n + 7",
            "UPDATE audit_head SET checkpoints = checkpoints - 1",
            "UPDATE audit_head SET amiss = 3",
            "UPDATE audit_head SET hash = randomblob(32)",
            "UPDATE audit_head SET seal = randomblob(32)",
            "UPDATE audit_head SET seal = 'text'",
            "DELETE FROM audit_head",
        )
    )
    connection.execute(change)


def retype(connection: sqlite3.Connection, dice: random.Random) -> None:
    """A body or hash that is no longer of its type."""
    number, _ = _any(connection, dice, "n, body")
    column = dice.choice(("body", "hash"))
    value = dice.choice((1, 0.5, "text", b""))
    connection.execute(f"UPDATE audit SET {column} = ? WHERE n = ?", (value, number))


def empty(connection: sqlite3.Connection, dice: random.Random) -> None:
    """All of it."""
    for table in ("audit", "audit_checkpoints", "audit_head"):
        if table == "audit" or dice.random() < 0.7:
            connection.execute(f"DELETE FROM {table}")


MEDDLINGS: tuple[Meddling, ...] = (
    edit_body, rewrite_body, rewrite_with_hashes, edit_hash, delete, delete_and_close_up,
    reorder, truncate, truncate, add, edit_checkpoint, delete_checkpoint, edit_head, retype, empty,
)  # fmt: skip


class Meddler:
    """Does one thing after the other to copies of the same chains."""

    def __init__(self, folder: Path, chains: list[Path], seed: int) -> None:
        self._folder = folder
        self._chains = chains
        self._dice = random.Random(seed)

    def try_one(self) -> tuple[str, Report]:
        """What was done, and what was found."""
        source = self._dice.choice(self._chains)
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(source, self._folder)
        meddling = self._dice.choice(MEDDLINGS)
        with closing(sqlite3.connect(self._folder / NAME)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            meddling(connection, self._dice)
        return meddling.__name__, report(self._folder)


def _any(connection: sqlite3.Connection, dice: random.Random, columns: str) -> tuple[int, bytes]:
    number = dice.randrange(1, _last(connection) + 1)
    query = f"SELECT {columns} FROM audit WHERE n >= ? ORDER BY n LIMIT 1"
    found: tuple[int, bytes] = connection.execute(query, (number,)).fetchone()
    return found


def _last(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT max(n) FROM audit").fetchone()[0])
