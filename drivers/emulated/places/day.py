"""The day of the emulated kitchen: how busy it is, and where its chances come from."""

import random
from itertools import pairwise

MINUTE_S = 60

# Hour of the day -> how busy the kitchen is, 0 to 1; straight lines between. An estimate.
_DAY = (
    (0.0, 0.05), (5.0, 0.0), (8.0, 0.25), (11.0, 0.6), (12.5, 1.0), (14.5, 0.4),
    (17.0, 0.6), (19.0, 1.0), (21.0, 0.7), (23.0, 0.1), (24.0, 0.05),
)  # fmt: skip


def busyness(hour: float) -> float:
    """How busy the kitchen is at this hour of the day, 0 to 1."""
    for (left, low), (right, high) in pairwise(_DAY):
        if hour <= right:
            return low + (high - low) * (hour - left) / (right - left)
    return _DAY[-1][1]


def chances(seed: int, purpose: str) -> random.Random:
    """A stream of chances of its own, so that a new place leaves the others as they were."""
    return random.Random(f"{seed}/{purpose}")  # noqa: S311 - a simulation, no secret
