"""`docs/expressions.md` holds: each example compiles, each function and limit is named."""

import re

import pytest

from drivers.base import Metric
from gateway.config import quantity
from rules import expression
from rules.formula.syntax import DEPTH_MAX, FUNCTIONS, NODES_MAX, TEXT_MAX
from tests.processes import REPOSITORY

PAGE = (REPOSITORY / "docs" / "expressions.md").read_text()
EXAMPLES = re.findall(
    r"^\| [^|`]+ \| `([^`]+)` \|$", PAGE.partition("## Examples")[2], re.MULTILINE
)
UNITS = {
    "temperature": "Cel", "co2": "[ppm]", "level": "%", "power": "W", "voltage": "V",
    "current": "A",
}  # fmt: skip
KINDS = {"open": "boolean", "state": "boolean", "kitchen": "text"}


def kitchen() -> dict[str, Metric]:
    """Every point the page names, with the unit its metric has everywhere."""
    points = set(re.findall(r"[a-z0-9_]+/[a-z0-9_]+", " ".join(EXAMPLES)))
    names = {point: point.partition("/")[2] for point in points}
    return {
        point: Metric(name, UNITS.get(name, "1"), kind=KINDS.get(name, "number"))
        for point, name in names.items()
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_of_the_page_is_a_condition(example: str) -> None:
    assert expression.condition(example, kitchen(), quantity).kind == "boolean"


def test_the_page_has_examples_and_the_limits() -> None:
    assert len(EXAMPLES) >= 10
    limits = f"At most {TEXT_MAX} characters, {NODES_MAX} values and operators, {DEPTH_MAX} deep"
    assert limits in PAGE


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_on_the_page(name: str) -> None:
    assert re.search(rf"^\| .*`{name}\(", PAGE, re.MULTILINE)
