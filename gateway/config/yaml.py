"""YAML text to a tree that knows where everything stands.

Scalars mean what YAML 1.2's core schema says: `12:30`, `on` and `no` are text, `0x44` is 68. What
a cook never needs and an attacker loves is refused: anchors, aliases, merge keys, tags, a second
document. The tree is built from the parser's events without recursion, and stops at the first
level too deep; PyYAML's own `compose` crashes the process on 50,000 brackets.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from gateway.config.problem import Place, Report, Steps, shown

SIZE_MAX = 256 * 1024
DEPTH_MAX = 32
_DIGITS_MAX = 40  # longer than any number a kitchen needs

_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_START = Place(1, 1)

# YAML 1.2.2, 10.3.2 Tag Resolution
_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)")
_NAN = re.compile(r"\.nan|\.NaN|\.NAN")
# YAML 1.2.2, 5.1 Character Set: what may not stand in a file unescaped.
_FORBIDDEN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_MISFIT = "this does not fit what is above it; check the indentation and the brackets"
# Part of what libyaml or PyYAML's own parser says -> what a cook can act on.
_IN_WORDS = {
    "could not find expected ':'": 'a key without ":" (on this line or the one before)',
    "expected ',' or": "a bracket is not closed, or a comma is missing",
    "expected node content": "a value is missing, or a bracket is not closed",
    "unexpected end of stream": "a quote is never closed",
    "did not find expected key": _MISFIT,
    "expected '-' indicator": _MISFIT,
    "expected <block end>": _MISFIT,
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value, as it is written."""

    place: Place
    text: str
    quoted: bool

    @property
    def value(self) -> float | bool | str | None:
        """What YAML 1.2's core schema takes the text for; quoted text stays text."""
        return self.text if self.quoted else resolve(self.text)


@dataclass(frozen=True, slots=True)
class Map:
    """Keys and what they hold, in the order of the file."""

    place: Place
    entries: dict[str, "Entry"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: list["Node"] = field(default_factory=list)


Node = Scalar | Map | Sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a key stands, and its value."""

    key: Place
    node: Node


class Unreadable(Exception):
    """Nothing can be made of this file; `place` says from where on."""

    def __init__(self, place: Place, message: str, path: Steps = ()) -> None:
        super().__init__(message)
        self.place = place
        self.message = message
        self.path = path


def parse(data: bytes, report: Report, file: str = "") -> Node | None:
    """The tree of a file, or None; all that is wrong with it goes to the report.

    `file` is its name where it is another than the configuration.
    """
    try:
        node = _Builder(report, file).build(_events(_text(data)))
    except Unreadable as error:
        report.add(error.place._replace(file=file), error.path, error.message)
        return None
    if node is None:
        report.add(_START._replace(file=file), (), "the file is empty")
    return node


def resolve(text: str) -> float | bool | str | None:
    """The value of an unquoted scalar under YAML 1.2's core schema."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text.lower() == "true"
    if len(text) > _DIGITS_MAX:
        return text
    return _number(text)


def _number(text: str) -> float | str:
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return int(text, base=0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text) or _NAN.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _text(data: bytes) -> str:
    if len(data) > SIZE_MAX:
        raise Unreadable(_START, f"larger than {SIZE_MAX // 1024} kB, the most a config may have")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(_START, "saved as UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_at(data[: error.start].decode("utf-8-sig", "replace"))
        raise Unreadable(place, f"not UTF-8{_encoding_hint(data)}; save it as UTF-8") from None
    wrong = _FORBIDDEN.search(text)
    if wrong:
        place = _place_at(text[: wrong.start()])
        raise Unreadable(place, f"the control character U+{ord(wrong.group()):04X}; delete it")
    return text


def _encoding_hint(data: bytes) -> str:
    try:
        data.decode("cp949")
    except UnicodeDecodeError:
        return ""
    return " (it looks like CP949, the old Korean encoding of Windows)"


def _place_at(before: str) -> Place:
    line_start = before.rfind("\n") + 1
    return Place(before.count("\n") + 1, len(before) - line_start + 1)


def _events(text: str) -> Iterator[Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else _START
        raise Unreadable(place, _explained(error.problem or "broken", text, place)) from None
    except yaml.YAMLError as error:
        raise Unreadable(_START, f"not YAML: {shown(str(error))}") from None


def _explained(problem: str, text: str, place: Place) -> str:
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab; YAML is indented with spaces"
    if "cannot start any token" in problem:
        return f'a text cannot begin with "{line[place.column - 1 : place.column]}"; quote it'
    if "mapping values are not allowed" in problem and line.count(":") > 1:
        return 'a second ": " on this line; quote the text'
    if "mapping values are not allowed" in problem:
        return 'this ":" does not fit; check the indentation, and the line above for its own ":"'
    return next(
        (words for sign, words in _IN_WORDS.items() if sign in problem), f"not YAML: {problem}"
    )


class _Builder:
    """Puts the tree together; `_open` holds the unfinished collections, outermost first."""

    def __init__(self, report: Report, file: str) -> None:
        self._report = report
        self._file = file
        self._open: list[Map | Sequence] = []
        self._keys: list[tuple[str, Place] | None] = []  # the key waiting for its value
        self._root: Node | None = None

    def build(self, events: Iterator[Event]) -> Node | None:
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise Unreadable(self._place(event), 'a second document ("---"); one is enough')
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                self._open.pop()
                self._keys.pop()
                self._value_done()
            elif isinstance(event, NodeEvent):
                self._node(event)
        return self._root

    def _node(self, event: NodeEvent) -> None:
        place = self._place(event)
        self._refuse_indirection(event, place)
        if isinstance(event, ScalarEvent):
            if self._expects_key():
                self._keys[-1] = (self._key(event, place), place)
            else:
                self._attach(Scalar(place, event.value, bool(event.style)))
                self._value_done()
            return
        if self._expects_key():
            raise Unreadable(place, "a key must be a plain word", self._path())
        if len(self._open) >= DEPTH_MAX:
            raise Unreadable(place, f"nested more than {DEPTH_MAX} levels deep")
        node = Map(place) if isinstance(event, MappingStartEvent) else Sequence(place)
        self._attach(node)
        self._open.append(node)
        self._keys.append(None)

    def _refuse_indirection(self, event: NodeEvent, place: Place) -> None:
        if isinstance(event, AliasEvent):
            raise Unreadable(place, f'the alias "*{event.anchor}"; write the value out')
        if event.anchor is not None:
            raise Unreadable(place, f'the anchor "&{event.anchor}"; write the values out')
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise Unreadable(place, f'the tag "{shown(tag)}"; quote a text that begins with "!"')

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], Map) and self._keys[-1] is None

    def _key(self, event: ScalarEvent, place: Place) -> str:
        text = str(event.value)
        if text == "<<" and not event.style:
            raise Unreadable(place, 'the merge key "<<"; write the values out', self._path())
        if not text.isprintable() or not text:
            raise Unreadable(place, "a key must be a plain word", self._path())
        return text

    def _attach(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent, key = self._open[-1], self._keys[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif key is not None:
            name, place = key
            first = parent.entries.setdefault(name, Entry(place, node))
            if first.node is not node:
                message = f"given twice: here and on line {first.key.line}"
                self._report.add(place, self._path(), message)

    def _value_done(self) -> None:
        if self._keys:
            self._keys[-1] = None

    def _path(self) -> Steps:
        steps: list[str | int] = []
        for collection, key in zip(self._open, self._keys, strict=True):
            if isinstance(collection, Sequence):
                being_read = collection is not self._open[-1]
                steps.append(len(collection.items) - being_read)
            elif key is not None:
                steps.append(key[0])
        return tuple(steps)

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Place(line, column, self._file)
