"""Commands of the cloud to a running gateway, over a real broker, through kills and repeats."""

import asyncio
import base64
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.buses.mqtt import Broker, Link, Message
from gateway.clock import SystemClock
from gateway.sync.commands import canonical
from gateway.sync.protocol import unpack
from tests.broker import Broker as Mosquitto
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY, Daemon

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
HOME = "kg/v1/demo/gw/one"

# The gateway's own machine may have no network time; what it then does is tested elsewhere.
SYNCED = "import gateway.clock\ngateway.clock._kernel_synchronised = lambda: True\n"
CONFIG = """
site: {{label: Remote, zone: UTC}}
buses: {{lan: {{kind: mqtt, url: "{url}"}}}}
actuators:
  fan:
    driver: mqtt_switch
    bus: lan
    topic: lan/fan/set
    state_topic: lan/fan
    fail_safe: {{safe: off, on_sensor_loss: hold, max_on: 0s, deadline: 60s}}
cloud: {{url: "{url}", tenant: demo, gateway: one, confirm: puback{key}}}
"""


class Cloud:
    """The far end of `cmd` and `res`, and the fan on the LAN; `honest` while the fan answers."""

    def __init__(self, url: str) -> None:
        self.link = Link(Broker.from_url(url), "cloud", SystemClock())
        self.link.on_message = self._hear
        self.answers: list[dict[str, Any]] = []
        self.told: list[str] = []  # to the fan
        self.events: list[dict[str, Any]] = []
        self.retained: list[bytes] = []
        self.honest = True

    async def start(self) -> None:
        await self.link.connect()
        await self.link.subscribe([f"{HOME}/res", f"{HOME}/ev", f"{HOME}/st", "lan/fan/set"])

    def _hear(self, message: Message) -> None:
        if message.topic == "lan/fan/set":
            self.told.append(message.payload.decode())
            if self.honest:
                self.link.publish("lan/fan", message.payload)
            return
        body = json.loads(unpack(message.payload))
        if message.topic.endswith("/res"):
            self.answers.append(body)
        elif message.topic.endswith("/ev"):
            self.events += body["rows"]

    def command(self, command_id: str, **change: Any) -> dict[str, Any]:  # noqa: ANN401
        now = int(time.time() * 1000)
        body = {
            "v": 1, "id": command_id, "to": "demo/one", "op": "actuator.set", "dev": "fan",
            "args": {"value": True}, "ts": now, "exp": now + 30_000, "by": "mina@demo",
            "role": "manager",
        } | change  # fmt: skip
        return body | {"sig": base64.b64encode(KEY.sign(canonical(body))).decode()}

    def send(self, body: dict[str, Any], *, retain: bool = False) -> None:
        self.link.publish(f"{HOME}/cmd", json.dumps(body).encode(), retain=retain)

    def states(self, command_id: str) -> list[str]:
        return [answer["state"] for answer in self.answers if answer["id"] == command_id]

    async def last(self, command_id: str, state: str) -> dict[str, Any]:
        """The newest answer to a command, once it says so."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.states(command_id) or self.states(command_id)[-1] != state:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            pytest.fail(f"{command_id} is not {state}: {self.answers}, the fan heard {self.told}")
        return next(it for it in reversed(self.answers) if it["id"] == command_id)


def daemon_of(folder: Path, broker: Mosquitto, key: str = f", command_key: {PUBLIC}") -> Daemon:
    clock = folder / "clock"
    clock.mkdir(exist_ok=True)
    (clock / "sitecustomize.py").write_text(SYNCED)
    path = os.pathsep.join([str(clock), str(REPOSITORY)])
    text = CONFIG.format(url=broker.url, key=key)
    return Daemon(folder / "site", text, environment={"PYTHONPATH": path})


@asynccontextmanager
async def cloud_and_gateway(
    folder: Path, broker: Mosquitto, **options: str
) -> AsyncIterator[tuple[Cloud, Daemon]]:
    cloud = Cloud(broker.url)
    await cloud.start()
    daemon = daemon_of(folder, broker, **options)
    try:
        await asyncio.to_thread(daemon.start)
        await asyncio.to_thread(daemon.wait_line, "cloud: connected")
        yield cloud, daemon
    finally:
        daemon.kill()
        await cloud.link.close()


async def test_a_signed_command_is_done_once_and_told_in_stages(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    async with cloud_and_gateway(tmp_path, mosquitto()) as (cloud, _daemon):
        cloud.send(cloud.command("command-01"))
        done = await cloud.last("command-01", "succeeded")
        assert cloud.states("command-01") == ["accepted", "running", "succeeded"]
        assert (done["dup"], done["v"]) == (False, 1)
        cloud.send(cloud.command("command-01"))
        async with asyncio.timeout(PATIENCE_S):
            while not (again := cloud.answers[-1])["dup"]:
                await asyncio.sleep(0.01)
        assert (again["id"], again["state"]) == ("command-01", "succeeded")
        assert cloud.told.count("ON") == 1
        cloud.send(cloud.command("command-02", op="actuator.release", args={}))
        await cloud.last("command-02", "succeeded")
        async with asyncio.timeout(PATIENCE_S):
            while cloud.told[-1] != "OFF":
                await asyncio.sleep(0.01)


async def test_a_kill_between_accepted_and_succeeded_is_told_as_unknown_and_not_done_again(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    async with cloud_and_gateway(tmp_path, mosquitto()) as (cloud, daemon):
        cloud.honest = False
        command = cloud.command("command-01")
        cloud.send(command)
        await cloud.last("command-01", "running")
        await asyncio.to_thread(daemon.kill)
        on_before = cloud.told.count("ON")
        assert on_before == 1
        cloud.honest = True
        await asyncio.to_thread(daemon.start)
        ended = await cloud.last("command-01", "failed")
        assert ended["code"] == "unknown"
        known = len(cloud.answers)
        cloud.send(command)
        async with asyncio.timeout(PATIENCE_S):
            while len(cloud.answers) == known:
                await asyncio.sleep(0.01)
        again = cloud.answers[-1]
        assert (again["state"], again["code"], again["dup"]) == ("failed", "unknown", True)
        assert cloud.told.count("ON") == on_before
        cloud.send(cloud.command("command-02"))
        await cloud.last("command-02", "succeeded")
        async with asyncio.timeout(PATIENCE_S):
            while not any(_ended(row, "command-02") for row in cloud.events):
                await asyncio.sleep(0.01)


def _ended(row: dict[str, Any], command_id: str) -> bool:
    data = row["d"]
    ended = (row["k"], data.get("id"), data.get("state"))
    return ended == ("order", command_id, "succeeded")


def forged(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"role": "admin"}


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("expired", {"ts": 1_000, "exp": 31_000}, "expired", "expired"),
    ("too early", {"ts": 4_102_444_800_000, "exp": 4_102_444_830_000}, "rejected", "too_early"),
    ("another", {"to": "demo/two"}, "rejected", "wrong_gateway"),
    ("nobody", {"dev": "gas_valve"}, "rejected", "unknown_actuator"),
    ("viewer", {"role": "viewer"}, "rejected", "role"),
    ("staff", {"role": "staff", "args": {"value": True, "slot": 1}}, "rejected", "role"),
    ("slot", {"args": {"value": True, "slot": 2}}, "rejected", "malformed"),
    ("too long", {"args": {"value": True, "for": 90_000}}, "rejected", "malformed"),
    ("condition", {"if": {"cfg": "000000000000"}}, "rejected", "condition"),
    ("nothing", {"op": "actuator.release", "args": {}}, "rejected", "not_held"),
    ("operation", {"op": "shell.run"}, "rejected", "malformed"),
]


async def test_what_must_not_be_done_is_refused_with_its_reason(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    async with cloud_and_gateway(tmp_path, mosquitto()) as (cloud, daemon):
        for number, (_name, change, _state, _code) in enumerate(BAD):
            cloud.send(cloud.command(f"command-{number:02}", **change))
        cloud.send(forged(cloud.command("forged-00")))
        cloud.link.publish(f"{HOME}/cmd", b"[" * 4_000)
        cloud.link.publish(f"{HOME}/cmd", b" " * 100_000)
        for number, (name, _change, state, code) in enumerate(BAD):
            answer = await cloud.last(f"command-{number:02}", state)
            assert answer["code"] == code, name
        assert (await cloud.last("forged-00", "rejected"))["code"] == "signature"
        cloud.send(cloud.command("good-0001"))
        await cloud.last("good-0001", "succeeded")
        assert "ON" in cloud.told
        assert daemon.running


async def test_commands_are_taken_in_the_order_they_come(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    async with cloud_and_gateway(tmp_path, mosquitto()) as (cloud, _daemon):
        for turn in range(4):
            sent = [f"turn-{turn}-{number:02}" for number in range(12)]
            for number, command_id in enumerate(sent):
                cloud.send(cloud.command(command_id, args={"value": number % 2 == 0}))
            await cloud.last(sent[-1], "succeeded")
            taken = [answer["id"] for answer in cloud.answers if answer["state"] == "accepted"]
            assert taken[-len(sent) :] == sent
            assert cloud.told[-1] == "OFF"


async def test_a_retained_command_is_refused_and_taken_off_the_broker(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto()
    early = Cloud(broker.url)
    await early.start()
    early.send(early.command("kept-0001"), retain=True)
    await early.link.close()
    async with cloud_and_gateway(tmp_path, broker) as (cloud, _daemon):
        cloud.send(cloud.command("good-0001", args={"value": False}))
        await cloud.last("good-0001", "succeeded")
        assert cloud.states("kept-0001") == []
        assert "ON" not in cloud.told
        seen: list[Message] = []
        late = Link(Broker.from_url(broker.url), "late", SystemClock())
        late.on_message = seen.append
        await late.connect()
        await late.subscribe([f"{HOME}/cmd", f"{HOME}/st"])
        async with asyncio.timeout(PATIENCE_S):
            while not any(message.topic.endswith("/st") for message in seen):
                await asyncio.sleep(0.01)
        assert [message.topic for message in seen if message.topic.endswith("/cmd")] == []
        await late.close()


@pytest.mark.parametrize("synced", [True, False])
async def test_without_a_key_or_the_time_nothing_can_be_ordered(
    mosquitto: BrokerFactory, tmp_path: Path, *, synced: bool
) -> None:
    key = "" if synced else f", command_key: {PUBLIC}"
    broker = mosquitto()
    if not synced:
        (tmp_path / "clock").mkdir()
    cloud = Cloud(broker.url)
    await cloud.start()
    daemon = daemon_of(tmp_path, broker, key)
    if not synced:
        unsynced = SYNCED.replace("True", "False") + "from pathlib import Path\n"
        unsynced += "gateway.clock._RTC = Path('/nonexistent')\n"
        (tmp_path / "clock" / "sitecustomize.py").write_text(unsynced)
    with daemon:
        await asyncio.to_thread(daemon.wait_line, "cloud: connected")
        cloud.send(cloud.command("command-01"))
        answer = await cloud.last("command-01", "rejected")
        assert answer["code"] == ("no_key" if synced else "no_clock")
        assert "ON" not in cloud.told
    await cloud.link.close()
