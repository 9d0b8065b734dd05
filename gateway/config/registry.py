"""The file name is the registry: `driver: sht3x` is `drivers/sht3x.py`, and so are rule kinds.

Installed packages may add drivers through the entry points of `DRIVER_GROUP`.
"""

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any, Literal, Protocol, cast

import drivers
import rules
from drivers.base import Metric

DRIVER_GROUP = "kitchen_gateway.drivers"

Role = Literal["polled", "pushed", "acting"]


class NotFound(LookupError):
    """There is no such driver or rule kind."""


class DriverModule(Protocol):
    """What a driver's file contains.

    It may also say `TIMED = True` (its `Driver` is handed `now_ms`), `DEADLINE_S` (the time its
    reads are given where the configuration says nothing), `EVERY_AT_LEAST_S` (it has nothing new
    before), and have `metrics(options)`, where what is reported depends on the options.
    """

    BUS: str
    ROLE: Role
    Options: type[object]
    Driver: Callable[..., Any]


class KindModule(Protocol):
    """What a rule kind's file contains; some also fix `ON_BAD`.

    With `OVER_TIME = True` its `Condition` takes the point too and is a formula. `POINT` is the
    kind of point it can judge, where that is not seen from the units of its options.
    """

    Options: type[object]
    Condition: Callable[..., Any]


def driver(name: str) -> DriverModule:
    """The driver of that name; raises NotFound, and ImportError when what it needs is missing."""
    if name in _files(drivers.__path__):
        module = _module("drivers", name, "Driver")
        if module is not None:
            return cast(DriverModule, module)
    for entry in _entry_points():
        if entry.name == name:
            return cast(DriverModule, entry.load())
    raise NotFound(name)


def kind(name: str) -> KindModule:
    """The rule kind of that name; raises NotFound."""
    if name in _files(rules.__path__):
        module = _module("rules", name, "Condition")
        if module is not None:
            return cast(KindModule, module)
    raise NotFound(name)


def driver_names() -> list[str]:
    """All drivers there are."""
    names = [name for name in _files(drivers.__path__) if name != "base"]
    return sorted({*names, *(entry.name for entry in _entry_points())})


def kind_names() -> list[str]:
    """All rule kinds there are."""
    return [name for name in _files(rules.__path__) if _module("rules", name, "Condition")]


def fixed_metrics(module: DriverModule) -> tuple[Metric, ...]:
    """What every device with this driver reports; empty where that depends on its options."""
    return tuple(getattr(module.Driver, "METRICS", ()))


def metrics_of(module: DriverModule, options: object) -> tuple[Metric, ...]:
    """What a device with these options reports; raises what its driver raises for bad ones."""
    named: Callable[[object], tuple[Metric, ...]] | None = getattr(module, "metrics", None)
    if named is not None:
        return named(options)
    return fixed_metrics(module) or tuple(module.Driver(options).METRICS)


def every_at_least_s(module: DriverModule) -> float:
    """The shortest period in which a device with this driver has something new, or 0."""
    return float(getattr(module, "EVERY_AT_LEAST_S", 0.0))


def _module(package: str, name: str, must_have: str) -> object | None:
    """The module, or None when it is missing or something else than is looked for.

    A missing module that the file itself wants to import is another error and is raised.
    """
    full_name = f"{package}.{name}"
    try:
        module = importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        if error.name == full_name:
            return None
        raise
    has_both = hasattr(module, must_have) and hasattr(module, "Options")
    return module if has_both else None


def _files(folders: Iterable[str]) -> tuple[str, ...]:
    """Modules in a package's folder, by name; packages inside it (emulated chips) do not count."""
    return _listed(tuple(folders))


@functools.cache  # a thousand devices ask for the same few drivers
def _listed(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(found.name for found in pkgutil.iter_modules(folders) if not found.ispkg))


def _entry_points() -> list[Any]:
    # Needed only for drivers that are not ours, and it costs as much as all of them together.
    from importlib.metadata import entry_points

    return list(entry_points(group=DRIVER_GROUP))
