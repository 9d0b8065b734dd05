"""Devices and switches of the site's broker come and go by reload, and the link to it stands."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.buses.mqtt import Broker as Address
from gateway.buses.mqtt import Link, Message
from gateway.clock import SystemClock
from tests.conftest import BrokerFactory
from tests.processes import Daemon
from tests.store_files import until
from tests.test_life_cycle import events, values

BARE = """
site: {{label: LAN, zone: UTC}}
web: {{listen: 127.0.0.1}}
buses: {{lan: {{kind: mqtt, url: "{url}"}}}}
devices:
  fridge: {{driver: mqtt, bus: lan, topic: k/fridge, metrics: {{v: {{path: $.v, unit: Cel}}}}}}
"""
FULL = (
    BARE
    + """
  oven: {{driver: mqtt, bus: lan, topic: k/oven, metrics: {{v: {{path: $.v, unit: Cel}}}}}}
actuators:
  plug:
    driver: mqtt_switch
    bus: lan
    topic: k/plug
    fail_safe: {{safe: off, on_sensor_loss: hold, max_on: 0s}}
rules:
  hot: {{kind: limit, point: oven/v, raise_above: 200 °C, clear_below: 180 °C, on_bad: hold,
        priority: high, then: [{{command: plug, value: on}}]}}
"""
)


class Floor:
    """What stands on the kitchen floor: it sends readings, and hears what the plug is told."""

    def __init__(self, url: str) -> None:
        self.link = Link(Address.from_url(url), "floor", SystemClock())
        self.told: list[bytes] = []
        self.taken: list[int] = []
        self.unheard: list[int] = []
        self.link.on_message = self._hear
        self.link.on_puback = self.taken.append
        self.link.on_refused = lambda mid, _code: self.unheard.append(mid)

    async def begin(self) -> None:
        await self.link.connect()
        await self.link.subscribe(["k/plug"])

    def _hear(self, message: Message) -> None:
        self.told.append(message.payload)

    async def send(self, topic: str, value: float) -> bool:
        """Send a reading; whether anybody has subscribed to it."""
        mid = self.link.publish(topic, b'{"v":%g}' % value)
        await until(lambda: mid in self.taken or mid in self.unheard)
        return mid in self.taken


async def seen(daemon: Daemon, look: Callable[[], object]) -> None:
    """Wait for what the daemon does, while the floor goes on."""
    await asyncio.to_thread(daemon.wait_until, look)


@pytest.mark.timeout(1_200)
async def test_devices_and_switches_of_the_lan_come_and_go_and_the_link_stands(
    tmp_path: Path, mosquitto: BrokerFactory
) -> None:
    broker = mosquitto()
    bare, full = BARE.format(url=broker.url), FULL.format(url=broker.url)
    floor, daemon = Floor(broker.url), Daemon(tmp_path, bare)
    await floor.begin()
    try:
        await asyncio.to_thread(daemon.start)
        token = await asyncio.to_thread(daemon.create_token, "manager")

        async def take_over(text: str) -> None:
            daemon.config.write_text(text)
            status, said = await asyncio.to_thread(daemon.reload, token)
            assert (status, said["result"], said["problems"]) == (200, "applied", [])

        await seen(daemon, lambda: "bus lan: connected" in daemon.log)
        assert await floor.send("k/fridge", 4)
        assert not await floor.send("k/oven", 190), "nobody knows it yet"

        await take_over(full)
        await until(lambda: floor.told == [b"OFF"])  # where its slots say that it belongs
        assert await floor.send("k/oven", 210)
        await until(lambda: floor.told == [b"OFF", b"ON"])
        await seen(daemon, lambda: 210 in values(daemon, "oven/v"))

        await take_over(bare)
        await until(lambda: floor.told == [b"OFF", b"ON", b"OFF"])  # safe before it is let go
        await seen(daemon, lambda: values(daemon, "oven/v")[-1] is None)
        while await floor.send("k/oven", 220):
            await asyncio.sleep(0.01)  # its subscription is being ended
        assert await floor.send("k/fridge", 5)
        await seen(daemon, lambda: values(daemon, "fridge/v")[-1] == 5)
        assert not {210, 220} & set(values(daemon, "fridge/v"))
        assert 220 not in values(daemon, "oven/v")

        await take_over(full)  # and back
        assert await floor.send("k/oven", 230)
        await seen(daemon, lambda: values(daemon, "oven/v")[-1] == 230)
        await until(lambda: floor.told[-1] == b"ON")
        await asyncio.to_thread(daemon.wait_well)
        assert daemon.log.count("bus lan: connected") == 1
        assert await asyncio.to_thread(daemon.stop) == 0
        assert "Traceback" not in daemon.log
    finally:
        daemon.kill()
    await until(lambda: floor.told[-1] == b"OFF")
    drives = [event["value"] for event in events(daemon, "command") if event["actuator"] == "plug"]
    assert True in drives
    await floor.link.close()
