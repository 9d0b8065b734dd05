"""What the page and the API may see of the daemon: one Protocol and the shapes it hands out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from gateway.access import User
from gateway.audit.entry import Detail, Entry
from gateway.documents import Documents
from gateway.notify.subscribing import Subscribing
from gateway.pack_view import PacksView
from gateway.web.alarm_shapes import (
    AlarmHistoryView,
    DutyView,
    EscalationView,
    FloodView,
    KpiView,
    RemovedView,
    ShelvedView,
    SuppressedView,
)
from gateway.web.device_shapes import DeviceDetailView
from gateway.web.event_shapes import RecordView
from gateway.web.hook_shapes import Incoming
from rules.people import ByPeople

if TYPE_CHECKING:
    from gateway.rule_files import RuleFiles

PointState = Literal["ok", "alarm", "life", "acknowledged", "returned", "latched", "stale", "fault"]
AlarmState = Literal[
    "unacknowledged",
    "acknowledged",
    "returned",
    "normal",
    "latched",
    "shelved",
    "suppressed",
    "out_of_service",
]


class UnknownAlarm(Exception):
    """No rule of this kitchen raises an alarm of that id."""


class NotWaiting(Exception):
    """The alarm does not wait for anybody: it was acknowledged before, or never raised."""


class NotPossible(Exception):
    """It cannot be done to this alarm just now; `kind` names why for programs."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


class NoRecord(Exception):
    """The events cannot be read just now; the message says why."""


class Busy(Exception):
    """The gateway cannot load its configuration just now; the message says why."""


class UnknownPoint(Exception):
    """There has never been a point of that id."""


class UnknownStep(Exception):
    """History is not kept by that step; `steps` are those there are."""

    def __init__(self, steps: Iterable[str]) -> None:
        super().__init__()
        self.steps = tuple(steps)


class TooManyRows(Exception):
    """More rows than the `most` one answer holds; `finest` is the step that would do, if any."""

    def __init__(self, most: int, finest: str | None) -> None:
        super().__init__()
        self.most = most
        self.finest = finest


class NoHistory(Exception):
    """The history cannot be read just now; the message says why."""


class WrongOrder(Exception):
    """What is asked for can be no order; the message says what would be."""


class TooManyOrders(Exception):
    """So many orders are on their way that this one has to be given again."""


class BadRules(Exception):
    """Edited rules cannot be used; `problems` says where and why."""

    def __init__(self, problems: "Sequence[ProblemView]") -> None:
        super().__init__()
        self.problems = problems


class UnknownChannel(Exception):
    """No channel of this name is configured."""


class NobodyReached(Exception):
    """The channel has no address of anybody who was named."""


class UnknownDevice(Exception):
    """There is no device of that id, or none that can be asked."""


class Band(msgspec.Struct, frozen=True, gc=False):
    """What the rules allow a point to be, in its own unit; None is an open end."""

    low: float | None = None
    high: float | None = None


class PointView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One point as a person sees it now."""

    id: str
    label: str  # in the language of the kitchen
    metric: str = ""  # what of it, to be added in the viewer's language; may be empty
    origin: Literal["device", "forecast", "gateway"] = "device"
    secondary: bool = False  # no tile of its own
    of: str = ""  # the point that a forecast is about
    unit: str  # UCUM
    value: float | bool | str | None  # None whenever quality is "bad"
    quality: str  # "good", "uncertain" or "bad"
    reason: str | None = None
    at: int  # UTC ms of this value, or of the moment it was found missing
    age_s: float
    state: PointState
    zone: str = ""
    kind: str = "number"  # or "boolean", "text"
    precision: int = 1  # decimals worth showing
    period_s: float = 0.0  # how often a value is due; 0 for pushed points
    low: float | None = None  # range of the instrument
    high: float | None = None
    limit: Band | None = None
    last: float | bool | str | None = None  # last good value
    last_at: int | None = None  # its UTC ms
    raw: float | bool | str | None = None  # what the driver read, before calibration and filter
    simulated: bool = False


class CommandView(msgspec.Struct, frozen=True, gc=False):
    """What an alarm's rule has already made an actuator do."""

    actuator: str
    value: bool
    label: str = ""  # of the actuator, in the language of the kitchen


class AlarmView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One alarm; times are UTC ms, `advice` is what to do now, one step a line."""

    id: str
    label: str
    priority: str  # "life", "high", "medium" or "low"
    state: AlarmState
    since: int
    advice: str = ""
    point: str | None = None
    value: float | bool | str | None = None
    unit: str = ""
    returned: int | None = None
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    commands: tuple[CommandView, ...] = ()
    procedure: str = ""  # at length, one step a line
    group: str = ""
    first_out: str = ""  # the alarm its group's burst began with
    stands: bool = True  # whether its condition holds, hidden or not
    latch: bool = False
    shelve_max_s: float = 0.0
    shelved: ShelvedView | None = None
    suppressed: SuppressedView | None = None
    removed: RemovedView | None = None
    unseen: int = 0  # how often it was raised while hidden
    escalation: EscalationView | None = None
    chattering: bool = False


class DeviceView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One device or actuator; `waiting` has not been heard of yet, `left_out` has an error."""

    id: str
    label: str
    zone: str = ""
    driver: str
    wire: str  # where it hangs: "i2c 0x44"
    role: str  # "polled", "pushed" or "acting"; empty where it is left out
    period_s: float = 0.0
    state: Literal["ok", "lost", "waiting", "left_out"]
    trouble: str | None = None  # why it is lost or left out, in words for who mends it
    reads: int = 0
    failures: int = 0
    skipped_ticks: int = 0
    points: tuple[str, ...] = ()
    simulated: bool = False


class OverrideView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a person or the cloud has ordered, and for how long (UTC ms; None: until taken back)."""

    slot: int
    value: bool
    by: str
    origin: str
    order: str
    until: int | None = None


class ActuatorView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One output: what it is driven to and why, and what it really does."""

    id: str
    label: str
    zone: str = ""
    value: bool  # what it is driven to
    since: int  # UTC ms
    read_back: bool | None  # what it was last read to be; None: nobody can tell
    mismatch: bool = False  # that differs for longer than its deadline
    slot: int | None = None  # that has won; None: nobody wants anything
    cause: str  # "rule/walk_in_warm", "order/…", "run/…"; "safe state"
    label_of_cause: str = ""  # of the rule, in the language of the kitchen
    held_by: str = ""  # "min_off", "needs/hood_fan", …: why it is not what the slot wants
    overrides: tuple[OverrideView, ...] = ()  # the most urgent first
    critical: bool = False  # wants a manager, and a second thought
    locked: bool = False  # there may be gas: nothing may switch it


class OrderView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One order and what has become of it; times are UTC ms."""

    id: str
    actuator: str
    value: bool | None  # None: an override was taken back
    slot: int
    state: str  # accepted, running, succeeded, failed, rejected or expired
    code: str = ""  # why it was refused or failed
    about: str = ""  # the rule, actuator or role the code is about
    by: str
    role: str
    origin: str
    at: int
    until: int | None = None
    ended: int | None = None
    dup: bool = False  # the id was known: nothing was done again


class CloudView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the cloud has stored; `confirm` is "puback" where storing is not proven."""

    configured: bool
    connected: bool = False
    confirm: Literal["ack", "puback"] = "ack"
    committed: int = 0  # rows
    acknowledged: int = 0  # rows
    waiting: int = 0  # rows
    oldest_waiting: int | None = None  # UTC ms
    last_acknowledged_at: int | None = None  # UTC ms
    error: str | None = None


class SiteView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The kitchen as a whole; `speed` is how many times faster than real time it runs."""

    label: str
    zone: str  # of the time, IANA
    simulated: bool = False
    clock: Literal["ntp", "rtc", "unsynced"] = "ntp"
    speed: float = 1.0


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


class StoreView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is kept on this board, and how much room is left for it."""

    rows: int  # committed since this installation began
    waiting: int  # of them, not yet taken by the cloud
    lost: int  # of them, removed before the cloud had them
    used: float  # share of the byte budget of the log
    history_bytes: int
    history_months: int
    failing: str | None = None  # why nothing can be stored just now


class StatusView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How the gateway itself is."""

    status: str  # starting, running, degraded, stopping or config_error
    version: str
    epoch: int  # starts of this installation
    started_at: int  # UTC ms
    troubles: Sequence[str]
    store: StoreView


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


class NoticeView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One message on its way by one channel, or what became of it; times are UTC ms."""

    notice: str  # the same on every channel and at every attempt
    alarm: str
    verb: str
    priority: str
    title: str
    at: int  # of the event
    channel: str
    people: Sequence[str]  # none where the channel itself is the destination
    state: Literal["waiting", "handed_over", "passed_on", "failed", "given_up", "dropped"]
    attempts: int
    next_at: int | None  # while it waits
    ended: int | None
    error: str


class ChannelView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One channel; the counters are since the start."""

    id: str
    kind: str
    label: str
    state: Literal["ok", "down", "unused"]  # `down`: it is tried only now and then
    error: str  # of the last attempt, if that failed
    handed_over_at: int | None  # UTC ms
    waiting: int
    attempts: int
    handed_over: int
    unreachable: int
    failed: int
    given_up: int
    passed_on: int
    dropped: int


class NotificationsView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Who was told, and who could not be; messages newest first."""

    channels: Sequence[ChannelView]
    notices: Sequence[NoticeView]
    not_told: int  # people, or destinations, whom no channel could tell since the start


class SeriesView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One point over time: `rows` as `columns` say, in order; null is "no value"."""

    point: str
    unit: str  # UCUM
    step: str
    start: int = msgspec.field(name="from")  # UTC ms
    end: int = msgspec.field(name="to")
    complete: bool = True  # False: part of it cannot be read, or is not yet in the history
    columns: Sequence[str]
    rows: msgspec.Raw


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for: `value` None takes an override back; `for` in seconds."""

    actuator: str
    value: bool | None
    slot: int = 8
    for_s: float | None = msgspec.field(default=None, name="for")
    id: str = ""  # given by the API where the caller has none


class Metric(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One sample of `/metrics`; samples of one name stand together."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    value: float
    labels: Mapping[str, str] = {}


class UnknownRule(Exception):
    """No rule of this id may be called."""


class UnknownMode(Exception):
    """There is no such mode, or it never takes this value; `words` are those it takes."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__()
        self.words = tuple(words)


class RuleView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One rule as it stands; times are UTC ms."""

    id: str
    label: str
    priority: str
    runs: bool  # it has triggers, and no condition
    state: str  # idle, pending, active, running or suspended
    since: int | None = None
    why: str | None = None  # it is suspended
    next: int | None = None  # when its schedule comes round
    waits_for_clock: bool = False  # nothing scheduled runs before the clock is believed
    callable: bool = False  # people may run it


class ModeView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One mode of the kitchen; `by` a person or `rule/<id>`, `since` in UTC ms."""

    id: str
    value: str
    words: tuple[str, ...]
    by: str | None = None
    since: int | None = None


class AuditEntryView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One entry of the audit chain; `entry` is None when it is damaged, `hash` is in hex."""

    n: int
    hash: str
    entry: Entry | None


class AuditView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A page of the chain, newest first; `next` is the `before` of the page after it."""

    entries: list[AuditEntryView]
    next: int | None
    key: str | None  # the public key's fingerprint; None until it was first used
    failing: str | None  # why it cannot be signed


class TimerView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A cooking timer; `elapsed` ones wait until somebody has seen them. Times are UTC ms."""

    id: str
    label: str
    state: Literal["running", "elapsed"]
    since: int
    due: int
    by: str  # a person, or "rule"
    stoppable: bool = True  # False: a rule has started it, and alone ends it


class UnknownTimer(Exception):
    """There is no timer of that id, or it has not come to its end yet."""


class TooManyTimers(Exception):
    """As many timers are at work as there may be."""


class Kitchen(Protocol):
    """The daemon's side of the page. Nothing here may block; all of it runs on the loop."""

    def health(self) -> Mapping[str, object]:
        """`status`, `epoch`, `rows` (committed, acknowledged) and what else is worth knowing."""

    def collecting(self) -> bool:
        """False while no reading can be taken or stored; `/health` then answers 503."""

    def points(self) -> list[PointView]:
        """Every point, in the order of the page; a point keeps its place."""

    def point(self, point_id: str) -> PointView | None: ...

    def devices(self) -> list[DeviceView]:
        """Every device and actuator, also those that an error has left out."""

    def device(self, device_id: str) -> DeviceDetailView:
        """One of them at length; raises UnknownDevice, also for one that is left out."""

    async def read(self, device_id: str) -> list[PointView]:
        """Ask a polled device now, and give its points; raises UnknownDevice."""

    def alarms(self) -> list[AlarmView]:
        """Every alarm that is not normal, the most urgent and newest first."""

    def alarm(self, alarm_id: str) -> AlarmView:
        """One alarm, also while it is normal; raises UnknownAlarm."""

    async def acknowledge(self, alarm_id: str, by: str) -> AlarmView:
        """Return once committed; raises UnknownAlarm or NotWaiting."""

    def actuators(self) -> list[ActuatorView]:
        """Every output, in the order of the configuration."""

    def orders(self) -> list[OrderView]:
        """The orders of the last days, the newest first."""

    async def order(self, order: Order, by: User) -> OrderView:
        """Return once it has ended and that is stored; raises WrongOrder or TooManyOrders."""

    async def act(self, event: ByPeople) -> None:
        """Anything else a person does; returns once committed, raises UnknownAlarm, NotPossible."""

    def flood(self) -> FloodView | None:
        """While more alarms come than people can follow."""

    def duties(self) -> list[DutyView]:
        """Every role of the shift calendar, and who fills it now."""

    def shift_people(self) -> Sequence[str]:
        """Everybody in the shift calendar, by name."""

    async def alarm_history(self, start: int, end: int) -> AlarmHistoryView:
        """What happened to alarms from `start` up to `end`, UTC ms; raises NoRecord."""

    async def alarm_kpi(self, start: int, end: int) -> KpiView:
        """The figures of that time; raises NoRecord."""

    async def events(self, start: int, end: int, kinds: Collection[str]) -> RecordView:
        """What happened from `start` up to `end`, UTC ms, of these kinds; raises NoRecord."""

    def cloud(self) -> CloudView: ...

    def site(self) -> SiteView: ...

    def configuration(self) -> ConfigurationView: ...

    def status(self) -> StatusView: ...

    async def reload(self, by: str) -> ReloadView:
        """Have the file taken over, after those who asked before; raises Busy."""

    def notifications(self) -> NotificationsView: ...

    def subscribing(self) -> Subscribing | None:
        """Where browsers ask to be pushed to; None where no channel does that."""

    async def try_channel(self, channel: str, to: Sequence[str], by: str) -> list[NoticeView]:
        """Send a test message, and return once it was tried or some seconds have passed.

        Raises UnknownChannel, or NobodyReached when the channel knows none of them.
        """

    async def history(self, point: str, start: int, end: int, step: str) -> SeriesView:
        """UTC ms from `start` up to `end`; raises the four exceptions of history above."""

    def rules(self) -> list[RuleView]: ...

    async def run_rule(self, rule_id: str, by: str) -> RuleView:
        """Return once committed; raises UnknownRule."""

    def check_hook(self, name: str, signed: bytes, signature: str) -> None:
        """Raises UnknownHook, BadSignature or SecretError."""

    async def hook(self, name: str, event: Incoming) -> bool:
        """Whether the event was new; returns once it is a row, raises StoreError."""

    def documents(self) -> Documents:
        """Where small documents are kept: views, layouts, presets, answers to repeat."""

    async def packs(self) -> PacksView:
        """Every preset and limit set there is, and what those in use became."""

    def rule_files(self) -> "RuleFiles":
        """Where the files of rules are read, checked and saved."""

    def timers(self) -> list[TimerView]:
        """Every cooking timer and every timer of a rule, the first to end first."""

    async def start_timer(self, timer: str, label: str, for_ms: int, by: str) -> TimerView:
        """Start or begin anew; return once committed, raises TooManyTimers."""

    async def stop_timer(self, timer: str, by: str) -> None:
        """Return once committed; raises UnknownTimer."""

    async def see_timer(self, timer: str, by: str) -> None:
        """Somebody has seen that it came to its end; as `stop_timer`."""

    def modes(self) -> list[ModeView]: ...

    async def switch_mode(self, mode: str, value: str, by: str) -> ModeView:
        """Return once committed; raises UnknownMode."""

    async def try_rules(
        self, start: int | None, end: int | None, rules: str | None, part: str | None
    ) -> msgspec.Raw:
        """The report of a trial as JSON, without `rules` of those in force; UTC ms.

        With `part` they are that file of rules.d, beside all other files.
        Raises BadRules, Busy, NoHistory, and TimeoutError.
        """

    def record(
        self,
        action: str,
        about: str = "",
        *,
        by: str | None = None,
        role: str | None = None,
        refused: str = "",
        detail: Mapping[str, Detail] | None = None,
    ) -> None:
        """Have what whoever asks just did, or what was refused, entered into the audit chain."""

    async def recorded(self) -> None:
        """Return once all that was recorded is committed."""

    async def audit(self, before: int | None, limit: int) -> AuditView:
        """Entries before that number, or the last ones, newest first; raises NoRecord."""

    def metrics(self) -> Iterable[Metric]: ...
