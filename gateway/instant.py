"""Moments as people and programs write them: ISO 8601, or UTC in ms since 1970."""

import re
from datetime import UTC, datetime

_MS = re.compile(r"\d{1,15}")
_SPACE = re.compile(r"(T[\d:.]+) (?=\d\d:?\d\d$)")  # a "+" that a URL has turned into a space
LATEST_MS = 253_402_300_799_999  # the last of the year 9999


def parse(text: str) -> int:
    """UTC ms of a moment; without an offset it is UTC. Raises ValueError, for people."""
    text = text.strip()
    if _MS.fullmatch(text):
        found = int(text)
    else:
        try:
            moment = datetime.fromisoformat(_SPACE.sub(r"\1+", text))
        except ValueError:
            raise ValueError(
                f"{text[:40]!r} is no time; wanted 2026-11-21, 2026-11-21T14:30+09:00 or UTC ms"
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        found = round(moment.timestamp() * 1000)
    if not 0 <= found <= LATEST_MS:
        raise ValueError(f"{text[:40]!r} is not between 1970 and 9999")
    return found


def written(at: int) -> str:
    """A moment in UTC as ISO 8601 with ms: 2026-11-21T05:30:00.000Z."""
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03}Z"
