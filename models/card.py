"""The card beside a network: what it reads, what it must answer, its weights for the numpy twin."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL_BYTES = 64 * 1024
CARD_BYTES = 128 * 1024
OPSET_MOST = 20


class ModelError(Exception):
    """A model that must not or cannot be used; the message says what to do."""


class Layer(msgspec.Struct, frozen=True):
    """One dense layer, y = x W + b: float32 little-endian in base64, W row by row."""

    rows: int
    columns: int
    weight: str
    bias: str

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weight (rows, columns) and bias (columns,); ValueError when the sizes do not fit."""
        import numpy as np

        weight = np.frombuffer(base64.b64decode(self.weight, validate=True), dtype="<f4")
        bias = np.frombuffer(base64.b64decode(self.bias, validate=True), dtype="<f4")
        if bias.shape != (self.columns,):
            raise ValueError("bias does not fit its layer")
        return weight.reshape(self.rows, self.columns).astype(np.float32), bias.astype(np.float32)


class Golden(msgspec.Struct, frozen=True):
    """Unscaled features and the changes, in K, that every engine must answer."""

    inputs: list[list[float]]
    outputs: list[list[float]]


class Warned(msgspec.Struct, frozen=True):
    """How well "it will breach within the hour" was said; None where there was nothing to count."""

    warnings: int  # how often it was said
    precision: float | None
    recall: float | None
    recall_door_open: float | None  # of breaches before which the door already stood open


class Score(msgspec.Struct, frozen=True):
    """Skill over one set of held-out kitchens; lists run over the horizons, errors in K."""

    kitchens: int
    forecasts: int
    model_mae: list[float]
    persistence_mae: list[float]
    hour_mean_mae: list[float]
    coverage: list[float]  # share of truths within low..high; 0.8 is wanted
    breaches: int  # forecasts from below the limit that a sustained breach followed
    model: Warned
    line: Warned  # a straight line through the last ten minutes


class Card(msgspec.Struct, frozen=True):
    """NAME.json beside NAME.onnx."""

    name: str
    version: str
    sha256: str  # of the .onnx
    bytes: int
    opset: int
    features: list[str]
    center: list[float]
    spread: list[float]
    horizons_min: list[int]
    quantiles: list[float]
    learnt: tuple[float, float]  # range of newest temperatures seen in training, Cel
    layers: list[Layer]
    golden: Golden
    training: dict[str, str | int]
    skill: dict[str, Score]


def read_card(path: Path) -> Card:
    """Read and check a card's shape; ModelError when it cannot be trusted."""
    try:
        with path.open("rb") as file:
            text = file.read(CARD_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({error.strerror}): reinstall") from error
    if len(text) > CARD_BYTES:
        raise ModelError(f"{path.name} is larger than {CARD_BYTES} bytes: reinstall")
    try:
        return msgspec.json.decode(text, type=Card)
    except msgspec.DecodeError as error:
        raise ModelError(f"{path.name} is damaged ({error}): reinstall") from error


def layers_of(card: Card) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The weights of the numpy twin; ModelError when they are damaged."""
    try:
        return [layer.arrays() for layer in card.layers]
    except (binascii.Error, ValueError) as error:
        raise ModelError(f"the weights in the card are damaged ({error}): reinstall") from error
