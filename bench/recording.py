"""A made recording, and the kitchen that replays it: ten readings a row."""

import random
from pathlib import Path

from bench.report import ROOT

READINGS_A_ROW = 10  # eight temperatures, `number`, and the `row` the driver adds
LAST = "number"  # the last point of a row; its value is the row's number
_TEMPERATURES = 8


def write(path: Path, rows: int) -> None:
    """Random walks of kitchen temperatures; the last column counts the rows from 1."""
    rng = random.Random(1)
    values = [4.0 + number for number in range(_TEMPERATURES)]
    with path.open("w") as file:
        file.write(",".join([*(f"t{number}" for number in range(_TEMPERATURES)), LAST]) + "\n")
        for row in range(1, rows + 1):
            values = [round(value + rng.gauss(0, 0.05), 2) for value in values]
            file.write(",".join(map(str, [*values, row])) + "\n")


def device(file: Path, rows_a_second: float, *, temperatures: int = _TEMPERATURES) -> str:
    """The device `tape`, which plays `file` at that pace, or so many columns of it."""
    columns = "".join(f"t{n}: {{column: t{n}, unit: Cel, precision: 2}}, "
                      for n in range(temperatures))  # fmt: skip
    return (
        f'  tape: {{driver: replay, bus: tape, file: "{file}", period: 1s, pace: {rows_a_second!r},'
        f" columns: {{{columns}{LAST}: {{column: {LAST}, unit: '1', precision: 0}}}}}}\n"
    )


def rules(count: int = 200) -> str:
    """So many limits on the tape's temperatures, none of which is reached."""
    return "".join(
        f"  l{n}: {{kind: limit, point: tape/t{n % _TEMPERATURES}, raise_above: {500 + n} °C,"
        f" clear_below: {499 + n} °C, on_bad: hold, then: [{{alarm: low}}]}}\n"
        for n in range(count)
    )


def rules_on_last(count: int = 200) -> str:
    """So many limits on the number of the row, none of which is reached."""
    return "".join(
        f"  l{n}: {{kind: limit, point: tape/{LAST}, raise_above: {1_000_000 + n},"
        f" clear_below: {999_999 + n}, on_bad: hold, then: [{{alarm: low}}]}}\n"
        for n in range(count)
    )


def rules_of_every_sort(count: int) -> str:
    """So many rules on the tape's temperatures, none of which holds: a third each of the sorts."""
    texts = []
    for n in range(count):
        point, other = (f"tape/t{(n + step) % _TEMPERATURES}" for step in (0, 1))
        how = (
            f"kind: limit, point: {point}, raise_above: {500 + n} °C",
            f"when: {point} > {500 + n} and {other} > 20",
            f"when: 'avg({point}, \"10min\") > {500 + n}'",
        )[n % 3]
        texts.append(f"  m{n}: {{{how}, on_bad: hold, then: [{{alarm: low}}]}}\n")
    return "".join(texts)


def kitchen(
    url: str | None, tape: str = "", *, forecasts: bool = True, judged: str | None = None
) -> str:
    """The shipped configuration, with `url` as its cloud and the tape beside its own devices.

    `judged` are the rules on the tape, 200 limits if none are given.
    """
    text = (ROOT / "config.yaml").read_text()
    if url is not None:
        text = text.replace("mqtt://127.0.0.1:1883", url)
    if tape:
        text = text.replace("\nbuses:\n", "\nbuses:\n  tape: {kind: recording}\n", 1)
        text = text.replace("\ndevices:\n", f"\ndevices:\n{tape}", 1)
        text = text.replace("\nrules:\n", f"\nrules:\n{rules() if judged is None else judged}", 1)
    if not forecasts:
        before, _, after = text.partition("\nforecasts:\n")
        text = before + "\n\n" + after.partition("\n\n")[2]
    return text
