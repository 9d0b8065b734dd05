"""Presets with the sources of their figures, and the bands of what was not good."""

import msgspec

from gateway.access import Role
from gateway.config import preset
from gateway.config.load import load
from gateway.pack_view import packs, uses
from gateway.web.point_shapes import SeriesView
from tests.kitchen_fake import KitchenInMemory, small_kitchen
from tests.processes import REPOSITORY
from tests.web_client import web


def test_every_pack_is_listed_and_every_figure_has_its_source() -> None:
    listed = packs()
    assert tuple(pack.name for pack in listed) == preset.names()
    for pack in listed:
        assert (pack.kind == "limits") is (not pack.rules)
        for figure in pack.figures:
            assert figure.source, f"{pack.name}: {figure.name}"


def test_a_use_says_what_it_became() -> None:
    config = load(REPOSITORY / "config.yaml").config
    assert config is not None
    for use in uses(config.packs):
        assert use.preset in preset.names()
        assert set(use.rules) <= {rule.id for rule in config.rules}


class History(KitchenInMemory):
    """Answers every question with the same rows."""

    columns: tuple[str, ...] = ("at", "value", "reason")
    answered: tuple[tuple[object, ...], ...] = ()

    async def history(self, point: str, start: int, end: int, step: str) -> SeriesView:
        return SeriesView(
            point=point,
            unit="Cel",
            step=step,
            start=start,
            end=end,
            columns=self.columns,
            rows=msgspec.Raw(msgspec.json.encode(self.answered)),
        )


async def bands(kitchen: History) -> list[list[object]]:
    async with web(kitchen=kitchen) as site:
        query = "?point=walk_in/temperature&from=0&to=100"
        path = f"/api/v1/history/bands{query}"
        answer = await site.client.get(path, headers=await site.headers(Role.VIEWER))
        assert answer.status == 200
        return [list(band.values()) for band in (await answer.json())["bands"]]


async def test_bands_join_what_says_the_same_and_last_until_the_next_reading() -> None:
    kitchen = History(small_kitchen().points())
    kitchen.answered = (
        (0, 3.0, None),
        (10, None, "stale"),
        (20, None, "stale"),
        (30, 3.1, "calibration overdue"),
        (40, 3.2, None),
        (50, None, "sensor failure"),
    )
    assert await bands(kitchen) == [
        [10, 30, "bad", "stale"],
        [30, 40, "uncertain", "calibration overdue"],
        [50, 100, "bad", "sensor failure"],
    ]


async def test_a_step_with_a_gap_is_bad_and_one_without_uncertain() -> None:
    kitchen = History(small_kitchen().points())
    kitchen.columns = ("at", "min", "max", "mean", "count", "last", "gap_s", "worst")
    kitchen.answered = (
        (0, 1, 2, 1.5, 9, 2, 0.0, None),
        (20, 1, 2, 1.5, 9, 2, 0.0, "stuck"),
        (40, 1, 2, 1.5, 9, 2, 5.0, "stuck"),
        (60, None, None, None, 0, None, 20.0, "stuck"),
        (80, 1, 2, 1.5, 9, 2, 0.0, None),
    )
    assert await bands(kitchen) == [[20, 40, "uncertain", "stuck"], [40, 80, "bad", "stuck"]]
