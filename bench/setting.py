"""What every section is given: how thorough to be, and a folder of its own."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Setting:
    """`folder` is empty at the start and thrown away at the end."""

    folder: Path
    quick: bool = False

    def of(self, thorough: int, quick: int) -> int:
        """How many rounds, seconds or readings."""
        return quick if self.quick else thorough
