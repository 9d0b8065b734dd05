"""A secret is a reference: what it refers to reaches the broker, and no output of ours."""

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.buses.mqtt import Broker, Link, Message
from gateway.cli.dump import dump
from gateway.clock import SystemClock
from gateway.config.load import load
from gateway.config.secret import Secret, SecretError
from tests.broker import Settings
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_S
from tests.processes import Daemon

CANARY = "canary-7f3a9b-hunter2"
CONFIG = """
site: {{label: Secrets, zone: UTC}}
web: {{listen: 127.0.0.1}}
buses: {{i2c: {{kind: i2c, path: /dev/i2c-1}}}}
devices: {{cold: {{driver: sht3x, bus: i2c, address: 0x44, every: 200ms}}}}
cloud:
  url: "{url}"
  tenant: demo
  gateway: one
  confirm: puback
  username: gateway
  password: {password}
emulation: {{seed: 1}}
"""


def keep(folder: Path, name: str = "mqtt") -> Path:
    file = folder / "secrets" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CANARY + "\n")
    file.chmod(0o600)
    return file


def answer(daemon: Daemon, path: str, token: str, method: str = "GET") -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{daemon.port}{path}",
        headers={"Authorization": f"Bearer {token}"},
        method=method,
        data=None if method == "GET" else b"{}",
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as got:
            if path.endswith("/live"):
                return str(got.readline() + got.readline() + got.readline() + got.readline())
            text: str = got.read().decode()
            return text
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


PATHS = (
    "/health", "/metrics", "/api/v1/points", "/api/v1/alarms", "/api/v1/config", "/api/v1/devices",
    "/api/v1/session", "/api/v1/live", "/",
)  # fmt: skip


async def test_a_secret_is_in_no_output_of_a_daemon_that_uses_it(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    broker = mosquitto(Settings(users={"gateway": CANARY, "spy": "spy"}))
    heard: list[Message] = []
    place = Broker.from_url(broker.url, username="spy", password="spy")
    # This loop stands still while the daemon is waited for.
    spy = Link(place, "spy", SystemClock(), keepalive_s=10 * int(PATIENCE_S))
    spy.on_message = heard.append
    await spy.connect()
    await spy.subscribe(["kg/v1/#"])
    keep(tmp_path)
    text = CONFIG.format(url=broker.url, password="{secret: mqtt}")
    with Daemon(tmp_path, text) as daemon:
        token = daemon.create_token("manager")
        await asyncio.to_thread(
            daemon.wait_until, lambda: daemon.health()["rows"]["acknowledged"] > 2
        )
        said = await asyncio.to_thread(everything, daemon, token)
        # A literal is refused without being repeated, whatever key it stands under.
        for wrong in (CANARY, f"{{secret: '{CANARY}!'}}", f"[{CANARY}]", f"{{file: {CANARY}}}"):
            daemon.config.write_text(CONFIG.format(url=broker.url, password=wrong))
            said += json.dumps(await asyncio.to_thread(daemon.reload, token))
            said += await asyncio.to_thread(everything, daemon, token)
        secret = CONFIG.format(url=f"mqtt://u:{CANARY}@127.0.0.1", password="{secret: mqtt}")
        daemon.config.write_text(secret)
        said += json.dumps(await asyncio.to_thread(daemon.reload, token))
        said += await asyncio.to_thread(everything, daemon, token)
        stored = b"".join(file.read_bytes() for file in daemon.data.iterdir() if file.is_file())
        assert daemon.stop() == 0
    await spy.close()
    assert "got a literal, expected a reference" in daemon.log
    assert CANARY not in said
    assert CANARY not in daemon.log
    assert CANARY.encode() not in stored
    assert {message.topic.rpartition("/")[2] for message in heard} >= {"tm", "st", "md"}
    assert not any(CANARY.encode() in message.payload for message in heard)


def everything(daemon: Daemon, token: str) -> str:
    """All that the daemon and its commands say."""
    said = "".join(answer(daemon, path, token) for path in PATHS)
    for arguments in ([], ["--json"], ["--generation", "current"]):
        options = ["--config", str(daemon.config), "--data", str(daemon.data), *arguments]
        said += CliRunner().invoke(dump, options).output
    return said


def test_systemds_credential_comes_before_our_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = keep(tmp_path)
    secret = Secret("mqtt", tmp_path)
    assert secret.file == own
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mqtt").write_text("of systemd")
    (credentials / "mqtt").chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert secret.read() == "of systemd"
    (credentials / "mqtt").unlink()
    assert secret.read() == CANARY


@pytest.mark.parametrize(
    ("mode", "holds", "said"),
    [
        (0o640, b"x", "chmod 600"),
        (0o604, b"x", "chmod 600"),
        (0o600, b"\xff\xfe", "not UTF-8"),
        (0o600, b"x" * 70_000, "expected at most 65536"),
    ],
)
def test_a_secret_that_cannot_be_used_says_why(
    tmp_path: Path, mode: int, holds: bytes, said: str
) -> None:
    file = keep(tmp_path)
    file.write_bytes(holds)
    file.chmod(mode)
    with pytest.raises(SecretError, match=said):
        Secret("mqtt", tmp_path).read()


def test_a_secret_that_is_missing_says_where_it_is_expected(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=rf"{tmp_path}/secrets/mqtt .*chmod 600"):
        Secret("mqtt", tmp_path).read()


def test_what_is_dumped_loads_again_to_the_same(tmp_path: Path) -> None:
    from tests.test_yaml import EXAMPLE

    done = CliRunner().invoke(dump, ["--config", str(EXAMPLE)])
    assert done.exit_code == 0
    copy = EXAMPLE.parent / "dumped.yaml"  # never written: it is read from the folder of the other
    assert not copy.exists()
    again = tmp_path / "config.yaml"
    again.write_text(done.output)
    first, second = load(EXAMPLE).config, load(again).config
    assert first is not None
    assert second is not None
    for section in ("site", "buses", "devices", "actuators", "rule_options", "cloud", "web"):
        assert getattr(first, section) == getattr(second, section), section


def test_what_is_left_out_is_not_dumped_and_a_broken_file_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    text = CONFIG.format(url="mqtt://127.0.0.1:1", password="{secret: mqtt}")
    keep(tmp_path)
    file.write_text(text.replace("cold: {", f"bad: {{driver: x, token: {CANARY}}}, cold: {{"))
    done = CliRunner().invoke(dump, ["--config", str(file), "--json"])
    assert done.exit_code == 0
    assert set(json.loads(done.stdout)["devices"]) == {"cold"}
    assert json.loads(done.stdout)["cloud"]["password"] == {"secret": "mqtt"}
    assert CANARY not in done.output
    file.write_text("site: [")
    assert CliRunner().invoke(dump, ["--config", str(file)]).exit_code == 2
