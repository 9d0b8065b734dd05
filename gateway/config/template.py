"""The rules of a preset with the `{…}` in them filled in, node by node.

A text that is a placeholder and nothing else becomes the node that was given, with its place. In a
longer text (a label, an expression) the words are put in, and the place stays the preset's. Under
`if` a preset may have a list, of which all must be true.
"""

import re
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Final

from gateway.config.problem import Place
from gateway.config.yaml import Entry, Map, Node, Scalar, Sequence

_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
# Keys a rule can do without, when what stands there was not given.
_SPARED = ("if", "suppress")


class Gone(Enum):
    """Stands for a part about something optional that was not given."""

    GONE = "gone"


GONE: Final = Gone.GONE


def placeholders(node: Node) -> frozenset[str]:
    """All that is to be filled in."""
    if isinstance(node, Map):
        parts = [entry.node for entry in node.entries.values()]
    elif isinstance(node, Sequence):
        parts = node.items
    else:
        return frozenset(_PLACEHOLDER.findall(node.text))
    return frozenset().union(*(placeholders(part) for part in parts))


class Template:
    """Fills rules in; `missing` are the figures that some rule needs and nobody gave.

    `given` are nodes by name, `needs` all names that may be given; `user` is told in problems.
    """

    def __init__(
        self,
        given: Mapping[str, Node],
        needs: Collection[str],
        figures: Mapping[str, Node],
        user: str,
    ) -> None:
        self._values = {**figures, **given}
        self._absent = set(needs) - given.keys()
        self._user = user
        self.missing: set[str] = set()

    def rule(self, tree: Map) -> Map | Gone:
        """One rule, without the lines about what was not given; GONE when nothing is left."""
        kept = self._without_absent(tree)
        if not isinstance(kept, Map):
            return GONE
        self.missing |= placeholders(kept) - self._values.keys()
        filled = self._filled(kept)
        return _joined(filled) if isinstance(filled, Map) else GONE

    def _without_absent(self, node: Node) -> Node | Gone:
        if isinstance(node, Map):
            entries: dict[str, Entry] = {}
            for key, entry in node.entries.items():
                kept = self._without_absent(entry.node)
                if kept is not GONE:
                    entries[key] = Entry(entry.key, kept)
                elif key not in _SPARED:
                    return GONE
            return Map(node.place, entries)
        if isinstance(node, Sequence):
            items = [self._without_absent(item) for item in node.items]
            left = [item for item in items if item is not GONE]
            return Sequence(node.place, left) if left or not items else GONE
        return GONE if placeholders(node) & self._absent else node

    def _filled(self, node: Node) -> Node:
        if isinstance(node, Map):
            entries = {
                key: Entry(self._place(entry.key), self._filled(entry.node))
                for key, entry in node.entries.items()
            }
            return Map(self._place(node.place), entries)
        if isinstance(node, Sequence):
            return Sequence(self._place(node.place), [self._filled(item) for item in node.items])
        whole = _PLACEHOLDER.fullmatch(node.text)
        if whole is not None and whole[1] in self._values:
            return self._values[whole[1]]
        text = _PLACEHOLDER.sub(self._word, node.text)
        return Scalar(self._place(node.place), text, node.quoted)

    def _word(self, match: re.Match[str]) -> str:
        node = self._values.get(match[1])
        return node.text if isinstance(node, Scalar) else match[0]

    def _place(self, place: Place) -> Place:
        """Ours names its user; what the user wrote stands for itself."""
        ours = place.file.startswith("rules/packs/")
        return place._replace(user=self._user) if ours else place


def _joined(rule: Map) -> Map:
    """A list under `if` made one text: all of it has to be true."""
    gate = rule.entries.get("if")
    if gate is None or not isinstance(gate.node, Sequence):
        return rule
    texts = [f"({each.text})" for each in gate.node.items if isinstance(each, Scalar)]
    text = Scalar(gate.node.place, " and ".join(texts), quoted=True)
    return Map(rule.place, rule.entries | {"if": Entry(gate.key, text)})
