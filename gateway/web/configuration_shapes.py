"""How the configuration stands, and what is wrong with it, as the page and the API show it."""

from collections.abc import Sequence
from typing import Literal

import msgspec


class ProblemView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One error of the configuration; `got`, `expected` and `mean` are empty in other forms."""

    file: str
    line: int
    column: int
    path: str
    message: str  # "got …, expected …; did you mean …?"
    got: str = ""
    expected: str = ""
    mean: str = ""
    device: str | None = None  # the device or actuator that is left out because of it


class DoubtView(msgspec.Struct, frozen=True, gc=False):
    """What of the configuration in force may not come about, though nothing in it is wrong."""

    reason: Literal["polar", "holidays"]  # no sunrise or sunset today; days off are not known
    about: str  # the rule, where it is one
    detail: str


class ConfigurationView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Which configuration is in force, and what is wrong with the file."""

    status: str  # of the gateway: starting, running, degraded, stopping or config_error
    file: str
    source: Literal["file", "current", "previous", "factory", "none"]  # what is in force
    refused: bool = False  # the file, so that something else is in force
    left_out: Sequence[str] = ()
    problems: Sequence[ProblemView] = ()
    more: int = 0  # problems beside these
    doubts: Sequence[DoubtView] = ()
    damaged: Sequence[str] = ()  # kept configurations that no longer fit their checksum


class ReloadView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What became of a reload."""

    result: Literal["applied", "unchanged", "refused"]
    problems: Sequence[ProblemView] = ()
    instead: str = ""  # what runs while the file is refused
