"""How often a rule may begin: an allowance that is used up by each and comes back with time.

A leaky bucket (ITU-T I.371, generic cell rate): room for a burst, then an average. A rule that
needs more is suspended, says so, and gets another chance later; life safety never is.
"""

from rules.kept import Pace

BURST = 200.0
EVERY_MS = 50  # one comes back in this time
REST_MS = 600_000  # for so long a rule that used up its allowance is suspended


def spend(pace: Pace | None, now: int) -> Pace | None:
    """The allowance after one more beginning, None when there is none left."""
    used = 0.0 if pace is None else max(0.0, pace.used - (now - pace.at) / EVERY_MS)
    if used + 1.0 > BURST:
        return None
    return Pace(used + 1.0, now, pace is not None and pace.excess and used > BURST / 2)
