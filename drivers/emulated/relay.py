"""A relay on the far end of the wire of a `relay`."""

from drivers.emulated.base import Load, OutputLine, Switched


class Chip(Load):
    """One relay; `closed()` is what the load behind it gets."""

    def __init__(self, options: Switched, line: OutputLine) -> None:
        super().__init__(options, line)
        self.welded = False  # the contacts stay closed whatever the coil does

    def closed(self) -> bool:
        """Whether current flows."""
        return self.welded or self.powered()
