"""A buzzer on the far end of the wire of a `buzzer`."""

from drivers.emulated.base import Load, OutputLine, Switched


class Chip(Load):
    """One buzzer; `sounding()` is what a cook hears."""

    def __init__(self, options: Switched, line: OutputLine) -> None:
        super().__init__(options, line)
        self.broken = False  # powered, and nobody hears it

    def sounding(self) -> bool:
        """Whether it can be heard."""
        return self.powered() and not self.broken
