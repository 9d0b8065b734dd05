"""A comparison is worth something only when both sides do the same work."""

import json
from pathlib import Path

import pytest

from bench.floor import Floor
from bench.product import Product, thresholds
from bench.readings import MINUTE_1000, SECOND_1000, Batch, Shape, batches, plain
from gateway.store.log import Row
from gateway.sync.protocol import unpack


@pytest.mark.parametrize("shape", [SECOND_1000, MINUTE_1000])
async def test_the_floor_sends_what_the_product_sends(tmp_path: Path, shape: Shape) -> None:
    made = list(batches(shape, 3_000 // shape.readings))
    floor = Floor(tmp_path / "floor.db", thresholds(shape))
    sent = [_envelope(floor, batch, shape) for batch in made]

    product = Product(tmp_path / "data", shape)
    await product.log.commit()
    rows: list[Row] = []
    product.log.on_committed = rows.extend
    for batch in made:
        product.take(batch)
        await product.log.commit()
    bodies = [json.loads(row.body) for row in rows if row.stream == "tm"]
    product.close()

    assert [_columns(row) for row in bodies] == [_columns(row) for row in sent]
    assert floor.commands > 0
    floor.close()


def _envelope(floor: Floor, batch: Batch, shape: Shape) -> dict[str, object]:
    for reading in plain(batch, shape):
        floor.take(*reading)
    rows: list[dict[str, object]] = json.loads(unpack(floor.commit()))["rows"]
    return rows[0]


def _columns(row: dict[str, object]) -> tuple[object, ...]:
    return row["c"], row["dt"], row["x"]
