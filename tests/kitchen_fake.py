"""An honest small kitchen in memory: the Protocol of the page without the daemon behind it."""

import asyncio
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from gateway.access import Kind, Person, TokenRow, User
from gateway.access.person import Edit, Lock
from gateway.alarm_kpi import AlarmRow, figures
from gateway.audit.entry import ACTOR, Actor, Detail, Entry
from gateway.configuration import Configuration
from gateway.documents import (
    Allowed,
    ChangedMeanwhile,
    Document,
    Documents,
    TooManyDocuments,
    always,
)
from gateway.notify.subscribing import Subscribing
from gateway.pack_view import PacksView
from gateway.reloading import Outcome
from gateway.rule_files import RuleFiles
from gateway.store.errors import StoreError
from gateway.web.actuator_shapes import ActuatorView, Order, OrderView, OverrideView
from gateway.web.alarm_shapes import (
    AlarmHistoryView,
    AlarmView,
    CommandView,
    DutyView,
    EventView,
    FloodView,
    KpiView,
    RemovedView,
    ShelvedView,
)
from gateway.web.audit_shapes import AuditEntryView, AuditView
from gateway.web.configuration_shapes import ConfigurationView, ProblemView, ReloadView
from gateway.web.device_shapes import (
    CountView,
    DeviceDetailView,
    DeviceView,
    PointSettingsView,
    SettingView,
)
from gateway.web.event_shapes import Happened, RecordView
from gateway.web.hook_shapes import Incoming, UnknownHook
from gateway.web.kitchen_errors import (
    BadRules,
    Busy,
    NobodyReached,
    NoHistory,
    NoRecord,
    NotPossible,
    NotWaiting,
    TooManyTimers,
    UnknownAlarm,
    UnknownChannel,
    UnknownDevice,
    UnknownMode,
    UnknownPoint,
    UnknownRule,
    UnknownTimer,
)
from gateway.web.notice_shapes import ChannelView, NoticeView, NotificationsView
from gateway.web.point_shapes import Band, PointView, SeriesView
from gateway.web.rule_shapes import ModeView, RuleView, TimerView
from gateway.web.status_shapes import CloudView, Metric, SiteView, StatusView, StoreView
from rules.people import (
    BackInService,
    ByPeople,
    HandedOver,
    OutOfService,
    Reset,
    Shelved,
    Unshelved,
)

NOON = 1_795_226_400_000  # 2026-11-21 02:00 UTC
CLOSING = RuleView(
    id="closing", label="Closing", priority="low", runs=True, state="idle", callable=True
)
TROUBLE = ProblemView(
    file="rules.yaml", line=2, column=3, path="rules.warm", message="got nothing, expected a kind"
)


SMALL_CONFIG = """site: {label: Kitchen, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}}
devices: {cold: {driver: sht3x, bus: i2c, address: 0x44}}
rules:
  warm: {kind: limit, point: cold/temperature, raise_above: 8 °C, on_bad: hold,
    then: [{alarm: high}]}
"""


class KitchenInMemory:
    """Keeps what it is told and obeys the rules of acknowledging."""

    def __init__(self, points: Iterable[PointView] = (), alarms: Iterable[AlarmView] = ()) -> None:
        self._points = {point.id: point for point in points}
        self._alarms = {alarm.id: alarm for alarm in alarms}
        self.alive = True
        self.troubles: list[str] = []
        self.history_complete = True
        self.no_history: Exception | None = None
        self.history_waits_for: asyncio.Event | None = None
        self.now = NOON
        self.cloud_view = CloudView(
            configured=True,
            connected=True,
            committed=128_412,
            acknowledged=128_409,
            waiting=3,
            oldest_waiting=NOON - 2_000,
            last_acknowledged_at=NOON - 1_000,
        )
        self.channels: list[ChannelView] = []
        self.configuration_view = ConfigurationView(
            status="running", file="config.yaml", source="file"
        )
        self.reload_view = ReloadView(result="applied")
        self.asked: list[tuple[str, str]] = []
        self.reloaded_by: list[str] = []
        self.entries: list[Entry] = []  # of the audit chain
        self.disk_refuses = False
        self.busy = False
        self.actuator_views: dict[str, ActuatorView] = {}
        self.order_views: list[OrderView] = []
        self.acts: list[ByPeople] = []
        self.impossible: NotPossible | None = None
        self.no_record: NoRecord | None = None
        self.flood_view: FloodView | None = None
        self.duty: list[DutyView] = []
        self.alarm_rows: list[AlarmRow] = []
        self.happened: list[Happened] = []
        self.past: dict[str, msgspec.Raw] = {}  # rows of a point's history
        self.trial: msgspec.Raw | None = None
        self.tried: tuple[str | None, str | None] = None, None  # rules, and the file they are
        self.rule_views = [CLOSING]
        self.tested: list[NoticeView] = []
        self.timer_views: dict[str, TimerView] = {}
        self.timers_most = 64
        self.kept = DocumentsInMemory()
        self.own_files: RuleFiles | None = None
        self.noted: list[dict[str, Detail]] = []  # of what was saved there
        self.reload_outcome = Outcome(result="applied")
        self.browsers: Subscribing | None = None
        self.site_view = SiteView(label="마포점", zone="Asia/Seoul")

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
        """As the audit chain does: who asks is known from the request."""
        actor = ACTOR.get() or Actor()
        actor.recorded = True
        who, rank = by or actor.name, role or actor.role
        entry = Entry(
            at=self.now, by=who, role=rank, action=action, about=about, refused=refused,
            origin=actor.origin, peer=actor.peer, detail=detail or {},
        )  # fmt: skip
        self.entries.append(entry)

    async def recorded(self) -> None:
        if self.disk_refuses:
            raise TimeoutError

    async def audit(self, before: int | None, limit: int) -> AuditView:
        last = len(self.entries) if before is None else before - 1
        numbers = range(last, max(0, last - limit), -1)
        found = [AuditEntryView(n=n, hash="", entry=self.entries[n - 1]) for n in numbers]
        more = found[-1].n if len(found) == limit and found[-1].n > 1 else None
        return AuditView(entries=found, next=more, key=None, failing=None)

    def subscribing(self) -> Subscribing | None:
        return self.browsers

    def notifications(self) -> NotificationsView:
        return NotificationsView(channels=self.channels, notices=self.tested, not_told=0)

    async def try_channel(self, channel: str, to: Sequence[str], by: str) -> list[NoticeView]:
        if channel not in {"mail", *(each.id for each in self.channels)}:
            raise UnknownChannel(channel)
        if "nobody" in to:
            raise NobodyReached(channel)
        self.tested.append(
            NoticeView(
                notice="n1",
                alarm="",
                verb="test",
                priority="low",
                title=f"Test by {by}",
                at=self.now,
                channel=channel,
                people=to,
                state="handed_over",
                attempts=1,
                next_at=None,
                ended=self.now,
                error="",
            )
        )
        return self.tested

    def configuration(self) -> ConfigurationView:
        return self.configuration_view

    def rules(self) -> list[RuleView]:
        return self.rule_views

    async def run_rule(self, rule_id: str, by: str) -> RuleView:
        self.asked.append((rule_id, by))
        if rule_id != "closing":
            raise UnknownRule
        return self.rules()[0]

    def check_hook(self, name: str, signed: bytes, signature: str) -> None:
        del signed, signature
        raise UnknownHook(name)

    async def hook(self, name: str, event: Incoming) -> bool:
        raise UnknownHook(name, event)

    def documents(self) -> Documents:
        return self.kept

    async def packs(self) -> PacksView:
        return PacksView((), ())

    def rule_files(self) -> RuleFiles:
        """Files in a folder of its own, which goes with this kitchen."""
        if self.own_files is None:
            folder = tempfile.mkdtemp(prefix="kitchen")
            weakref.finalize(self, shutil.rmtree, folder)
            configuration = Configuration(Path(folder) / "config.yaml")
            configuration.file.write_text(SMALL_CONFIG)
            self.own_files = RuleFiles(configuration, self._taken_over, self._noted)
        return self.own_files

    async def _taken_over(self, by: str) -> Outcome:
        self.reloaded_by.append(by)
        return self.reload_outcome

    async def _noted(
        self, action: str, name: str, by: str, detail: Mapping[str, Detail], refused: str = ""
    ) -> None:
        if self.disk_refuses:
            raise StoreError("the disk refuses")
        self.record(action, name, by=by, refused=refused)
        self.noted.append(dict(detail))

    def timers(self) -> list[TimerView]:
        return sorted(self.timer_views.values(), key=lambda timer: timer.due)

    async def start_timer(self, timer: str, label: str, for_ms: int, by: str) -> TimerView:
        if len(self.timer_views) >= self.timers_most:
            raise TooManyTimers
        view = TimerView(
            id=timer, label=label, state="running", since=self.now, due=self.now + for_ms, by=by
        )
        self.timer_views[timer] = view
        return view

    async def stop_timer(self, timer: str, by: str) -> None:
        del by
        if self.timer_views.pop(timer, None) is None:
            raise UnknownTimer

    async def see_timer(self, timer: str, by: str) -> None:
        view = self.timer_views.get(timer)
        if view is None or view.state != "elapsed":
            raise UnknownTimer
        await self.stop_timer(timer, by)

    def modes(self) -> list[ModeView]:
        return [ModeView(id="kitchen", value="open", words=("open", "closed"))]

    async def switch_mode(self, mode: str, value: str, by: str) -> ModeView:
        words = {"kitchen": ("open", "closed")}.get(mode, ())
        if value not in words:
            raise UnknownMode(words)
        return ModeView(id=mode, value=value, words=words, by=by, since=self.now)

    async def try_rules(
        self, start: int | None, end: int | None, rules: str | None, part: str | None
    ) -> msgspec.Raw:
        self.tried = (rules, part)
        del start, end
        if rules is not None and "kind" not in rules:
            raise BadRules([TROUBLE])
        if self.trial is None:
            raise NoHistory("a kitchen in memory has none")
        return self.trial

    async def reload(self, by: str) -> ReloadView:
        self.reloaded_by.append(by)
        if self.busy:
            raise Busy("8 reloads wait already")
        return self.reload_view

    def health(self) -> Mapping[str, object]:
        rows = {
            "committed": self.cloud_view.committed,
            "acknowledged": self.cloud_view.acknowledged,
        }
        return {"status": "running" if self.alive else "starting", "epoch": 1, "rows": rows}

    def collecting(self) -> bool:
        return self.alive

    def points(self) -> list[PointView]:
        return list(self._points.values())

    def point(self, point_id: str) -> PointView | None:
        return self._points.get(point_id)

    def devices(self) -> list[DeviceView]:
        names = {point.id.partition("/")[0]: point for point in self._points.values()}
        return [
            DeviceView(
                id=name,
                label=point.label,
                driver="sht3x",
                wire="i2c 0x44",
                role="polled",
                state="ok",
                points=(point.id,),
            )
            for name, point in names.items()
        ]

    def device(self, device_id: str) -> DeviceDetailView:
        found = [each for each in self.devices() if each.id == device_id]
        if not found:
            raise UnknownDevice(device_id)
        return DeviceDetailView(
            id=device_id,
            settings=(
                SettingView("driver", found[0].driver),
                SettingView("bus", "i2c"),
                SettingView("every", 5.0, "s"),
                SettingView("address", "0x44"),
            ),
            points=tuple(
                PointSettingsView(
                    point, (SettingView("offset", -0.3, "K"), SettingView("low", None, "Cel"))
                )
                for point in found[0].points
            ),
            counts=(CountView("reads", 1200), CountView("failures", 3)),
            last_trouble="no answer from 0x44",
        )

    async def read(self, device_id: str) -> list[PointView]:
        found = [
            point for point in self._points.values() if point.id.partition("/")[0] == device_id
        ]
        if not found:
            raise UnknownDevice(device_id)
        return found

    def alarms(self) -> list[AlarmView]:
        return [alarm for alarm in self._alarms.values() if alarm.state != "normal"]

    async def acknowledge(self, alarm_id: str, by: str) -> AlarmView:
        alarm = self._alarms.get(alarm_id)
        if alarm is None:
            raise UnknownAlarm
        if alarm.state not in ("unacknowledged", "returned"):
            raise NotWaiting
        state = "acknowledged" if alarm.state == "unacknowledged" else "normal"
        done = msgspec.structs.replace(
            alarm, state=state, acknowledged_by=by, acknowledged_at=self.now
        )
        self._alarms[alarm_id] = done
        if alarm.point in self._points and state == "acknowledged":
            self.change(alarm.point, state="acknowledged")
        return done

    def actuators(self) -> list[ActuatorView]:
        return list(self.actuator_views.values())

    def orders(self) -> list[OrderView]:
        return self.order_views

    async def order(self, order: Order, by: User) -> OrderView:
        """Obeys at once; `overrides` and `cause` follow."""
        actuator = self.actuator_views.get(order.actuator)
        code = "unknown_actuator" if actuator is None else "lockout" if actuator.locked else ""
        done = OrderView(
            id=order.id,
            actuator=order.actuator,
            value=order.value,
            slot=order.slot,
            state="rejected" if code else "succeeded",
            code=code,
            about="gas_leak" if code == "lockout" else "",
            by=by.name,
            role=by.role.value,
            origin="page",
            at=self.now,
        )
        self.order_views.insert(0, done)
        if actuator is not None and not code:
            self.actuator_views[actuator.id] = self._overridden(actuator, done)
        return done

    def _overridden(self, actuator: ActuatorView, done: OrderView) -> ActuatorView:
        if done.value is None:
            return msgspec.structs.replace(
                actuator, value=False, read_back=False, slot=None, cause="safe state", overrides=()
            )
        override = OverrideView(
            slot=8, value=done.value, by=done.by, origin="page", order=done.id,
            until=self.now + 1_800_000,
        )  # fmt: skip
        return msgspec.structs.replace(
            actuator, value=done.value, read_back=done.value, slot=8,
            cause=f"order/{done.id}", overrides=(override,),
        )  # fmt: skip

    def alarm(self, alarm_id: str) -> AlarmView:
        if alarm_id not in self._alarms:
            raise UnknownAlarm(alarm_id)
        return self._alarms[alarm_id]

    async def act(self, event: ByPeople) -> None:
        self.acts.append(event)
        if self.impossible is not None:
            raise self.impossible
        if isinstance(event, HandedOver):
            self.duty = [
                msgspec.structs.replace(duty, people=[event.person], handed_over_by=event.by)
                if duty.role == event.role
                else duty
                for duty in self.duty or [DutyView(role=event.role, people=())]
            ]
            return
        alarm = self.alarm(event.alarm)
        match event:
            case Shelved(by=by, reason=reason, for_ms=for_ms):
                shelved = ShelvedView(by, reason, self.now + for_ms)
                alarm = msgspec.structs.replace(alarm, state="shelved", shelved=shelved)
            case Unshelved():
                alarm = msgspec.structs.replace(alarm, state="unacknowledged", shelved=None)
            case Reset():
                alarm = msgspec.structs.replace(alarm, state="normal")
            case OutOfService(by=by, reason=reason):
                removed = RemovedView(by, reason, self.now)
                alarm = msgspec.structs.replace(alarm, state="out_of_service", removed=removed)
            case BackInService():
                alarm = msgspec.structs.replace(alarm, state="unacknowledged", removed=None)
            case _:
                pass
        self._alarms[event.alarm] = alarm

    def flood(self) -> FloodView | None:
        return self.flood_view

    def duties(self) -> list[DutyView]:
        return self.duty

    def shift_people(self) -> list[str]:
        return sorted({name for duty in self.duty for name in duty.people})

    async def events(self, start: int, end: int, kinds: Collection[str]) -> RecordView:
        if self.no_record is not None:
            raise self.no_record
        found = [each for each in self.happened if each.kind in kinds and start <= each.at < end]
        labels = {point.id: point.label for point in self.points()}
        return RecordView(start=start, end=end, complete=True, events=found, labels=labels)

    async def alarm_history(self, start: int, end: int) -> AlarmHistoryView:
        if self.no_record is not None:
            raise self.no_record
        events = [
            EventView(row.at, self._label(row.id), msgspec.to_builtins(row))
            for row in reversed(self.alarm_rows)
            if start <= row.at < end
        ]
        return AlarmHistoryView(start=start, end=end, complete=True, events=events)

    async def alarm_kpi(self, start: int, end: int) -> KpiView:
        rows = [row for row in self.alarm_rows if start <= row.at < end]
        labels = {row.id: self._label(row.id) for row in rows}
        found = figures(rows, start, end)
        return KpiView(start=start, end=end, complete=True, figures=found, labels=labels)

    def _label(self, alarm_id: str) -> str:
        return self._alarms[alarm_id].label if alarm_id in self._alarms else alarm_id

    def cloud(self) -> CloudView:
        return self.cloud_view

    def site(self) -> SiteView:
        return self.site_view

    async def history(self, point: str, start: int, end: int, step: str) -> SeriesView:
        if self.history_waits_for is not None:
            await self.history_waits_for.wait()
        if self.no_history is not None:
            raise self.no_history
        if point not in self._points:
            raise UnknownPoint(point)
        return SeriesView(
            point=point,
            unit=self._points[point].unit,
            step=step,
            start=start,
            end=end,
            complete=self.history_complete,
            columns=("at", "value", "reason"),
            rows=self.past.get(point)
            or msgspec.Raw(b'[[%d,3.2,null],[%d,null,"stale"]]' % (start, start + 5_000)),
        )

    def status(self) -> StatusView:
        store = StoreView(
            rows=128_412, waiting=3, lost=0, used=0.12, history_bytes=484_000_000, history_months=12
        )
        return StatusView(
            status="running",
            version="0.1.0",
            epoch=1,
            started_at=NOON - 86_400_000,
            troubles=self.troubles,
            store=store,
        )

    def metrics(self) -> Iterable[Metric]:
        yield Metric(
            name="kitchen_readings_total",
            help="Readings taken.",
            kind="counter",
            value=7,
            labels={"device": 'wa"lk\\in\n'},
        )

    def change(self, point_id: str, **fields: object) -> None:
        """The point with other fields."""
        self._points[point_id] = msgspec.structs.replace(self._points[point_id], **fields)

    def add(self, point: PointView) -> None:
        self._points[point.id] = point

    def forget(self, point_id: str) -> None:
        del self._points[point_id]

    def raise_alarm(self, alarm: AlarmView) -> None:
        self._alarms[alarm.id] = alarm


class DocumentsInMemory:
    """`gateway.documents.Documents` in a dict."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Document] = {}

    async def all(self, kind: str) -> Sequence[Document]:
        return [row for (of, _), row in sorted(self._rows.items()) if of == kind]

    async def find(self, kind: str, key: str) -> Document | None:
        return self._rows.get((kind, key))

    async def put(
        self, kind: str, document: Document, most: int, allowed: Allowed = always
    ) -> None:
        self._check(kind, document.key, allowed)
        others = [row for row in await self.all(kind) if row.key != document.key]
        if len(others) >= most:
            raise TooManyDocuments
        self._rows[kind, document.key] = document

    async def claim(self, kind: str, document: Document, most: int, since: int) -> Document | None:
        found = self._rows.get((kind, document.key))
        if found is not None and found.at >= since:
            return found
        await self.put(kind, document, most)
        return None

    async def remove(self, kind: str, key: str, allowed: Allowed = always) -> bool:
        self._check(kind, key, allowed)
        return self._rows.pop((kind, key), None) is not None

    def _check(self, kind: str, key: str, allowed: Allowed) -> None:
        found = self._rows.get((kind, key))
        if not allowed("" if found is None else found.tag):
            raise ChangedMeanwhile


class TokensInMemory:
    """Rows in a dict; what is added is there at once."""

    def __init__(self) -> None:
        self._rows: dict[bytes, TokenRow] = {}

    def find(self, digest: bytes) -> TokenRow | None:
        return self._rows.get(digest)

    def rows(self, kind: Kind) -> list[TokenRow]:
        return [row for row in self._rows.values() if row.kind == kind]

    async def add(self, row: TokenRow) -> None:
        self._rows[row.digest] = row

    def learn(self, rows: Iterable[TokenRow]) -> None:
        """Know these as well from now on."""
        self._rows.update({row.digest: row for row in rows})

    async def replace(self, row: TokenRow) -> None:
        if row.digest in self._rows:
            self._rows[row.digest] = row

    async def remove(self, digest: bytes) -> bool:
        return self._rows.pop(digest, None) is not None


class PeopleInMemory:
    """People in a dict; who is kept is there at once."""

    def __init__(self) -> None:
        self._people: dict[str, Person] = {}
        self.locks: dict[str, Lock] = {}

    def person(self, person_id: str) -> Person | None:
        return self._people.get(person_id)

    def people(self) -> list[Person]:
        return sorted(self._people.values(), key=lambda person: person.id)

    def lock(self, key: str) -> Lock | None:
        return self.locks.get(key)

    async def edit(self, person_id: str, edit: Edit, action: str = "") -> None:
        del action
        person = edit(self._people)
        self._people.pop(person_id, None)
        if person is not None:
            self._people[person_id] = person

    async def keep_lock(self, key: str, lock: Lock | None) -> None:
        self.locks.pop(key, None)
        if lock is not None:
            self.locks[key] = lock


def temperature(name: str, label: str, value: float, limit: Band, zone: str = "") -> PointView:
    """A fridge, hot plate or oven as the wall shows it."""
    return PointView(
        id=f"{name}/temperature",
        label=label,
        zone=zone,
        unit="Cel",
        value=value,
        quality="good",
        at=NOON - 2_000,
        age_s=2.0,
        state="ok",
        period_s=5.0,
        low=-40.0,
        high=125.0,
        limit=limit,
        last=value,
        last_at=NOON - 2_000,
    )


def contact(name: str, label: str, *, opened: bool, zone: str = "") -> PointView:
    """A door."""
    return PointView(
        id=f"{name}/open",
        label=label,
        zone=zone,
        unit="",
        kind="boolean",
        value=opened,
        quality="good",
        at=NOON - 9_000,
        age_s=9.0,
        state="ok",
        last=opened,
        last_at=NOON - 9_000,
    )


def door_alarm(**fields: object) -> AlarmView:
    """A fridge door that has stood open for seven minutes."""
    alarm = AlarmView(
        id="walk_in_open",
        label="워크인 냉장 문 열림",
        advice="문을 닫으세요",
        priority="high",
        state="unacknowledged",
        point="walk_in_door/open",
        value=True,
        since=NOON - 420_000,
        commands=(CommandView("buzzer", True, "부저"),),
    )
    return msgspec.structs.replace(alarm, **fields)


def small_kitchen() -> KitchenInMemory:
    """One fridge, its door standing open, and the gateway's own load."""
    load = PointView(
        id="system/cpu",
        label="",
        metric="cpu",
        origin="gateway",
        unit="%",
        value=12.0,
        quality="good",
        at=NOON - 1_000,
        age_s=1.0,
        state="ok",
        precision=0,
    )
    points = [
        temperature("walk_in", "워크인 냉장", 3.2, Band(high=8.0)),
        msgspec.structs.replace(contact("walk_in_door", "워크인 문", opened=True), state="alarm"),
        load,
    ]
    return KitchenInMemory(points, [door_alarm()])
