"""The audit chain as the page and the API show it."""

import msgspec

from gateway.audit.entry import Entry


class AuditEntryView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of the audit chain; `entry` is None when it is damaged, `hash` is in hex."""

    n: int
    hash: str
    entry: Entry | None


class AuditView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A page of the chain, newest first; `next` is the `before` of the page after it."""

    entries: list[AuditEntryView]
    next: int | None
    key: str | None  # the public key's fingerprint; None until it was first used
    failing: str | None  # why it cannot be signed
