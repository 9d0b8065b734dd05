"""A configuration as it is handed out: what is in force of it, and no secret."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from gateway.config import texts, yaml
from gateway.config.load import Loaded
from gateway.config.problem import ISOLATED, Place, Report
from gateway.config.schema import Config
from gateway.config.secret import KEYS
from gateway.config.yaml import Entry, Map, Node, Scalar, Sequence

if TYPE_CHECKING:
    from yaml.nodes import Node as YamlNode

REDACTED = "[redacted]"


def effective(loaded: Loaded) -> Map | None:
    """What stands in the files, without what is left out of it; None when it cannot be used."""
    root = texts.tree(texts.split(loaded.text), Report(str(loaded.file)))
    if not isinstance(root, Map) or loaded.config is None:
        return None
    whole = _redacted(root)
    for section in ISOLATED:
        _leave_out(whole, section, loaded.disabled.keys())
    rules = {rule.id for rule in loaded.config.rules}
    written = root.entries.get("rules")
    if written is not None and isinstance(written.node, Map):
        _leave_out(whole, "rules", written.node.entries.keys() - rules)
    return whole


def expanded(tree: Map, config: Config) -> Map:
    """The same with packs replaced by the rules they have become."""
    written = tree.entries.get("rules")
    rules = dict(written.node.entries) if written and isinstance(written.node, Map) else {}
    for use in config.packs.values():
        rules |= {name: Entry(rule.place, rule) for name, rule in use.rules.items()}
    entries = {name: entry for name, entry in tree.entries.items() if name != "packs"}
    place = written.key if written else tree.place
    return Map(tree.place, entries | {"rules": Entry(place, Map(place, rules))})


def plain(node: Node) -> object:
    """The same as lists, dictionaries and values, as YAML 1.2 means them."""
    if isinstance(node, Map):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    return node.value if isinstance(node, Scalar) else [plain(item) for item in node.items]


def yaml_of(tree: Map) -> str:
    """The same as YAML, every value as it was written: it loads again to what it was."""
    from yaml import BaseDumper, serialize

    return str(serialize(_node(tree), Dumper=BaseDumper, allow_unicode=True, width=100))


def rules_of(data: bytes) -> str:
    """The rules that stand in a configuration itself, as YAML; empty where it has none."""
    root = yaml.parse(data, Report(""))
    entries = root.entries if isinstance(root, Map) else {}
    own = {name: entry for name, entry in entries.items() if name in texts.SECTIONS}
    return yaml_of(_redacted(Map(Place(1, 1), own))) if own else ""


def _redacted(tree: Map) -> Map:
    return Map(
        tree.place,
        {
            key: Entry(entry.key, _without_secret(key, entry.node, alone=len(tree.entries) == 1))
            for key, entry in tree.entries.items()
        },
    )


def _without_secret(key: str, node: Node, *, alone: bool) -> Node:
    if isinstance(node, Map):
        return _redacted(node)
    if isinstance(node, Sequence):
        items = [_without_secret(key, item, alone=False) for item in node.items]
        return Sequence(node.place, items)
    reference = key == "secret" and alone
    login = "://" in node.text and "@" in node.text
    hidden = login or (key.lower() in KEYS and not reference)
    return Scalar(node.place, REDACTED, quoted=True) if hidden else node


def _leave_out(tree: Map, section: str, names: Collection[str]) -> None:
    entry = tree.entries.get(section)
    if entry is not None and isinstance(entry.node, Map):
        for name in names:
            entry.node.entries.pop(name, None)


def _node(node: Node) -> "YamlNode":
    from yaml import MappingNode, ScalarNode, SequenceNode

    text, mapping, sequence = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
    if isinstance(node, Map):
        pairs = [(ScalarNode(text, key), _node(entry.node)) for key, entry in node.entries.items()]
        return MappingNode(mapping, pairs, flow_style=False)
    if isinstance(node, Scalar):
        return ScalarNode(text, node.text, style='"' if node.quoted else None)
    return SequenceNode(sequence, [_node(item) for item in node.items], flow_style=False)
