"""Enters what a command changes into the audit chain, by the login it runs under."""

import os
import pwd
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.store.worker import StoreWorker

_LOOKS = frozenset({"list"})  # commands that change nothing


@asynccontextmanager
async def recorded(
    worker: "StoreWorker", data: Path, clock: "Clock", about: str = ""
) -> AsyncIterator[None]:
    """The command under way is an entry before it acts, and another one where it fails."""
    from gateway.audit.entry import Entry, encoded
    from gateway.store.audit import open_chain

    context = click.get_current_context()
    if context.info_name in _LOOKS:
        yield
        return

    def add(connection: sqlite3.Connection, refused: str) -> None:
        query = "SELECT value FROM meta WHERE key = 'install'"
        row = connection.execute(query).fetchone()
        if row is None:
            return  # no gateway has started here: there is nobody's chain yet
        parent = context.parent.info_name if context.parent else ""
        entry = Entry(
            at=clock.wall(),
            by=_login(),
            role="admin",
            origin="command",
            action=f"{parent} {context.info_name}",
            about=about,
            refused=refused,
        )
        open_chain(data, connection, row[0]).add(connection, [encoded(entry)])

    await worker.call(lambda connection: add(connection, ""))
    try:
        yield
    except Exception as error:
        why = str(error) or type(error).__name__
        await worker.call(lambda connection: add(connection, why))
        raise


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
