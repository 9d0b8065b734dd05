"""The configurations that were proven, as text with a checksum: factory, previous and current.

Secrets are references (`docs/config.md`), so none of them is kept here.
"""

import hashlib
import sqlite3
import zlib
from typing import NamedTuple

TEXT_MAX = 1 << 20  # bytes; a configuration has at most a quarter of that


class Generation(NamedTuple):
    """One proven configuration; `text` is None when what is stored no longer fits its checksum."""

    number: int  # counts from 1, in the order in which they were proven
    wall: int  # UTC ms
    digest: str  # SHA-256 of the text, in hex
    text: bytes | None


class Generations(NamedTuple):
    """What is kept; all None before the first, and one may be the other."""

    current: Generation | None = None
    previous: Generation | None = None
    factory: Generation | None = None  # the first that was ever good

    def newest_first(self) -> list[tuple[str, Generation]]:
        """Each generation once, by the name it has."""
        kept: list[tuple[str, Generation]] = []
        for name, generation in zip(self._fields, self, strict=True):
            if generation is not None and all(generation.number != one.number for _, one in kept):
                kept.append((name, generation))
        return kept


def read(connection: sqlite3.Connection) -> Generations:
    """All that is kept, each checked against its checksum."""
    rows = connection.execute(
        "SELECT number, wall, digest, body FROM generations ORDER BY number DESC"
    )
    found = [
        Generation(number, wall, digest, _text(body, digest)) for number, wall, digest, body in rows
    ]
    if not found:
        return Generations()
    return Generations(found[0], found[1] if len(found) > 1 else None, found[-1])


def keep(connection: sqlite3.Connection, text: bytes, wall: int) -> None:
    """Make this the current one; what is neither it, the one before nor the first is let go."""
    digest = hashlib.sha256(text).hexdigest()
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO generations (wall, digest, body) VALUES (?, ?, ?)",
            (wall, digest, zlib.compress(text)),
        )
        connection.execute(
            "DELETE FROM generations WHERE number > (SELECT min(number) FROM generations)"
            " AND number NOT IN (SELECT number FROM generations ORDER BY number DESC LIMIT 2)"
        )


def _text(body: bytes, digest: str) -> bytes | None:
    try:
        text = zlib.decompressobj().decompress(body, TEXT_MAX)
    except (zlib.error, TypeError):
        return None
    return text if hashlib.sha256(text).hexdigest() == digest else None
