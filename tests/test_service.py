"""What systemd hears over a real datagram socket, and when it hears nothing any more."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app import STORE_HANG_MS, Gateway, Options
from gateway.config.load import load
from gateway.service import Service
from tests.fakes import ManualClock
from tests.store_files import open_store, until

WATCHDOG_S = 30.0


class Systemd:
    """The far end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}

    def heard(self) -> list[str]:
        """Everything said since the last time."""
        messages = []
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(self._socket.recv(4096).decode())
        return messages

    def vanish(self) -> None:
        self._socket.close()
        Path(self.address).unlink(missing_ok=True)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    listening = Systemd(str(tmp_path / "notify"))
    yield listening
    listening.close()


def test_what_is_told_arrives_as_one_datagram_each(systemd: Systemd) -> None:
    service = Service(systemd.environment)
    service.tell("READY=1")
    service.tell("STOPPING=1")
    assert systemd.heard() == ["READY=1", "STOPPING=1"]
    service.close()


def test_an_abstract_socket_will_do() -> None:
    systemd = Systemd(f"@kitchen-gateway-test-{os.getpid()}")
    service = Service(systemd.environment)
    service.tell("READY=1")
    assert systemd.heard() == ["READY=1"]
    service.close()
    systemd.close()


def test_without_systemd_nothing_is_told_and_nothing_fails() -> None:
    service = Service({})
    service.tell("READY=1")
    assert service.watchdog_s == 0


def test_a_socket_that_vanishes_and_comes_back_is_used_again(systemd: Systemd) -> None:
    service = Service(systemd.environment)
    systemd.vanish()
    service.tell("WATCHDOG=1")
    again = Systemd(systemd.address)
    service.tell("WATCHDOG=1")
    assert again.heard() == ["WATCHDOG=1"]
    service.close()
    again.close()


def test_nobody_reading_the_socket_stops_nobody_here(systemd: Systemd) -> None:
    service = Service(systemd.environment)
    for _ in range(10_000):
        service.tell("WATCHDOG=1")
    assert len(systemd.heard()) < 10_000
    service.close()


def test_a_watchdog_meant_for_another_process_is_not_fed(systemd: Systemd) -> None:
    service = Service(systemd.environment | {"WATCHDOG_PID": "1"})
    assert service.watchdog_s == 0
    service.close()
    service = Service(systemd.environment | {"WATCHDOG_PID": str(os.getpid())})
    assert service.watchdog_s == WATCHDOG_S
    service.close()


async def test_the_watchdog_is_fed_three_times_in_its_time(systemd: Systemd) -> None:
    clock = ManualClock()
    service = Service(systemd.environment)
    feeding = asyncio.create_task(service.feed(clock, lambda: True))
    await clock.advance(int(WATCHDOG_S * 1000))
    assert systemd.heard() == ["WATCHDOG=1"] * 4  # the first at once
    feeding.cancel()
    service.close()


async def test_a_disk_that_hangs_stops_the_pings_and_one_that_answers_starts_them(
    systemd: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in systemd.environment.items():
        monkeypatch.setenv(name, value)
    clock = ManualClock()
    gateway = _gateway(tmp_path, clock)
    log, disk = gateway.store.log, threading.Event()
    tasks = [
        asyncio.create_task(log.run()),
        asyncio.create_task(gateway._service.feed(clock, gateway._alive)),
    ]
    await clock.advance(10_000)
    assert "WATCHDOG=1" in systemd.heard()
    await log.durable()  # nothing is under way any more

    hanging = asyncio.create_task(gateway.store.writer.call(lambda _: disk.wait()))
    log.event("test", {}, clock.now())  # a commit that waits behind it
    await clock.advance(STORE_HANG_MS + int(WATCHDOG_S * 1000))
    systemd.heard()
    await clock.advance(10 * int(WATCHDOG_S * 1000))
    assert systemd.heard() == []

    disk.set()
    await hanging
    await until(lambda: log.counters.events == 1)
    await clock.advance(int(WATCHDOG_S * 1000))
    assert "WATCHDOG=1" in systemd.heard()
    for task in tasks:
        task.cancel()
    gateway.store.close()
    gateway._service.close()


async def test_a_disk_that_refuses_is_no_reason_to_be_restarted(
    systemd: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in systemd.environment.items():
        monkeypatch.setenv(name, value)
    clock = ManualClock()
    gateway = _gateway(tmp_path, clock)
    await gateway.store.writer.call(lambda disk: disk.execute("PRAGMA query_only = ON"))
    log = gateway.store.log
    tasks = [
        asyncio.create_task(log.run()),
        asyncio.create_task(gateway._service.feed(clock, gateway._alive)),
    ]
    log.event("test", {}, clock.now())
    for failures in range(1, 30):
        await until(lambda: log.counters.failures >= failures)  # noqa: B023 - used at once
        await clock.advance(5_000)
    assert gateway.status() != "running"
    systemd.heard()
    await clock.advance(int(WATCHDOG_S * 1000))
    assert "WATCHDOG=1" in systemd.heard()
    for task in tasks:
        task.cancel()
    gateway.store.close()
    gateway._service.close()


def _gateway(folder: Path, clock: ManualClock) -> Gateway:
    file = folder / "config.yaml"
    file.write_text("site: {label: Test, zone: UTC}\n")
    loaded = load(file)
    gateway = Gateway(file, open_store(folder / "data", clock), clock, Options())
    gateway.changeover.begin(loaded)
    return gateway
