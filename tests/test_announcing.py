"""Found by name: what Avahi is told, and what a real one answers to whoever asks the LAN."""

import logging
import re
import socket
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import __version__
from gateway.announcing import NAME_MAX, Announcer, Offered, service_file, service_name
from gateway.tls.certificate import fingerprint
from tests.conftest import Left
from tests.multicast_dns import Record, ask
from tests.namespaces import another_computer
from tests.processes import REPOSITORY, Daemon, wait_for

PRINT = "AB:CD"
OWN = Offered(port=8443, secure=True, plain_port=8080, fingerprint=PRINT)


def read(text: str) -> tuple[str, list[tuple[str, int, list[str]]]]:
    """The name, and of each service its type, port and texts."""
    root = ET.fromstring(text)  # noqa: S314 - we wrote it
    services = [
        (each.findtext("type", ""), int(each.findtext("port", "0")), texts_of(each))
        for each in root.iter("service")
    ]
    return root.findtext("name", ""), services


def texts_of(service: ET.Element) -> list[str]:
    return [record.text or "" for record in service.iter("txt-record")]


@pytest.mark.parametrize(
    ("offered", "services"),
    [
        (
            OWN,
            [
                ("_https._tcp", 8443, ["path=/", f"version={__version__}", f"sha256={PRINT}"]),
                (
                    "_http._tcp",
                    8080,
                    ["path=/install", f"version={__version__}", f"sha256={PRINT}"],
                ),
            ],
        ),
        (Offered(port=8080), [("_http._tcp", 8080, ["path=/", f"version={__version__}"])]),
        (
            Offered(port=443, secure=True, plain_port=80),
            [
                ("_https._tcp", 443, ["path=/", f"version={__version__}"]),
                ("_http._tcp", 80, ["path=/", f"version={__version__}"]),
            ],
        ),
    ],
)
def test_the_file_has_the_page_and_how_to_trust_it(
    offered: Offered, services: list[tuple[str, int, list[str]]]
) -> None:
    assert read(service_file("마포점", "kitchen.lan", offered)) == ("마포점 (kitchen)", services)


@given(label=st.text(max_size=200), host=st.text(max_size=80))
def test_whatever_a_kitchen_is_called_the_file_can_be_read(label: str, host: str) -> None:
    name, services = read(service_file(label, host, OWN))
    assert 0 < len(name.encode()) <= NAME_MAX
    assert name.isprintable()
    assert len(services) == 2


def test_a_kitchen_without_a_name_is_found_by_its_host() -> None:
    assert service_name("", "kitchen") == "Kitchen Gateway (kitchen)"
    assert service_name("  \n", "") == "Kitchen Gateway"


def test_a_file_that_cannot_be_written_is_told_once_with_the_way_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    announcer = Announcer(tmp_path / "absent" / "kitchen.service")
    with caplog.at_level(logging.WARNING):
        announcer.tell("a", OWN)
        announcer.tell("b", OWN)
    assert len(caplog.messages) == 1
    assert "run systemd-tmpfiles --create" in caplog.messages[0]


def test_who_is_not_told_to_writes_nothing() -> None:
    Announcer(None).tell("a", OWN)
    Announcer(None).withdraw()


@contextmanager
def responder(avahi: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """A real one on a board of its own, with a wire to us: where its services are, our end.

    Raises OSError or CalledProcessError where no network namespace can be made.
    """
    services = folder / "services"
    services.mkdir()
    settings = "[server]\nhost-name=kitchen\nuse-ipv6=no\nenable-dbus=no\nallow-interfaces={}b\n"
    with another_computer() as (name, ours):
        conf, log = folder / "avahi.conf", folder / "avahi.log"
        conf.write_text(settings.format(name) + "[publish]\npublish-workstation=no\n")
        alone = f"mount --bind {services} /etc/avahi/services && mount -t tmpfs none /run && exec "
        options = f"--no-drop-root --no-chroot --no-rlimits -f {conf}"
        with log.open("wb") as said:
            process = subprocess.Popen(
                ["ip", "netns", "exec", name, "sh", "-c", f"{alone}{avahi} {options}"],
                stdout=said,
                stderr=said,
            )
        try:
            wait_for(lambda: "Server startup complete" in log.read_text(), failing=log.read_text)
            yield services, ours
        finally:
            process.terminate()
            process.wait()


def data_of(records: list[Record], kind: str) -> list[str | tuple[str, ...]]:
    return [record.data for record in records if record.kind == kind]


@pytest.mark.timeout(300)
def test_a_gateway_is_found_by_name_until_it_stops(
    avahi: Path, tmp_path: Path, left_out: Left
) -> None:
    text = (REPOSITORY / "config.yaml").read_text()
    web = "web: {listen: 0.0.0.0, port: 0, tls: own, plain_port: 0}"
    text = re.sub(r"^web: .*$", web, text, flags=re.MULTILINE)
    with ExitStack() as stack:
        try:
            services, ours = stack.enter_context(responder(avahi, tmp_path))
        except (OSError, subprocess.CalledProcessError):
            left_out("no network namespace may be made here: nobody asked the LAN for the gateway")
        else:
            found_by_name(services, ours, tmp_path, text)


def found_by_name(services: Path, ours: str, folder: Path, config: str) -> None:
    daemon = Daemon(
        folder / "gateway", config, "--announce", str(services / "kitchen-gateway.service")
    )
    daemon.start(ready=False)
    try:
        port = daemon.wait_line(r"page on https://\S+:\d+$").rpartition(":")[2]
        (name,) = wait_for(lambda: data_of(ask("_https._tcp.local", "PTR", ours), "PTR"))
        assert isinstance(name, str)
        short = socket.gethostname().partition(".")[0]
        assert name.endswith(f"({short})._https._tcp.local")
        (place,) = wait_for(lambda: data_of(ask(name, "SRV", ours), "SRV"))
        assert place == f"kitchen.local:{port}"
        (texts,) = wait_for(lambda: data_of(ask(name, "TXT", ours), "TXT"))
        authority = fingerprint((daemon.data / "tls" / "ca.pem").read_bytes())
        assert texts == ("path=/", f"version={__version__}", f"sha256={authority}")
        assert wait_for(lambda: data_of(ask("_http._tcp.local", "PTR", ours), "PTR"))
        assert wait_for(lambda: data_of(ask("kitchen.local", "A", ours), "A"))
    finally:
        daemon.stop()
    wait_for(lambda: not data_of(ask("_https._tcp.local", "PTR", ours), "PTR"))
