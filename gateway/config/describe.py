"""Problems and configurations in words."""

import re
from collections.abc import Iterable

from gateway.config.problem import Problem
from gateway.config.schema import Config

_FORM = re.compile(
    r'(\w+: )?got (?P<got>.+?), expected (?P<expected>.+?)(; did you mean "(?P<mean>.+)"\?)?'
)


def problem(found: Problem) -> str:
    """One line: `config.yaml:12:9: devices.walk_in.adress: unknown key; …`."""
    where = f"{found.file}:{found.line}:{found.column}:"
    return " ".join(
        part for part in (where, found.path and f"{found.path}:", found.message) if part
    )


def parts(found: Problem) -> tuple[str, str, str]:
    """What it got, what was expected, and what may have been meant; empty in other forms."""
    match = _FORM.fullmatch(found.message)
    return (match["got"], match["expected"], match["mean"] or "") if match else ("", "", "")


def problems(found: Iterable[Problem]) -> str:
    """One line each, in the order given."""
    return "\n".join(problem(each) for each in found)


def contents(config: Config) -> str:
    """What a kitchen has: "4 devices, 7 points, 2 actuators, 3 rules"."""
    points = sum(len(device.metrics) for device in config.devices.values())
    counts = (
        (len(config.devices), "device"),
        (points, "point"),
        (len(config.actuators), "actuator"),
        (len(config.rules), "rule"),
    )
    told = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    of_packs = sum(len(use.rules) for use in config.packs.values())
    told += f" ({of_packs} of packs)" if of_packs else ""
    return told if config.emulation is None else f"{told}; emulated: no hardware is read"
