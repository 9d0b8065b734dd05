"""What expressions mean: values, units, points that are BAD or unseen, and what errors say."""

import math

import pytest

from rules.expression import BLIND, UNSEEN, Answer, ExpressionError
from tests.expression_world import BAD, Kitchen, Seen, Value, compiled, condition, kitchen

WALK_IN = "walk_in/temperature"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("walk_in/temperature > 8", True),
        ('walk_in/temperature > "46.4 °F"', True),
        ('walk_in/temperature > "48.2 °F"', False),
        ('"8 °C" < walk_in/temperature < "10 °C"', True),
        ("8 < walk_in/temperature < 8.5 < walk_in/temperature", False),
        ('walk_in/temperature - freezer/temperature > "26 K"', True),
        ('walk_in/temperature - freezer/temperature > "49 °F"', False),
        ('walk_in/temperature - freezer/temperature > "48 °F"', True),
        ('(walk_in/temperature + freezer/temperature) / 2 == "-4.5 °C"', True),
        ('0.5 * walk_in/temperature + freezer/temperature * 0.5 < "0 °C"', True),
        ('walk_in/temperature + "2 K" > "10 °C"', True),
        ('walk_in/temperature + "1.8 K" < "11 °C"', True),
        ('"8 °C" - walk_in/temperature == "-1 K"', True),
        ('abs(freezer/temperature - walk_in/temperature) == "27 K"', True),
        ("abs(-3) * meter/power_factor == 2.7", True),
        ("meter/voltage * meter/current > 2000", True),
        ("meter/power / meter/voltage >= 9", True),
        ("meter/power == 2070 and meter/power != 2071", True),
        ('meter/power > "2 kW"', True),
        ("-walk_in/humidity < -(59 + 0.5)", True),
        ("1 / meter/power_factor > 1.1", True),
        ('min(walk_in/temperature, freezer/temperature, "-20 °C") == -20', True),
        ("max(walk_in/temperature, kitchen/temperature) == 24", True),
        ("walk_in_door/open", True),
        ("not walk_in_door/open or hood/state", False),
        ("walk_in_door/open == hood/state", False),
        ("walk_in_door/open != true", False),
        ('mode/kitchen == "open"', True),
        ('"open" != mode/kitchen', False),
        ("mode/kitchen == mode/freezer", False),
        ("hour() >= 22 or hour() < 6", False),
        ("weekday() == 1 and hour() == 12", True),
        ('walk_in_outlook/minutes_to_breach < "1 h"', True),
        ("bad(walk_in/temperature) or bad(mode/kitchen) or bad(hood/state)", False),
        ('age(walk_in/temperature) >= "10 s" and age(mode/kitchen) == 10', True),
        ("3rd_fridge/temperature < 4 and lambda/in == 1", True),
        ("true", True),
        ("not (false or not true)", True),
        ("meter/power_factor + 2 * 3 - 4 / 2 == 4.9", True),
    ],
)
def test_an_expression_says_what_it_reads_like(text: str, answer: bool) -> None:
    world = kitchen(
        walk_in__temperature=9.0, freezer__temperature=-18.0, kitchen__temperature=24.0,
        walk_in__humidity=60.0, meter__voltage=230.0, meter__current=9.0, meter__power=2070.0,
        meter__power_factor=0.9, walk_in_outlook__minutes_to_breach=45.0, walk_in_door__open=True,
        hood__state=False, mode__kitchen="open", mode__freezer="defrost",
    )  # fmt: skip
    world.now = 10_000
    world.readings |= {"3rd_fridge/temperature": Seen(3.0), "lambda/in": Seen(1.0)}
    assert condition(text).holds(world) is answer


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (WALK_IN, "Cel"),
        ("walk_in/temperature - freezer/temperature", "a difference in Cel"),
        ("meter/voltage * meter/current", "A.V"),
        ("meter/power / meter/voltage / meter/voltage", "W/V2"),
        ("1 / meter/power", "1/W"),
        ("meter/power / meter/power", "a plain number"),
        ('rate(walk_in/temperature, "5min")', "Cel/min"),
        ('rate(walk_in/temperature, "5min") * "30 min"', "a difference in Cel"),
        ('avg(walk_in/temperature, "5min")', "Cel"),
        ('kitchen_air/co2 * "1 h"', "[ppm].min"),
        ("age(hood/state)", "s"),
    ],
)
def test_a_number_has_the_unit_of_what_it_was_computed_from(text: str, unit: str) -> None:
    assert compiled(text).unit == unit


def test_a_change_is_per_minute_and_a_quantity_beside_it_too() -> None:
    rising = condition('rate(walk_in/temperature, "1min") > "60 K/h"')
    world = Kitchen()
    world.open_windows(rising)
    for second in range(0, 91, 10):
        world.show(WALK_IN, 4.0 + second * 1.5 / 60, second * 1000)
    assert rising.holds(world) is True
    assert condition('rate(walk_in/temperature, "1min") > "2 K/min"').holds(world) is False


GOOD: dict[str, Value | Seen] = {
    "walk_in__temperature": 9.0, "walk_in_door__open": True, "mode__kitchen": "open",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "broken", "unseen"),
    [
        ("walk_in/temperature > 8", BLIND, UNSEEN),
        ("walk_in/temperature > 8 and walk_in_door/open", BLIND, UNSEEN),
        ("walk_in/temperature > 8 and not walk_in_door/open", False, False),
        ("walk_in/temperature > 8 or walk_in_door/open", True, True),
        ("walk_in_door/open or walk_in/temperature > 8", True, True),
        ("not (walk_in/temperature > 8)", BLIND, UNSEEN),
        ("walk_in/temperature * 0 == 0", BLIND, UNSEEN),
        ("bad(walk_in/temperature)", True, UNSEEN),
        ("bad(walk_in/temperature) and walk_in_door/open", True, UNSEEN),
        ("bad(walk_in/temperature) or walk_in/temperature > 8", True, UNSEEN),
        ("age(walk_in/temperature) > 5", BLIND, UNSEEN),
        ("max(walk_in/temperature, 20) > 8", BLIND, UNSEEN),
        ("9 < walk_in/temperature < 8", BLIND, UNSEEN),
        ('avg(walk_in/temperature, "1min") > 8', UNSEEN, UNSEEN),
        # A failure outweighs what has not reported yet, whatever the order.
        ("walk_in/temperature > 8 and freezer/temperature > 8", BLIND, UNSEEN),
        ("freezer/temperature > 8 and walk_in/temperature > 8", BLIND, UNSEEN),
        ("freezer/temperature > 8 or walk_in/temperature > 8", BLIND, UNSEEN),
        ("freezer/temperature > walk_in/temperature", BLIND, UNSEEN),
        ("max(freezer/temperature, walk_in/temperature) > 8", BLIND, UNSEEN),
    ],
)
def test_what_cannot_be_known_is_never_taken_for_an_answer(
    text: str, broken: Answer, unseen: Answer
) -> None:
    expression = condition(text)
    assert expression.holds(kitchen(**GOOD | {"walk_in__temperature": BAD})) is broken
    without = {name: value for name, value in GOOD.items() if name != "walk_in__temperature"}
    assert expression.holds(kitchen(**without)) is unseen


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400, True, "9.5", None], ids=str
)
def test_what_is_no_number_is_blind(value: float | bool | str | None) -> None:
    world = kitchen(walk_in__temperature=Seen(value))
    assert condition("walk_in/temperature > 8").holds(world) is BLIND
    assert condition("bad(walk_in/temperature)").holds(world) is True


@pytest.mark.parametrize("value", [1.0, 0, "true", None])
def test_what_is_neither_true_nor_false_is_blind(value: float | str | None) -> None:
    world = kitchen(walk_in_door__open=Seen(value))
    assert condition("walk_in_door/open").holds(world) is BLIND
    assert condition("not walk_in_door/open").holds(world) is BLIND


@pytest.mark.parametrize(
    "text",
    [
        "1 / (meter/power_factor - 1) > 0",
        "1 / (meter/power_factor - 1) < 0",
        "meter/power * meter/power > 0",
        "meter/power * meter/power - meter/power * meter/power < 1",
        "meter/power / 0.001 < 1",
    ],
)
def test_division_by_zero_and_overflow_are_blind(text: str) -> None:
    world = kitchen(meter__power_factor=1.0, meter__power=1.7e308)
    assert condition(text).holds(world) is BLIND


def test_without_a_trusted_clock_the_time_of_day_is_blind() -> None:
    night = condition("hour() >= 22 or weekday() == 7")
    assert night.holds(Kitchen(hour=None, weekday=None)) is BLIND
    assert night.holds(Kitchen(hour=None, weekday=7)) is True
    assert night.holds(Kitchen(hour=23, weekday=None)) is True


def test_whole_numbers_from_a_device_count_as_numbers() -> None:
    assert condition("kitchen_air/co2 > 1000").holds(kitchen(kitchen_air__co2=1001)) is True


def test_an_expression_says_what_it_has_to_be_given() -> None:
    expression = condition(
        'avg(walk_in/temperature, "10min") > 8 and max(gas/level, "1min") < 5 or hood/state'
    )
    assert expression.points == (WALK_IN, "gas/level", "hood/state")
    assert expression.windows == ((WALK_IN, 600_000), ("gas/level", 60_000))
    assert expression.uses_time
    assert expression.every_ms == 1_000  # the bucket of one minute
    assert condition("hour() > 5").every_ms == 60_000
    assert condition("age(hood/state) > 5").every_ms == 1_000
    assert condition("hood/state").every_ms is None
    assert not condition("hood/state").uses_time


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("walk_in/temperature > walk_in/humidity", 23, "% cannot be compared with Cel"),
        ("walk_in/temperature + walk_in/humidity > 3", 23, "Cel and % do not go together"),
        ('walk_in/temperature > "8 %"', 23, "% is no °C"),
        ('walk_in/temperature > "8"', 23, "without a unit"),
        ('walk_in/temperature > "8 K"', 23, "a distance, where a temperature stands"),
        ("walk_in/temperature > oil/temperature", 23, "[degF] cannot be compared with Cel"),
        ('walk_in/temperature + "2 °C" > 3', 23, 'a distance in kelvin, such as "2 K"'),
        ("walk_in/temperature + freezer/temperature > 8", 45, "a sum of temperatures (Cel)"),
        ("walk_in/temperature * 2 > 8", 27, "a sum of temperatures"),
        ("walk_in/temperature * walk_in/humidity > 8", 23, "the zero of a temperature scale"),
        ("8 / walk_in/temperature > 8", 5, "the zero of a temperature scale"),
        ("abs(walk_in/temperature) > 8", 1, "only of a difference"),
        ('meter/voltage * meter/current > "2 kW"', 33, "expected a number without unit"),
        ('meter/power * "2 kW" > 3', 15, "expected a number or a duration"),
        ("walk_in_door/open > 1", 21, "a number cannot be compared with true or false"),
        ("walk_in_door/open + 1 > 1", 1, '"+" needs a number, got true or false'),
        ("walk_in_door/open < hood/state", 21, '"<" compares numbers'),
        ('mode/kitchen >= "open"', 17, '"==" and "!=" are possible'),
        ("mode/kitchen == 5", 17, "a number cannot be compared with a text"),
        ("walk_in/temperature", 1, "got a number in Cel, expected what is true or false"),
        ("mode/kitchen", 1, "got a text"),
        ("walk_in/temperature and true", 1, '"and" needs what is true or false, got Cel'),
        ("true or not meter/power", 13, '"not" needs what is true or false, got W'),
        ("1 < 2", 1, "compares nothing with a point"),
        ('"a" == "a"', 1, "compares nothing with a point"),
        ("wolk_in/temperature > 3", 1, 'unknown point "wolk_in/temperature"; did you mean "walk'),
        ("true and walk_in/temp > 3", 10, "expected walk_in/humidity, walk_in/temperature; did"),
        ("temperature > 3", 1, "expected a point such as walk_in/temperature; did you mean"),
        ("mean(meter/power) > 3", 1, 'unknown function "mean", expected one of abs, age'),
        ("averag(meter/power) > 3", 1, 'did you mean "avg"?'),
        ("walk_in/temperature/2 > 3", 1, "a division with a space on both sides: a / b"),
        ("meter/power /2 > 3", 13, "a division needs a space on both sides: a / b"),
        ("(meter/power)/ 2 > 3", 14, "a division needs a space on both sides: a / b"),
        ("10/2 > meter/power", 1, "a division needs a space on both sides: a / b"),
        ("meter/power / 0 > 3", 15, "divides by zero"),
        ("meter/power > 1 / (2 - 2)", 20, "divides by zero"),
        ("meter/power = 3", 13, 'equal is written "=="'),
        ("hood/state && true", 12, '"and" is written out'),
        ("walk_in/humidity > 60 %", 23, 'in quotes: "60 %"'),
        ("walk_in/temperature > 8°C", 24, 'in quotes: "8 °C"'),
        ("meter/power > 8W", 15, "a quantity stands in quotes"),
        ("meter/power > 5 < ", 18, 'expected a value after "<"'),
        ("meter/power > > 5", 15, 'got ">", expected a value'),
        ("meter/power 5", 13, "expected an operator"),
        ("(meter/power > 5", 16, 'expected ")"'),
        ("meter/power > 5)", 16, 'got ")" without its "("'),
        ("meter/power > 5, 6", 16, 'got "," outside of a function'),
        ("hood/state == not true", 15, "needs parentheses"),
        ("True", 1, 'did you mean "true"?'),
        ("avg(meter/power) > 3", 1, 'avg is written avg(walk_in/temperature, "10min")'),
        ("avg(meter/power, 10) > 3", 18, 'a time in quotes: "10min"'),
        ('avg(meter/power, "10") > 3', 18, 'did you mean "10s"?'),
        ('avg(meter/power, "2h") > 3', 18, "10s to 1h"),
        ('avg(meter/power, "1s") > 3', 18, "10s to 1h"),
        ('avg(hood/state, "1min") > 3', 5, "needs a number, hood/state is none"),
        ('avg(meter/power + 1, "1min") > 3', 5, "avg is about a point"),
        ("min(meter/power) > 3", 1, "min is written"),
        ("hour > 3", 1, "hour needs brackets"),
        ("hour(3) > 3", 1, "hour is written hour()"),
        ("bad(3)", 5, "bad is about a point"),
        ("min(1, 2) > meter/power", 1, "min is written"),
        ('-"8 °C" < walk_in/temperature', 1, "inside the quotes"),
        ('"8 °C', 1, "the quotes do not end"),
        ("", 1, "expected a value"),
        ("   ", 3, "expected a value"),
        # Columns count characters, whatever stands before.
        ('mode/kitchen == "영업 중 🍳" and meter/powr > 3', 30, "unknown point"),
        ('mode/kitchen == "é" and\n\n  meter/power > "1 °C"', 42, "°C is no W"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what_to_write_instead(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        condition(text)
    assert words in caught.value.message
    assert caught.value.column == column, caught.value
    assert str(caught.value) == f"column {column}: {caught.value.message}"
