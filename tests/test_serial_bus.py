"""The serial bus on real pseudo-terminals: deadlines, pulled adapters, ports that are not there."""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.base import BusError
from gateway.buses.kinds import Mount
from gateway.buses.serial import EmulatedSerial, Options, SerialPort
from tests.lines import Cable
from tests.patience import PATIENCE_S


class Echo:
    """A chip that answers with what it hears."""

    def __init__(
        self, _options: object, _feel: object, *, now_ms: Callable[[], int], seed: int
    ) -> None:
        assert now_ms() == 0
        self.seed = seed

    def hear(self, data: bytes) -> bytes:
        return data


class Chatter(Echo):
    """A chip that also speaks by itself, and never stops."""

    speaking = True

    def speak(self) -> bytes:
        return b"news " * 400


@pytest.fixture
def line() -> Iterator[EmulatedSerial]:
    line = EmulatedSerial()
    line.mount(Echo, Mount(None, lambda quantity: 0.0, seed=1))
    yield line
    line.close()


@pytest.fixture
def cable() -> Iterator[Cable]:
    cable = Cable()
    yield cable
    cable.close()


def test_every_byte_goes_both_ways_unchanged(line: EmulatedSerial) -> None:
    sent = bytes(range(256))
    line.write(sent)
    assert line.read(256, PATIENCE_S) == sent


def test_a_chip_that_speaks_by_itself_is_heard_and_overrun_while_nobody_reads() -> None:
    line = EmulatedSerial()
    line.mount(Chatter, Mount(None, lambda quantity: 0.0, seed=1))
    line.write(b"x")
    assert b"news news " in line.read(100, 20.0)
    adapter = line._adapter
    assert adapter is not None
    while select.select([], [adapter._end], [], 0)[1]:  # until the line holds no more
        time.sleep(0.01)
    line.close()


def test_a_read_ends_with_what_there_is_when_its_time_is_over(line: EmulatedSerial) -> None:
    line.write(b"abc")
    assert line.read(3, PATIENCE_S) == b"abc"
    assert line.read(1, 0.02) == b""
    line.write(b"de")
    assert line.read(1, PATIENCE_S) == b"d"
    assert line.read(9, 0.02) == b"e"


def test_input_that_is_discarded_is_not_read(cable: Cable) -> None:
    here, there = SerialPort(cable.here), SerialPort(cable.there)
    there.discard_input()
    here.write(b"old, new")
    assert there.read(5, PATIENCE_S) == b"old, "
    here.write(b"more")
    assert there.read(3, PATIENCE_S) == b"new"
    assert there.read(1, PATIENCE_S) == b"m"
    there.discard_input()
    assert there.read(1, 0.02) == b""
    for port in (here, there):
        port.close()


def test_a_pulled_adapter_is_one_clear_line_and_works_again_when_it_is_back(
    line: EmulatedSerial,
) -> None:
    line.write(b"a")
    assert line.read(1, PATIENCE_S) == b"a"
    line.unplug()
    with pytest.raises(BusError, match=r"the port has gone: was its adapter unplugged\?"):
        line.read(1, PATIENCE_S)
    with pytest.raises(BusError, match="there is no such port"):
        line.write(b"b")
    line.plug()
    line.write(b"c")
    assert line.read(1, PATIENCE_S) == b"c"


def test_an_adapter_that_is_pulled_while_a_read_waits_ends_the_read(line: EmulatedSerial) -> None:
    line.write(b"a")
    assert line.read(1, PATIENCE_S) == b"a"
    said: list[str] = []

    def read() -> None:
        try:
            line.read(1, PATIENCE_S)
        except BusError as error:
            said.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    line.unplug()
    reader.join(PATIENCE_S)
    assert len(said) == 1
    assert "the port has gone" in said[0] or "no such port" in said[0]


@pytest.mark.parametrize("plugged", [0, 1, 6])
def test_a_port_that_is_not_there_says_which_are(tmp_path: Path, plugged: int) -> None:
    for number in range(plugged):
        (tmp_path / f"usb-FTDI_{number}-if00").touch()
    with pytest.raises(BusError) as caught:
        SerialPort("/dev/ttyNONE", by_id=tmp_path).read(1, 0.1)
    said = str(caught.value)
    assert said.startswith("/dev/ttyNONE: there is no such port: ")
    expected = {0: "no adapter is plugged in", 1: "usb-FTDI_0-if00", 6: "and 2 more"}
    assert expected[plugged] in said
    assert "\n" not in said


def test_what_is_no_serial_port_is_called_that(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BusError, match="no serial port"):
        SerialPort(str(tmp_path / "file")).read(1, 0.1)
    with pytest.raises(BusError, match=r"folder.*EISDIR"):
        SerialPort(str(tmp_path)).read(1, 0.1)


def test_a_port_that_another_program_holds_is_not_shared(cable: Cable) -> None:
    first, second = SerialPort(cable.here), SerialPort(cable.here)
    first.write(b"a")
    with pytest.raises(BusError, match="another program holds this port"):
        second.write(b"b")
    first.close()
    second.write(b"b")
    second.close()


def test_a_port_without_permission_names_the_group(cable: Cable) -> None:
    if os.geteuid() == 0:
        error = PermissionError(13, "Permission denied")
        assert "dialout" in SerialPort(cable.here)._why(error)
        return
    os.chmod(cable.here, 0)  # noqa: PTH101 - a device file
    with pytest.raises(BusError, match="dialout"):
        SerialPort(cable.here).write(b"a")


def test_a_chip_that_raises_is_silent_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Echo):
        def hear(self, data: bytes) -> bytes:
            raise ValueError(f"nothing to feel for {data!r}")

    line = EmulatedSerial()
    line.mount(Broken, Mount(None, lambda quantity: 0.0, seed=1))
    for _ in range(2):
        line.write(b"a")
        assert line.read(1, 0.1) == b""
    assert caplog.text.count("silent from now on") == 1
    line.close()


def test_the_path_is_what_two_buses_cannot_share() -> None:
    assert Options(path="/dev/serial0").wire == "/dev/serial0"
    with pytest.raises(ValueError, match='"path" is missing'):
        Options()
