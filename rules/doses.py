"""The doses among the entries: grown at each look, and put where their rules can see them."""

import msgspec

from rules.base import Rule
from rules.changes import Changes
from rules.dose import Borne, Condition
from rules.exposure import Dose, grown, percent
from rules.memory import about
from rules.world import Seen


def has_dose(rule: Rule) -> bool:
    """Whether a rule is about one."""
    return isinstance(rule.formula, Condition)


def grow(rule: Rule, changes: Changes, seen: Seen, now: int) -> None:
    """Add the minute that ends now; written only where anything was or is borne."""
    condition = rule.formula
    if not isinstance(condition, Condition):
        return
    window = seen.window(*condition.windows[0])
    if window is None:
        return
    before = _dose(rule, changes)
    after = grown(before, condition.measure, window, now)
    if after is not None:
        after = msgspec.structs.replace(after, of=about(rule))
    if after != changes.get(f"dose/{rule.id}"):
        changes.put(f"dose/{rule.id}", after)
    _show(condition, after, seen, now)


def recall(rule: Rule, changes: Changes, seen: Seen, now: int) -> None:
    """What was borne before a start; the dose of another measure under the same name is not."""
    condition = rule.formula
    if isinstance(condition, Condition):
        _show(condition, _dose(rule, changes), seen, now)


def _dose(rule: Rule, changes: Changes) -> Dose | None:
    entry = changes.get(f"dose/{rule.id}")
    return entry if isinstance(entry, Dose) and entry.of == about(rule) else None


def _show(condition: Condition, dose: Dose | None, seen: Seen, now: int) -> None:
    seen.readings[condition.key] = Borne(percent(dose, condition.measure, now), now)
