"""The daemon's way to a broker that wants TLS and a password, and to ones that pretend."""

import asyncio
from pathlib import Path

import pytest

from gateway.buses.mqtt import Broker, Link
from gateway.clock import SystemClock
from tests import certificates
from tests.broker import Settings, Tls
from tests.conftest import BrokerFactory
from tests.patience import PATIENCE_S
from tests.processes import Daemon

CONFIG = """
site: {{label: Cloud, zone: UTC}}
buses: {{i2c: {{kind: i2c, path: /dev/i2c-1}}}}
devices: {{cold: {{driver: sht3x, bus: i2c, address: 0x44, every: 200ms}}}}
cloud:
  url: "{url}"
  tenant: demo
  gateway: tls_1
  confirm: puback
  username: gateway
  password: {{secret: mqtt}}
  ca_file: {authority}
emulation: {{seed: 1}}
"""


def secured(folder: Path, subject: str) -> tuple[Settings, Path]:
    """A broker that wants TLS and a password, and the authority that signed its certificate."""
    signer = certificates.authority(folder)
    made = signer.issue("broker", subject)
    tls = Tls(certificate=made.certificate, key=made.key, authority=signer.certificate)
    return Settings(users={"gateway": "right"}, tls=tls), signer.certificate


def config(folder: Path, url: str, authority: Path, password: str) -> str:
    secret = folder / "site" / "secrets" / "mqtt"
    secret.parent.mkdir(parents=True)
    secret.write_text(password + "\n")
    secret.chmod(0o600)
    return CONFIG.format(url=url, authority=authority)


async def test_rows_go_to_a_broker_that_proves_who_it_is(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    settings, authority = secured(tmp_path, "IP:127.0.0.1")
    broker = mosquitto(settings)
    text = config(tmp_path, broker.url, authority, "right")
    place = Broker.from_url(
        broker.url, username="gateway", password="right", ca_file=str(authority)
    )
    # This loop stands still while the daemon is waited for.
    listener = Link(place, "listener", SystemClock(), keepalive_s=10 * int(PATIENCE_S))
    await listener.connect()
    await listener.subscribe(["kg/v1/#"])
    with Daemon(tmp_path / "site", text) as daemon:
        await asyncio.to_thread(
            daemon.wait_until, lambda: daemon.health()["rows"]["acknowledged"] > 2
        )
        assert "right" not in daemon.log
    await listener.close()


def test_a_password_that_cannot_be_read_is_a_trouble_of_the_cloud_and_the_page_is_up(
    mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    settings, authority = secured(tmp_path, "IP:127.0.0.1")
    text = config(tmp_path, mosquitto(settings).url, authority, "right")
    (tmp_path / "site" / "secrets" / "mqtt").write_bytes(b"\xff\xfe")
    with Daemon(tmp_path / "site", text) as daemon:
        daemon.wait_line("cloud: password: the secret .* is not UTF-8")
        daemon.wait_until(lambda: daemon.health()["rows"]["committed"] > 2)
        daemon.wait_well()


@pytest.mark.parametrize(
    ("subject", "password", "said"),
    [
        ("DNS:broker.example", "right", "certificate"),
        ("IP:127.0.0.1", "wrong", "password"),
    ],
)
def test_nothing_goes_to_a_broker_that_is_another_or_does_not_know_us(
    subject: str, password: str, said: str, mosquitto: BrokerFactory, tmp_path: Path
) -> None:
    settings, authority = secured(tmp_path, subject)
    broker = mosquitto(settings)
    text = config(tmp_path, broker.url, authority, password)
    with Daemon(tmp_path / "site", text) as daemon:
        daemon.wait_line(f"cloud: .*{said}")
        daemon.wait_until(lambda: daemon.health()["rows"]["committed"] > 2)
        assert daemon.health()["rows"]["acknowledged"] == 0
        daemon.wait_well()
