"""What the daemon asks of the process that makes certificates, and what that answers."""

import msgspec


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate for these names, now (UTC ms), by the authority in `folder`."""

    folder: str
    host: str
    names: list[str]
    now: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """When it ends (UTC ms) and which names it could not be given, or why there is none."""

    expires: int = 0
    left_out: list[str] = []
    failed: str | None = None
