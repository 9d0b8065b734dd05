"""What judging knows of the wall clock: its distance from kitchen time, and whether to go by it.

The entry changes only with committed input, so a replay sees each jump where the live run did.
"""

import msgspec

STEP_MS = 1000  # a smaller step is not worth a row; it is made up for at the next


class Wall(msgspec.Struct, frozen=True, tag="wall"):
    """UTC is kitchen time plus `ahead`, in ms; seen in the start of the machine named `boot`."""

    ahead: int
    trusted: bool
    boot: str = ""

    def at(self, now: int) -> int:
        """What the wall clock shows at a kitchen time, UTC in ms."""
        return now + self.ahead


def observed(before: Wall | None, ahead: int, boot: str, *, sure: bool) -> Wall | None:
    """The entry after a look at the clocks; None when there is nothing to commit.

    A clock that was right once in this boot is trusted until the next: without internet it drifts
    by seconds a week, which no schedule minds.
    """
    if before is None or before.boot != boot:
        return Wall(ahead, sure, boot)
    trusted = sure or before.trusted
    if before.trusted is trusted and abs(ahead - before.ahead) < STEP_MS:
        return None
    return Wall(ahead, trusted, boot)
