"""`python -m models.train [--out FOLDER]`: fit the cold room's network, judge it, write it.

Takes one to two minutes on one core. The same machine writes the same bytes each time: all draws
are seeded and the linear algebra is held to one thread.
"""

import argparse
import hashlib
import os
from pathlib import Path

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"  # numpy reads them once, at import

import numpy as np  # noqa: E402
from msgspec.structs import replace  # noqa: E402

from models import features, predict  # noqa: E402
from models.card import Card, Golden  # noqa: E402
from models.train import export  # noqa: E402
from models.train.fit import QUANTILES, Recipe, Singles, fit  # noqa: E402
from models.train.kitchen import DAY_MIN, Floats, record_days  # noqa: E402
from models.train.score import score, table  # noqa: E402
from models.train.windows import Windows, cut, forget  # noqa: E402

VERSION = "1"
HORIZONS = (5, 10, 15, 30, 45, 60)
TRAINED_ON = {"normal": range(1000, 1120), "door": range(2000, 2260), "fault": range(3000, 3200)}
JUDGED_ON = {
    "normal": range(900_000, 900_030),
    "door": range(910_000, 910_030),
    "fault": range(920_000, 920_030),
    "door-left-open": range(930_000, 930_100),
    "compressor-failing": range(940_000, 940_060),
}
SCENARIO_MIN = {"door-left-open": 180, "compressor-failing": 360}  # judged from their start
_EVERY_MIN = 5
_GOLDEN_ROWS = 6
_RARE_SHARE = 0.0005  # of the newest temperatures: too warm and too seldom to count as learnt
_COLDER_K = 0.5  # the coldest moment seen may be undercut by so much


def main() -> None:
    """Train, judge, write and print."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(predict.__file__).parent)
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    print("recording the emulated kitchens", flush=True)
    recorded = [day for kind, seeds in TRAINED_ON.items() for day in record_days(seeds, kind)]
    windows = forget(cut(recorded, _EVERY_MIN), seed=7)
    rows = features.matrix(windows.temperature, windows.door_open, windows.hour).round(3)
    card = _blank_card(windows, rows)
    print(f"fitting {len(rows)} windows", flush=True)
    layers = fit(predict.scaled(card, rows), _truth(windows), Recipe())
    card = replace(card, layers=export.card_layers(layers))
    data = export.onnx_bytes(layers, len(HORIZONS))
    answer = predict.onnx_engine(data)
    print("judging on kitchens never seen", flush=True)
    skill = {
        kind: score(
            _judged(kind, seeds),
            lambda each: answer(predict.scaled(card, each)).astype(np.float64),
            HORIZONS,
            len(seeds),
        )
        for kind, seeds in JUDGED_ON.items()
    }
    chosen = rows[:: len(rows) // _GOLDEN_ROWS][:_GOLDEN_ROWS]
    said = answer(predict.scaled(card, chosen))
    golden = Golden(chosen.tolist(), [[round(float(x), 6) for x in row] for row in said])
    card = export.write(folder, data, replace(card, skill=skill), golden)
    print(f"{card.bytes} bytes, sha256 {card.sha256}\n\n{table(card)}")


def _judged(kind: str, seeds: range) -> Windows:
    days = record_days(seeds, kind, SCENARIO_MIN.get(kind, DAY_MIN))
    return cut(days, _EVERY_MIN, from_start=kind in SCENARIO_MIN)


def _truth(windows: Windows) -> Singles:
    start = features.matrix(windows.temperature, windows.door_open, windows.hour)[:, :1]
    return (windows.ahead[:, np.array(HORIZONS) - 1] - start).astype(np.float32)


def _blank_card(windows: Windows, rows: Floats) -> Card:
    """The card as far as it is known before the fit: scaling, range and what was trained on."""
    low = float(rows[:, 0].min()) - _COLDER_K
    high = float(np.quantile(rows[:, 0], 1.0 - _RARE_SHARE))
    digest = hashlib.sha256(rows.astype("<f4").tobytes() + windows.ahead.round(3).tobytes())
    return Card(
        name=predict.NAME,
        version=VERSION,
        sha256="",
        bytes=0,
        opset=export.OPSET,
        features=list(features.NAMES),
        center=[round(float(each), 6) for each in rows.mean(axis=0)],
        spread=[round(max(float(each), 1e-3), 6) for each in rows.std(axis=0)],
        horizons_min=list(HORIZONS),
        quantiles=list(QUANTILES),
        learnt=(round(low, 1), round(high, 1)),
        layers=[],
        golden=Golden([], []),
        training={
            "data": "emulated cold room only",
            "data_sha256": digest.hexdigest(),
            "windows": len(rows),
            **{f"days_{kind}": len(seeds) for kind, seeds in TRAINED_ON.items()},
        },
        skill={},
    )


if __name__ == "__main__":
    main()
