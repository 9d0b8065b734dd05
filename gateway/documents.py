"""Small documents that are kept: views, layouts, presets of timers, answers that may be repeated.

Each kind has a bound of its own. `Documents` is what the page sees of where they are kept.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

BYTES_MAX = 16_384  # of one document


class Document(msgspec.Struct, frozen=True):
    """One document; `at` is kitchen time."""

    key: str
    at: int
    body: bytes


class TooManyDocuments(Exception):
    """As many of this kind are kept as may be; one has to go first."""


class Documents(Protocol):
    """Where they are kept; changes return once committed, and raise StoreError."""

    async def all(self, kind: str) -> Sequence[Document]:
        """Those of a kind, by key."""

    async def find(self, kind: str, key: str) -> Document | None: ...

    async def put(self, kind: str, document: Document, most: int) -> None:
        """Keep or replace it; raises TooManyDocuments beyond `most` of the kind."""

    async def claim(self, kind: str, document: Document, most: int, since: int) -> Document | None:
        """Keep it unless its key is taken, then give what is there.

        What is older than `since` counts no more; beyond `most` the oldest go.
        """

    async def remove(self, kind: str, key: str) -> bool:
        """Whether there was one."""
