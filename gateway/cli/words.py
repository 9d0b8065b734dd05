"""Values in words for a terminal."""

from typing import Any

from gateway.signs import sign


def counted(count: int, word: str) -> str:
    """`1 alarm`, `2 alarms`."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def value_in_words(point: dict[str, Any]) -> str:
    """`3.4 °C`, `yes`, `on`, or why there is no value: `- (no communication)`."""
    value, reason = point["value"], point.get("reason")
    if value is None:
        return f"- ({(reason or 'no value').replace('_', ' ')})"
    if isinstance(value, bool):
        switch = point["id"].endswith("/state")
        return ("on" if value else "off") if switch else ("yes" if value else "no")
    doubt = f" ({reason.replace('_', ' ')})" if reason else ""
    return f"{value} {sign(point['unit'])}".rstrip() + doubt
