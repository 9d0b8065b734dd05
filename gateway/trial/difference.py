"""What differs between two sets of rules: alarms and commands gained, lost, moved."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from gateway.trial.episode import Episode

Kind = Literal["gained", "lost", "moved", "longer", "shorter", "changed"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One; `before` is None where it is gained, `after` where it is lost.

    `moved_s` is how much later it begins (negative: earlier), `longer_s` how much longer it lasts;
    None where one of them lasts beyond the end.
    """

    kind: Kind
    before: Episode | None = None
    after: Episode | None = None
    moved_s: float = 0.0
    longer_s: float | None = 0.0

    @property
    def shown(self) -> Episode:
        """The one to be named."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of them is there
        return found


class Compared(NamedTuple):
    """All differences by time, and how many were the same in both."""

    differences: Sequence[Difference]
    same: int


def compare(before: Iterable[Episode], after: Iterable[Episode]) -> Compared:
    """Pair what belongs together: of one name, and at the same time or by the same reading."""
    theirs: dict[tuple[str, str], tuple[list[Episode], list[Episode]]] = {}
    for side, episodes in enumerate((before, after)):
        for episode in episodes:
            pair = theirs.setdefault((episode.what, episode.name), ([], []))
            pair[side].append(episode)
    found: list[Difference] = []
    same = 0
    for ours, others in theirs.values():
        for one, other in _paired(ours, others):
            difference = _difference(one, other)
            if difference is None:
                same += 1
            else:
                found.append(difference)
    found.sort(key=lambda each: (each.shown.start, each.shown.what, each.shown.name))
    return Compared(found, same)


def _paired(
    before: Sequence[Episode], after: Sequence[Episode]
) -> list[tuple[Episode | None, Episode | None]]:
    """Both are in order, and nothing overlaps what is of its own side."""
    pairs: list[tuple[Episode | None, Episode | None]] = []
    here = there = 0
    while here < len(before) or there < len(after):
        one = before[here] if here < len(before) else None
        other = after[there] if there < len(after) else None
        if one is not None and other is not None:
            if _belong_together(one, other):
                pass
            elif one.start <= other.start:
                other = None
            else:
                one = None
        pairs.append((one, other))
        here += one is not None
        there += other is not None
    return pairs


def _belong_together(one: Episode, other: Episode) -> bool:
    if one.began is not None and one.began == other.began:
        return True
    first, second = (one, other) if one.start <= other.start else (other, one)
    return first.start == second.start or first.end is None or second.start < first.end


def _difference(one: Episode | None, other: Episode | None) -> Difference | None:
    if one is None or other is None:
        return Difference(kind="gained" if one is None else "lost", before=one, after=other)
    moved = other.start - one.start
    longer = _longer(one, other)
    kind: Kind
    if moved:
        kind = "moved"
    elif one.end != other.end:
        kind = "longer" if other.end is None or (one.end or 0) < other.end else "shorter"
        if one.end is None:
            kind = "shorter"
    elif one.value != other.value:
        kind = "changed"
    else:
        return None
    return Difference(
        kind=kind,
        before=one,
        after=other,
        moved_s=moved / 1000,
        longer_s=None if longer is None else longer / 1000,
    )


def _longer(one: Episode, other: Episode) -> int | None:
    if one.end is None or other.end is None:
        return 0 if one.end is other.end and one.start == other.start else None
    return (other.end - other.start) - (one.end - one.start)
