"""Sets of row numbers as sorted, closed ranges: `[(1, 40), (44, 44)]`."""

import bisect
import math
from collections.abc import Iterable, Iterator

Ranges = list[tuple[int, int]]


class RangeSet:
    """Row numbers that are known to be somewhere; adding one twice changes nothing."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self.ranges: Ranges = []
        for start, end in ranges:
            self.add(start, end)

    def __contains__(self, number: int) -> bool:
        position = bisect.bisect_right(self.ranges, (number, math.inf)) - 1
        return position >= 0 and number <= self.ranges[position][1]

    def __len__(self) -> int:
        return sum(end - start + 1 for start, end in self.ranges)

    def add(self, start: int, end: int) -> None:
        """Take in `start` to `end`, both included; nothing when `end` comes first."""
        if end < start:
            return
        first = bisect.bisect_left(self.ranges, (start, 0))
        if first and self.ranges[first - 1][1] >= start - 1:
            first -= 1
        last = first
        while last < len(self.ranges) and self.ranges[last][0] <= end + 1:
            start, end = min(start, self.ranges[last][0]), max(end, self.ranges[last][1])
            last += 1
        self.ranges[first:last] = [(start, end)]

    def discard(self, start: int, end: int) -> None:
        """Let go of `start` to `end`, both included, as far as they are here."""
        kept = RangeSet()
        for first, last in self.ranges:
            kept.add(first, min(last, start - 1))
            kept.add(max(first, end + 1), last)
        self.ranges = kept.ranges

    def gaps(self, until: int, since: int = 1) -> Iterator[tuple[int, int]]:
        """The ranges from `since` to `until` that are missing, oldest first."""
        following = since
        first = max(0, bisect.bisect_right(self.ranges, (since, math.inf)) - 1)
        for position in range(first, len(self.ranges)):
            start, end = self.ranges[position]
            if start > until:
                break
            if start > following:
                yield following, start - 1
            following = max(following, end + 1)
        if following <= until:
            yield following, until

    def common(self, other: "RangeSet") -> Iterator[tuple[int, int]]:
        """The ranges that are in both; takes as long as `other` and the result have ranges."""
        for start, end in other.ranges:
            first = max(0, bisect.bisect_right(self.ranges, (start, math.inf)) - 1)
            for position in range(first, len(self.ranges)):
                ours = self.ranges[position]
                if ours[0] > end:
                    break
                if ours[1] >= start:
                    yield max(start, ours[0]), min(end, ours[1])

    def oldest(self, most: int) -> Ranges:
        """At most `most` ranges, the oldest; what is left out is merely sent again."""
        return self.ranges[:most]
