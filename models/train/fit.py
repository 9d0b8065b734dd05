"""A small dense network for three quantiles, fitted with Adam in plain numpy."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Singles = NDArray[np.float32]
Layers = list[tuple[Singles, Singles]]

QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn."""

    hidden: tuple[int, ...] = (48, 32)
    passes: int = 40
    batch: int = 512
    rate: float = 3e-3
    seed: int = 1


def fit(inputs: Singles, truth: Singles, recipe: Recipe) -> Layers:
    """Layers whose last gives middle, width below and width above (before softplus) per horizon.

    `inputs` (n, features) is scaled; `truth` (n, horizons) is the change in K. Deterministic on one
    machine with one thread of linear algebra.
    """
    draw = np.random.default_rng(recipe.seed)
    layers = _start(draw, (inputs.shape[1], *recipe.hidden, 3 * truth.shape[1]))
    flat = [array for layer in layers for array in layer]
    first = [np.zeros_like(array) for array in flat]
    second = [np.zeros_like(array) for array in flat]
    batches = len(inputs) // recipe.batch
    total = recipe.passes * batches
    step = 0
    for _ in range(recipe.passes):
        order = draw.permutation(len(inputs))
        for number in range(batches):
            rows = order[number * recipe.batch : (number + 1) * recipe.batch]
            slopes = _slopes(layers, inputs[rows], truth[rows])
            step += 1
            rate = recipe.rate * (0.505 + 0.495 * np.cos(np.pi * step / total))
            _adam(flat, slopes, first, second, np.float32(rate), step)
    return layers


def _start(draw: np.random.Generator, sizes: tuple[int, ...]) -> Layers:
    layers = []
    for rows, columns in pairwise(sizes):
        weight = draw.normal(0.0, np.sqrt(2.0 / rows), (rows, columns)).astype(np.float32)
        layers.append((weight, np.zeros(columns, dtype=np.float32)))
    layers[-1] = (layers[-1][0] * np.float32(0.1), layers[-1][1])
    return layers


def _slopes(layers: Layers, inputs: Singles, truth: Singles) -> list[Singles]:
    """Gradient of the mean pinball loss for each array of `layers`, in order."""
    values = [inputs]
    for weight, bias in layers[:-1]:
        values.append(np.maximum(values[-1] @ weight + bias, np.float32(0.0)))
    weight, bias = layers[-1]
    slope = _pinball_slope(values[-1] @ weight + bias, truth)
    found: list[Singles] = []
    for index in range(len(layers) - 1, -1, -1):
        found[:0] = [values[index].T @ slope, slope.sum(axis=0)]
        if index:
            slope = (slope @ layers[index][0].T) * (values[index] > 0)
    return found


def _pinball_slope(raw: Singles, truth: Singles) -> Singles:
    """Slope of the loss over what the last layer says, before softplus."""
    count = truth.shape[1]
    middle = raw[:, :count]
    width = np.logaddexp(np.float32(0.0), raw[:, count:])
    opening = np.float32(1.0) / (np.float32(1.0) + np.exp(-raw[:, count:]))
    low = _quantile_slope(middle - width[:, :count], truth, QUANTILES[0])
    mid = _quantile_slope(middle, truth, QUANTILES[1])
    high = _quantile_slope(middle + width[:, count:], truth, QUANTILES[2])
    parts = (low + mid + high, -low * opening[:, :count], high * opening[:, count:])
    return (np.concatenate(parts, axis=1) / truth.size).astype(np.float32)


def _quantile_slope(said: Singles, truth: Singles, quantile: float) -> Singles:
    return np.where(said > truth, 1.0 - quantile, -quantile).astype(np.float32)


def _adam(
    flat: list[Singles],
    slopes: list[Singles],
    first: list[Singles],
    second: list[Singles],
    rate: np.float32,
    step: int,
) -> None:
    """One step of Adam (Kingma and Ba 2015) in place."""
    keep_first, keep_second = np.float32(0.9), np.float32(0.999)
    mend_first = np.float32(1.0 - 0.9**step)
    mend_second = np.float32(1.0 - 0.999**step)
    one, tiny = np.float32(1.0), np.float32(1e-8)
    for index, slope in enumerate(slopes):
        first[index] += (one - keep_first) * (slope - first[index])
        second[index] += (one - keep_second) * (slope * slope - second[index])
        size = np.sqrt(second[index] / mend_second) + tiny
        flat[index] -= rate * (first[index] / mend_first) / size
