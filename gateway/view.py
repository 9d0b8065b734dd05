"""What people see: the state of the daemon as the page, the API and /metrics hand it out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway import (
    alarming,
    controls,
    device_view,
    hooks,
    inventory,
    judging,
    metrics,
    pack_view,
    reading,
    record_view,
    rules_view,
    timers,
    told,
)
from gateway.access import User
from gateway.alarm_view import AlarmViews
from gateway.audit import view as audit
from gateway.audit.entry import Detail
from gateway.documents import Documents
from gateway.loading import in_thread
from gateway.notify import view as notifications
from gateway.notify.subscribing import Subscribing
from gateway.pack_view import PacksView
from gateway.reading import Point, Quality, Reading
from gateway.rule_files import RuleFiles
from gateway.sampling import read_once
from gateway.store import query, source
from gateway.store.errors import StoreError
from gateway.trial.apart import Apart
from gateway.web.actuator_shapes import ActuatorView, Order, OrderView
from gateway.web.alarm_shapes import AlarmHistoryView, AlarmView, DutyView, FloodView, KpiView
from gateway.web.audit_shapes import AuditView
from gateway.web.configuration_shapes import ConfigurationView, ReloadView
from gateway.web.device_shapes import DeviceDetailView, DeviceView
from gateway.web.event_shapes import RecordView
from gateway.web.hook_shapes import Incoming
from gateway.web.kitchen_errors import (
    NoHistory,
    NotWaiting,
    TooManyRows,
    UnknownAlarm,
    UnknownDevice,
    UnknownPoint,
    UnknownStep,
)
from gateway.web.notice_shapes import NoticeView, NotificationsView
from gateway.web.point_shapes import Band, PointState, PointView, SeriesView
from gateway.web.rule_shapes import ModeView, RuleView, TimerView
from gateway.web.status_shapes import CloudView, Metric, SiteView, StatusView
from rules import limit
from rules.alarm import Alarm, State
from rules.base import Priority, Rule
from rules.cooks import TimerSeen, TimerSet, TimerStopped
from rules.people import ByPeople

if TYPE_CHECKING:
    from gateway.app import Gateway

_SILENT = {Quality.STALE, Quality.NO_COMMUNICATION, Quality.NOT_STARTED}
RAW_MAX, RAW_TEXT_MAX = 2**53, 200  # what a browser takes for a whole number, and a line of text
_WORST: Mapping[State, PointState] = {
    State.UNACKNOWLEDGED: "alarm",
    State.ACKNOWLEDGED: "acknowledged",
    State.RETURNED: "returned",
    State.LATCHED: "latched",
}


class View:
    """The `Kitchen` of the page, over a running gateway; cheap, and always on the loop."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._alarms = AlarmViews(gateway)
        self._rules: tuple[Rule, ...] | None = None
        self._bands: dict[str, Band] = {}
        self._alarm_keys: dict[str, list[str]] = {}
        self._trials = Apart()
        self._rule_files = told.rule_files(gateway)
        self._follow()

    def _follow(self) -> None:
        """Look at the rules in force; they change with the configuration."""
        rules = self._gateway.config.rules
        if rules is self._rules:
            return
        self._rules, self._bands, self._alarm_keys = rules, _bands(rules), {}
        for rule in rules:
            if rule.alarm:
                self._alarm_keys.setdefault(rule.point, []).append(f"alarm/{rule.id}")

    def health(self) -> Mapping[str, object]:
        gateway = self._gateway
        cloud = self.cloud()
        return {
            "status": gateway.status(),
            "epoch": gateway.store.identity.epoch,
            "rows": {"committed": cloud.committed, "acknowledged": cloud.acknowledged},
            "points": len(gateway.points),
            "alarms": len(gateway.judging.alarms()),
            "troubles": gateway.troubles.now(),
            "loop": gateway.lag.report(),
        }

    def collecting(self) -> bool:
        return self._gateway.status() in ("running", "degraded")

    def points(self) -> list[PointView]:
        return [self._point(point) for point in self._gateway.points.values()]

    def point(self, point_id: str) -> PointView | None:
        point = self._gateway.points.get(point_id)
        return None if point is None else self._point(point)

    def devices(self) -> list[DeviceView]:
        return inventory.things(self._gateway)

    def device(self, device_id: str) -> DeviceDetailView:
        return device_view.detail(self._gateway, device_id)

    async def read(self, device_id: str) -> list[PointView]:
        gateway = self._gateway
        found = (each for each in gateway.fitout.equipment.sampled if each.state.id == device_id)
        device = next(found, None)
        if device is None:
            raise UnknownDevice(device_id)
        await read_once(device, gateway.clock, forced=True)
        points = (point for point in gateway.points.values() if point.device == device_id)
        return [self._point(point) for point in points]

    def alarms(self) -> list[AlarmView]:
        return self._alarms.all()

    def alarm(self, alarm_id: str) -> AlarmView:
        return self._alarms.one(alarm_id)

    async def acknowledge(self, alarm_id: str, by: str) -> AlarmView:
        before = self._gateway.judging.alarms().get(alarm_id)
        try:
            self._gateway.judging.acknowledge(alarm_id, by, self._gateway.clock.now())
        except judging.UnknownAlarm:
            raise UnknownAlarm(alarm_id) from None
        except judging.NotWaiting:
            raise NotWaiting(alarm_id) from None
        await self._gateway.store.log.durable()
        after = self._gateway.judging.alarms().get(alarm_id)
        if after is None:
            assert before is not None  # noqa: S101 - else it would have been unknown
            after = msgspec.structs.replace(before, state=State.NORMAL)
        return self._alarms.of(alarm_id, after)

    async def act(self, event: ByPeople) -> None:
        await alarming.act(self._gateway, event)

    def flood(self) -> FloodView | None:
        return self._alarms.flood()

    def shift_people(self) -> Sequence[str]:
        return sorted(self._gateway.roster.names())

    def duties(self) -> list[DutyView]:
        return self._alarms.duties()

    async def alarm_history(self, start: int, end: int) -> AlarmHistoryView:
        return await self._alarms.history(start, end)

    async def events(self, start: int, end: int, kinds: Collection[str]) -> RecordView:
        return await record_view.between(self._gateway, start, end, kinds)

    async def alarm_kpi(self, start: int, end: int) -> KpiView:
        return await self._alarms.kpi(start, end)

    def actuators(self) -> list[ActuatorView]:
        return controls.actuators(self._gateway)

    def orders(self) -> list[OrderView]:
        return controls.listed(self._gateway)

    async def order(self, order: Order, by: User) -> OrderView:
        return await controls.order(self._gateway, order, by)

    def cloud(self) -> CloudView:
        gateway = self._gateway
        committed = gateway.outbox.committed_rows()
        waiting = gateway.outbox.waiting()
        uplink = gateway.uplink
        stored = gateway.outbox.acknowledged_rows()
        if uplink is None:
            return CloudView(
                configured=False, committed=committed, acknowledged=stored, waiting=waiting
            )
        acknowledged_at = uplink.last_acknowledged_at
        return CloudView(
            configured=True,
            connected=uplink.connected,
            confirm="ack" if uplink.destination.proven else "puback",
            oldest_waiting=gateway.oldest_waiting if waiting else None,
            last_acknowledged_at=None if acknowledged_at is None else self._utc(acknowledged_at),
            error=uplink.error,
            committed=committed,
            acknowledged=stored,
            waiting=waiting,
        )

    def site(self) -> SiteView:
        config, clock = self._gateway.config, self._gateway.clock
        return SiteView(
            label=config.site.label,
            zone=config.site.zone,
            simulated=config.emulation is not None,
            clock=clock.trust().value,
            speed=clock.speed,
        )

    def status(self) -> StatusView:
        return told.status(self._gateway)

    def configuration(self) -> ConfigurationView:
        return told.configuration(self._gateway)

    async def reload(self, by: str) -> ReloadView:
        return await told.reload(self._gateway, by)

    async def history(self, point: str, start: int, end: int, step: str) -> SeriesView:
        history = self._gateway.history
        if step not in query.NAMED:
            raise UnknownStep(query.NAMED)
        if history is None:
            raise NoHistory("the gateway is still starting")
        try:
            found = await history.series(query.Request(point, start, end, step))
        except source.UnknownPoint:
            raise UnknownPoint(point) from None
        except query.TooManyRows as error:
            raise TooManyRows(query.ROWS_MAX, error.finest) from None
        except StoreError as error:
            raise NoHistory(str(error)) from None
        return SeriesView(**msgspec.structs.asdict(found))

    def rules(self) -> list[RuleView]:
        return rules_view.rules(self._gateway)

    async def run_rule(self, rule_id: str, by: str) -> RuleView:
        return await rules_view.run(self._gateway, rule_id, by)

    def check_hook(self, name: str, signed: bytes, signature: str) -> None:
        hooks.check(self._gateway, name, signed, signature)

    async def hook(self, name: str, event: Incoming) -> bool:
        return await hooks.take(self._gateway, name, event)

    def documents(self) -> Documents:
        return self._gateway.store.documents

    async def packs(self) -> PacksView:
        return PacksView(
            pack_view.uses(self._gateway.config.packs),
            await in_thread(pack_view.packs, "packs"),
        )

    def rule_files(self) -> RuleFiles:
        return self._rule_files

    def timers(self) -> list[TimerView]:
        return timers.listed(self._gateway)

    async def start_timer(self, timer: str, label: str, for_ms: int, by: str) -> TimerView:
        return await timers.start(self._gateway, TimerSet(timer, label, for_ms, by))

    async def stop_timer(self, timer: str, by: str) -> None:
        await timers.end(self._gateway, TimerStopped(timer, by))

    async def see_timer(self, timer: str, by: str) -> None:
        await timers.end(self._gateway, TimerSeen(timer, by))

    def modes(self) -> list[ModeView]:
        return rules_view.modes(self._gateway)

    async def switch_mode(self, mode: str, value: str, by: str) -> ModeView:
        return await rules_view.switch(self._gateway, mode, value, by)

    async def try_rules(
        self, start: int | None, end: int | None, rules: str | None, part: str | None
    ) -> msgspec.Raw:
        return await told.trial(self._gateway, self._trials, start, end, rules, part)

    def notifications(self) -> NotificationsView:
        return notifications.view(self._gateway.notifying, self._gateway.config, self._utc)

    def subscribing(self) -> Subscribing | None:
        told, subscribing = self._gateway.config.notifications, self._gateway.subscribing
        if told is None or all(channel.kind != "webpush" for channel in told.channels.values()):
            return None
        subscribing.people = told.people.keys()
        return subscribing

    async def try_channel(self, channel: str, to: Sequence[str], by: str) -> list[NoticeView]:
        return await notifications.try_out(self._gateway.notifying, channel, to, by, self._utc)

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
        record = self._gateway.audit.record
        record(action, about, by=by, role=role, refused=refused, detail=detail)

    async def recorded(self) -> None:
        await self._gateway.store.log.durable()

    async def audit(self, before: int | None, limit: int) -> AuditView:
        gateway = self._gateway
        return await audit.page(gateway.store.reader, before, limit, gateway.audit.failing)

    def metrics(self) -> Iterable[Metric]:
        yield from metrics.everything(self._gateway)

    def _utc(self, at: int) -> int:
        clock = self._gateway.clock
        return clock.wall() - (clock.now() - at)

    def _point(self, point: Point) -> PointView:
        self._follow()
        hub, clock = self._gateway.hub, self._gateway.clock
        now = clock.now()
        zero = clock.wall() - now  # UTC of kitchen time 0
        seen = hub.latest.get(point.id)
        at = self._gateway.started_at if seen is None else seen.at
        quality = Quality.NOT_STARTED if seen is None else seen.quality
        last = hub.last_good(point.id)
        return PointView(
            id=point.id,
            label=point.label,
            metric=point.metric,
            origin=point.origin,
            secondary=point.secondary,
            of=self._foreseen(point),
            zone=point.zone,
            unit=point.unit,
            kind=point.kind,
            value=None if seen is None else seen.value,
            quality=quality.level,
            reason=None if quality.reason is None else quality.reason.value,
            at=zero + at,
            age_s=max(0.0, (now - at) / 1000),
            precision=min(point.precision, 1),
            period_s=point.period_s,
            low=point.low,
            high=point.high,
            limit=self._bands.get(point.id),
            state=self._state(point, seen),
            last=None if last is None else last.value,
            last_at=None if last is None else zero + last.at,
            raw=None if seen is None else _shown(seen.raw),
            simulated=point.simulated,
        )

    def _foreseen(self, point: Point) -> str:
        """The point a forecast is about; empty for any other."""
        if point.origin != "forecast":
            return ""
        forecast = self._gateway.config.forecasts.get(point.device)
        return "" if forecast is None else forecast.point

    def _state(self, point: Point, seen: Reading | None) -> PointState:
        standing = self._standing(point.id)
        for state, shown in _WORST.items() if standing else ():
            of_state = [alarm for alarm in standing if alarm.state is state]
            if not of_state:
                continue
            if state is State.UNACKNOWLEDGED:
                life = any(alarm.priority is Priority.LIFE for alarm in of_state)
                return "life" if life else "alarm"
            if seen is not None and seen.good:
                return shown
        if seen is None or seen.quality in _SILENT:
            return "stale"
        return "fault" if seen.quality.bad else "ok"

    def _standing(self, point_id: str) -> Sequence[Alarm]:
        entries = self._gateway.judging.state.entries
        found = map(entries.get, self._alarm_keys.get(point_id, ()))
        return [alarm for alarm in found if isinstance(alarm, Alarm)]


def _shown(raw: reading.Value) -> reading.Value:
    """What a driver read, unless no JSON can hold it."""
    if isinstance(raw, str):
        return raw[:RAW_TEXT_MAX] if raw.isprintable() else None
    if raw is None or isinstance(raw, bool):
        return raw
    return raw if -RAW_MAX <= raw <= RAW_MAX else None  # nor does NaN pass


def _bands(rules: Iterable[Rule]) -> dict[str, Band]:
    """The tightest limits of each point, for its rail."""
    bands: dict[str, Band] = {}
    for rule in rules:
        condition = rule.condition
        if isinstance(condition, limit.Condition):
            band = bands.get(rule.point, Band())
            lows = [low for low in (band.low, condition.low) if low is not None]
            highs = [high for high in (band.high, condition.high) if high is not None]
            bands[rule.point] = Band(max(lows, default=None), min(highs, default=None))
    return bands
