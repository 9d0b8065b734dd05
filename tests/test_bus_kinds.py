"""Kinds of bus: what the configuration says of them, and a kitchen of real ports and files."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.emulated import ds18b20, mhz19, pzem004t
from drivers.pzem004t import Options as MeterOptions
from gateway.buses import kinds
from gateway.buses.serial import _Adapter
from gateway.config import describe
from gateway.config.load import load
from gateway.emulation import emulate
from gateway.equipment import Builder, Equipment
from gateway.hub import Hub
from gateway.points import points_of
from gateway.reading import Quality
from gateway.sampling import Sampled, read_once
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S
from tests.processes import Daemon

PROBE = "28-0000075a1b2c"
SITE = "site: {label: Wires, zone: UTC}\n"


def problems(folder: Path, text: str) -> str:
    (folder / "config.yaml").write_text(SITE + text)
    return describe.problems(load(folder / "config.yaml").problems)


@pytest.mark.parametrize("name", sorted(kinds.MODULES))
def test_every_kind_can_be_opened_and_emulated(name: str, tmp_path: Path) -> None:
    kind = kinds.kind(name)
    host = kinds.Host(ManualClock(), tmp_path)
    assert {"Options", "open_bus", "emulate_bus"} <= set(vars(kind))
    kind.emulate_bus(host).close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("buses: {a: {kind: seriel, path: x}}", 'did you mean "serial"?'),
        ("buses: {a: {path: x}}", '"kind" is missing: gpio, i2c, mqtt'),
        ("buses: {a: {kind: 5}}", "buses.a.kind: "),
        ("buses: {a: {kind: serial}}", '"path" is missing, such as /dev/serial0'),
        ("buses: {a: {kind: serial, path: x, baud: 9601}}", "buses.a.baud: got"),
        ("buses: {a: {kind: onewire, baud: 9600}}", "buses.a.baud: got the unknown key"),
        ("buses: {a: {kind: serial, path: x}, b: {kind: serial, path: x}}", 'the bus "a" already'),
        ("buses: {a: {kind: onewire}, b: {kind: onewire}}", 'w1/devices is the bus "a" already'),
        ("buses: {a: 5}", "expected keys and values"),
    ],
)
def test_a_bus_that_cannot_be_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    found = problems(tmp_path, text)
    assert said in found
    assert found.count("\n") == 0


DEVICES = """
buses: {{line: {{kind: serial, path: /dev/serial0}}, wire: {{kind: onewire}}}}
devices:
  {0}
  {1}
"""


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("a: {driver: pzem004t, bus: line}", "b: {driver: pzem004t, bus: line, address: 2}",
         'devices.b.bus: "a" has no address of its own and must be alone on "line"'),
        ("a: {driver: pzem004t, bus: line, address: 2}", "b: {driver: mhz19, bus: line}",
         'devices.b.bus: "b" has no address of its own'),
        ("a: {driver: pzem004t, bus: line, address: 2}",
         "b: {driver: pzem004t, bus: line, address: 2}", 'taken by "a"'),
        ("a: {driver: ds18b20, bus: wire, address: 28-0000075a1b2c}",
         "b: {driver: ds18b20, bus: wire, address: 28-0000075a1b2c}",
         'devices.b.address: address 28-0000075a1b2c of bus "wire" is taken by "a"'),
        ("a: {driver: ds18b20, bus: wire}", "", '"address" is missing'),
        ("a: {driver: ds18b20, bus: wire, address: 28-1}", "", "devices.a: address: got"),
        ("a: {driver: pzem004t, bus: line, address: 248}", "", ""),
        ("a: {driver: pzem004t, bus: line, address: 249}", "", "expected 1 to 247"),
        ("a: {driver: mhz19, bus: line, range: 3000}", "", "devices.a.range: got"),
    ],
)  # fmt: skip
def test_devices_that_share_a_wire_are_checked(
    tmp_path: Path, first: str, second: str, said: str
) -> None:
    found = problems(tmp_path, DEVICES.format(first, second))
    assert said in found
    assert bool(found) == bool(said)


def test_a_probe_waits_for_the_others_of_its_wire_before_it_is_given_up(tmp_path: Path) -> None:
    text = DEVICES.format(f"a: {{driver: ds18b20, bus: wire, address: {PROBE}, every: 30s}}", "")
    assert problems(tmp_path, text) == ""
    config = load(tmp_path / "config.yaml").config
    assert config is not None
    assert config.devices["a"].deadline_s == 10.0


KITCHEN = """
buses:
  meter: {{kind: serial, path: {0}/usb-meter}}
  air: {{kind: serial, path: {0}/usb-air}}
  wire: {{kind: onewire, path: {0}/w1}}
devices:
  mains: {{driver: pzem004t, bus: meter}}
  room: {{driver: mhz19, bus: air}}
  freezer: {{driver: ds18b20, bus: wire, address: 28-0000075a1b2c}}
"""

FELT: dict[str, float] = {
    "voltage": 230.0, "current": 3.1, "power": 640.0, "energy": 70_000.0, "frequency": 60.0,
    "power_factor": 0.9, "co2": 800.0, "temperature": -18.0,
}  # fmt: skip


class Kitchen:
    """A kitchen without emulation: ports by name as udev gives them, and the kernel's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock()
        feel, now_ms = FELT.__getitem__, self.clock.now
        self.meter = pzem004t.Chip(MeterOptions(), feel, now_ms=now_ms)
        self.air = mhz19.Chip(None, feel, now_ms=now_ms)
        self.adapters: dict[str, _Adapter] = {}
        self.plug("usb-meter", self.meter)
        self.plug("usb-air", self.air)
        self.probe = folder / "w1" / PROBE / "w1_slave"
        self.probe.parent.mkdir(parents=True)
        body = (-18 * 16).to_bytes(2, "little", signed=True) + bytes.fromhex("4b467fff1010")
        frame = (body + bytes([ds18b20.remainder(body)])).hex(" ")
        self.text = f"{frame} : crc={frame[-2:]} YES\n{frame} t=-18000\n".encode()
        self.probe.write_bytes(self.text)
        assert problems(folder, KITCHEN.format(folder)) == ""
        config = load(folder / "config.yaml").config
        assert config is not None
        self.hub = Hub(self.clock.now())
        points = {point.id: point for point in points_of(config)}
        self.equipment = Builder(config, points, self.hub, self.clock, None).build()

    def plug(self, name: str, chip: pzem004t.Chip | mhz19.Chip) -> None:
        self.adapters[name] = _Adapter([chip])
        (self.folder / name).symlink_to(self.adapters[name].path)

    def pull(self, name: str) -> None:
        (self.folder / name).unlink()
        self.adapters.pop(name).close()

    def sampled(self, device: str) -> Sampled:
        return next(each for each in self.equipment.sampled if each.state.id == device)

    async def read(self, device: str, metric: str) -> object:
        await read_once(self.sampled(device), self.clock, forced=True)
        reading = self.hub.latest[f"{device}/{metric}"]
        return reading.value if reading.value is not None else reading.quality

    def trouble(self, device: str) -> str:
        return self.equipment.states[device].trouble or ""

    def close(self) -> None:
        self.equipment.close()
        for name in list(self.adapters):
            self.pull(name)


@pytest.fixture
def kitchen(tmp_path: Path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path)
    yield kitchen
    kitchen.close()


async def test_real_ports_and_files_become_readings(kitchen: Kitchen) -> None:
    assert await kitchen.read("mains", "voltage") == pytest.approx(230, rel=0.01)
    assert await kitchen.read("freezer", "temperature") == -18.0
    assert await kitchen.read("room", "co2") is Quality.NOT_STARTED
    kitchen.clock.pause(75)
    assert await kitchen.read("room", "co2") == pytest.approx(800, abs=50)
    assert kitchen.trouble("mains") == kitchen.trouble("freezer") == kitchen.trouble("room") == ""


async def test_a_pulled_adapter_is_bad_and_said_once_and_back_under_its_name(
    kitchen: Kitchen, caplog: pytest.LogCaptureFixture
) -> None:
    await kitchen.read("mains", "voltage")
    kitchen.pull("usb-meter")
    for _ in range(3):
        assert await kitchen.read("mains", "voltage") is Quality.NO_COMMUNICATION
    assert caplog.text.count("mains: lost") == 1
    assert "there is no such port" in kitchen.trouble("mains")
    kitchen.plug("usb-meter", kitchen.meter)
    assert await kitchen.read("mains", "voltage") == pytest.approx(230, rel=0.01)
    assert caplog.text.count("mains: back") == 1


async def test_a_file_that_vanishes_is_bad_and_comes_back(kitchen: Kitchen) -> None:
    await kitchen.read("freezer", "temperature")
    kitchen.probe.write_bytes(b"")
    assert await kitchen.read("freezer", "temperature") is Quality.SENSOR_FAILURE
    kitchen.probe.unlink()
    assert await kitchen.read("freezer", "temperature") is Quality.NO_COMMUNICATION
    kitchen.probe.write_bytes(kitchen.text)
    assert await kitchen.read("freezer", "temperature") == -18.0


async def test_a_hung_serial_device_delays_no_other_bus(kitchen: Kitchen) -> None:
    entered, released = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        released.wait(PATIENCE_S)

    kitchen.air.faults.hang = hang
    reading = asyncio.create_task(kitchen.read("room", "co2"))
    await asyncio.to_thread(entered.wait, PATIENCE_S)
    assert await kitchen.read("mains", "voltage") == pytest.approx(230, rel=0.01)
    assert await kitchen.read("freezer", "temperature") == -18.0
    assert await reading is Quality.NO_COMMUNICATION
    kitchen.air.faults.hang = None
    released.set()


EMULATED = """
buses: {wire: {kind: onewire}, line: {kind: serial, path: /dev/serial0}}
devices:
  probe: {driver: ds18b20, bus: wire, address: 28-0000075a1b2c}
  other: {driver: ds18b20, bus: wire, address: 28-00000000aaaa}
emulation: {seed: 3, places: {probe: cold_room, other: kitchen}}
"""


async def test_the_emulated_kitchen_has_the_twin_of_every_kind(tmp_path: Path) -> None:
    assert problems(tmp_path, EMULATED) == ""
    config = load(tmp_path / "config.yaml").config
    assert config is not None
    assert config.emulation is not None
    clock = ManualClock()
    emulated = emulate(config, config.emulation, clock, "normal")
    hub = Hub(clock.now())
    points = {point.id: point for point in points_of(config)}
    equipment: Equipment = Builder(config, points, hub, clock, emulated).build()
    for device in equipment.sampled:
        await read_once(device, clock)
    truth: Callable[[str, str], float | bool] = emulated.world.feel
    for name, place in (("probe", "cold_room"), ("other", "kitchen")):
        felt = truth(place, "temperature")
        assert hub.latest[f"{name}/temperature"].value == pytest.approx(felt, abs=0.2)
    equipment.close()
    assert not emulated.buses["wire"].folder.exists()


def test_without_hardware_every_device_is_lost_by_name_and_the_gateway_runs(tmp_path: Path) -> None:
    config = """
site: {label: Bare, zone: UTC}
buses:
  i2c: {kind: i2c, path: /dev/i2c-99}
  pins: {kind: gpio, chip: no-such-chip}
  wires: {kind: onewire, path: /nowhere/w1}
devices:
  walk_in: {driver: sht3x, bus: i2c, address: 0x44, every: 1s}
  door: {driver: contact, bus: pins, pin: 17}
  freezer: {driver: ds18b20, bus: wires, address: 28-0123456789ab, every: 5s}
actuators:
  siren: {driver: relay, bus: pins, pin: 24,
          fail_safe: {safe: off, on_sensor_loss: hold, max_on: 1min}}
"""
    with Daemon(tmp_path, config) as daemon:

        def lost() -> set[str]:
            troubles = daemon.health()["troubles"]
            return {trouble.partition(":")[0] for trouble in troubles}

        daemon.wait_until(lambda: lost() >= {"walk_in", "door", "freezer", "siren"})
        assert daemon.health()["status"] == "degraded"
        assert "Traceback" not in daemon.log
