"""Pins by gpiod under gpiozero, with a kernel played at the edge of `gpiod`.

A PC has no kernel GPIO. What is played here is what libgpiod hands on from the kernel: chips with
a label, requests that exclude others, levels, bias, numbered edges behind a file descriptor.
"""

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import gpiod
import pytest
from gpiod.line import Bias, Direction, Edge, Value

from drivers.base import BusError, DriverError, WrongDevice
from gateway.buses.gpio import Pins
from gateway.buses.gpiod import GpiodFactory, Request
from tests.patience import PATIENCE_S
from tests.processes import wait_for


@dataclass
class Line:
    """What the kernel knows of one line."""

    settings: gpiod.LineSettings = field(default_factory=gpiod.LineSettings)
    outside: bool | None = None  # what the wire is driven to; None: nobody drives it
    driven: bool = False
    held: bool = False
    history: list[gpiod.LineSettings] = field(default_factory=list)

    def level(self) -> bool:
        if self.settings.direction is Direction.OUTPUT:
            return self.driven
        return self.settings.bias is Bias.PULL_UP if self.outside is None else self.outside


class FakeRequest:
    """A line that somebody holds; edges wait behind a file descriptor, the newest are dropped."""

    def __init__(self, kernel: "Kernel", number: int, buffer: int) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK)
        self._kernel = kernel
        self._number = number
        self._buffer = buffer
        self._seqno = 0
        self._waiting: list[gpiod.EdgeEvent] = []
        self._guard = threading.Lock()
        self.gone = False
        self.edges = 0  # so far

    def get_value(self, line: int) -> Value:
        return Value.ACTIVE if self._kernel.lines[line].level() else Value.INACTIVE

    def set_value(self, line: int, value: Value) -> None:
        assert self._kernel.lines[line].settings.direction is Direction.OUTPUT
        self._kernel.lines[line].driven = bool(value)

    def reconfigure_lines(self, config: Mapping[int, gpiod.LineSettings]) -> None:
        for number, settings in config.items():
            self._kernel.configure(number, settings)

    def read_edge_events(self) -> list[gpiod.EdgeEvent]:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        os.eventfd_read(self.fd)
        with self._guard:
            events, self._waiting = self._waiting, []
        return events

    def release(self) -> None:
        self._kernel.lines[self._number].held = False
        self._kernel.requests.pop(self._number)
        os.close(self.fd)

    def edge(self, level: bool) -> None:
        kind = gpiod.EdgeEvent.Type.RISING_EDGE if level else gpiod.EdgeEvent.Type.FALLING_EDGE
        self._seqno = self.edges = self._seqno + 1
        event = gpiod.EdgeEvent(kind.value, 1_000, self._number, self._seqno, self._seqno)
        with self._guard:
            if len(self._waiting) < self._buffer:
                self._waiting.append(event)
        os.eventfd_write(self.fd, 1)


class Kernel:
    """Chips by path; each has the same eight lines."""

    def __init__(self, **labels: str) -> None:
        self.labels = labels
        self.lines = {number: Line() for number in range(8)}
        self.requests: dict[int, FakeRequest] = {}
        self.closed: list[str] = []
        self.denied = False

    def open(self, path: str) -> "FakeChip":
        if self.denied:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return FakeChip(self, Path(path).name)

    def configure(self, number: int, settings: gpiod.LineSettings) -> None:
        line = self.lines[number]
        line.settings = settings
        line.history.append(settings)
        line.driven = bool(settings.output_value)

    def drive(self, number: int, level: bool) -> None:
        line = self.lines[number]
        before = line.level()
        line.outside = level
        watched = line.settings.edge_detection is Edge.BOTH and number in self.requests
        if watched and line.level() != before:
            self.requests[number].edge(level)


class FakeChip:
    """What `gpiod.Chip` is to us."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self._kernel = kernel
        self._name = name

    def get_info(self) -> gpiod.ChipInfo:
        label = self._kernel.labels[self._name]
        return gpiod.ChipInfo(self._name, label, len(self._kernel.lines))

    def request_lines(
        self, config: Mapping[int, gpiod.LineSettings], consumer: str, event_buffer_size: int
    ) -> Request:
        assert consumer == "kitchen-gateway"
        ((number, settings),) = config.items()
        if self._kernel.lines[number].held:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self._kernel.lines[number].held = True
        self._kernel.requests[number] = FakeRequest(self._kernel, number, event_buffer_size)
        self._kernel.configure(number, settings)
        return self._kernel.requests[number]

    def close(self) -> None:
        self._kernel.closed.append(self._name)


LABEL = "pinctrl-bcm2711"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A folder of device files with two chips."""
    for name in ("gpiochip0", "gpiochip1", "null"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def kernel() -> Kernel:
    return Kernel(gpiochip0="raspberrypi-exp-gpio", gpiochip1=LABEL)


@pytest.fixture
def factory(kernel: Kernel, devices: Path) -> GpiodFactory:
    return GpiodFactory(LABEL, lambda: 5_000, kernel.open, devices)


@pytest.fixture
def pins(factory: GpiodFactory) -> Iterator[Pins]:
    pins = Pins(factory)
    factory.on_lost = pins.lost
    yield pins
    pins.close()


def test_the_chip_is_found_by_its_label_and_others_are_given_back(
    kernel: Kernel, factory: GpiodFactory
) -> None:
    assert kernel.closed == ["gpiochip0"]
    factory.close()
    assert kernel.closed == ["gpiochip0", "gpiochip1"]


def test_a_label_that_no_chip_has_says_which_there_are(kernel: Kernel, devices: Path) -> None:
    with pytest.raises(WrongDevice) as caught:
        GpiodFactory("pinctrl-rp1", lambda: 0, kernel.open, devices)
    assert str(caught.value) == (
        'no GPIO chip is labelled "pinctrl-rp1": correct `chip`; there are: '
        "raspberrypi-exp-gpio, pinctrl-bcm2711"
    )
    assert kernel.closed == ["gpiochip0", "gpiochip1"]


def test_a_machine_without_pins_and_a_user_without_rights_are_told(
    kernel: Kernel, devices: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BusError, match="no GPIO pins"):
        GpiodFactory(LABEL, lambda: 0, devices=tmp_path / "empty")
    kernel.denied = True
    with pytest.raises(BusError, match="group gpio"):
        GpiodFactory(LABEL, lambda: 0, kernel.open, devices)


def test_what_is_no_chip_is_no_chip_for_the_real_library_either(devices: Path) -> None:
    with pytest.raises(WrongDevice, match=r"gpiochip0 \(.+\), gpiochip1"):
        GpiodFactory(LABEL, lambda: 0, devices=devices)


@pytest.mark.parametrize(
    ("active_high", "initial", "level"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, False)],
)
def test_an_output_has_its_level_from_its_first_moment(
    kernel: Kernel, pins: Pins, active_high: bool, initial: bool, level: bool
) -> None:
    pin = pins.output(5, active_high=active_high, initial=initial)
    first = kernel.lines[5].history[0]
    assert (first.direction, bool(first.output_value)) == (Direction.OUTPUT, level)
    assert len(kernel.lines[5].history) == 1
    assert pin.read() is level


def test_an_output_is_read_back_from_the_line(kernel: Kernel, pins: Pins) -> None:
    pin = pins.output(5, active_high=True, initial=False)
    pin.write(True)
    assert kernel.lines[5].driven is True
    kernel.lines[5].driven = False  # somebody pulls it down
    assert pin.read() is False


def test_closing_leaves_inputs_that_nobody_drives(kernel: Kernel, pins: Pins) -> None:
    pins.output(5, active_high=True, initial=True)
    pins.close()
    assert kernel.lines[5].settings.direction is Direction.INPUT
    assert not kernel.lines[5].held
    pins.close()


@pytest.mark.parametrize(
    ("pull", "bias"), [("up", Bias.PULL_UP), ("down", Bias.PULL_DOWN), ("none", Bias.DISABLED)]
)
def test_a_watched_pin_has_its_resistor_and_both_edges(
    kernel: Kernel, pins: Pins, pull: str, bias: Bias
) -> None:
    pins.watch(4, pull, lambda level: None)  # type: ignore[arg-type]
    settings = kernel.lines[4].settings
    assert (settings.direction, settings.bias, settings.edge_detection) == (
        Direction.INPUT, bias, Edge.BOTH
    )  # fmt: skip


def test_edges_are_told_in_order(kernel: Kernel, pins: Pins) -> None:
    seen: list[bool] = []
    pins.watch(4, "up", seen.append)
    assert seen == [True]
    for level in (False, True, False):
        kernel.drive(4, level)
        wait_for(lambda: len(seen) == 1 + kernel.requests[4].edges)
    assert seen == [True, False, True, False]


def test_edges_that_were_lost_are_counted_and_the_last_level_is_the_true_one(
    kernel: Kernel, factory: GpiodFactory, pins: Pins, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bool] = []
    pins.watch(4, "up", seen.append)
    pin = factory.pin(4)
    with pin._turn:  # the thread of the edges is late
        for _ in range(500):
            kernel.drive(4, False)
            kernel.drive(4, True)
        kernel.drive(4, False)
    wait_for(lambda: len(seen) > 1 and seen[-1] is False)
    kernel.drive(4, True)
    wait_for(lambda: seen[-1] is True)
    wait_for(lambda: factory.lost_edges == 1001 - 256)
    assert caplog.text.count("too fast") == 1


def test_a_line_that_is_taken_or_not_there_is_for_the_config(kernel: Kernel, pins: Pins) -> None:
    kernel.lines[6].held = True
    with pytest.raises(WrongDevice, match=r"pin 6: .*held by the kernel or a program"):
        pins.output(6, active_high=True, initial=False)
    with pytest.raises(WrongDevice, match=r"pin 99: .*lines 0 to 7.*config"):
        pins.watch(99, "up", lambda level: None)
    pins.watch(4, "up", lambda level: None)
    with pytest.raises(WrongDevice, match=r"pin 4.*in use"):
        pins.output(4, active_high=True, initial=False)


def test_a_pin_with_a_soldered_resistor_refuses_the_other_pull(pins: Pins) -> None:
    with pytest.raises(WrongDevice, match=r"pin 2: .*soldered pull-up"):
        pins.watch(2, "down", lambda level: None)


class Ear:
    """Hears on the loop, as a listener does."""

    def __init__(self) -> None:
        self.heard: list[bool] = []
        self.failed: list[DriverError] = []

    def hear(self, message: bool) -> None:
        self.heard.append(message)

    def fail(self, error: DriverError) -> None:
        self.failed.append(error)

    def edges(self) -> Callable[[bool], None]:
        loop = asyncio.get_running_loop()

        def tell(level: bool) -> None:
            loop.call_soon_threadsafe(self.hear, level)

        return tell

    def reads(self, level: Callable[[], bool]) -> None:
        self.level = level


async def test_a_line_that_can_no_longer_be_read_is_not_a_last_level(
    kernel: Kernel, pins: Pins
) -> None:
    ear = Ear()
    pins.listen(SimpleNamespace(pin=4, pull="up"), ear)
    kernel.requests[4].gone = True
    kernel.drive(4, False)
    async with asyncio.timeout(PATIENCE_S):
        while not ear.failed:
            await asyncio.sleep(0.001)
    assert "pin 4" in str(ear.failed[0])
    assert ear.heard == [True]
