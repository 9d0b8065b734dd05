"""What is to be told: one message for each event, the same everywhere and at every attempt."""

import msgspec

from rules.base import Priority


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One message; `title` is one line, `text` several, both in the languages of the kitchen.

    `id` is the same at every attempt and after every start: whoever gets it twice can tell by it.
    """

    id: str  # letters and digits
    alarm: str  # id of the alarm it is about; empty for a test
    verb: str  # raise, acknowledge, return, clear, test …
    priority: Priority
    title: str
    text: str
    at: int  # UTC ms of the event
    site: str = ""
    point: str | None = None
    value: float | bool | str | None = None
    unit: str = ""  # UCUM
    procedure: str = ""  # what to do now, one step a line

    @property
    def life(self) -> bool:
        """Whether people are in danger: nothing holds it back and nothing drops it."""
        return self.priority is Priority.LIFE
