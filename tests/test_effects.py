"""Actuators: driven, read back, corrected when they drift, BAD when nobody can tell."""

import asyncio
import threading

import pytest

from drivers.base import BusError
from drivers.relay import Driver, Options
from gateway.buses.worker import BusWorker
from gateway.conditioning import Conditioner, Treatment
from gateway.effects import READ_BACK_S, Actuator, Effects
from gateway.hub import Hub
from gateway.reading import Quality, Reading
from gateway.sampling import DeviceState, Intake
from rules.events import Drive
from tests.fakes import ManualClock, run_out
from tests.store_files import point, until

DEADLINE_S = 900.0  # passes when a test says so, see `run_out`
READ_BACK_MS = int(READ_BACK_S * 1000)


class Wire:
    """An output pin that may be forced, cut or held up."""

    def __init__(self) -> None:
        self.level = False
        self.forced: bool | None = None  # shorted to this level
        self.broken = False
        self.bug = False
        self.free = threading.Event()
        self.free.set()
        self.begun = threading.Event()
        self.writes: list[bool] = []

    def write(self, value: bool) -> None:
        self.begun.set()
        self.free.wait()
        if self.bug:
            raise LookupError("a bug")
        self.writes.append(value)
        self.level = value

    def read(self) -> bool:
        self.free.wait()
        if self.broken:
            raise BusError("pin 24: input/output error")
        return self.level if self.forced is None else self.forced


class Bench:
    """One relay with everything above its wire."""

    def __init__(self, *, safe: bool = False) -> None:
        self.clock = ManualClock()
        self.wire = Wire()
        self.heard: list[Reading] = []
        hub = Hub(self.clock.now())
        hub.show = self.heard.append
        conditioner = Conditioner(point("siren/state", "boolean"), Treatment(), self.clock.now())
        self.actuator = Actuator(
            state=DeviceState("siren"),
            driver=Driver(self.wire, Options(pin=24)),
            metrics=Driver.METRICS,
            worker=BusWorker("pins"),
            intake=Intake(hub, {"state": conditioner}),
            deadline_s=DEADLINE_S,
            safe=safe,
        )
        self.effects = Effects({"siren": self.actuator}, self.clock)

    def hanging(self) -> bool:
        worker = self.actuator.worker
        return worker is not None and worker.hanging

    async def drive(self, value: bool) -> Reading:
        """Drive it, and give what was read back."""
        heard = len(self.heard)
        self.effects.drive(Drive("siren", value, 10, "test"))
        await until(lambda: len(self.heard) > heard)
        return self.heard[-1]


async def test_an_actuator_is_driven_and_read_back() -> None:
    bench = Bench()
    assert (await bench.drive(True)).value is True
    assert bench.wire.level is True
    assert (await bench.drive(False)).value is False
    assert bench.wire.writes == [True, False]


async def test_one_that_drifts_is_corrected_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    await bench.drive(True)
    async with Watching(bench):
        await bench.clock.advance(READ_BACK_MS)
        await until(lambda: len(bench.heard) == 2)
        assert bench.wire.writes == [True]  # as wanted: not written again
        bench.wire.level = False  # somebody else's doing
        await bench.clock.advance(READ_BACK_MS)
        await until(lambda: len(bench.heard) == 3)
    assert bench.wire.level is True
    assert bench.heard[-1].value is True
    assert bench.actuator.mismatches == 1
    assert "siren: was not on as wanted; corrected" in caplog.text
    assert bench.actuator.state.trouble is None


async def test_one_that_does_not_obey_is_in_trouble_and_shows_what_it_really_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.wire.forced = False
    assert (await bench.drive(True)).value is False
    assert bench.actuator.state.trouble == "does not go on as wanted"
    async with Watching(bench):
        for heard in (2, 3):
            await bench.clock.advance(READ_BACK_MS)
            await until(lambda: len(bench.heard) == heard)  # noqa: B023 - used at once
        assert bench.actuator.mismatches == 3
        bench.wire.forced = None
        await bench.clock.advance(READ_BACK_MS)
        await until(lambda: len(bench.heard) == 4)
    assert not bench.actuator.state.trouble
    assert [record.message for record in caplog.records] == [
        "siren: lost: does not go on as wanted",
        "siren: back",
    ]


async def test_one_that_cannot_be_read_is_bad_but_driven_all_the_same() -> None:
    bench = Bench()
    bench.wire.broken = True
    reading = await bench.drive(True)
    assert (reading.value, reading.quality) == (None, Quality.NO_COMMUNICATION)
    assert bench.wire.level is True


async def test_one_that_hangs_is_bad_and_brought_there_once_its_bus_is_back() -> None:
    bench = Bench()
    bench.wire.free.clear()
    driven = asyncio.create_task(bench.drive(True))
    await until(bench.wire.begun.is_set)
    run_out(DEADLINE_S)
    reading = await driven
    assert (reading.value, reading.quality) == (None, Quality.NO_COMMUNICATION)
    assert (await bench.drive(False)).quality is Quality.NO_COMMUNICATION  # not even tried
    bench.wire.free.set()
    await until(lambda: not bench.hanging())
    async with Watching(bench):
        await bench.clock.advance(READ_BACK_MS)
        await until(lambda: bench.heard[-1].value is False)
    assert bench.wire.level is False


async def test_an_unknown_actuator_is_an_error_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Bench().effects.drive(Drive("sirene", True, 10, "walk_in_warm"))
    assert "sirene: no such actuator; walk_in_warm had no effect" in caplog.text


@pytest.mark.parametrize("safe", [False, True])
async def test_once_safe_nothing_is_driven_any_more(safe: bool) -> None:
    bench = Bench(safe=safe)
    await bench.drive(not safe)
    await bench.effects.make_safe()
    assert bench.wire.level is safe
    assert bench.heard[-1].value is safe
    writes = len(bench.wire.writes)
    bench.effects.drive(Drive("siren", not safe, 10, "too late"))
    async with Watching(bench):
        await bench.clock.advance(3 * READ_BACK_MS)
    assert bench.wire.level is safe
    assert len(bench.wire.writes) == writes


async def test_a_bug_in_a_driver_is_said_and_keeps_no_other_output_from_being_made_safe(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, sound = Bench(), Bench()
    await sound.drive(True)
    broken.wire.bug = True
    effects = Effects({"broken": broken.actuator, "sound": sound.actuator}, sound.clock)
    effects.drive(Drive("broken", True, 10, "test"))
    await until(lambda: broken.actuator.state.trouble)
    assert broken.actuator.state.trouble == "driving it failed: a bug"
    assert "LookupError: a bug" in caplog.text
    await effects.make_safe()
    assert sound.wire.level is False
    assert sound.heard[-1].value is False


class Watching:
    """`Effects.watch` at work."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._bench.effects.watch())
        await self._bench.clock.settle()

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
