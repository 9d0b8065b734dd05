"""`/api/v1/history/bands`: when a point was not good, as bands to lay under its chart."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.history import Asked, asked_for
from gateway.web.point_shapes import SeriesView
from gateway.web.route import Route, json_response


class QualityBand(msgspec.Struct, frozen=True):
    """A time in which a point was not good, UTC ms; `bad` has no value for some of it."""

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    level: Literal["uncertain", "bad"]
    reason: str


class Bands(msgspec.Struct, frozen=True, kw_only=True):
    """The bands of one point in order; where none is, it was good. `step` is how finely."""

    point: str
    step: str
    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    complete: bool
    bands: Sequence[QualityBand]


async def bands(request: web.Request) -> web.Response:
    """When a point was not good, and why: bands to lay under its chart."""
    found = await asked_for(request)
    return json_response(
        Bands(
            point=found.point,
            step=found.step,
            start=found.start,
            end=found.end,
            complete=found.complete,
            bands=list(_joined(_spans(found))),
        )
    )


def _spans(found: SeriesView) -> Iterable[QualityBand]:
    """What each row says; a row holds until the next."""
    rows = msgspec.json.decode(found.rows, type=list[list[object]])
    columns = {name: place for place, name in enumerate(found.columns)}
    reason_at = columns.get("worst", columns.get("reason", -1))
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        start, end = row[0], found.end if following is None else following[0]
        reason = row[reason_at]
        if isinstance(start, int) and isinstance(end, int) and isinstance(reason, str):
            yield QualityBand(start, end, "bad" if _bad(row, columns) else "uncertain", reason)


def _bad(row: Sequence[object], columns: dict[str, int]) -> bool:
    """Whether there was no value for some of it."""
    if "gap_s" in columns:
        gap = row[columns["gap_s"]]
        return isinstance(gap, float | int) and gap > 0
    return row[columns["value"]] is None


def _joined(spans: Iterable[QualityBand]) -> Iterable[QualityBand]:
    """Neighbours that say the same as one."""
    open_band: QualityBand | None = None
    for band in spans:
        same = open_band is not None and (open_band.end, open_band.level, open_band.reason) == (
            band.start,
            band.level,
            band.reason,
        )
        if open_band is not None and same:
            open_band = msgspec.structs.replace(open_band, end=band.end)
            continue
        if open_band is not None:
            yield open_band
        open_band = band
    if open_band is not None:
        yield open_band


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/history/bands",
        handler=bands,
        role=Role.VIEWER,
        query=Asked,
        answer=Bands,
    ),
)
