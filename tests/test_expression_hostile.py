"""Texts that are no expressions are refused with a column, and nothing else ever happens."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.expression import ExpressionError
from rules.formula.syntax import DEPTH_MAX, FUNCTIONS, NODES_MAX, TEXT_MAX
from tests.expression_world import POINTS, Kitchen, compiled

HOSTILE = (
    # Ways out of a sandbox that others have had to close.
    "().__class__.__bases__[0].__subclasses__()",
    "walk_in/temperature.__class__ > 3",
    "true.__class__",
    "(1).real > 0",
    "1 .real > 0",
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "eval('1')",
    "exec('1')",
    "getattr(hood/state, '__class__')",
    "globals()",
    "abs.__self__",
    "abs(abs.__globals__)",
    "min.__call__(1, 2) > meter/power",
    "max(meter/power, key=abs) > 3",
    "min(*meter/power) > 3",
    "max(**meter/power) > 3",
    "min(meter/power for x in y) > 3",
    "[x for x in meter/power]",
    "{1: 2}",
    "{meter/power}",
    "[meter/power][0] > 3",
    "meter/power[0] > 3",
    "mode/kitchen[::-1] == 'a'",
    "(meter/power, 1) > 3",
    "()",
    "lambda: 3",
    "(lambda x: x)(3)",
    "3 if hood/state else 4",
    "(x := 3) > 2",
    "meter/power is true",
    "meter/power in mode/kitchen",
    "not in hood/state",
    "yield 3",
    "await hood/state",
    "meter/power; import os",
    "meter/power > 3\nimport os",
    "meter/power > 3 # and more",
    "`meter/power`",
    "f'{meter/power}' == mode/kitchen",
    "f\"{__import__('os')}\" == mode/kitchen",
    "b'open' == mode/kitchen",
    "r'open' == mode/kitchen",
    "u'open' == mode/kitchen",
    "'''open''' == mode/kitchen",
    "'open' 'ed' == mode/kitchen",
    "'a' + 'b' == mode/kitchen",
    "'a' * 999999999 == mode/kitchen",
    "mode/kitchen * 999999999 == 'a'",
    "mode/kitchen % 3 == 'a'",
    "mode/kitchen.format(1) == 'a'",
    "'%s' % mode/kitchen == 'a'",
    # Sums that never end.
    "9**9**9",
    "9**9**9 > meter/power",
    "meter/power ** 2 > 3",
    "pow(9, 9, 9) > meter/power",
    "1 << 999999999 > meter/power",
    "2 // 0 > meter/power",
    "9" * 400 + " > meter/power",
    "9" * 400 + ".5 > meter/power",
    "1e999 > meter/power",
    "0x7fffffff > meter/power",
    "1_000 > meter/power",
    "1j > meter/power",
    "10e > meter/power",
    "inf > meter/power",
    "nan > meter/power",
    "meter/power @ 3 > 2",
    "~meter/power > 2",
    "+meter/power > 2",
    "meter/power & 3",
    "meter/power ^ 3",
    "meter/power !> 3",
    "meter/power <> 3",
    "meter/power === 3",
    # Size and depth.
    "(" * 400 + "1" + ")" * 100,
    "(" * 9 + "meter/power" + ")" * 9 + " > 3",
    "not " * 60 + "hood/state",
    "-" * 500 + "1 > meter/power",
    "abs(" * 9 + "meter/power" + ")" * 9 + " > 3",
    "hood/state" + " and hood/state" * 35,
    "1" + " + 1" * 120 + " > meter/power",
    "hood/state " * 100,
    " " * 600 + "hood/state",
    # Signs that look like others.
    "walk_in∕temperature > 3",  # U+2215
    "walk_in⁄temperature > 3",  # U+2044
    "ｗalk_in/temperature > 3",  # full width
    "wаlk_in/temperature > 3",  # a Cyrillic a
    "ǀ > 3",
    "meter/power > ３",
    "meter/power > ³",
    "meter/power \u2212 3 > 2",
    "meter/power\u00a0> 3",
    "meter/power\u200b > 3",
    "\u202ehood/state",
    "\ufeffhood/state",
    "hood/state\x00",
    "hood/state\x0c",
    "hood/state \\\n and true",
    "\ud800 > 3",
    "𝐡𝐨𝐮𝐫() > 3",
    "“open” == mode/kitchen",
    # Names that are none.
    "WALK_IN/temperature > 3",
    "walk-in/temperature > 3",
    "meter/power/power > 3",
    "../power > 3",
    "/power > 3",
    "meter/ > 3",
    "meter /power > 3",
    "a" * 37 + "/b > 3",
    "print(meter/power)",
    "meter/power > '3 \x00W'",
    "meter/power > '3 \u202eW'",
    "avg(meter/power, '\x07min') > 3",
    "hour.real > 3",
    "hour()() > 3",
    "(hour)() > 3",
    "hour)( > 3",
    ",",
    "min(,) > 3",
    "min(1,) > meter/power",
    "min(1,, meter/power) > 3",
    "or",
    "not",
    "-",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_refused_with_its_column(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compiled(text)
    assert 1 <= caught.value.column <= len(text) + 1
    assert caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


def test_the_limits_are_reached_but_not_passed() -> None:
    deep = "(" * DEPTH_MAX + "hood/state" + ")" * DEPTH_MAX
    long = " and ".join(["hood/state"] * (NODES_MAX // 2))
    compiled(deep)
    compiled(long)
    compiled("hood/state".rjust(TEXT_MAX))
    for text, words in (
        (f"({deep})", "nested more than 8 deep"),
        (f"not {long} or true", "at most 64 values and operators"),
        ("hood/state".rjust(TEXT_MAX + 1), "at most 512"),
    ):
        with pytest.raises(ExpressionError, match=words):
            compiled(text)


def test_nothing_but_points_and_arithmetic_is_reachable_from_what_is_compiled() -> None:
    """No closure holds a module, a frame, or the world it was asked about."""
    evaluate = compiled('avg(walk_in/temperature, "1min") + 1 > 3 and not hood/state').evaluate
    waiting, met = [evaluate], set()
    while waiting:
        code = waiting.pop()
        cells = [cell.cell_contents for cell in getattr(code, "__closure__", None) or ()]
        for held in cells:
            for each in held if isinstance(held, list) else [held]:
                met.add(type(each).__name__)
                waiting += [each] if type(each).__name__ == "function" else []
    assert met <= {"function", "builtin_function_or_method", "str", "float", "int", "bool", "list"}


WORDS = (
    *POINTS, *FUNCTIONS, *(f"{name}(" for name in FUNCTIONS), "and", "or", "not", "true", "false",
    "(", ")", "(", ")", ",", "+", "-", "*", "/", "<", "<=", "==", "!=", ">", ">=", "1", "0", "2.5",
    '"8 °C"', '"5 K"', '"10min"', '"open"', '"60 %"', '"2 K/min"', "'2 kW'", "**", ".", "=", "[",
    "ǀ", "𝟠", "\n", "0x1", "__class__", "lambda", '"', "9" * 50,
)  # fmt: skip


def refused_or_compiled(text: str) -> bool:
    """Whether it compiled; any other exception than ours is a failure of the test."""
    column = 0
    try:
        compiled(text).evaluate(Kitchen())
    except ExpressionError as error:
        column = error.column
    assert column <= len(text) + 1, text
    return column == 0


@pytest.mark.parametrize("chunk", range(5))
def test_ten_thousand_random_texts_compile_or_are_refused(chunk: int) -> None:
    choice = random.Random(chunk)
    compiled_ones = 0
    for _ in range(2000):
        words = choice.choices(WORDS, k=choice.randint(1, 12))
        compiled_ones += refused_or_compiled(choice.choice(["", " "]).join(words))
    assert compiled_ones > 5, "random, but not all of it nonsense"


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    refused_or_compiled(text)


@given(st.lists(st.sampled_from(["(", "-", "not ", "abs(", ")", "1"]), max_size=300).map("".join))
@settings(max_examples=200, deadline=None)
def test_no_nesting_reaches_the_limits_of_python(text: str) -> None:
    before = sys.getrecursionlimit()
    refused_or_compiled(text)
    assert sys.getrecursionlimit() == before
