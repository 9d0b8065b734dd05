"""Skill on kitchens never trained on, beside what costs nothing."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.card import Card, Score, Warned
from models.features import matrix
from models.train.kitchen import Floats
from models.train.windows import Windows

BREACH_CEL = 8.0
SUSTAINED_MIN = 10  # above the limit without a break, within the hour ahead
_LINE_MIN = 10
_STANDS_OPEN = 0.5  # of the newest minute

Flags = NDArray[np.bool_]
Answer = Callable[[Floats], Floats]


def score(windows: Windows, answer: Answer, horizons: tuple[int, ...], kitchens: int) -> Score:
    """Compare the model with persistence, the mean of the last hour, and a straight line."""
    now = windows.temperature[:, -1:]
    truth = windows.ahead[:, np.array(horizons) - 1]
    rows = matrix(windows.temperature, windows.door_open, windows.hour)
    said = now[:, :, None] + answer(rows).reshape(len(now), 3, len(horizons)).transpose(0, 2, 1)
    cold = windows.temperature[:, -1] <= BREACH_CEL
    happened = _sustained(windows.ahead)[cold]
    seen = windows.door_open[cold, -1] > _STANDS_OPEN
    model_says = (said[:, :, 1].max(axis=1) > BREACH_CEL)[cold]
    line_says = (_line(windows.temperature) > BREACH_CEL)[cold]
    within = (truth >= said[:, :, 0]) & (truth <= said[:, :, 2])
    hour_mean = np.nanmean(windows.temperature, axis=1, keepdims=True)
    return Score(
        kitchens=kitchens,
        forecasts=len(now),
        model_mae=_rounded(np.abs(said[:, :, 1] - truth).mean(axis=0)),
        persistence_mae=_rounded(np.abs(now - truth).mean(axis=0)),
        hour_mean_mae=_rounded(np.abs(hour_mean - truth).mean(axis=0)),
        coverage=_rounded(within.mean(axis=0)),
        breaches=int(happened.sum()),
        model=_warned(model_says, happened, seen),
        line=_warned(line_says, happened, seen),
    )


def table(card: Card) -> str:
    """The skill of a card as Markdown, errors in K."""
    lines = [_row("kitchens", "forecast", *(f"{each} min" for each in card.horizons_min))]
    lines.append(_rule(2 + len(card.horizons_min)))
    for kind, skill in card.skill.items():
        for label, values in (
            ("model, MAE", skill.model_mae),
            ("persistence, MAE", skill.persistence_mae),
            ("mean of the last hour, MAE", skill.hour_mean_mae),
            ("share within P10 to P90", skill.coverage),
        ):
            lines.append(_row(kind, label, *(f"{each:.3f}" for each in values)))
    heads = ("kitchens", "warned by", "forecasts", "breaches", "warnings", "precision", "recall")
    lines += ["", _row(*heads, "recall, door open"), _rule(len(heads) + 1)]
    for kind, skill in card.skill.items():
        for label, warned in (("model, P50", skill.model), ("straight line", skill.line)):
            numbers = (warned.precision, warned.recall, warned.recall_door_open)
            said = ("–" if each is None else f"{each:.3f}" for each in numbers)
            counts = (str(skill.forecasts), str(skill.breaches), str(warned.warnings))
            lines.append(_row(kind, label, *counts, *said))
    return "\n".join(lines)


def _sustained(ahead: Floats) -> Flags:
    """Whether a run of SUSTAINED_MIN minutes above the limit lies within the hour ahead."""
    above = np.lib.stride_tricks.sliding_window_view(ahead > BREACH_CEL, SUSTAINED_MIN, axis=1)
    breached: Flags = above.all(axis=2).max(axis=1)
    return breached


def _line(temperature: Floats) -> Floats:
    """Where a straight line through the last ten minutes is in an hour."""
    at = np.arange(_LINE_MIN) - (_LINE_MIN - 1) / 2
    recent = temperature[:, -_LINE_MIN:]
    slope = (recent * at).sum(axis=1) / (at * at).sum()
    reached: Floats = recent.mean(axis=1) + slope * (60 + (_LINE_MIN - 1) / 2)
    return reached


def _warned(says: Flags, happened: Flags, seen: Flags) -> Warned:
    return Warned(
        warnings=int(says.sum()),
        precision=_share(happened, says),
        recall=_share(says, happened),
        recall_door_open=_share(says, happened & seen),
    )


def _share(what: Flags, among: Flags) -> float | None:
    return round(float(what[among].mean()), 3) if among.any() else None


def _rounded(values: Floats) -> list[float]:
    return [round(float(each), 3) for each in values]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(columns: int) -> str:
    return "|---" * columns + "|"
