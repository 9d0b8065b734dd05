"""`kitchen-gateway read DEVICE`: one reading now, through the gateway or without it."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.console import NotRunning, ask
from gateway.cli.options import (
    FAILED,
    MISUSED,
    config_option,
    data_option,
    find_config,
    json_option,
    load_usable,
)
from gateway.cli.table import table
from gateway.cli.words import value_in_words

if TYPE_CHECKING:
    from gateway.config.load import Loaded
    from gateway.reading import Reading

_PUBLISHES_WITHIN_S = 10.0  # a device on the network, when it happens to
_SPEAKS_WITHIN_S = 1.0  # a contact tells its level at once


@click.command()
@click.argument("device")
@config_option
@data_option
@json_option
def read(device: str, file: Path | None, data: Path, as_json: bool) -> None:
    """Read DEVICE once and print its values; exit with 1 when one of them is bad.

    A running gateway is asked; without one the device is read from here.
    """
    try:
        points = _asked(data, device)
    except NotRunning:
        points = _read_here(device, load_usable(find_config(file)))
    if as_json:
        click.echo(json.dumps({"points": points}, ensure_ascii=False, indent=2))
    else:
        rows = [(point["id"], value_in_words(point), point["quality"]) for point in points]
        click.echo(table(("POINT", "VALUE", "QUALITY"), rows))
    if not points or any(point["quality"] == "bad" for point in points):
        raise SystemExit(FAILED)


def _asked(data: Path, device: str) -> list[dict[str, Any]]:
    known = {each["id"]: each for each in ask(data, "GET", "/api/v1/devices")["devices"]}
    if device not in known:
        _unknown(device, list(known))
    if known[device]["state"] == "left_out":
        raise click.ClickException(f"{device} is left out: {known[device]['trouble']}")
    if known[device]["role"] == "polled":
        points: list[dict[str, Any]] = ask(data, "POST", f"/api/v1/devices/{device}/read")["points"]
        return points
    found = ask(data, "GET", "/api/v1/points")["points"]
    return [point for point in found if point["id"].partition("/")[0] == device]


def _read_here(device: str, loaded: "Loaded") -> list[dict[str, Any]]:
    config = loaded.config
    assert config is not None  # noqa: S101 - load_usable exits
    if device not in config.devices:
        _unknown(device, list(config.devices))
    alone = dataclasses.replace(
        config,
        devices={device: config.devices[device]},
        actuators={},
        rules=(),
        rule_options={},
        forecasts={},
    )
    readings = asyncio.run(_readings(dataclasses.replace(loaded, config=alone), device))
    return [
        {
            "id": reading.point.id,
            "value": reading.value,
            "unit": reading.point.unit,
            "quality": reading.quality.level,
            "reason": None if reading.quality.reason is None else reading.quality.reason.value,
            "raw": reading.raw,
        }
        for reading in readings
    ]


async def _readings(loaded: "Loaded", device: str) -> "list[Reading]":
    """The device built as the gateway would, and read once."""
    from gateway.clock import SystemClock
    from gateway.emulation import emulate
    from gateway.equipment import Builder
    from gateway.hub import Hub
    from gateway.points import points_of
    from gateway.sampling import read_once

    config, clock = loaded.config, SystemClock()
    assert config is not None  # noqa: S101 - the caller has one
    hub = Hub(clock.now())
    kitchen = None
    if config.emulation is not None:
        kitchen = emulate(config, config.emulation, clock, config.emulation.scenario)
    points = {point.id: point for point in points_of(config)}
    equipment = Builder(config, points, hub, clock, kitchen).build()
    looking: list[asyncio.Task[None]] = []
    try:
        if kitchen is not None:
            kitchen.step()
        for sampled in equipment.sampled:
            await read_once(sampled, clock, forced=True)
        if not equipment.sampled:
            equipment.listen()
            for name, site in equipment.sites.items():
                site.overhear(name)
                looking.append(asyncio.create_task(site.run(), name=f"bus {site.name}"))
            within_s = _PUBLISHES_WITHIN_S if looking else _SPEAKS_WITHIN_S
            until = clock.now() + round(within_s * 1000)
            wanted = [name for name in points if name.partition("/")[0] == device]
            while clock.now() < until and not all(name in hub.latest for name in wanted):
                if any(site.troubles() for site in equipment.sites.values()):
                    break
                await clock.sleep(0.01)
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
        equipment.close()
    return [reading for name, reading in hub.latest.items() if name.partition("/")[0] == device]


def _unknown(device: str, known: list[str]) -> None:
    click.echo(f'no device "{device}"; there are: {", ".join(known) or "none"}', err=True)
    raise SystemExit(MISUSED)
