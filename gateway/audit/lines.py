"""An entry of the audit chain as a line for a terminal."""

from datetime import UTC, datetime

import msgspec

from gateway.audit.entry import Entry
from gateway.store.audit import StoredEntry


def line_of(row: StoredEntry) -> str:
    """Number, UTC, who, what; control characters are shown as escapes."""
    try:
        entry = msgspec.json.decode(row.body, type=Entry)
        at = datetime.fromtimestamp(entry.at / 1000, UTC).isoformat(sep=" ", timespec="seconds")
    except (msgspec.MsgspecError, ValueError, OverflowError, TypeError):
        return f"{row.n:>6}  damaged: see `kitchen-gateway audit verify`"
    who = entry.by or entry.origin
    role = f" ({entry.role})" if entry.role else ""
    where = " ".join(part for part in (entry.origin, entry.peer) if part)
    detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items())
    what = " ".join(part for part in (entry.action, entry.about, detail) if part)
    refused = f"  REFUSED: {entry.refused}" if entry.refused else ""
    return _printable(f"{row.n:>6}  {at[:19]}  {who}{role}  [{where}]  {what}{refused}")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
