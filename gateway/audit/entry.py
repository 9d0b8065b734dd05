"""One thing a person or the cloud did, or tried to do, and who is doing it just now."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Literal, TypeVar

import msgspec

TEXT_MAX = 200  # characters of any text in an entry
DETAILS_MAX = 16

Origin = Literal["page", "api", "console", "command", "cloud", "gateway"]
Detail = str | int | float | bool | None
Cut = TypeVar("Cut", str, Detail)


class Actor(msgspec.Struct, kw_only=True):
    """Who is behind a request; `peer` is the address it came from."""

    name: str = ""
    role: str = ""
    origin: Origin = "page"
    peer: str = ""
    recorded: bool = False  # something of this request has been taken down


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry as it is stored; its JSON is what the chain is over."""

    at: int  # UTC ms, as the gateway believed it
    by: str
    action: str
    role: str = ""
    origin: Origin = "page"
    peer: str = ""
    about: str = ""
    refused: str = ""  # why it was not done; empty where it was
    clock: str = ""  # the clock's trust where it is less than `ntp`
    detail: Mapping[str, Detail] = {}


# Set by the door of the page for the request it lets in, and by commands of this machine.
ACTOR: ContextVar[Actor | None] = ContextVar("actor", default=None)


def encoded(entry: Entry) -> bytes:
    """The canonical bytes of an entry: its fields in their order, texts cut to TEXT_MAX."""
    detail = {_short(name): _short(value) for name, value in entry.detail.items()}
    short = msgspec.structs.replace(
        entry,
        by=_short(entry.by),
        role=_short(entry.role),
        peer=_short(entry.peer),
        action=_short(entry.action),
        about=_short(entry.about),
        refused=_short(entry.refused),
        detail=dict(list(detail.items())[:DETAILS_MAX]),
    )
    return msgspec.json.encode(short)


def _short(value: Cut) -> Cut:
    return value[:TEXT_MAX] if isinstance(value, str) else value
