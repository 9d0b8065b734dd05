"""The cold room's next hour: a small network run by onnxruntime, or by numpy where that fails.

Nothing heavy is imported before `ColdRoom.load`, which blocks for as long as onnxruntime takes to
import (a second or more on a small board): call it in a thread, after READY.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models import features, onnx_file
from models.card import MODEL_BYTES, OPSET_MOST, Card, ModelError, layers_of, read_card
from models.minutes import Minute

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Engine = Callable[[NDArray[np.float32]], NDArray[np.float32]]

__all__ = ["ColdRoom", "Forecast", "Minute", "ModelError"]

NAME = "cold_room"
INPUT, OUTPUT = "features", "change"
GOLDEN_TOLERANCE_K = 1e-4
SCALED_MOST = 8.0  # a feature further out than so many spreads is taken to be there
NOT_ENOUGH = "not enough data yet"
NOT_LEARNT = "the temperature is outside of what the model has learnt"


class _Unusable(Exception):
    """Why the numpy twin takes over."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Temperature at each horizon as P10, P50 and P90, Cel; `now` is where it starts from."""

    now: float
    horizons_min: tuple[int, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]

    def minutes_to_breach(self, limit: float) -> float | None:
        """Minutes until the middle rises above `limit`; 0.0 if it is there, None if it does not."""
        if self.now > limit:
            return 0.0
        before_min, before = 0.0, self.now
        for horizon, value in zip(self.horizons_min, self.middle, strict=True):
            if value > limit:
                share = (limit - before) / (value - before)
                return before_min + share * (horizon - before_min)
            before_min, before = float(horizon), value
        return None


class ColdRoom:
    """The model, ready to answer; one caller at a time."""

    HISTORY_MIN = features.HISTORY_MIN

    def __init__(self, card: Card, answer: Engine, engine: str, note: str) -> None:
        self.engine = engine  # "onnxruntime" or "numpy"
        self.note = note  # why it is numpy; empty otherwise
        self.version = card.version
        self.hash = card.sha256[:12]
        self.horizons_min = tuple(card.horizons_min)
        self._card = card
        self._answer = answer

    @classmethod
    def load(cls, folder: Path | None = None) -> ColdRoom:
        """Load the model of `folder`, by default the shipped one; ModelError if it is not safe."""
        folder = folder or Path(__file__).parent
        card = read_card(folder / f"{NAME}.json")
        twin = _numpy_engine(card)
        if difference := _golden_difference(card, twin):
            raise ModelError(f"{NAME}.json does not answer its own golden rows {difference}")
        try:
            engine = _golden_runtime(folder / f"{NAME}.onnx", card)
        except _Unusable as why:
            return cls(card, twin, "numpy", str(why))
        return cls(card, engine, "onnxruntime", "")

    def obstacle(self, minutes: Sequence[Minute]) -> str | None:
        """Why there can be no forecast from these minutes; None when there can."""
        seen = features.window(minutes)
        if not features.enough(seen):
            return NOT_ENOUGH
        now = features.newest_temperature(seen)
        low, high = self._card.learnt
        return None if now is not None and low <= now <= high else NOT_LEARNT

    def forecast(self, minutes: Sequence[Minute], hour: float | None = None) -> Forecast | None:
        """The next hour, or None where `obstacle` says why not; a pure function of its arguments.

        `minutes` may have holes and be more than an hour; `hour` is the local hour of the day
        (0 to 24) at the newest minute, if it is known.
        """
        import numpy as np

        if self.obstacle(minutes) is not None:
            return None
        seen = features.window(minutes)
        rows = features.matrix(
            np.array([seen.temperature]),
            np.array([seen.door_open]),
            np.array([np.nan if hour is None else hour % 24.0]),
        )
        change = self._answer(scaled(self._card, rows))[0]
        if not np.isfinite(change).all():
            return None
        now = float(rows[0, 0])
        low, middle, high = (
            tuple(now + float(each) for each in part)
            for part in change.reshape(3, len(self.horizons_min))
        )
        return Forecast(now, self.horizons_min, low, middle, high)


def scaled(card: Card, rows: NDArray[np.float64]) -> NDArray[np.float32]:
    import numpy as np

    spreads: NDArray[np.float64] = (rows - np.array(card.center)) / np.array(card.spread)
    return spreads.clip(-SCALED_MOST, SCALED_MOST).astype(np.float32)


def _golden_difference(card: Card, engine: Engine) -> str:
    """How far an engine is off the golden rows in words; empty when it is near enough."""
    import numpy as np

    answered = engine(scaled(card, np.array(card.golden.inputs)))
    wanted = np.array(card.golden.outputs)
    if answered.shape != wanted.shape:
        return f"(shape {answered.shape}, not {wanted.shape})"
    worst = float(np.abs(answered - wanted).max())
    return "" if worst <= GOLDEN_TOLERANCE_K else f"(off by {worst:.2g} K)"


def _numpy_engine(card: Card) -> Engine:
    """The same network in numpy: dense layers with ReLU between, then the three quantiles."""
    import numpy as np

    layers = layers_of(card)
    count = len(card.horizons_min)
    sizes = [len(card.features), *(len(bias) for _, bias in layers)]
    fits = all(len(weight) == size for (weight, _), size in zip(layers, sizes, strict=False))
    known = tuple(card.features) == features.NAMES
    scales = len(card.center) == len(card.spread) == len(card.features) and all(card.spread)
    if not (known and fits and scales and sizes[-1] == 3 * count and card.golden.inputs):
        raise ModelError(f"{NAME}.json does not fit this version of the gateway: reinstall")

    def answer(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        value = rows
        for weight, bias in layers[:-1]:
            value = np.maximum(value @ weight + bias, np.float32(0.0))
        weight, bias = layers[-1]
        value = value @ weight + bias
        middle = value[:, :count]
        width = np.logaddexp(np.float32(0.0), value[:, count:])  # softplus
        parts = (middle - width[:, :count], middle, middle + width[:, count:])
        return np.concatenate(parts, axis=1)

    return answer


def _golden_runtime(path: Path, card: Card) -> Engine:
    engine = onnx_engine(_trusted_bytes(path, card))
    if difference := _golden_difference(card, engine):
        raise _Unusable(f"onnxruntime does not answer the golden rows {difference}")
    return engine


def _trusted_bytes(path: Path, card: Card) -> bytes:
    """The model file if it is safe and the one the card was written for."""
    try:
        with path.open("rb") as file:
            data = file.read(MODEL_BYTES + 1)
    except OSError as error:
        raise _Unusable(f"{path.name} cannot be read: {error.strerror}") from error
    if len(data) > MODEL_BYTES:
        raise ModelError(f"{path.name} is larger than {MODEL_BYTES} bytes: refused")
    try:
        contents = onnx_file.inspect(data)
    except onnx_file.Unreadable as error:
        raise _Unusable(f"{path.name} is damaged: {error}") from error
    if objections := contents.objections():
        raise ModelError(f"{path.name} is refused: {'; '.join(objections)}")
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise _Unusable(f"{path.name} is not the file its card was written for")
    if contents.opset > OPSET_MOST:
        raise _Unusable(f"{path.name} needs opset {contents.opset}; {OPSET_MOST} is the most")
    return data


def onnx_engine(data: bytes) -> Engine:
    """A session on one thread; a runtime that is missing or refuses the model is _Unusable."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as errors
    except ImportError as error:
        raise _Unusable(f"onnxruntime cannot be imported: {error}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            data, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except (
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.InvalidProtobuf,
        errors.NotImplemented,
        errors.RuntimeException,
    ) as error:
        raise _Unusable(f"onnxruntime refuses the model: {error}") from error

    def answer(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return session.run([OUTPUT], {INPUT: rows})[0]

    return answer
