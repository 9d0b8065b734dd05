"""A trial on a recorded file, read as a `replay` device of the configuration reads it."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from drivers.base import BusError
from drivers.replay import Driver, Options
from gateway.buses.recording import Message, played
from gateway.conditioning import Conditioner
from gateway.config.schema import Config, Device, PointSettings
from gateway.equipment import treatment
from gateway.points import points_of
from gateway.store.errors import StoreError
from gateway.store.past import Piece, Stretch
from gateway.store.state import JudgedReading
from gateway.trial.report import Report, told
from gateway.trial.stored import Show
from gateway.trial.trial import Contender, NothingThere, run

_DRIVER = "replay"
_ROWS = 256  # in one piece


class Recorded(NamedTuple):
    """A file, and the device whose columns it has."""

    file: Path
    device: Device
    track: Options


def find(config: Config, file: Path) -> Recorded:
    """The `replay` device for a file: the one that names it, or the only one there is.

    Raises StoreError, with what to do.
    """
    players = [device for device in config.devices.values() if device.driver == _DRIVER]
    naming = [device for device in players if Path(_track(device).file).name == file.name]
    chosen = naming or players
    if len(chosen) != 1:
        count = "no device" if not chosen else f"{len(chosen)} devices"
        raise StoreError(
            f"{file}: the configuration has {count} with driver {_DRIVER} for it, expected one,"
            " which says what its columns are (docs/replay.md)"
        )
    return Recorded(file, chosen[0], _track(chosen[0]))


def _track(device: Device) -> Options:
    """How it is to be played here: as fast as it was recorded, and once."""
    assert isinstance(device.options, Options)  # noqa: S101 - those of this driver
    return dataclasses.replace(device.options, pace=1.0, repeat=False)


def on_recording(
    found: Recorded,
    config: Config,
    contenders: Sequence[Contender],
    ends: tuple[int | None, int | None],
    show: Show,
) -> Report:
    """Try them on all of the file or on a stretch of it; raises StoreError."""
    try:
        whole = _span(found)
        stretch = Stretch(*(whole[n] if end is None else end for n, end in enumerate(ends)))
        points: set[str] = set()
        trial = run(contenders, _pieces(found, config, stretch, points), stretch, show)
    except BusError as error:
        raise StoreError(str(error)) from error
    except NothingThere:
        raise StoreError(f"{found.file}: has no row in that time") from None
    return told(contenders, trial, stretch, config.site.zone, points)


def _span(found: Recorded) -> Stretch:
    """From its first row to just after its last."""
    first = last = None
    for at, _ in played(found.file, found.track):
        first = at if first is None else first
        last = at
    if first is None or last is None:
        raise BusError(f"{found.file}: holds no rows")
    return Stretch(first, last + 1)


def _pieces(found: Recorded, config: Config, stretch: Stretch, seen: set[str]) -> Iterator[Piece]:
    driver = Driver(found.track)
    own = [point for point in points_of(config) if point.device == found.device.id]
    conditioners = {
        point.id.partition("/")[2]: Conditioner(
            point,
            treatment(
                found.device.points.get(point.id.partition("/")[2], PointSettings()),
                found.device.stale_after_s,
            ),
            stretch.start,
        )
        for point in own
    }
    seen.update(point.id for point in own)
    for rows in _in_pieces(played(found.file, found.track), stretch):
        entries: list[JudgedReading] = []
        for at, message in rows:
            for metric, sample in driver.feed(message, at).items():
                reading = conditioners[metric].take(sample, at)
                entries.append(
                    JudgedReading(reading.point.id, reading.value, reading.quality, reading.at)
                )
        done = (rows[-1][0] - stretch.start) / (stretch.end - stretch.start)
        yield Piece(0, rows[0][0], rows[-1][0], entries, done)


def _in_pieces(
    rows: Iterable[tuple[int, Message]], stretch: Stretch
) -> Iterator[list[tuple[int, Message]]]:
    piece: list[tuple[int, Message]] = []
    for row in rows:
        if stretch.start <= row[0] < stretch.end:
            piece.append(row)
        if len(piece) == _ROWS:
            yield piece
            piece = []
    if piece:
        yield piece
