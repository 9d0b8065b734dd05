"""The audit chain as people see it, page by page."""

import msgspec

from gateway.audit.entry import Entry
from gateway.store import audit
from gateway.store.audit import StoredEntry
from gateway.store.errors import StoreError
from gateway.store.worker import StoreWorker
from gateway.web.audit_shapes import AuditEntryView, AuditView
from gateway.web.kitchen_errors import NoRecord


async def page(
    reader: StoreWorker, before: int | None, limit: int, failing: str | None
) -> AuditView:
    """Entries before a number, newest first; raises NoRecord."""
    try:
        rows = await reader.call(lambda connection: audit.page(connection, before, limit))
        fingerprint = await reader.call(audit.fingerprint)
    except StoreError as error:
        raise NoRecord(str(error)) from None
    return AuditView(
        entries=[_shown(row) for row in rows],
        next=rows[-1].n if len(rows) == limit and rows[-1].n > 1 else None,
        key=fingerprint,
        failing=failing,
    )


def _shown(row: StoredEntry) -> AuditEntryView:
    return AuditEntryView(
        n=row.n,
        hash=row.hash.hex() if isinstance(row.hash, bytes) else "",
        entry=_entry(row.body),
    )


def _entry(body: object) -> Entry | None:
    try:
        return msgspec.json.decode(body, type=Entry) if isinstance(body, bytes) else None
    except (msgspec.MsgspecError, ValueError):
        return None
