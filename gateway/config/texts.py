"""The files one configuration is written in: `config.yaml`, and `rules.d/*.yaml` beside it.

All of them together are one text, so that they are hashed, kept and taken back as one. Without a
file in `rules.d` that text is the configuration itself, as in every release before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.config import yaml
from gateway.config.problem import Place, Report, shown
from gateway.config.yaml import Entry, Map, Node, Scalar

FOLDER = "rules.d"
SECTIONS = ("rules", "scenes", "modes")  # that may stand in it
FILES_MAX = 64
TOTAL_MAX = 512 * 1024  # bytes in the folder

# No file may contain this byte, so a text that begins with it is several.
_SEVERAL = b"\x00"
_START = Place(1, 1)


class Part(NamedTuple):
    """One file of `rules.d`, by the name it is called in messages."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Texts:
    """What was found; `problems` are for people, and each leaves no configuration."""

    main: bytes
    parts: Sequence[Part] = ()
    problems: Sequence[tuple[str, str]] = ()  # name of the file, what is wrong

    @property
    def whole(self) -> bytes:
        """All files as one text; `split` takes it apart again."""
        if not self.parts:
            return self.main
        sizes = [(part.name, len(part.data)) for part in self.parts]
        head = msgspec.json.encode({"main": len(self.main), "parts": sizes})
        return b"".join([_SEVERAL, head, b"\n", self.main, *(part.data for part in self.parts)])


class _Head(msgspec.Struct):
    main: int
    parts: list[tuple[str, int]]


def split(whole: bytes) -> Texts:
    """The files a text was made of; one that another version has put together is a problem."""
    if not whole.startswith(_SEVERAL):
        return Texts(whole)
    line, _, rest = whole.removeprefix(_SEVERAL).partition(b"\n")
    strange = Texts(b"", (), [("", "was kept by another version, which this one cannot read")])
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.DecodeError:
        return strange
    parts: list[Part] = []
    at = head.main
    for name, size in head.parts:
        parts.append(Part(name, rest[at : at + size]))
        at += size
    return Texts(rest[: head.main], parts) if at == len(rest) else strange


def read(path: Path) -> Texts:
    """All files of a configuration as they are now; raises OSError where `path` has none."""
    with path.open("rb") as file:
        main = file.read(yaml.SIZE_MAX + 1)
    parts: list[Part] = []
    problems: list[tuple[str, str]] = []
    total = 0
    try:
        found = _listed(path)
    except OSError as error:
        return Texts(main, (), [(FOLDER, f"cannot be read: {error.strerror}")])
    if len(found) > FILES_MAX:
        return Texts(main, (), [(FOLDER, f"got {len(found)} files, expected at most {FILES_MAX}")])
    for each in found:
        name = f"{FOLDER}/{shown(each.name)}"
        if each.suffix != ".yaml":
            problems.append((name, f"is not read; name it {shown(each.stem)}.yaml, or take it out"))
            continue
        try:
            with each.open("rb") as file:
                data = file.read(yaml.SIZE_MAX + 1)
        except OSError as error:
            problems.append((name, f"cannot be read: {error.strerror}"))
            continue
        total += len(data)
        if total > TOTAL_MAX:
            most = f"{TOTAL_MAX // 1024} kB"
            return Texts(main, (), [(FOLDER, f"larger than {most}, the most it may have in all")])
        parts.append(Part(name, data))
    return Texts(main, parts, problems)


def stamp(path: Path) -> tuple[object, ...] | None:
    """Tells one state of the files from another, without reading them; None where there is none."""
    try:
        status = path.stat()
        beside = [(each.name, *_state(each)) for each in _listed(path)[: FILES_MAX + 1]]
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, *beside


def tree(texts: Texts, report: Report) -> Node | None:
    """The tree of all files, with what is wrong in the report; None where the main one has none.

    The sections of `rules.d` are put into those of the configuration.
    """
    for name, wrong in texts.problems:
        report.add(_START._replace(file=name), (), wrong)
    root = yaml.parse(texts.main, report)
    added = [yaml.parse(part.data, report, part.name) for part in texts.parts]
    if not isinstance(root, Map):
        return root
    for node in added:
        if isinstance(node, Map):
            _add(root, node, report)
        elif node is not None:
            expected = " or ".join(f'"{section}:"' for section in SECTIONS)
            report.add(node.place, (), f"expected {expected}, with keys and values under them")
    return root


def where(place: Place, report: Report) -> str:
    """A place as people are told of it in the middle of a sentence."""
    return f"{place.file or Path(report.file).name}:{place.line}:{place.column}"


def _add(root: Map, added: Map, report: Report) -> None:
    for section, entry in added.entries.items():
        if section not in SECTIONS:
            near = report.suggestion(section, SECTIONS)
            message = f'got "{shown(section)}", which does not belong into {FOLDER}{near}'
            report.add(entry.key, (section,), message)
        elif isinstance(entry.node, Map):
            _add_section(root, section, entry, report)
        elif not _is_empty(entry.node):
            report.add(entry.node.place, (section,), "expected keys and values")


def _add_section(root: Map, section: str, added: Entry, report: Report) -> None:
    there = root.entries.get(section)
    if there is None or _is_empty(there.node):
        there = root.entries[section] = Entry(added.key, Map(added.node.place))
    into, more = there.node, added.node
    if not isinstance(into, Map) or not isinstance(more, Map):
        return  # the configuration's own section is none, which is said where it is read
    for name, entry in more.entries.items():
        first = into.entries.setdefault(name, entry)
        if first is not entry:
            message = f"given twice: here and at {where(first.key, report)}"
            report.add(entry.key, (section, name), message)


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def _listed(path: Path) -> list[Path]:
    """The files of the folder that look like rules, by name; raises OSError."""
    folder = path.parent / FOLDER
    if not folder.is_dir():
        return []
    return sorted(
        each
        for each in folder.iterdir()
        if each.suffix in {".yaml", ".yml"} and not each.name.startswith(".")
    )


def _state(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino
