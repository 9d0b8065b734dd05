"""Polled devices: ticks on a grid, a read that hangs, and buses that do not wait for each other."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from drivers.base import BusError, CorruptData, Metric, Reason, Sample, Samples, WrongDevice
from gateway.buses.i2c import EmulatedI2C
from gateway.buses.ladder import BusLadder, Ladder
from gateway.buses.worker import BusBusy, BusWorker
from gateway.conditioning import Conditioner, Treatment
from gateway.hub import Hub
from gateway.reading import Quality, Reading
from gateway.sampling import DeviceState, Intake, Sampled, sample
from tests.fakes import ManualClock, run_out
from tests.store_files import point, until

PERIOD_MS = 1_000
DEADLINE_S = 900.0  # passes when a test says so, see `run_out`


class Probe:
    """A device on a wire that may hold up its reader."""

    METRICS: ClassVar[tuple[Metric, ...]] = (Metric("temperature", "Cel", -40.0, 125.0),)

    def __init__(self) -> None:
        self.reads = 0
        self.made = 1  # drivers
        self.wire = threading.Event()
        self.wire.set()
        self.answer: Callable[[], Samples] = lambda: {"temperature": Sample(4.0)}

    def read(self) -> Samples:
        self.reads += 1
        self.wire.wait()
        return self.answer()


class Echo:
    """A chip that answers what was last written to it."""

    def __init__(self) -> None:
        self.held = b""

    def write(self, data: bytes) -> None:
        self.held = data

    def read(self, length: int) -> bytes:
        return self.held[:length]


def failing(error: Exception, times: int = 1_000) -> Callable[[], Samples]:
    """A read that fails so often, and then works."""
    left = [error] * times

    def read() -> Samples:
        if left:
            raise left.pop()
        return {"temperature": Sample(4.0)}

    return read


@dataclass
class Bench:
    """Probes on buses, and what the hub hears of them."""

    clock: ManualClock = field(default_factory=ManualClock)
    heard: list[Reading] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    ladders: dict[str, BusLadder] = field(default_factory=dict)
    recovered: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hub = Hub(self.clock.now())
        self.hub.show = self.heard.append

    def sampled(self, name: str, probe: Probe, worker: BusWorker) -> Sampled:
        of = point(f"{name}/temperature")
        intake = Intake(self.hub, {"temperature": Conditioner(of, Treatment(), self.clock.now())})

        def again() -> Probe:
            probe.made += 1
            return probe

        bus = self.ladders.setdefault(worker.name, BusLadder())
        device = Sampled(
            state=DeviceState(name),
            driver=probe,
            metrics=probe.METRICS,
            worker=worker,
            intake=intake,
            period_s=PERIOD_MS / 1000,
            deadline_s=DEADLINE_S,
            ladder=Ladder(name, bus, period_ms=PERIOD_MS),
            again=again,
            recover=lambda: self.recovered.append(name),
        )
        self.tasks.append(asyncio.create_task(sample(device, self.clock)))
        return device

    async def ticks(self, probe: Probe, count: int) -> None:
        """Let so many ticks pass, each with its read."""
        for _ in range(count):
            reads, heard = probe.reads, len(self.heard)
            await self.clock.advance(PERIOD_MS)
            await until(lambda: probe.reads > reads and len(self.heard) > heard)  # noqa: B023

    async def hang(self, probe: Probe) -> None:
        """Let a tick pass in which a read begins, hangs, and is given up."""
        reads = probe.reads
        probe.wire.clear()
        await self.clock.advance(PERIOD_MS)
        await until(lambda: probe.reads > reads)
        run_out(DEADLINE_S)

    def of(self, name: str) -> list[Reading]:
        return [reading for reading in self.heard if reading.point.device == name]


async def test_a_device_is_read_on_the_grid_of_its_period() -> None:
    bench, probe, worker = Bench(), Probe(), BusWorker("i2c")
    device = bench.sampled("cold", probe, worker)
    await until(lambda: bench.heard)
    begun = bench.heard[0].at
    await bench.ticks(probe, 5)
    assert [reading.at - begun for reading in bench.heard] == [n * PERIOD_MS for n in range(6)]
    assert all(reading.value == 4 for reading in bench.heard)
    assert (device.state.reads, device.state.skipped_ticks) == (6, 0)


async def test_a_read_that_takes_long_costs_ticks_that_are_counted() -> None:
    bench, probe, worker = Bench(), Probe(), BusWorker("i2c")
    device = bench.sampled("cold", probe, worker)
    await until(lambda: bench.heard)

    def slowly() -> Samples:
        bench.clock.pause(2.5 * PERIOD_MS / 1000)
        return {"temperature": Sample(5.0)}

    probe.answer = slowly
    await bench.ticks(probe, 1)
    assert device.state.skipped_ticks == 2
    probe.answer = lambda: {"temperature": Sample(6.0)}
    await bench.clock.advance(PERIOD_MS // 2)
    await until(lambda: len(bench.heard) == 3)
    assert bench.heard[-1].at - bench.heard[0].at == 4 * PERIOD_MS  # back on the grid
    assert device.state.skipped_ticks == 2


async def test_a_read_that_hangs_is_bad_at_its_deadline_and_its_ticks_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench, probe, worker = Bench(), Probe(), BusWorker("i2c")
    device = bench.sampled("cold", probe, worker)
    await until(lambda: bench.heard)
    await bench.hang(probe)
    await until(lambda: len(bench.heard) == 2)
    hanging = bench.heard[-1]
    assert (hanging.value, hanging.quality) == (None, Quality.NO_COMMUNICATION)
    assert device.state.trouble == "no answer on bus i2c within 900 s"

    reads, heard = probe.reads, len(bench.heard)
    for skipped in range(1, 6):
        await bench.clock.advance(PERIOD_MS)
        await until(lambda: device.state.skipped_ticks == skipped)  # noqa: B023
    assert (probe.reads, len(bench.heard)) == (reads, heard)  # not tried, and said once

    probe.wire.set()
    await until(lambda: not worker.hanging)
    await bench.ticks(probe, 3)
    assert [reading.value for reading in bench.heard[-3:]] == [4, 4, 4]
    assert not device.state.trouble
    lines = [record.message for record in caplog.records]
    assert lines == [
        "cold: lost: no answer on bus i2c within 900 s",
        "bus i2c: nothing answers on it; opening it again",
        "cold: back",
    ]


async def test_the_others_on_a_hanging_bus_are_bad_too_and_not_silently_old() -> None:
    bench, stuck, fine, worker = Bench(), Probe(), Probe(), BusWorker("i2c")
    bench.sampled("stuck", stuck, worker)
    device = bench.sampled("fine", fine, worker)
    await until(lambda: len(bench.heard) == 2)
    await bench.hang(stuck)
    await until(lambda: worker.hanging and bench.of("fine")[-1].value is None)
    await bench.clock.advance(PERIOD_MS)
    await until(lambda: device.state.skipped_ticks)
    assert bench.of("fine")[-1].quality is Quality.NO_COMMUNICATION
    stuck.wire.set()
    await until(lambda: not worker.hanging)
    await bench.clock.advance(PERIOD_MS)
    await until(lambda: bench.of("fine")[-1].value == 4)


async def test_no_value_stays_good_on_a_hanging_bus_because_another_was_bad_already() -> None:
    bench, half, worker = Bench(), Probe(), BusWorker("i2c")
    begun, wire = threading.Event(), threading.Event()

    def hang() -> bool:
        begun.set()
        return wire.wait()

    half.answer = lambda: {"temperature": Sample(4.0), "other": Sample(None, Reason.SENSOR_FAILURE)}
    device = bench.sampled("half", half, worker)
    await until(lambda: bench.heard)
    assert (device.state.trouble, bench.heard[-1].value) == ("other: bad data", 4)
    another = asyncio.create_task(worker.call(hang, DEADLINE_S))
    await until(begun.is_set)
    run_out(DEADLINE_S)
    with pytest.raises(BusError):
        await another
    for skipped in (1, 2, 3):
        await bench.clock.advance(PERIOD_MS)
        await until(lambda: device.state.skipped_ticks == skipped)  # noqa: B023 - used at once
    assert [reading.quality for reading in bench.heard] == [Quality.GOOD, Quality.NO_COMMUNICATION]
    assert device.state.trouble == "bus i2c hangs"
    wire.set()
    await until(lambda: not worker.hanging)
    await bench.clock.advance(PERIOD_MS)
    await until(lambda: bench.heard[-1].value == 4)


async def test_one_hung_bus_never_delays_another() -> None:
    bench, stuck, fine = Bench(), Probe(), Probe()
    stuck.wire.clear()
    hanging = BusWorker("one")
    bench.sampled("stuck", stuck, hanging)
    device = bench.sampled("fine", fine, BusWorker("two"))
    await until(lambda: stuck.reads and bench.of("fine"))
    run_out(DEADLINE_S)
    await until(lambda: bench.of("stuck"))
    await bench.ticks(fine, 20)
    readings = bench.of("fine")
    assert [reading.at - readings[0].at for reading in readings] == [
        tick * PERIOD_MS for tick in range(21)
    ]
    assert device.state.skipped_ticks == 0
    assert hanging.hanging
    stuck.wire.set()


@pytest.mark.parametrize(
    ("error", "quality"),
    [
        (BusError("nobody there"), Quality.NO_COMMUNICATION),
        (CorruptData("wrong checksum"), Quality.SENSOR_FAILURE),
    ],
)
async def test_a_failed_read_is_bad_with_its_reason_and_not_a_number(
    error: Exception, quality: Quality, caplog: pytest.LogCaptureFixture
) -> None:
    bench, probe = Bench(), Probe()
    probe.answer = failing(error)
    device = bench.sampled("cold", probe, BusWorker("i2c"))
    await until(lambda: bench.heard)
    await bench.clock.advance(PERIOD_MS)
    await until(lambda: device.state.down)
    for rested in range(1, 31):
        await bench.clock.advance(PERIOD_MS)
        await until(lambda: device.state.skipped_ticks + device.state.failures == rested + 2)  # noqa: B023 - used at once
    assert {(reading.value, reading.quality) for reading in bench.heard} == {(None, quality)}
    assert (device.state.failures, device.state.retries) == (6, 2)  # of ticks 0, 1, 3, 7, 15, 31
    assert probe.reads == 6 + 2
    assert device.state.trouble == f"{error}; down, tried again every 32 s"
    lines = [record.message for record in caplog.records if "cold" in record.message]
    assert lines == [f"cold: lost: {error}", "cold: down; tried again after 2 s, later less often"]
    for task in bench.tasks:
        task.cancel()


async def test_a_read_that_fails_once_is_retried_in_its_tick_and_nobody_notices(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench, probe = Bench(), Probe()
    device = bench.sampled("cold", probe, BusWorker("i2c"))
    await until(lambda: bench.heard)
    probe.answer = failing(CorruptData("wrong checksum"), times=2)
    await bench.ticks(probe, 1)
    assert [reading.value for reading in bench.heard] == [4, 4]
    assert (device.state.retries, device.state.failures, probe.made) == (2, 0, 1)
    assert not caplog.records


async def test_a_device_that_is_back_is_initialised_again_and_read_as_always(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench, probe = Bench(), Probe()
    device = bench.sampled("cold", probe, BusWorker("i2c"))
    await until(lambda: bench.heard)
    probe.answer = failing(CorruptData("wrong checksum"), times=7)  # three, one, and three rests
    for tick in range(1, 33):
        await bench.clock.advance(PERIOD_MS)
        await until(lambda: device.state.skipped_ticks + len(bench.heard) == tick + 1)  # noqa: B023 - used at once
    assert not device.state.trouble
    assert not device.state.down
    assert device.state.reinitialised == probe.made - 1 == 5
    assert bench.recovered == []  # the bus was not to blame
    assert [record.message for record in caplog.records] == [
        "cold: lost: wrong checksum",
        "cold: down; tried again after 2 s, later less often",
        "cold: back",
    ]


async def test_a_wrong_device_is_left_alone_for_a_minute() -> None:
    bench, probe = Bench(), Probe()
    probe.answer = failing(WrongDevice("no SHT3x: check the wiring"))
    device = bench.sampled("cold", probe, BusWorker("i2c"))
    await until(lambda: bench.heard)
    for tick in range(1, 61):
        await bench.clock.advance(PERIOD_MS)
        await until(lambda: device.state.skipped_ticks + probe.reads == tick + 1)  # noqa: B023 - used at once
    assert probe.reads == 2
    assert device.state.retries == 0
    assert device.state.trouble == "no SHT3x: check the wiring; down, tried again every 60 s"


async def test_a_bus_that_is_locked_is_opened_again_and_everything_on_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench, one, two, worker = Bench(), Probe(), Probe(), BusWorker("i2c")
    bus = EmulatedI2C({0x44: Echo()})

    def read() -> Samples:
        bus.write(0x44, b"4")
        return {"temperature": Sample(float(bus.read(0x44, 1)))}

    one.answer = two.answer = read
    for name, probe in (("one", one), ("two", two)):
        bench.sampled(name, probe, worker).recover = bus.recover
    await until(lambda: len(bench.heard) == 2)
    bus.lock()
    await bench.clock.advance(PERIOD_MS)
    await until(lambda: len(bench.heard) == 4)
    assert [reading.quality for reading in bench.heard[2:]] == [Quality.NO_COMMUNICATION] * 2
    await bench.clock.advance(PERIOD_MS)
    await until(lambda: len(bench.heard) == 6)
    assert [reading.value for reading in bench.heard[4:]] == [4, 4]
    assert bench.ladders["i2c"].reopened == 1
    lines = [record.message for record in caplog.records]
    assert lines[0] == (
        "one: lost: emulated address 0x44: the bus hangs: "
        "something holds SDA or SCL low (ETIMEDOUT)"
    )
    assert lines.count("bus i2c: nothing answers on it; opening it again") == 1


async def test_who_only_waited_for_the_bus_keeps_its_value_until_it_is_stale() -> None:
    bench, fine, worker = Bench(), Probe(), BusWorker("i2c")
    device = bench.sampled("fine", fine, worker)
    await until(lambda: bench.heard)
    wire = threading.Event()
    busy = asyncio.create_task(worker.call(wire.wait, 10 * DEADLINE_S))
    await bench.clock.advance(PERIOD_MS)
    run_out(DEADLINE_S)
    await until(lambda: device.state.skipped_ticks == 1)
    assert (device.state.trouble, bench.heard[-1].value, fine.reads) == (None, 4, 1)
    late = asyncio.create_task(worker.call(wire.wait, DEADLINE_S))
    await bench.clock.settle()
    run_out(DEADLINE_S)
    with pytest.raises(BusBusy, match="busy with others"):
        await late
    wire.set()
    await busy
    await bench.ticks(fine, 1)
    assert device.state.reads == 2


async def test_a_fault_of_one_metric_leaves_the_others_good() -> None:
    bench, probe = Bench(), Probe()
    probe.answer = lambda: {
        "temperature": Sample(4.0),
        "unknown": Sample(None, Reason.SENSOR_FAILURE),
    }
    device = bench.sampled("cold", probe, BusWorker("i2c"))
    await until(lambda: bench.heard)
    assert bench.heard[0].value == 4
    assert device.state.trouble == "unknown: bad data"


async def test_a_device_with_nothing_new_is_well_and_leaves_its_points_as_they_are() -> None:
    bench, probe = Bench(), Probe()
    device = bench.sampled("air", probe, BusWorker("i2c"))
    await until(lambda: bench.heard)
    probe.answer = dict
    for ticks in range(1, 4):
        await bench.clock.advance(PERIOD_MS)
        await until(lambda: device.state.reads > ticks)  # noqa: B023
    assert [reading.value for reading in bench.heard] == [4]
    assert device.state.trouble is None
    for task in bench.tasks:
        task.cancel()


async def test_only_the_time_a_device_holds_the_bus_is_held_against_it() -> None:
    bench, slow, quick = Bench(), Probe(), Probe()
    worker = BusWorker("i2c")

    def silent(pause_s: float) -> Callable[[], Samples]:
        def read() -> Samples:
            bench.clock.pause(pause_s)
            raise BusError("nobody there")

        return read

    slow.answer, quick.answer = silent(0.8), silent(0.001)
    devices = [bench.sampled("slow", slow, worker), bench.sampled("quick", quick, worker)]
    while not all(device.state.down for device in devices):
        await until(lambda: bench.clock.sleeping == len(devices))  # nothing is being read
        await bench.clock.advance(PERIOD_MS)
    held, brief = (device.ladder.rest_ms for device in devices)
    assert held == 8_000
    assert brief < held
    for task in bench.tasks:
        task.cancel()
