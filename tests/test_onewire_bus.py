"""The 1-Wire bus: files of the kernel, devices that are not there, and the emulated twin."""

import os
from pathlib import Path

import pytest

from drivers.base import BusError
from gateway.buses.onewire import SIZE_MAX, EmulatedOneWire, OneWireFiles, Options
from tests.fakes import ManualClock

ADDRESS = "28-0000075a1b2c"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A folder as the kernel shows it, with one probe."""
    for name in (ADDRESS, "w1_bus_master1"):
        (tmp_path / name).mkdir()
    (tmp_path / ADDRESS / "w1_slave").write_bytes(b"text")
    return tmp_path


def test_a_file_is_read_whole(devices: Path) -> None:
    assert OneWireFiles(devices).read(ADDRESS, "w1_slave") == b"text"


def test_an_empty_file_is_empty_and_no_error(devices: Path) -> None:
    (devices / ADDRESS / "w1_slave").write_bytes(b"")
    assert OneWireFiles(devices).read(ADDRESS, "w1_slave") == b""


def test_no_more_is_read_than_the_kernel_ever_writes(devices: Path) -> None:
    (devices / ADDRESS / "w1_slave").write_bytes(b"x" * (SIZE_MAX + 1))
    assert len(OneWireFiles(devices).read(ADDRESS, "w1_slave")) == SIZE_MAX


def test_a_file_that_vanishes_is_no_communication_and_comes_back(devices: Path) -> None:
    bus, file = OneWireFiles(devices), devices / ADDRESS / "w1_slave"
    file.unlink()
    with pytest.raises(BusError, match=f"{ADDRESS} is not on the bus"):
        bus.read(ADDRESS, "w1_slave")
    file.write_bytes(b"again")
    assert bus.read(ADDRESS, "w1_slave") == b"again"


def test_a_probe_that_is_not_there_says_which_are(devices: Path) -> None:
    for number in range(10):
        (devices / f"28-00000000000{number}").mkdir()
    with pytest.raises(BusError) as caught:
        OneWireFiles(devices).read("28-ffffffffffff", "w1_slave")
    said = str(caught.value)
    assert "28-000000000000, 28-000000000001" in said
    assert "and 3 more" in said
    assert "w1_bus_master1" not in said


def test_a_bus_with_nothing_on_it_and_no_bus_at_all_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BusError, match="nothing else: check cable, supply, pull-up"):
        OneWireFiles(tmp_path).read(ADDRESS, "w1_slave")
    with pytest.raises(BusError, match=r"no 1-Wire bus here.*dtoverlay=w1-gpio"):
        OneWireFiles(tmp_path / "absent").read(ADDRESS, "w1_slave")


def test_an_error_of_the_kernel_is_a_bus_error(devices: Path) -> None:
    (devices / ADDRESS / "w1_slave").unlink()
    os.mkdir(devices / ADDRESS / "w1_slave")  # noqa: PTH102 - reading it fails, even for root
    with pytest.raises(BusError, match=f"{ADDRESS}: Is a directory .EISDIR"):
        OneWireFiles(devices).read(ADDRESS, "w1_slave")


def test_the_emulated_folder_goes_with_the_bus() -> None:
    clock = ManualClock()
    wire = EmulatedOneWire(clock.pause, clock.now)
    assert wire.folder.is_dir()
    wire.close()
    assert not wire.folder.exists()


def test_the_folder_of_the_kernel_is_the_default_wire() -> None:
    assert Options().wire == "/sys/bus/w1/devices"
