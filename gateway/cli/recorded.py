"""Enters what a command changes into the audit chain, by the login it runs under."""

import os
import pwd
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
    from gateway.store.audit import adding

    context = click.get_current_context()
    if context.info_name in _LOOKS:
        yield
        return

    async def add(refused: str) -> None:
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
        await worker.call(adding(data, encoded(entry)))

    await add("")
    try:
        yield
    except Exception as error:
        await add(str(error) or type(error).__name__)
        raise


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
