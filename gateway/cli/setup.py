"""`kitchen-gateway setup`: the first configuration of a kitchen, and what to do next."""

from pathlib import Path

import click

from gateway.cli.options import FAILED, MISUSED, find_config
from gateway.config.load import load

_TIMEZONE = Path("/etc/timezone")
_TEMPLATE = """\
# The kitchen this gateway looks after. `kitchen-gateway check` says what is wrong with this file,
# docs/config.md explains every key. Ids are yours to choose (a-z, 0-9, _); labels are for people.

site:
  label: {label}
  zone: {zone}

# The wires of a Raspberry Pi; on a Pi 5 the chip is pinctrl-rp1.
buses:
  i2c: {{kind: i2c, path: /dev/i2c-1}}
  pins: {{kind: gpio, chip: pinctrl-bcm2711}}

# One entry for each sensor; docs/drivers.md lists what can be wired.
devices: {{}}
#  walk_in: {{driver: sht3x, bus: i2c, address: 0x44, every: 5s}}

# What acts has a fail-safe contract, or it does not load.
actuators: {{}}
#  siren:
#    driver: relay
#    bus: pins
#    pin: 24
#    fail_safe: {{safe: off, on_sensor_loss: hold, max_on: 10min}}

# When this holds for so long, do that.
rules: {{}}
#  walk_in_warm:
#    kind: limit
#    point: walk_in/temperature
#    raise_above: 8 °C
#    clear_below: 6 °C
#    for: 10min
#    on_bad: hold
#    then: [{{alarm: high}}]

# https://HOST:8443; http://HOST:8080/install tells how a device comes to trust it.
web: {{listen: 0.0.0.0, port: 8443, tls: own, plain_port: 8080}}

# cloud: {{url: "mqtts://broker.example:8883", tenant: demo, gateway: kitchen_1}}
"""


def _zone_here() -> str:
    try:
        return _TIMEZONE.read_text().strip() or "UTC"
    except OSError:
        return "UTC"


@click.command()
@click.option(
    "--config",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--label", prompt="Name of the kitchen", help="Name of the kitchen, for people.")
@click.option(
    "--zone",
    prompt="Time zone",
    default=_zone_here,
    help="Its time zone, such as Asia/Seoul; default: that of this machine.",
)
def setup(file: Path, label: str, zone: str) -> None:
    """Write a first configuration; an existing file is never touched."""
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(_TEMPLATE.format(label=_quoted(label), zone=_quoted(zone)))
    except FileExistsError:
        click.echo(f"{file} is there already; nothing was changed.", err=True)
        raise SystemExit(FAILED) from None
    except OSError as error:
        click.echo(f"{file} cannot be written: {error.strerror}", err=True)
        raise SystemExit(FAILED) from error
    loaded = load(file)
    if loaded.problems:
        file.unlink()
        for problem in loaded.problems:
            click.echo(f"{problem.path}: {problem.message}", err=True)
        raise SystemExit(MISUSED)
    option = "" if file == find_config(None) else f" --config {file}"
    click.echo(f"{file} is written. Next:")
    click.echo(f"  1. wire a sensor and add it under `devices` in {file}")
    click.echo(f"  2. kitchen-gateway check{option}")
    click.echo(f"  3. kitchen-gateway read DEVICE{option}")
    click.echo(f"  4. kitchen-gateway run{option}")


def _quoted(text: str) -> str:
    """As YAML, whatever is in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
