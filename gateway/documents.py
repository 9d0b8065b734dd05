"""Small documents that are kept: views, layouts, presets of timers, answers that may be repeated.

Each kind has a bound of its own. `Documents` is what the page sees of where they are kept.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

BYTES_MAX = 16_384  # of one document


class Document(msgspec.Struct, frozen=True):
    """One document; `at` is kitchen time."""

    key: str
    at: int
    body: bytes

    @property
    def tag(self) -> str:
        """What tells this content from any other."""
        return tag_of(self.body)


# Whether what is kept now, by its tag, may be replaced; empty: there is none.
Allowed = Callable[[str], bool]


def always(_: str) -> bool:
    """Whatever is there is replaced."""
    return True


def tag_of(body: bytes) -> str:
    """What tells this content from any other."""
    return hashlib.sha256(body).hexdigest()[:16]


class ChangedMeanwhile(Exception):
    """It is not what was read any more."""


class TooManyDocuments(Exception):
    """As many of this kind are kept as may be; one has to go first."""


class Documents(Protocol):
    """Where they are kept; changes return once committed, and raise StoreError."""

    async def all(self, kind: str) -> Sequence[Document]:
        """Those of a kind, by key."""

    async def find(self, kind: str, key: str) -> Document | None: ...

    async def put(
        self, kind: str, document: Document, most: int, allowed: Allowed = always
    ) -> None:
        """Keep or replace it; raises TooManyDocuments beyond `most` of the kind.

        Raises ChangedMeanwhile where what is kept now is not `allowed` to go.
        """

    async def claim(self, kind: str, document: Document, most: int, since: int) -> Document | None:
        """Keep it unless its key is taken, then give what is there.

        What is older than `since` counts no more; beyond `most` the oldest go.
        """

    async def remove(self, kind: str, key: str, allowed: Allowed = always) -> bool:
        """Whether there was one; raises ChangedMeanwhile as `put` does."""
