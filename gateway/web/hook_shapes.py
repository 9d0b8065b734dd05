"""What other systems tell the kitchen, and why it is not taken."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec


class Incoming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event of another system; `at` is its own time in UTC ms, `data` what it says of it."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    kind: Literal["order", "sale"]
    data: Mapping[str, object]
    at: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)] | None = None


class Taken(msgspec.Struct, frozen=True):
    """The event is a row; `new` is False where it was one before."""

    id: str
    new: bool


class UnknownHook(Exception):
    """No hook of this name is configured."""


class BadSignature(Exception):
    """It was not signed with the secret of the hook."""
