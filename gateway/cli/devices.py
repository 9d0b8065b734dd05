"""`kitchen-gateway devices`: what is configured, on which wire, and how it is doing."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.console import NotRunning, ask
from gateway.cli.options import config_option, data_option, find_config, json_option, load_usable
from gateway.cli.table import table
from gateway.cli.words import value_in_words

if TYPE_CHECKING:
    from gateway.config.schema import Actuator, Device


@click.command()
@config_option
@data_option
@json_option
def devices(file: Path | None, data: Path, as_json: bool) -> None:
    """List the devices and actuators, with their state where the gateway runs."""
    try:
        found = ask(data, "GET", "/api/v1/devices")["devices"]
        points = ask(data, "GET", "/api/v1/points")["points"]
    except NotRunning:
        found, points = _configured(find_config(file)), []
        click.echo("The gateway is not running; this is what is configured.", err=True)
    if as_json:
        click.echo(json.dumps({"devices": found}, ensure_ascii=False, indent=2))
        return
    by_id = {point["id"]: point for point in points}
    head = ("DEVICE", "LABEL", "DRIVER", "WIRE", "STATE", "VALUES")
    click.echo(table(head, [_row(device, by_id) for device in found]))


def _configured(path: Path) -> list[dict[str, Any]]:
    from gateway.inventory import wire

    loaded = load_usable(path)
    assert loaded.config is not None  # noqa: S101 - load_usable exits
    config = loaded.config
    things: list[Device | Actuator] = [*config.devices.values(), *config.actuators.values()]
    known: list[dict[str, Any]] = [
        {
            "id": thing.id,
            "label": thing.label,
            "driver": thing.driver,
            "wire": wire(thing),
            "state": "not running",
            "points": [f"{thing.id}/{metric.name}" for metric in thing.metrics],
        }
        for thing in things
    ]
    left_out = {"label": "", "driver": "", "wire": "", "state": "left_out", "points": []}
    return known + [{"id": name, **left_out} for name in loaded.disabled]


def _row(device: dict[str, Any], points: dict[str, Any]) -> tuple[str, ...]:
    values = [
        f"{name.partition('/')[2]} {value_in_words(points[name])}"
        for name in device["points"]
        if name in points
    ]
    told = device.get("trouble") or ", ".join(values)
    state = device["state"].replace("_", " ")
    return device["id"], device["label"], device["driver"], device["wire"], state, told
