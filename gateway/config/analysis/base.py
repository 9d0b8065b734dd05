"""What an analysis sees of a kitchen, and the form of what it finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.config import schema, texts
from gateway.config.load import Loaded
from gateway.config.problem import Place, Report, Steps, written
from gateway.config.yaml import Entry, Map, Node, Sequence
from gateway.points import points_of
from gateway.reading import Point
from rules import limit
from rules.base import Priority, Rule
from rules.expression import Expression
from rules.gates import Both

URGENCY = {priority: rank for rank, priority in enumerate(Priority)}  # the lower, the more urgent


class Level(StrEnum):
    """An `error` keeps a rule from doing what it is there for; a `warning` is likely a mistake."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One mistake in a file that can be read: where, what it leads to, and what to do."""

    level: Level
    file: str
    line: int
    column: int
    path: str
    message: str
    suggestion: str


class Kitchen:
    """The rules of a configuration that can be used, with the points they look at."""

    def __init__(self, loaded: Loaded, utc_ms: int | None = None) -> None:
        assert loaded.config is not None  # noqa: S101 - the caller has seen to it
        self.config = loaded.config
        self.rules = loaded.config.rules
        self.doubts = loaded.doubts
        self.utc_ms = utc_ms  # the day that is looked at, if any
        self.points: dict[str, Point] = {point.id: point for point in points_of(loaded.config)}
        self._file = str(loaded.file)
        self._root = _with_packs(
            texts.tree(texts.split(loaded.text), Report(self._file)), self.config
        )

    def limits(self, rule: Rule) -> limit.Options | None:
        """The limits of a rule of kind `limit`; None of another."""
        options = self.config.rule_options.get(rule.id)
        return options if isinstance(options, limit.Options) else None

    def error(self, path: Steps, message: str, suggestion: str) -> Finding:
        return self._finding(Level.ERROR, path, message, suggestion)

    def warning(self, path: Steps, message: str, suggestion: str) -> Finding:
        return self._finding(Level.WARNING, path, message, suggestion)

    def _finding(self, level: Level, path: Steps, message: str, suggestion: str) -> Finding:
        place = _place(self._root, path)
        return Finding(
            level=level,
            file=place.file or self._file,
            line=place.line,
            column=place.column,
            path=written(path),
            message=f"{message} (used by {place.user})" if place.user else message,
            suggestion=suggestion,
        )


def texts_of(rule: Rule) -> Iterator[tuple[str, Expression]]:
    """The expressions of a rule, each with its key."""
    if isinstance(rule.formula, Expression):
        yield "when", rule.formula
    for gate in rule.gate.parts if isinstance(rule.gate, Both) else (rule.gate,):
        if isinstance(gate, Expression):
            yield "if", gate


def of_rule(rule: Rule, *steps: str | int) -> Steps:
    """The path of a rule, or of something in it."""
    return ("rules", rule.id, *steps)


def _with_packs(root: Node | None, config: schema.Config) -> Node | None:
    """The tree with the rules of packs among the others."""
    if not isinstance(root, Map):
        return root
    rules = root.entries.get("rules")
    written = rules.node.entries if rules is not None and isinstance(rules.node, Map) else {}
    ours = {
        name: Entry(tree.place, tree)
        for use in config.packs.values()
        for name, tree in use.rules.items()
    }
    all_rules = Entry(root.place, Map(root.place, {**ours, **written}))
    return Map(root.place, {**root.entries, "rules": all_rules})


def _place(root: Node | None, path: Steps) -> Place:
    """Where the last step of a path stands that is in the file; a list counts its items."""
    place, node = Place(1, 1), root
    for step in path:
        if isinstance(node, Map) and step in node.entries:
            entry = node.entries[str(step)]
            place, node = entry.key, entry.node
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            place = node.place
        else:
            break
    return place
