"""What people see: the state of the daemon as the page, the API and /metrics hand it out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway import alarm_view, alarming, inventory, judging, metrics, reading, told
from gateway.alarm_view import AlarmViews
from gateway.notify import view as notifications
from gateway.notify.subscribing import Subscribing
from gateway.reading import Point, Quality, Reading
from gateway.sampling import read_once
from gateway.store import query, source
from gateway.store.errors import StoreError
from gateway.trial.apart import Apart
from gateway.web.alarm_shapes import AlarmHistoryView, DutyView, FloodView, KpiView
from gateway.web.kitchen import (
    AlarmView,
    Band,
    CloudView,
    ConfigurationView,
    DeviceView,
    Metric,
    NoHistory,
    NoticeView,
    NotificationsView,
    NotWaiting,
    PointState,
    PointView,
    ReloadView,
    SeriesView,
    SiteView,
    StatusView,
    TooManyRows,
    UnknownAlarm,
    UnknownDevice,
    UnknownPoint,
    UnknownStep,
)
from rules import limit
from rules.alarm import Alarm, State
from rules.base import Priority, Rule
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
        self._alarm_rules: dict[str, list[Rule]] = {}
        self._trials = Apart()
        self._follow()

    def _follow(self) -> None:
        """Look at the rules in force; they change with the configuration."""
        rules = self._gateway.config.rules
        if rules is self._rules:
            return
        self._rules, self._bands, self._alarm_rules = rules, _bands(rules), {}
        for rule in rules:
            if rule.alarm:
                self._alarm_rules.setdefault(rule.point, []).append(rule)

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

    def duties(self) -> list[DutyView]:
        return self._alarms.duties()

    async def alarm_history(self, start: int, end: int) -> AlarmHistoryView:
        return await self._alarms.history(start, end)

    async def alarm_kpi(self, start: int, end: int) -> KpiView:
        return await self._alarms.kpi(start, end)

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

    async def try_rules(self, start: int | None, end: int | None, rules: str | None) -> msgspec.Raw:
        return await told.trial(self._gateway, self._trials, start, end, rules)

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

    def metrics(self) -> Iterable[Metric]:
        yield from _metrics(self._gateway)
        yield from alarm_view.metrics(self._gateway)

    def _utc(self, at: int) -> int:
        clock = self._gateway.clock
        return clock.wall() - (clock.now() - at)

    def _point(self, point: Point) -> PointView:
        self._follow()
        hub, now = self._gateway.hub, self._gateway.clock.now()
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
            zone=point.zone,
            unit=point.unit,
            kind=point.kind,
            value=None if seen is None else seen.value,
            quality=quality.level,
            reason=None if quality.reason is None else quality.reason.value,
            at=self._utc(at),
            age_s=max(0.0, (now - at) / 1000),
            precision=min(point.precision, 1),
            period_s=point.period_s,
            low=point.low,
            high=point.high,
            limit=self._bands.get(point.id),
            state=self._state(point, seen),
            last=None if last is None else last.value,
            last_at=None if last is None else self._utc(last.at),
            raw=None if seen is None else _shown(seen.raw),
            simulated=point.simulated,
        )

    def _state(self, point: Point, seen: Reading | None) -> PointState:
        standing = self._standing(point.id)
        for state, shown in _WORST.items():
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
        found = (entries.get(f"alarm/{rule.id}") for rule in self._alarm_rules.get(point_id, ()))
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


def _count(name: str, text: str, value: float, **labels: str) -> Metric:
    return Metric(
        name=f"kitchen_{name}_total", help=text, kind="counter", value=value, labels=labels
    )


def _gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    return Metric(name=f"kitchen_{name}", help=text, kind="gauge", value=value, labels=labels)


def _metrics(gateway: "Gateway") -> Iterator[Metric]:
    log, outbox = gateway.store.log.counters, gateway.outbox
    yield _gauge("epoch", "Starts of this installation.", gateway.store.identity.epoch)
    yield _count("readings", "Readings published since the start.", gateway.hub.published)
    yield _count("judged", "Events judged since the start.", gateway.judging.steps)
    yield _count("commits", "Transactions committed.", log.commits)
    yield _count("commit_failures", "Transactions the disk refused.", log.failures)
    yield _count("stored_rows", "Rows committed.", log.rows)
    yield _count("stored_readings", "Readings committed.", log.readings)
    yield _count(
        "dropped_readings", "Readings dropped while the disk refused.", log.dropped_readings
    )
    yield _count("dropped_events", "Events dropped while the disk refused.", log.dropped_events)
    removed = gateway.store.space.removed_rows
    yield _count("removed_rows", "Rows removed to keep the budget.", removed)
    lost = gateway.store.space.lost_rows
    yield _count("budget_lost_rows", "Of them, rows the cloud never had.", lost)
    yield _count("dropped_inputs", "Inputs of judging dropped likewise.", log.dropped_inputs)
    if gateway.history is not None:
        yield from metrics.of_history(gateway.history)
    yield _gauge("outbox_rows", "Rows the cloud has not acknowledged.", outbox.waiting())
    yield _gauge("outbox_window", "Messages that may wait for their ack.", outbox.window)
    yield _gauge("outbox_lost_rows", "Rows that can never reach the cloud.", outbox.lost_rows())
    yield _gauge("outbox_held_rows", "Rows too large for this broker.", outbox.held_rows())
    yield _gauge("outbox_batch", "Rows of an outage in one message.", outbox.batch.rows)
    yield _count("outbox_foreign_acks", "Acks of rows that were not sent.", outbox.foreign)
    if gateway.uplink is not None:
        sent = gateway.uplink.counters
        yield _gauge("cloud_connected", "1 while linked.", float(gateway.uplink.connected))
        yield _count("cloud_connects", "Connections made.", sent.connects)
        yield _count("cloud_messages", "Messages sent.", sent.messages)
        yield _count("cloud_rows", "Rows sent, resent ones included.", sent.rows)
        yield _count("cloud_bytes", "Bytes of payload sent.", sent.bytes)
        yield _count("cloud_resent", "Messages given up and sent again.", sent.resent)
        yield _count("cloud_acknowledged", "Rows acknowledged.", sent.acknowledged)
        yield _count("cloud_refused", "Messages from the cloud refused.", sent.refused)
        yield _count("cloud_lost_rows", "Rows no longer in the log, or too large.", sent.lost_rows)
        yield _count("cloud_rejected", "Messages the broker refused.", sent.rejected)
        yield _count("cloud_unheard", "Messages nobody had subscribed to.", sent.unheard)
        yield _count("cloud_oversized", "Messages from the cloud too large.", sent.oversized)
    for state in gateway.fitout.equipment.states.values():
        yield _count("device_reads", "Reads and messages heard.", state.reads, device=state.id)
    for state in gateway.fitout.equipment.states.values():
        yield _count("device_failures", "Reads that failed.", state.failures, device=state.id)
    for state in gateway.fitout.equipment.states.values():
        text = "Edges that came too fast to be readings of their own."
        yield _count("device_coalesced_edges", text, state.coalesced, device=state.id)
    for state in gateway.fitout.equipment.states.values():
        text, ticks = "Ticks without a read: it hung, or the device rests.", state.skipped_ticks
        yield _count("device_skipped_ticks", text, ticks, device=state.id)
    yield from metrics.of_devices(gateway.fitout.equipment)
    yield from metrics.of_sites(gateway.fitout.equipment)
    yield from metrics.of_loop(gateway.lag)
    yield from metrics.of_notifications(gateway.notifying, log)
    for name, actuator in gateway.fitout.effects.actuators.items():
        text = "Times an output was not as wanted and was corrected."
        yield _count("actuator_mismatches", text, actuator.mismatches, actuator=name)
    for name, restarts in gateway.supervision.restarts.items():
        yield _count("task_restarts", "Tasks started again after a bug.", restarts, task=name)
