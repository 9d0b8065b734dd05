"""Judging in the daemon: its state is a function of committed input, however a process ended."""

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import Trust
from gateway.config.load import load
from gateway.hub import Hub
from gateway.judging import Judging, NotWaiting, UnknownAlarm, UnknownRule, replay
from gateway.reading import Point, Quality, Reading
from gateway.store.opening import Store
from gateway.store.state import JudgedInput, JudgedReading, committed
from rules.alarm import State
from rules.base import Value
from rules.events import Drive, Entry, Ordered, ReadBack, Relinquished, Turned
from rules.judge import Judge
from rules.memory import Memory, Phase
from tests.expression_world import POINTS as METRICS
from tests.fakes import ManualClock
from tests.kitchen_rules import (
    ACTUATORS,
    DOOR,
    GAPS,
    GRID_MS,
    POINTS,
    READINGS,
    contract,
    judges,
    rule,
)
from tests.rule_graphs import DAY, HOUR, IDS, MODE, SEEN_POINTS
from tests.rule_graphs import GAPS as GRAPH_GAPS
from tests.rule_graphs import READINGS as GRAPH_READINGS
from tests.rule_graphs import kitchens as graph_judges

KINDS = {POINTS[0]: "number", POINTS[1]: "number", DOOR: "boolean"}
Folders = Callable[[], Path]


class Kitchen:
    """A gateway from the hub to the file, without buses; `kill` loses what is not committed."""

    def __init__(self, folder: Path, judge: Judge, kinds: Mapping[str, str] = KINDS) -> None:
        self.folder = folder
        self.judge = judge
        self.kinds = kinds
        self.clock = ManualClock()
        self.driven: list[tuple[str, bool]] = []
        self.published = 0
        self.ordered = 0
        self._open()

    def _open(self) -> None:
        self.store = Store(self.folder, self.clock)
        self.points = self.store.register(
            Point(index=-1, id=name, label=name, unit="1", kind=kind)
            for name, kind in self.kinds.items()
        )
        self.hub = Hub(self.clock.now())
        self.judging = Judging(self.judge, self.store.found.entries, self.store.log, self.hub)
        self.judging.drive = self._drive
        self.turned: list[Turned] = []
        self.judging.turned = self.turned.append
        self.hub.judge = self.judging.observe
        self.hub.store = self.store.log.append

    def _drive(self, drive: Drive) -> None:
        self.driven.append((drive.actuator, drive.value))

    def start(self) -> None:
        self.judging.start(self.clock.now())

    async def start_as_the_daemon_does(self) -> None:
        """With windows as they were; `past` reaches back to the first row."""
        past = await self.store.past(0, self.judge.spans_ms)
        self.judging.adopt(self.judge, self.clock.now(), fresh=True, past=past)

    def take_over(self) -> None:
        """The same rules once more, as after a change of something else in the file."""
        self.judging.adopt(self.judge, self.clock.now(), self.judging.outputs())

    def tick(self) -> None:
        now = self.clock.now()
        believed = self.clock.trust() is not Trust.UNSYNCED
        self.judging.tick(now, self.clock.wall() - now if believed else None)

    def publish_modes(self) -> None:
        """Those that were set, and those that are set by these: in the daemon the next turns."""
        while self.turned:
            mode, value = self.turned.pop(0)
            self.see(f"mode/{mode}", value)

    def pass_time(self, ms: int) -> None:
        self.clock.pause(ms / 1000)

    def see(self, point: str, value: Value, *, late_ms: int = 0, keep: bool = True) -> None:
        quality = Quality.NO_COMMUNICATION if value is None else Quality.GOOD
        at = self.clock.now() - late_ms
        self.published += 1
        self.hub.publish(Reading(self.points[point], value, quality, at), keep=keep)

    def acknowledge(self, alarm_id: str) -> None:
        try:
            self.judging.acknowledge(alarm_id, "mina", self.clock.now())
        except (UnknownAlarm, NotWaiting):
            return

    def act(self, *what: object) -> None:
        """An order, or what an output is read back to do."""
        match what:
            case (str(actuator), bool(value)):
                self.judging.read_back(ReadBack(actuator, value), self.clock.now())
            case (str(actuator), value, int(slot), for_ms):
                assert value is None or isinstance(value, bool)
                assert for_ms is None or isinstance(for_ms, int)
                self.order(actuator, value, slot, for_ms)
            case _:
                pytest.fail(f"no such act: {what}")

    def go_on(self, how: object) -> None:
        """Let time pass, or judge anew with the same rules."""
        if how == "tick":
            self.judging.tick(self.clock.now())
        else:
            self.judging.adopt(self.judge, self.clock.now(), known=ACTUATORS[:1])

    def order(self, actuator: str, value: bool | None, slot: int, for_ms: int | None) -> None:
        """Take an order down and begin it; the read-back comes on its own."""
        self.ordered += 1
        order_id, now = f"order{self.ordered}", self.clock.now()
        end = now + 1_000
        until = None if for_ms is None else now + for_ms
        event: Ordered | Relinquished
        if value is None:
            event = Relinquished(order_id, actuator, slot, "mina", "staff", "page", end)
        else:
            event = Ordered(order_id, actuator, value, slot, until, "mina", "staff", "page", end)
        self.judging.order(event, now)
        self.judging.begin(order_id, now)

    def kill(self) -> None:
        assert self.store.close()
        self._open()

    async def stop(self) -> None:
        await self.store.log.commit()
        assert self.store.close()
        self._open()

    async def inputs(self) -> list[JudgedReading | JudgedInput]:
        return await self.store.reader.call(lambda connection: list(committed(connection)))

    async def replayed(self) -> dict[str, Entry]:
        return replay(self.judge, await self.inputs())


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """New data folders whose schema is already there, since making it takes a child process."""
    root = tmp_path_factory.mktemp("data")
    Store(root / "empty", ManualClock()).close()
    (root / "empty" / "gateway.lock").unlink()
    numbers = itertools.count()

    def folder() -> Path:
        return shutil.copytree(root / "empty", root / str(next(numbers)))

    return folder


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("see"), READINGS, st.booleans(), st.sampled_from([0, 0, 0, 30])),
        st.tuples(st.just("see"), READINGS, st.booleans(), st.sampled_from([0, 0, 0, 30])),
        st.tuples(st.just("acknowledge"), st.sampled_from("abcd")),
        st.tuples(
            st.just("order"),
            st.sampled_from(ACTUATORS),
            st.sampled_from([True, False, None]),
            st.sampled_from([1, 8]),
            st.sampled_from([None, 5 * GRID_MS]),
        ),
        st.tuples(st.just("read_back"), st.sampled_from(ACTUATORS), st.booleans()),
        st.tuples(st.sampled_from(["tick", "commit", "stop", "kill", "reload"])),
    ),
    max_size=25,
)


@settings(max_examples=50, deadline=None)
@given(judges(), st.lists(GAPS, min_size=25, max_size=25), OPERATIONS)
def test_what_was_committed_replays_to_exactly_the_state_however_the_process_ended(
    folders: Folders, judge: Judge, gaps: Sequence[int], operations: Sequence[tuple[object, ...]]
) -> None:
    async def scenario() -> None:
        kitchen = Kitchen(folders(), judge)
        kitchen.start()
        for gap, operation in zip(gaps, operations, strict=False):
            kitchen.pass_time(gap)
            match operation:
                case ["see", [str(point), value], bool(keep), int(late_ms)]:
                    assert value is None or isinstance(value, (bool, float))
                    kitchen.see(point, value, keep=keep, late_ms=late_ms)
                case ["acknowledge", str(alarm_id)]:
                    kitchen.acknowledge(alarm_id)
                case ["order" | "read_back", *what]:
                    kitchen.act(*what)
                case ["tick" | "reload" as how]:
                    kitchen.go_on(how)
                case ["commit"]:
                    await kitchen.store.log.commit()
                    assert await kitchen.replayed() == kitchen.judging.state.entries
                case ["stop" | "kill" as end]:
                    await kitchen.stop() if end == "stop" else kitchen.kill()
                    assert await kitchen.replayed() == kitchen.judging.state.entries
                    kitchen.start()
                case _:
                    pytest.fail(f"no such operation: {operation}")
        await kitchen.store.log.commit()
        assert await kitchen.replayed() == kitchen.judging.state.entries
        kitchen.store.close()
        shutil.rmtree(kitchen.folder)

    asyncio.run(scenario())


SORTS = {name: METRICS[name].kind for name in SEEN_POINTS}
OPERATIONS_OF_EVERY_SORT = st.lists(
    st.one_of(
        st.tuples(st.just("see"), GRAPH_READINGS, st.booleans()),
        st.tuples(st.just("see"), GRAPH_READINGS, st.booleans()),
        st.tuples(st.just("ask"), st.sampled_from(IDS)),
        st.tuples(st.just("switch"), st.sampled_from(["open", "closed"])),
        st.tuples(st.just("acknowledge"), st.sampled_from(IDS)),
        st.tuples(st.just("set clock"), st.sampled_from([-HOUR, 0, 90_000, 3 * DAY, 3_650 * DAY])),
        st.tuples(st.just("trust"), st.booleans()),
        st.tuples(st.just("trouble"), st.booleans()),
        st.tuples(st.sampled_from(["tick", "commit", "take over", "stop", "kill"])),
    ),
    max_size=25,
)


async def do(kitchen: Kitchen, operation: Sequence[object]) -> None:  # noqa: C901 - one case each
    now = kitchen.clock.now()
    match operation:
        case ["see", [str(point), value], bool(keep)]:
            assert value is None or isinstance(value, (bool, float, str))
            kitchen.see(point, value, keep=keep)
        case ["ask", str(rule_id)]:
            with contextlib.suppress(UnknownRule):
                kitchen.judging.ask(rule_id, "mina", now)
        case ["switch", str(value)]:
            kitchen.judging.switch(MODE, value, "jun", now)
        case ["acknowledge", str(alarm_id)]:
            kitchen.acknowledge(alarm_id)
        case ["set clock", int(by_ms)]:
            kitchen.clock.wall_ms += by_ms
            kitchen.tick()
        case ["trust", bool(trusted)]:
            kitchen.clock.trusted = Trust.NTP if trusted else Trust.UNSYNCED
            kitchen.tick()
        case ["trouble", bool(standing)]:
            kitchen.judging.trouble("disk", "full", now, standing=standing)
        case ["tick"]:
            kitchen.tick()
        case ["commit"]:
            await kitchen.store.log.commit()
            assert await kitchen.replayed() == kitchen.judging.state.entries
        case ["take over"]:
            kitchen.take_over()
        case ["stop" | "kill" as end]:
            await kitchen.stop() if end == "stop" else kitchen.kill()
            assert await kitchen.replayed() == kitchen.judging.state.entries
            await kitchen.start_as_the_daemon_does()
        case _:
            pytest.fail(f"no such operation: {operation}")


@settings(max_examples=50, deadline=None)
@given(graph_judges(), st.lists(GRAPH_GAPS, min_size=25, max_size=25), OPERATIONS_OF_EVERY_SORT)
def test_formulas_windows_runs_and_schedules_replay_to_exactly_the_state_too(
    folders: Folders, judge: Judge, gaps: Sequence[int], operations: Sequence[tuple[object, ...]]
) -> None:
    async def scenario() -> None:
        kitchen = Kitchen(folders(), judge, SORTS)
        await kitchen.start_as_the_daemon_does()
        for gap, operation in zip(gaps, operations, strict=False):
            kitchen.pass_time(gap)
            await do(kitchen, operation)
            kitchen.publish_modes()
        await do(kitchen, ["commit"])
        kitchen.store.close()
        shutil.rmtree(kitchen.folder)

    asyncio.run(scenario())


def warm_kitchen(folder: Path) -> Kitchen:
    kitchen = Kitchen(folder, Judge([rule(for_ms=60_000)], {"siren": contract()}))
    kitchen.start()
    return kitchen


async def test_a_reading_that_decides_is_stored_and_one_that_does_not_need_not_be(
    folders: Folders,
) -> None:
    kitchen = warm_kitchen(folders())
    for value in (4.0, 4.01, 9.0, 9.01, 9.02, 5.0, 5.01):
        kitchen.pass_time(1_000)
        kitchen.see(POINTS[0], value, keep=False)
    await kitchen.store.log.commit()
    stored = [entry.value for entry in await kitchen.inputs() if isinstance(entry, JudgedReading)]
    assert stored == [9.0, 5.0]
    kitchen.store.close()


async def test_a_kill_while_a_rule_waits_changes_nothing_for_the_kitchen(folders: Folders) -> None:
    kitchen = warm_kitchen(folders())
    began = kitchen.clock.now()
    kitchen.see(POINTS[0], 9.0, keep=False)
    await kitchen.store.log.commit()
    kitchen.pass_time(30_000)
    kitchen.kill()
    kitchen.start()
    kitchen.pass_time(29_999)
    kitchen.judging.tick(kitchen.clock.now())
    assert kitchen.judging.alarms() == {}
    kitchen.pass_time(1)
    kitchen.judging.tick(kitchen.clock.now())
    await kitchen.store.log.commit()
    assert await kitchen.replayed() == kitchen.judging.state.entries
    alarm = kitchen.judging.alarms()["warm"]
    assert (alarm.since, alarm.value) == (began + 60_000, 9.0)
    assert kitchen.driven[-1] == ("siren", True)
    kitchen.store.close()


async def test_ticks_are_stored_only_when_a_timer_fired(folders: Folders) -> None:
    kitchen = warm_kitchen(folders())
    kitchen.see(POINTS[0], 9.0)
    for _ in range(1_300):
        kitchen.pass_time(50)
        kitchen.judging.tick(kitchen.clock.now())
    await kitchen.store.log.commit()
    bodies = [entry.body for entry in await kitchen.inputs() if isinstance(entry, JudgedInput)]
    assert bodies == ['{"k":"start"}', '{"k":"tick"}']
    kitchen.store.close()


async def test_inputs_keep_their_place_between_readings_over_many_commits(
    folders: Folders,
) -> None:
    kitchen = Kitchen(folders(), Judge([rule()], {"siren": contract()}))
    expected: list[object] = ['{"k":"start"}']
    kitchen.start()
    for number in range(6):
        kitchen.see(POINTS[0], 9.0 + number)
        kitchen.acknowledge("warm")
        expected += [9.0 + number, '{"k":"acknowledge","alarm":"warm","by":"mina"}']
        if number % 2:
            await kitchen.store.log.commit()
        kitchen.see(POINTS[0], 5.0)
        expected.append(5.0)
    await kitchen.store.log.commit()
    found = [
        entry.value if isinstance(entry, JudgedReading) else entry.body
        for entry in await kitchen.inputs()
    ]
    assert found == expected
    kitchen.store.close()


async def test_an_alarm_that_does_not_stand_or_was_seen_cannot_be_acknowledged(
    folders: Folders,
) -> None:
    kitchen = Kitchen(folders(), Judge([rule()], {"siren": contract()}))
    changes: list[tuple[list[str], int]] = []
    kitchen.judging.alarms_changed = lambda points: changes.append(
        (list(points), len(kitchen.judging.alarms()))
    )
    now = kitchen.clock.now
    with pytest.raises(UnknownAlarm):
        kitchen.judging.acknowledge("warm", "mina", now())
    kitchen.see(POINTS[0], 9.0)
    kitchen.judging.acknowledge("warm", "mina", now())
    with pytest.raises(NotWaiting):
        kitchen.judging.acknowledge("warm", "jun", now())
    alarm = kitchen.judging.alarms()["warm"]
    assert (alarm.state, alarm.acknowledged_by) == (State.ACKNOWLEDGED, "mina")
    await kitchen.store.log.commit()
    assert await kitchen.replayed() == kitchen.judging.state.entries
    kitchen.see(POINTS[0], 5.0)
    assert changes == [([POINTS[0]], 1), ([POINTS[0]], 1), ([POINTS[0]], 0)]
    kitchen.store.close()


async def test_the_state_is_there_for_the_page_to_show(folders: Folders) -> None:
    kitchen = warm_kitchen(folders())
    kitchen.see(POINTS[0], 9.0)
    memory = kitchen.judging.state.entries["rule/warm"]
    assert isinstance(memory, Memory)
    assert memory.phase is Phase.PENDING
    kitchen.pass_time(60_000)
    kitchen.judging.tick(kitchen.clock.now())
    assert kitchen.judging.outputs()["siren"].slots[10].cause == "rule/warm"
    assert list(kitchen.judging.alarms()) == ["warm"]
    assert kitchen.judging.steps == 3
    kitchen.store.close()


RULES = """
site: {label: Rules, zone: UTC}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}}
devices: {cold: {driver: sht3x, bus: i2c, address: 0x44, every: 1s}}
rules:
  warm:
    kind: limit
    point: cold/temperature
    raise_above: 8 °C
    on_bad: hold
    then: [{alarm: high}]
"""


@pytest.mark.parametrize(
    ("written", "instead", "same"),
    [
        ("raise_above: 8 °C", "raise_above: 8.0 °C", True),
        ("on_bad: hold", "{for: 1min, label: Warm, advice: Shut it, on_bad: hold}", True),
        ("raise_above: 8 °C", "raise_above: 9 °C", False),
        ("raise_above", "raise_below", False),
        ("raise_above: 8 °C", "{raise_above: 8 °C, clear_below: 6 °C}", False),
    ],
)
def test_the_fingerprint_of_a_rule_tells_its_condition_and_nothing_else(
    tmp_path: Path, written: str, instead: str, *, same: bool
) -> None:
    def fingerprint(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        config = load(tmp_path / name).config
        assert config is not None
        return config.rules[0].fingerprint

    lines = instead.strip("{}").replace(", ", "\n    ")
    before = fingerprint("before.yaml", RULES)
    after = fingerprint("after.yaml", RULES.replace(written, lines))
    assert before == "limit raise_above=8.0"
    assert (after == before) is same
