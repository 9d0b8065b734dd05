"""Rules and modes as people see them, and what people may do with them."""

from typing import TYPE_CHECKING

from gateway import judging
from gateway.web.kitchen_errors import UnknownMode, UnknownRule
from gateway.web.rule_shapes import ModeView, RuleView
from rules.base import Rule
from rules.kept import InMode, Run
from rules.memory import Memory, Phase
from rules.schedule import State

if TYPE_CHECKING:
    from gateway.app import Gateway


def rules(gateway: "Gateway") -> list[RuleView]:
    """Every rule of the configuration in force, by id."""
    return [_rule(gateway, rule) for rule in gateway.config.rules]


def _rule(gateway: "Gateway", rule: Rule) -> RuleView:
    entries = gateway.judging.state.entries
    memory = entries.get(f"rule/{rule.id}")
    plan = entries.get(f"schedule/{rule.id}")
    running = isinstance(entries.get(f"run/{rule.id}"), Run)
    phase = memory.phase if isinstance(memory, Memory) else Phase.IDLE
    ahead_ms = gateway.clock.wall() - gateway.clock.now()
    why = None
    if isinstance(memory, Memory) and phase is Phase.SUSPENDED:
        why = str(memory.value or "a bug in it")
    return RuleView(
        id=rule.id,
        label=rule.label,
        priority=rule.priority.value,
        runs=bool(rule.triggers),
        state="running" if running and rule.triggers else phase.value,
        since=memory.since + ahead_ms if isinstance(memory, Memory) else None,
        why=why,
        next=plan.planned if isinstance(plan, State) else None,
        waits_for_clock=isinstance(plan, State) and plan.waiting,
        callable=gateway.judging.judge.hearers.callable(rule.id),
    )


async def run(gateway: "Gateway", rule_id: str, by: str) -> RuleView:
    """Run a rule that may be called; returns once committed, raises UnknownRule."""
    try:
        gateway.judging.ask(rule_id, by, gateway.clock.now())
    except judging.UnknownRule:
        raise UnknownRule from None
    await gateway.store.log.durable()
    return _rule(gateway, gateway.judging.judge.rules[rule_id])


def modes(gateway: "Gateway") -> list[ModeView]:
    """Every mode, and where it stands."""
    return [_mode(gateway, name) for name in gateway.config.modes]


def _mode(gateway: "Gateway", name: str) -> ModeView:
    words = gateway.config.modes[name]
    entry = gateway.judging.state.entries.get(f"mode/{name}")
    ahead_ms = gateway.clock.wall() - gateway.clock.now()
    if not isinstance(entry, InMode) or entry.value not in words:
        return ModeView(id=name, value=words[0], words=words)
    return ModeView(
        id=name, value=entry.value, words=words, by=entry.by, since=entry.since + ahead_ms
    )


async def switch(gateway: "Gateway", name: str, value: str, by: str) -> ModeView:
    """Put the kitchen into another mode; returns once committed, raises UnknownMode."""
    if value not in gateway.config.modes.get(name, ()):
        raise UnknownMode(gateway.config.modes.get(name, ()))
    gateway.judging.switch(name, value, by, gateway.clock.now())
    await gateway.store.log.durable()
    return _mode(gateway, name)
