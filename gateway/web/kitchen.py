"""What the page and the API may see of the daemon, and ask of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from gateway.access import User
from gateway.audit.entry import Detail
from gateway.documents import Documents
from gateway.notify.subscribing import Subscribing
from gateway.pack_view import PacksView
from gateway.web.alarm_shapes import (
    AlarmHistoryView,
    DutyView,
    FloodView,
    KpiView,
)
from gateway.web.device_shapes import DeviceDetailView
from gateway.web.event_shapes import RecordView
from gateway.web.hook_shapes import Incoming
from rules.people import ByPeople

if TYPE_CHECKING:
    from gateway.rule_files import RuleFiles
from gateway.web.actuator_shapes import ActuatorView, Order, OrderView
from gateway.web.alarm_shapes import AlarmView
from gateway.web.audit_shapes import AuditView
from gateway.web.configuration_shapes import ConfigurationView, ReloadView
from gateway.web.device_shapes import DeviceView
from gateway.web.notice_shapes import NoticeView, NotificationsView
from gateway.web.point_shapes import PointView, SeriesView
from gateway.web.rule_shapes import ModeView, RuleView, TimerView
from gateway.web.status_shapes import CloudView, Metric, SiteView, StatusView


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
