"""Rules, each compiled to the one form of `rules/base.py` and checked against what there is.

A rule about a device that is left out is left out with it, and so is a command to an actuator that
is left out; the rest of the kitchen is judged all the same.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gateway.config import registry, schema
from gateway.config.actions import Actions
from gateway.config.alarms import Terms
from gateway.config.known import Entry, Known
from gateway.config.problem import shown_message
from gateway.config.triggers import Hours, Triggers
from gateway.config.typed import FLAW, Filler, Flaw, Key, keys_of
from gateway.config.yaml import Map, Node, Scalar
from gateway.config.yaml import Sequence as Nodes
from rules.base import Condition, Formula, OnBad, Rule, Trigger
from rules.gates import Both

_WHEN, _IF, _BETWEEN, _KIND = "when", "if", "between", "kind"
_GATES = (_IF, _BETWEEN)


class _Start(NamedTuple):
    """What makes a rule act: one of condition, formula and triggers, and perhaps a gate."""

    condition: Condition | None = None
    formula: Formula | None = None
    triggers: tuple[Trigger, ...] = ()
    gate: Formula | None = None

    @property
    def may_be_blind(self) -> bool:
        """Whether a point without a usable value has a say."""
        return any(part is not None for part in (self.condition, self.formula, self.gate))


class Rules:
    """Reads rules; `options` are those of the sound ones, by rule, for who shows their limits."""

    def __init__(
        self, filler: Filler, known: Known, actions: Actions, terms: Terms, hours: Hours,
        names: Iterable[str],
    ) -> None:  # fmt: skip
        self._filler = filler
        self._report = filler.report
        self._known = known
        self._actions = actions
        self._terms = terms
        self._hours = hours
        self._triggers = Triggers(filler, known, hours.schedule, frozenset(names))
        self.options: dict[str, object] = {}

    def compiled(self, entries: Iterable[Entry]) -> tuple[Rule, ...]:
        """The sound ones, by id."""
        rules = [self._rule(entry) for entry in entries]
        sound = [rule for rule in rules if rule is not None]
        names = {rule.id for rule in sound}
        self.options = {name: it for name, it in self.options.items() if name in names}
        return tuple(sorted(sound, key=lambda rule: rule.id))

    def _rule(self, entry: Entry) -> Rule | None:
        module = self._kind(entry)
        fixed: OnBad | None = getattr(module, "ON_BAD", None)
        keys = keys_of(schema.RuleEntry)
        if fixed is not None:
            keys = _without(keys, "on_bad")
        also = {
            _WHEN,
            *_GATES,
            *(entry.tree.entries if module is None else keys_of(module.Options)),
        }
        if module is None and _KIND not in entry.tree.entries:
            also = {_WHEN, *_GATES}
        values = self._filler.fields(entry.tree, keys, entry.spot, also=also)
        start = self._start(entry, module)
        if values is FLAW:
            return None
        written = self._filler.build(schema.RuleEntry, values, entry.tree, entry.spot)
        if written is FLAW or not self._fits(entry, written, fixed):
            return None
        return self._compiled(entry, written, start, fixed)

    def _kind(self, entry: Entry) -> registry.KindModule | None:
        written = entry.tree.entries.get(_KIND)
        if written is None:
            return None
        spot = entry.spot.at(_KIND, written.node.place)
        name = self._filler.value(written.node, schema.Id, spot, None)
        if not isinstance(name, str):
            return None
        try:
            return registry.kind(name)
        except registry.NotFound:
            near = self._report.suggestion(name, registry.kind_names())
            self._report.add(spot.place, spot.path, f'got the unknown rule kind "{name}"{near}')
            return None

    def _start(self, entry: Entry, module: registry.KindModule | None) -> _Start | Flaw:
        """What stands under `kind` or `when`, `if` and `between`; FLAW after a problem."""
        tree = entry.tree.entries
        gate = self._gate(entry)
        if (_KIND in tree) is (_WHEN in tree):
            what = (
                "either kind or when is enough" if _KIND in tree else '"kind" or "when" is missing'
            )
            self._report.add(entry.spot.place, entry.spot.path, what)
            return FLAW
        if _KIND in tree:
            made = self._condition(entry, module) if module is not None else FLAW
            if made is FLAW or gate is FLAW:
                return FLAW
            return made._replace(gate=gate)
        when: Node = tree[_WHEN].node
        if isinstance(when, Nodes):
            triggers = self._triggers.triggers(when, entry)
            return FLAW if triggers is FLAW or gate is FLAW else _Start(None, None, triggers, gate)
        formula = self._triggers.formula(when, entry, _WHEN)
        return FLAW if formula is FLAW or gate is FLAW else _Start(None, formula, gate=gate)

    def _gate(self, entry: Entry) -> Formula | Flaw | None:
        """What has to be true beside the condition."""
        tree = entry.tree.entries
        gates: list[Formula | Flaw] = []
        if _IF in tree:
            gates.append(self._triggers.formula(tree[_IF].node, entry, _IF))
        if _BETWEEN in tree:
            spot = entry.spot.at(_BETWEEN, tree[_BETWEEN].key)
            gates.append(self._hours.between(tree[_BETWEEN].node, spot))
        sound = [gate for gate in gates if gate is not FLAW]
        if len(sound) < len(gates):
            return FLAW
        return Both(sound) if len(sound) > 1 else next(iter(sound), None)

    def _condition(self, entry: Entry, module: registry.KindModule) -> _Start | Flaw:
        if "point" not in entry.tree.entries:
            path = entry.spot.path
            self._report.add(
                entry.spot.place, path, '"point" is missing, such as point: walk_in/temperature'
            )
            return FLAW
        metric = self._known.point(entry, "point", kind=getattr(module, "POINT", None))
        if metric is None:
            return FLAW
        keys = keys_of(module.Options)
        values = self._filler.fields(entry.tree, keys, entry.spot, metric, also=entry.tree.entries)
        if values is FLAW:
            return FLAW
        options = self._filler.build(module.Options, values, entry.tree, entry.spot)
        if options is FLAW:
            return FLAW
        self.options[entry.name] = options
        try:
            point = entry.tree.entries["point"].node
            if getattr(module, "OVER_TIME", False) and isinstance(point, Scalar):
                return _Start(formula=module.Condition(options, point.text))
            return _Start(condition=module.Condition(options))
        except ValueError as error:
            self._report.add(entry.spot.place, entry.spot.path, shown_message(error))
            return FLAW

    def _fits(self, entry: Entry, written: schema.RuleEntry, fixed: OnBad | None) -> bool:
        """Whether the keys go together; what does not is said."""
        tree = entry.tree.entries
        runs = _WHEN in tree and isinstance(tree[_WHEN].node, Nodes)
        gated = any(key in tree for key in _GATES)
        problem = ""
        if written.on_bad is None and fixed is None and (gated or not runs):
            problem = '"on_bad" is missing, such as on_bad: hold'
        elif runs and written.for_s:
            problem = "for is of conditions; a rule that runs can wait: {wait: 5min}"
        elif not runs and "mode" in tree:
            problem = "mode is of rules that run: they have a list under when"
        if problem:
            self._report.add(entry.spot.place, entry.spot.path, problem)
        return not problem

    def _compiled(
        self, entry: Entry, written: schema.RuleEntry, start: _Start | Flaw, fixed: OnBad | None
    ) -> Rule | None:
        node = entry.tree.entries["then"].node
        spot = entry.spot.at("then", node.place)
        priority = self._actions.priority(entry, written, spot)
        if priority is None:
            return None
        when = entry.tree.entries.get(_WHEN)
        runs = when is not None and isinstance(when.node, Nodes)
        then = self._actions.then(written.then, priority, spot, node, runs=runs)
        terms = self._terms.of(written.then, spot)
        if start is FLAW or then is FLAW or terms is FLAW:
            return None
        if not any(then):
            return None
        return Rule(
            id=entry.name,
            label=written.label or entry.name,
            point=written.point or _about(start),
            condition=start.condition,
            formula=start.formula,
            gate=start.gate,
            triggers=start.triggers,
            mode=written.mode,
            for_ms=round(written.for_s * 1000),
            on_bad=fixed or written.on_bad or OnBad.HOLD,
            priority=priority,
            alarm=then.alarm,
            terms=terms,
            commands=then.commands,
            actions=then.actions,
            lockout=then.lockout,
            advice=written.advice,
            fingerprint=self._fingerprint(entry, written),
        )

    def _fingerprint(self, entry: Entry, written: schema.RuleEntry) -> str:
        """What the rule is about; another condition under the same name has nothing to remember."""
        tree = entry.tree.entries
        nodes = [(key, tree[key].node) for key in (_WHEN, _IF) if key in tree]
        written_as = [(key, it.text.split()) for key, it in nodes if isinstance(it, Scalar)]
        texts = [f"{key} {' '.join(words)}" for key, words in written_as]
        if _BETWEEN in tree:
            texts.append(f"{_BETWEEN} {' '.join(_leaves(tree[_BETWEEN].node))}")
        if written.kind is not None:
            texts.insert(0, _of_kind(written.kind, self.options[entry.name]))
        return " ".join(texts)


def _about(start: _Start) -> str:
    """The point a rule's alarm is about, where none is named."""
    return start.formula.points[0] if start.formula is not None and start.formula.points else ""


def _leaves(node: Node) -> Iterator[str]:
    """Everything written in a section, in one order."""
    if isinstance(node, Map):
        for key in sorted(node.entries):
            yield key
            yield from _leaves(node.entries[key].node)
    elif isinstance(node, Nodes):
        for item in node.items:
            yield from _leaves(item)
    elif isinstance(node, Scalar):
        yield node.text


def _of_kind(kind: str, options: Any) -> str:  # noqa: ANN401 - each kind has its own class
    """Kind and options; defaults are left out, so that a version with a new one changes nothing."""
    chosen = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)
              if getattr(options, field.name) != field.default}  # fmt: skip
    return " ".join([kind, *(f"{name}={chosen[name]!r}" for name in sorted(chosen))])


def _without(keys: Mapping[str, Key], name: str) -> dict[str, Key]:
    return {key: kind for key, kind in keys.items() if key != name}
