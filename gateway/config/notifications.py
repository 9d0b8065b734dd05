"""The section `notifications`: by which channels who is told of what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Annotated, Literal

from gateway.config.scalar import found
from gateway.config.typed import FLAW, Filler, Flaw, Spot, keys_of
from gateway.config.yaml import Map, Node, Scalar, Sequence
from gateway.notify import kinds
from rules.alarm import Verb
from rules.base import Priority

_OUTSIDE = {"key": None}
_CAN_WAIT = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)

Language = Literal["ko", "en"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A way out; `options` are the keys of its kind (`gateway/notify/kinds.py`)."""

    kind: str
    label: str = ""
    options: object = field(metadata=_OUTSIDE)

    @property
    def address(self) -> str:
        """Which key of a person it reaches them by; empty where it is itself the destination."""
        return kinds.kind(self.kind).ADDRESS


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """Hours of the kitchen's wall clock in which a person is told only what cannot wait."""

    from_: Annotated[str, "time_of_day"]
    to: Annotated[str, "time_of_day"]
    holds: tuple[Priority, ...] = _CAN_WAIT

    def __post_init__(self) -> None:
        if Priority.LIFE in self.holds:
            raise ValueError("holds must not name life: danger to people waits for nobody")

    @property
    def start(self) -> time:
        return time.fromisoformat(self.from_)

    @property
    def end(self) -> time:
        return time.fromisoformat(self.to)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Who is told, and where each kind of channel finds them."""

    label: str = ""
    role: Annotated[str, "id"]
    email: Annotated[str, "email"] | None = None
    phone: Annotated[str, "phone"] | None = None
    quiet: Quiet | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Tell these (roles or people) by the first of these channels that can, else by the next."""

    to: tuple[Annotated[str, "id"], ...] = ()
    by: tuple[Annotated[str, "id"], ...]
    priorities: tuple[Priority, ...] = tuple(Priority)
    verbs: tuple[Verb, ...] = (Verb.RAISE,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notifications:
    """Channels and people by id, and who is told of what, by which of them."""

    languages: tuple[Language, ...] = ("ko", "en")
    channels: Mapping[str, Channel] = field(default_factory=dict, metadata=_OUTSIDE)
    people: Mapping[str, Person] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()

    def address(self, channel: str, person: str) -> str | None:
        """Where the channel finds the person; empty when it is itself the destination, or None."""
        key = self.channels[channel].address
        if not key:
            return ""
        if person not in self.people:
            return None
        found_at: str | None = person if key == "id" else getattr(self.people[person], key)
        return found_at

    def named(self, names: Iterable[str]) -> list[str]:
        """The ids of the people meant by these roles and ids, each once."""
        wanted = set(names)
        return [person for person, entry in self.people.items() if wanted & {person, entry.role}]


def read(node: Node | None, filler: Filler) -> Notifications | None:
    """The section; None where there is none, or what is wrong with it is in the report."""
    if node is None:
        return None
    spot = Spot(("notifications",), node.place)
    tree = filler.map(node, spot)
    if tree is FLAW:
        return None
    values = filler.fields(tree, keys_of(Notifications), spot, also=("channels",))
    channels = _channels(tree, filler, spot)
    if values is FLAW or channels is FLAW:
        return None
    told = filler.build(Notifications, values | {"channels": channels}, tree, spot)
    if told is FLAW:
        return None
    _check_routes(told, tree, filler, spot)
    return told


def _channels(tree: Map, filler: Filler, spot: Spot) -> dict[str, Channel] | Flaw:
    written = tree.entries.get("channels")
    if written is None:
        message = '"channels" is missing, such as channels: {mail: {kind: email, …}}'
        filler.report.add(spot.place, spot.path, message)
        return FLAW
    entries = filler.map(written.node, spot.at("channels", written.key))
    if entries is FLAW:
        return FLAW
    read_ones: dict[str, Channel | Flaw] = {}
    for name, entry in entries.entries.items():
        here = Spot((*spot.path, "channels", name), entry.key)
        sound = filler.identifier(name, here)
        channel = _channel(entry.node, filler, here)
        read_ones[name] = channel if sound else FLAW
    sound_ones = {name: it for name, it in read_ones.items() if it is not FLAW}
    return sound_ones if len(sound_ones) == len(read_ones) else FLAW


def _channel(node: Node, filler: Filler, spot: Spot) -> Channel | Flaw:
    """One channel: its kind, and the keys of that kind beside it."""
    tree = filler.map(node, spot)
    if tree is FLAW:
        return FLAW
    written = tree.entries.get("kind")
    if written is None:
        known = ", ".join(kinds.MODULES)
        filler.report.add(spot.place, spot.path, f'"kind" is missing: {known}')
        return FLAW
    name = written.node.text if isinstance(written.node, Scalar) else ""
    if name not in kinds.MODULES:
        message = f"got {found(written.node)}{filler.report.suggestion(name, kinds.MODULES)}"
        filler.report.add(written.node.place, (*spot.path, "kind"), message)
        return FLAW
    shape = kinds.kind(name).Options
    values = filler.fields(tree, keys_of(shape), spot, also=("kind", "label"))
    label = ""
    if "label" in tree.entries:
        here = spot.at("label", tree.entries["label"].key)
        label = str(filler.value(tree.entries["label"].node, str, here, None))
    options = FLAW if values is FLAW else filler.build(shape, values, tree, spot)
    return FLAW if options is FLAW else Channel(kind=name, label=label, options=options)


def _check_routes(told: Notifications, tree: Map, filler: Filler, spot: Spot) -> None:
    """Whether every route leads somewhere, and danger to people has one."""
    written = tree.entries.get("routes")
    items = written.node.items if written and isinstance(written.node, Sequence) else ()
    for index, (route, item) in enumerate(zip(told.routes, items, strict=True)):
        here = Spot((*spot.path, "routes", index), item.place)
        _check_route(told, route, filler, here)
    if not any(
        Priority.LIFE in route.priorities and Verb.RAISE in route.verbs for route in told.routes
    ):
        message = (
            "nobody is told of danger to people: give one of the routes the priority life "
            "and the verb raise"
        )
        filler.report.add(written.key if written else spot.place, (*spot.path, "routes"), message)


def _check_route(told: Notifications, route: Route, filler: Filler, spot: Spot) -> None:
    report = filler.report
    names = told.people.keys() | {person.role for person in told.people.values()}
    for name in route.to:
        if name not in names:
            message = f'got "{name}", which is no role or person{report.suggestion(name, names)}'
            report.add(spot.place, (*spot.path, "to"), message)
            return
    for name in route.by:
        if name not in told.channels:
            suggestion = report.suggestion(name, told.channels)
            message = f'got the unknown channel "{name}"{suggestion}'
            report.add(spot.place, (*spot.path, "by"), message)
            return
    own = [name for name in route.by if not told.channels[name].address]
    for person in told.named(route.to):
        if not any(told.address(name, person) for name in route.by) and not own:
            keys = sorted({told.channels[name].address for name in route.by})
            message = f'"{person}" cannot be told: people.{person} has no {" and no ".join(keys)}'
            report.add(spot.place, spot.path, message)
    if not route.by or (not own and not told.named(route.to)):
        message = "it reaches nobody: name channels under `by`, and under `to` whom they tell"
        report.add(spot.place, spot.path, message)
