"""What a configuration is, once read: frozen, typed, durations in seconds, values in point units.

Fields with `metadata={"key": None}` do not stand in the file under that name; how the others are
written there, and what the markers mean, is told in `typed.py`. `docs/config.md` explains each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from drivers.base import DurationS, Metric
from gateway.buses.kinds import Options
from gateway.config import checks
from gateway.config.alarms import AlarmEntry, LadderEntry
from gateway.config.notifications import Notifications
from gateway.config.registry import Role
from gateway.config.secret import Secret
from gateway.config.yaml import Map
from gateway.sync.commands import public_key
from rules.base import Mode, OnBad, PointUnit, Priority, Rule
from rules.shift import Duty
from rules.slots import Contract, OnSensorLoss

EVERY_S = 10.0
DEADLINE_S = 2.0
STALE_AFTER_PERIODS = 3

# What a forecast publishes, as points `<id of the forecast>/<metric>`.
FORECAST_METRICS: Mapping[str, tuple[Metric, ...]] = {
    "cold_room": (
        Metric("in_60min", "Cel", -40.0, 125.0),
        Metric("in_60min_low", "Cel", -40.0, 125.0, secondary=True),
        Metric("in_60min_high", "Cel", -40.0, 125.0, secondary=True),
        Metric("minutes_to_breach", "min", 0.0, 60.0, precision=0),
    ),
}

Id = Annotated[str, "id"]
PointId = Annotated[str, "point"]

_OUTSIDE = {"key": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The kitchen: its name for people, its time zone, and where its sun and its holidays are.

    Degrees, north and east positive; `holidays` are days off of its own, as ISO dates.
    """

    label: str
    zone: Annotated[str, "time_zone"]
    latitude: Annotated[float, "-90..90"] | None = None
    longitude: Annotated[float, "-180..180"] | None = None
    country: Annotated[str, "country"] | None = None
    holidays: tuple[Annotated[str, "date"], ...] = ()

    def __post_init__(self) -> None:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude belong together")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bus:
    """A way to reach devices; `options` are the keys of its kind (`gateway/buses/kinds.py`)."""

    kind: str
    options: Options = field(metadata=_OUTSIDE)


@dataclass(frozen=True, kw_only=True, slots=True)
class PointSettings:
    """How one metric of a device is treated here, in the point's own unit."""

    label: str = ""
    zone: str = ""
    offset: Annotated[float, "point_difference"] = 0.0
    deadband: Annotated[float, "point_difference", "0.."] = 0.0
    slew_per_s: Annotated[float, "point_rate", "0.."] | None = field(
        default=None, metadata={"key": "slew"}
    )
    smooth_s: Annotated[DurationS, "0.1.."] | None = None
    stuck_after_s: Annotated[DurationS, "1.."] | None = None
    low: PointUnit | None = None
    high: PointUnit | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must be below high")


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A sensor; `points` has an entry for each of `metrics`."""

    id: str = field(metadata=_OUTSIDE)
    driver: Id
    bus: Id
    label: str = ""
    zone: str = ""
    every_s: Annotated[DurationS, "0.05.."] = EVERY_S
    deadline_s: Annotated[DurationS, "0.01.."] = DEADLINE_S
    stale_after_s: Annotated[DurationS, "0.1.."] | None = None
    points: Mapping[str, PointSettings] = field(default_factory=dict)
    options: object = field(metadata=_OUTSIDE)
    metrics: tuple[Metric, ...] = field(metadata=_OUTSIDE)
    role: Role = field(metadata=_OUTSIDE)


@dataclass(frozen=True, kw_only=True, slots=True)
class FailSafe:
    """The fail-safe contract of an actuator; 0s means no limit."""

    safe: bool
    on_sensor_loss: OnSensorLoss
    max_on_s: DurationS
    min_on_s: DurationS = 0.0
    min_off_s: DurationS = 0.0
    deadline_s: Annotated[DurationS, "0.01.."] = DEADLINE_S

    def __post_init__(self) -> None:
        if 0.0 < self.max_on_s < self.min_on_s:
            raise ValueError("max_on is shorter than min_on")

    def contract(self) -> Contract:
        """The part of it that judging keeps to."""
        return Contract(
            safe=self.safe,
            on_sensor_loss=self.on_sensor_loss,
            max_on_ms=round(self.max_on_s * 1000),
            min_on_ms=round(self.min_on_s * 1000),
            min_off_ms=round(self.min_off_s * 1000),
            deadline_ms=round(self.deadline_s * 1000),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Actuator:
    """A thing that acts; without a fail-safe contract it does not load."""

    id: str = field(metadata=_OUTSIDE)
    driver: Id
    bus: Id
    label: str = ""
    zone: str = ""
    fail_safe: FailSafe
    needs: Mapping[str, bool] = field(default_factory=dict)
    explosion_proof: bool = False
    critical: bool = False
    points: Mapping[str, PointSettings] = field(default_factory=dict)
    options: object = field(metadata=_OUTSIDE)
    metrics: tuple[Metric, ...] = field(metadata=_OUTSIDE)

    def contract(self) -> Contract:
        """What judging keeps to: the fail-safe contract, and what it has to do with others."""
        return replace(
            self.fail_safe.contract(),
            needs=self.needs,
            zone=self.zone,
            explosion_proof=self.explosion_proof,
            critical=self.critical,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """One line under `then`: one of the keys in `COMPANIONS`, with what belongs to it."""

    alarm: AlarmEntry | None = None
    command: Id | None = None
    value: bool | None = None
    slot: Annotated[int, "1..16"] | None = None
    lockout: str | None = None
    expires_s: Annotated[DurationS, "1.."] | None = None
    notify: str | None = None
    to: str | None = None
    timer: Id | None = None
    for_s: DurationS | None = None
    record: str | None = None
    mode: Id | None = None
    scene: Id | None = None
    wait_s: Annotated[DurationS, "0.1..86400"] | None = None

    def __post_init__(self) -> None:
        given = {name for name in _ACTION_KEYS if getattr(self, name) is not None}
        kinds = [name for name in COMPANIONS if name in given]
        if len(kinds) != 1:
            raise ValueError("expected either {alarm: high} or {command: siren, value: on}")
        needed, allowed = COMPANIONS[kinds[0]]
        kind = kinds[0].removesuffix("_s")
        strange = sorted(given - {kinds[0]} - set(needed) - set(allowed))
        if strange:
            word = strange[0].removesuffix("_s")
            alone = "" if needed or allowed else " stands alone"
            raise ValueError(f"{kind}{alone}: {word} does not belong to it")
        for name in needed:
            if name not in given:
                hint = ": on or off" if name == "value" else ""
                raise ValueError(f'"{name.removesuffix("_s")}" is missing{hint}')


# What each action must have beside it, and what it may have.
COMPANIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "alarm": ((), ()),
    "command": (("value",), ("slot", "expires_s")),
    "lockout": ((), ()),
    "notify": ((), ("to",)),
    "timer": (("for_s",), ()),
    "record": ((), ()),
    "mode": (("to",), ()),
    "scene": ((), ()),
    "wait_s": ((), ()),
}
_ACTION_KEYS = (*COMPANIONS, "value", "slot", "expires_s", "to", "for_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleEntry:
    """The keys all kinds of rule have in common; the kind's own `Options` stand beside them."""

    kind: Id | None = None
    label: str = ""
    point: PointId | None = None
    for_s: DurationS = 0.0
    on_bad: OnBad | None = None
    priority: Priority | None = None
    mode: Mode = Mode.SINGLE
    advice: str = ""
    then: tuple[Action, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A preset put to use (`gateway/config/packs.py`): what came of it, for people to see.

    `rules` are its rules by id, as if they had been written in the configuration.
    """

    preset: str
    limits: str | None
    rules: Mapping[str, Map] = field(repr=False)
    left_out: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # keys, by rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Web:
    """The page and the API on the LAN; port 0 takes any that is free."""

    listen: Annotated[str, "listen_address"] = "0.0.0.0"  # noqa: S104 - the wall tablet's way in
    port: Annotated[int, "0..65535"] = 8080
    origins: tuple[Annotated[str, "origin"], ...] = ()
    proxies: tuple[Annotated[str, "network"], ...] = ()
    tls: Literal["off", "own", "files"] = "off"
    plain_port: Annotated[int, "0..65535"] | None = None  # redirects and hands out the authority
    certificate_file: Annotated[Path, "file"] | None = None
    key: Secret | None = None
    hooks: Mapping[str, Secret] = field(default_factory=dict)  # what each is signed with

    def __post_init__(self) -> None:
        if (self.tls == "files") != (self.certificate_file is not None and self.key is not None):
            raise ValueError(
                'tls: files needs "certificate_file" and "key", and only that uses them'
            )
        if self.plain_port is not None and (self.tls == "off" or self.plain_port == self.port != 0):
            raise ValueError(
                "plain_port is a port of its own, beside that of HTTPS (tls: own, files)"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cloud:
    """The broker and who we are there; secrets are references."""

    url: Annotated[str, "broker"]
    tenant: Annotated[str, "protocol_name"]
    gateway: Annotated[str, "protocol_name"]
    confirm: Literal["ack", "puback"] = "ack"
    username: str | None = None
    password: Secret | None = None
    ca_file: Annotated[Path, "file"] | None = None
    certificate_file: Annotated[Path, "file"] | None = None
    key: Secret | None = None
    command_key: Annotated[str, "ed25519_key"] | None = None
    command_key_file: Annotated[Path, "ed25519_file"] | None = None

    def __post_init__(self) -> None:
        checks.login(self)
        if self.command_key is not None and self.command_key_file is not None:
            raise ValueError("command_key_file: one of command_key and command_key_file is enough")

    def trusted_key(self) -> bytes | None:
        """The public key commands have to be signed with; None: there are none.

        Raises OSError and ValueError for a file that has changed since it was checked.
        """
        if self.command_key_file is not None:
            return public_key(self.command_key_file.read_text())
        return None if self.command_key is None else public_key(self.command_key)


@dataclass(frozen=True, kw_only=True, slots=True)
class Emulation:
    """With it every bus is its emulated twin; `places` says where in that kitchen a thing is."""

    seed: Annotated[int, "0.."] = 1
    scenario: str = "normal"
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """A model's outlook on a point; `limit` is in the point's unit, `door` a contact beside it."""

    id: str = field(metadata=_OUTSIDE)
    kind: Literal["cold_room"]
    label: str = ""
    point: PointId
    door: PointId | None = None
    limit: PointUnit


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """One kitchen.

    `folder` is where the file stands: relative names in it start there. `rule_options` holds, by
    rule, the `Options` its condition was made of, for those who want to show its limits.
    """

    folder: Path = field(metadata=_OUTSIDE)
    site: Site
    buses: Mapping[str, Bus] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    actuators: Mapping[str, Actuator] = field(default_factory=dict)
    modes: Mapping[str, tuple[Id, ...]] = field(default_factory=dict)
    scenes: Mapping[str, tuple[Action, ...]] = field(default_factory=dict)
    packs: Mapping[str, Use] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    rule_options: Mapping[str, object] = field(default_factory=dict, metadata=_OUTSIDE)
    shifts: Duty | None = None
    escalations: Mapping[str, LadderEntry] = field(default_factory=dict)
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)
    web: Web = field(default_factory=Web)
    cloud: Cloud | None = None
    emulation: Emulation | None = None
    notifications: Notifications | None = None


def nothing(folder: Path, web: Web) -> Config:
    """The configuration of a gateway that has none: it shows its page, and guards nothing."""
    return Config(folder=folder, site=Site(label="", zone="UTC"), web=web)
