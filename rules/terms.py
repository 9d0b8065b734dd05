"""What a rule says of its alarm beside how urgent it is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Suppress:
    """Hidden by design while a point has this value, but never longer than `up_to_ms` at a time."""

    point: str
    value: bool | str
    up_to_ms: int


@dataclass(frozen=True, kw_only=True)
class AlarmTerms:
    """How an alarm behaves once its rule has decided; the defaults are those of `{alarm: high}`."""

    latch: bool = False  # stays, after its return, until a person resets it
    clear_for_ms: int = 0  # off-delay: the condition must be over for so long
    shelve_ms: int | None = None  # longest shelving; None: what its priority allows
    suppress: Suppress | None = None
    group: str = ""  # alarms of one group that come together are one message
    escalate: str = ""  # the ladder of those who are told until somebody acknowledges
    procedure: str = ""  # what to do, at length, one step a line


PLAIN = AlarmTerms()
