"""`kitchen-gateway demo`: the emulated kitchen with a cloud of its own, all on this machine."""

import errno
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from ctypes import CDLL
from getpass import getuser
from pathlib import Path
from tempfile import mkdtemp

import click

from gateway.cli.options import (
    MISUSED,
    config_option,
    data_option,
    find_config,
    port_option,
)
from gateway.cli.run import live, start_logging
from gateway.config.load import load

_PR_SET_PDEATHSIG, _SIGTERM = 1, 15
_MOSQUITTO = ("mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")


class _Demo(click.Command):
    """Lists the scenarios in its help; the emulated kitchen is loaded only for that."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from drivers.emulated.world import SCENARIOS

        with formatter.section("Scenarios"):
            formatter.write_dl(list(SCENARIOS.items()))
        super().format_epilog(ctx, formatter)


@click.command(cls=_Demo)
@config_option
@data_option
@port_option
@click.option("--scenario", help="Play a named incident, instead of what the configuration says.")
@click.option(
    "--speed",
    type=click.FloatRange(1, 1000),
    default=1.0,
    show_default=True,
    help="So many times faster than real time, or as fast as this computer can.",
)
def demo(
    file: Path | None, data: Path, port: int | None, scenario: str | None, speed: float
) -> None:
    """Run the configured kitchen on emulated hardware, with a broker and a receiver beside it."""
    from drivers.emulated.world import SCENARIOS
    from gateway.app import Options

    start_logging()
    loaded = load(find_config(file))
    if loaded.config is not None and loaded.config.emulation is None:
        click.echo('demo needs a configuration with an "emulation" section', err=True)
        raise SystemExit(MISUSED)
    if scenario is not None and scenario not in SCENARIOS:
        message = f"no scenario {scenario!r}; there are: {', '.join(SCENARIOS)}"
        raise click.BadParameter(message, param_hint="--scenario")
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"data folder {data}: {error.strerror}; choose another with --data DIR"
        raise click.ClickException(message) from error
    _check_port(loaded.web.listen, loaded.web.port if port is None else port)
    with ExitStack() as children:
        url = _start_broker(children)
        if url is not None:
            _start_ingest(children, url, data)
        options = Options(port=port, scenario=scenario, demo=True, cloud_url=url)
        live(file, data, options, speed=speed)


def _start_broker(children: ExitStack) -> str | None:
    """A private broker on loopback; gives its address, or None when there is none to be had."""
    port = _free_port()
    folder = Path(mkdtemp(prefix="kitchen-gateway-"))
    children.callback(shutil.rmtree, folder, ignore_errors=True)
    command = _mosquitto(folder, port)
    if command is None:
        click.echo(
            "No MQTT broker found: readings are kept and not sent. "
            "To see them arrive: apt install mosquitto",
            err=True,
        )
        return None
    _start(children, command)
    return f"mqtt://127.0.0.1:{port}"


def _mosquitto(folder: Path, port: int) -> list[str] | None:
    found = next((path for path in map(shutil.which, _MOSQUITTO) if path), None)
    if found is None:
        return None
    config = folder / "mosquitto.conf"
    config.write_text(
        # A broker that changes its user would no longer end with its parent.
        f"user {getuser()}\nlistener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "log_type error\nset_tcp_nodelay true\nmax_inflight_messages 200\n"
    )
    return [found, "-c", str(config)]


def _start_ingest(children: ExitStack, url: str, data: Path) -> None:
    database = data / "cloud.db"
    module = [sys.executable, "-m", "gateway.cli", "ingest"]
    _start(children, [*module, "--url", url, "--database", str(database)])


def _start(children: ExitStack, command: Sequence[str]) -> None:
    """Start a child that ends with us, even when we are killed."""
    child = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - there is no other thread yet
        start_new_session=True,  # Ctrl-C is for us: the children outlive our last commit
    )
    children.callback(_end, child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(3)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _die_with_parent() -> None:
    CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGTERM)


def _check_port(host: str, port: int) -> None:
    """A gateway collects without its page, but a demonstration is nothing without it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                message = f"{host} is not an address of this machine; correct web.listen"
                raise click.ClickException(message) from error
            way_out = f'another: --port N, or  make run DEMO="--port {port + 1}"'
            message = f"port {port}: {error.strerror}; choose {way_out}"
            raise click.ClickException(message) from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
