"""The files of `rules.d` as texts that can be replaced: and what they are called."""

import re
from collections.abc import Sequence
from dataclasses import replace

from gateway.config.texts import FILES_MAX, FOLDER, TOTAL_MAX, Part, Texts

BYTES_MAX = 49_152  # of one that is edited on the page
NAMED = "1 to 50 letters, digits, spaces, _ or -, the first a letter or digit, and then .yaml"
_NAME = re.compile(r"[^\W_][\w -]{0,49}\.yaml")


class TooMuch(Exception):
    """There is no room for it among the files of rules; the message says what the bound is."""


def is_name(name: str) -> bool:
    """Whether a file that is edited on the page may be called that."""
    return _NAME.fullmatch(name) is not None


def name_of(part: Part) -> str:
    """As it is called in its folder."""
    return part.name.removeprefix(f"{FOLDER}/")


def find(texts: Texts, name: str) -> bytes | None:
    """The text of that file, None where there is none."""
    return next((part.data for part in texts.parts if name_of(part) == name), None)


def text_of(data: bytes) -> str | None:
    """As it is edited; None for what is too large for that, or no UTF-8."""
    if len(data) > BYTES_MAX:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def with_text(texts: Texts, name: str, data: bytes | None) -> Texts:
    """All files with that one replaced, added, or taken out; raises TooMuch."""
    others = [part for part in texts.parts if name_of(part) != name]
    parts = others if data is None else [*others, Part(f"{FOLDER}/{name}", data)]
    if data is not None:
        _check_room(parts, data)
    # In the order in which they are read from the folder.
    return replace(texts, parts=sorted(parts, key=lambda part: part.name))


def _check_room(parts: Sequence[Part], data: bytes) -> None:
    if len(data) > BYTES_MAX:
        raise TooMuch(f"a file may have {BYTES_MAX // 1024} kB here; split it")
    if len(parts) > FILES_MAX:
        raise TooMuch(f"{FOLDER} may have {FILES_MAX} files; take one out first")
    if sum(len(part.data) for part in parts) > TOTAL_MAX:
        raise TooMuch(f"{FOLDER} may have {TOTAL_MAX // 1024} kB in all; take something out first")
