"""An entry of the audit chain that is committed in the transaction of the very deed it tells of."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from gateway.audit.entry import Detail, Entry, encoded
from gateway.store.audit import Chain


class Deed:
    """What somebody is about to do; `entry` says who, from where and when."""

    def __init__(self, chain: Chain, entry: Entry, done: Callable[[int], None]) -> None:
        self._chain = chain
        self._entry = entry
        self._done = done
        self._entered = 0

    def enter(
        self,
        connection: sqlite3.Connection,
        action: str,
        about: str,
        detail: Mapping[str, Detail],
        *,
        by: str = "",
    ) -> None:
        """Within the transaction; `by` counts where nobody is known to ask yet."""
        entry = msgspec.structs.replace(
            self._entry, by=self._entry.by or by, action=action, about=about, detail=detail
        )
        self._chain.append(connection, [encoded(entry)])
        self._entered += 1

    def done(self) -> None:
        """Once it is committed, on the loop."""
        if self._entered:
            self._done(self._entered)


class Witness(Protocol):
    """Whoever takes deeds down; asked on the loop, before the deed."""

    def deed(self) -> Deed: ...
