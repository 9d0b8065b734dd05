"""What `check` finds in rules that can be read: each mistake, and what is none."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.config import quantity
from gateway.config.analysis import comparison, findings
from gateway.config.analysis.base import Finding
from gateway.config.load import load_text
from gateway.reading import Point
from rules.expression import ExpressionError, condition
from tests.expression_world import kitchen
from tests.processes import REPOSITORY

KITCHEN = """\
site: {label: Kitchen, zone: Asia/Seoul}
buses:
  i2c: {kind: i2c, path: /dev/i2c-1}
  pins: {kind: gpio, chip: pinctrl-bcm2711}
devices:
  room:
    driver: sht3x
    bus: i2c
    address: 0x44
    every: 30s
    points: {temperature: {low: -10 °C, high: 40 °C}}
  door: {driver: contact, bus: pins, pin: 17}
actuators:
  fan: {driver: relay, bus: pins, pin: 24, fail_safe: {safe: off, on_sensor_loss: safe, max_on: 0s}}
  heater: {driver: relay, bus: pins, pin: 25, fail_safe: {safe: off, on_sensor_loss: safe, max_on: 0s}}
modes: {kitchen: [open, closed]}
rules:
"""  # noqa: E501 - a line of YAML
BELIEVED = Point(-1, "room/temperature", "", "1", "number", -10.0, 40.0)
FIRST_LINE = len(KITCHEN.splitlines()) + 1

WARM = "point: room/temperature, on_bad: ignore, advice: Open the door."


def of(*rules: str) -> list[Finding]:
    """What is found; each rule is a line of its own."""
    text = KITCHEN + "".join(f"  {rule}\n" for rule in rules)
    loaded = load_text(text.encode(), Path("config.yaml"))
    assert loaded.problems == ()
    return findings(loaded)


def sentences(*rules: str) -> list[str]:
    return [f"{one.level.value} {one.path}: {one.message}; {one.suggestion}" for one in of(*rules)]


LOW, MEDIUM = "then: [{alarm: low}]", "then: [{alarm: medium}]"
CASES = {
    "a limit beyond what the point is believed to be": (
        [f"hot: {{kind: limit, {WARM}, raise_above: 40 °C, {LOW}}}"],
        [f"hot: {{kind: limit, {WARM}, raise_above: 39.9 °C, {LOW}}}"],
        (
            "error rules.hot.raise_above: room/temperature is believed from -10 to 40 Cel: with"
            " raise_above 40 Cel this can never be raised; lower raise_above past 40 Cel, or"
            " correct high of the point"
        ),
    ),
    "a clearing limit below what the point is believed to be": (
        [f"hot: {{kind: limit, {WARM}, raise_above: 9 °C, clear_below: -11 °C, {LOW}}}"],
        [f"hot: {{kind: limit, {WARM}, raise_above: 9 °C, clear_below: -10 °C, {LOW}}}"],
        (
            "error rules.hot.clear_below: room/temperature is believed from -10 to 40 Cel: with"
            " clear_below -11 Cel this can never be cleared; raise clear_below past -10 Cel, or"
            " correct low of the point"
        ),
    ),
    "a comparison beyond what the point is believed to be": (
        [f"hot: {{when: room/temperature > 300 and door/open, on_bad: hold, advice: x, {LOW}}}"],
        [f"hot: {{when: room/temperature > 39 and door/open, on_bad: hold, advice: x, {LOW}}}"],
        (
            "error rules.hot.when: room/temperature > 300 is never true: room/temperature is"
            " believed from -10 to 40 Cel; compare with a value in between, or correct low and"
            " high of the point"
        ),
    ),
    "a comparison that says nothing": (
        [
            (
                'hot: {when: door/open, if: \'avg(room/temperature, "1h") - 5 > "-16 °C"\','
                f" on_bad: hold, advice: x, {LOW}}}"
            ),
        ],
        [
            (
                'hot: {when: door/open, if: \'avg(room/temperature, "1h") - 5 > "-15 °C"\','
                f" on_bad: hold, advice: x, {LOW}}}"
            ),
        ],
        (
            'warning rules.hot.if: avg(room/temperature, "1h") - 5 > "-16 °C" is always true:'
            " room/temperature is believed from -10 to 40 Cel; compare with a value in between, or"
            " correct low and high of the point"
        ),
    ),
    "a warning beyond what it warns of": (
        [
            f"mild: {{kind: limit, {WARM}, raise_above: 30 °C, {LOW}}}",
            f"worse: {{kind: limit, {WARM}, raise_above: 25 °C, {MEDIUM}}}",
        ],
        [
            f"mild: {{kind: limit, {WARM}, raise_above: 30 °C, {LOW}}}",
            f"worse: {{kind: limit, {WARM}, for: 1h, raise_above: 25 °C, {MEDIUM}}}",
        ],
        (
            "warning rules.mild.raise_above: low at 30 Cel comes after worse, which is medium at 25"
            " Cel already; set raise_above below 25 Cel, or leave mild out"
        ),
    ),
    "a circle of rules": (
        [
            (
                "one: {kind: contact, point: heater/state, on_bad: ignore, priority: low,"
                " then: [{command: fan, value: on}]}"
            ),
            (
                "two: {kind: contact, point: fan/state, on_bad: ignore, priority: low,"
                " then: [{command: heater, value: on}]}"
            ),
        ],
        [
            (
                "one: {kind: contact, point: door/open, on_bad: ignore, priority: low,"
                " then: [{command: fan, value: on}]}"
            ),
            (
                "two: {kind: contact, point: fan/state, on_bad: ignore, priority: low,"
                " then: [{command: heater, value: on}]}"
            ),
        ],
        (
            "warning rules.one.then: these rules drive each other round: one → fan → two → heater →"
            " one; let one of them look at what it is about, not at the state of an actuator or a"
            " mode"
        ),
    ),
    "a mode that leads back to itself": (
        [
            (
                "one: {when: [{point: mode/kitchen, to: open}], priority: low,"
                " then: [{mode: kitchen, to: closed}, {mode: kitchen, to: open}]}"
            ),
        ],
        [
            (
                "one: {when: [{point: mode/kitchen, to: open}], priority: low,"
                " then: [{mode: kitchen, to: closed}]}"
            ),
        ],
        (
            "warning rules.one.then: these rules drive each other round: one → mode/kitchen → one;"
            " let one of them look at what it is about, not at the state of an actuator or a mode"
        ),
    ),
    "a word a mode never takes, to wait for": (
        ["one: {when: [{point: mode/kitchen, to: shut}], priority: low, then: [{record: x}]}"],
        ["one: {when: [{point: mode/kitchen, to: closed}], priority: low, then: [{record: x}]}"],
        (
            'error rules.one.when: mode/kitchen is never "shut"; use one of open, closed, or add'
            " the word to modes.kitchen"
        ),
    ),
    "a word a mode never takes, in a condition": (
        [
            (
                "one: {when: [called], if: '\"shut\" == mode/kitchen', on_bad: hold,"
                " priority: low, then: [{record: x}]}"
            ),
        ],
        [
            (
                "one: {when: [called], if: 'mode/kitchen != \"open\"', on_bad: hold,"
                " priority: low, then: [{record: x}]}"
            ),
        ],
        (
            'error rules.one.if: mode/kitchen is never "shut"; use one of open, closed, or add'
            " the word to modes.kitchen"
        ),
    ),
    "a message to nobody": (
        ["one: {when: [called], priority: low, then: [{notify: x, to: cook}]}"],
        ["one: {when: [called], priority: low, then: [{record: x}]}"],
        (
            "warning rules.one.then: notify tells nobody; say under notifications who is told,"
            " and how"
        ),
    ),
    "opposite commands in one slot": (
        [
            (
                f"air: {{kind: limit, {WARM}, raise_above: 25 °C, clear_below: 15 °C, priority:"
                " low, then: [{command: fan, value: on}]}"
            ),
            (
                f"draught: {{kind: limit, {WARM}, raise_below: 18 °C, priority: medium,"
                " then: [{command: fan, value: off}]}"
            ),
        ],
        [
            (
                f"air: {{kind: limit, {WARM}, raise_above: 25 °C, clear_below: 20 °C, priority:"
                " low, then: [{command: fan, value: on}]}"
            ),
            (
                f"draught: {{kind: limit, {WARM}, raise_below: 18 °C, priority: medium,"
                " then: [{command: fan, value: off}]}"
            ),
        ],
        (
            "warning rules.air.then: fan on in slot 10 gives way to draught, which wants it off in"
            " the same slot and can be active at the same time; give the one that is to win a lower"
            " slot"
        ),
    ),
    "an urgent alarm that falls silent with its sensor": (
        [f"hot: {{kind: limit, {WARM}, raise_above: 30 °C, then: [{{alarm: high}}]}}"],
        [
            f"hot: {{kind: limit, {WARM}, raise_above: 30 °C, then: [{{alarm: high}}]}}",
            (
                "gone: {kind: stale, point: room/temperature, for: 5s, advice: Look at the cable.,"
                " then: [{alarm: low}]}"
            ),
        ],
        (
            "warning rules.hot.point: when room/temperature has no value, this high alarm cannot be"
            " raised, and no other says so; add a rule of kind stale on room/temperature, or choose"
            " on_bad: alarm"
        ),
    ),
    "a for within which no reading comes": (
        [f"hot: {{kind: limit, {WARM}, raise_above: 30 °C, for: 10s, {LOW}}}"],
        [f"hot: {{kind: limit, {WARM}, raise_above: 30 °C, for: 30s, {LOW}}}"],
        (
            "warning rules.hot.for: room/temperature has a new value every 30s: within for 10s none"
            " comes, and a single reading decides; make it at least 60s, or read the device more"
            " often"
        ),
    ),
    "an alarm that does not say what to do": (
        [f"open: {{kind: contact, point: door/open, on_bad: ignore, {LOW}}}"],
        [f"open: {{kind: contact, point: door/open, on_bad: ignore, advice: Shut it., {LOW}}}"],
        (
            "warning rules.open: the low alarm does not say what to do; add advice: one step a"
            " line, in the words of who stands before it"
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named_with_the_way_out_and_what_is_none_is_not(case: str) -> None:
    wrong, right, sentence = CASES[case]
    assert sentences(*wrong) == [sentence]
    assert sentences(*right) == []


def sums(points: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Numbers and points added, subtracted, taken at their extremes, a few times over."""
    leaves = st.one_of(st.sampled_from(points), st.integers(0, 60).map(str))
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-"), inner).map(lambda it: f"({' '.join(it)})"),
            st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
                lambda it: f"{it[0]}({it[1]}, {it[2]})"
            ),
            inner.map(lambda it: f"(3 * {it})"),
            inner.map(lambda it: f"(- {it})"),
        ),
        max_leaves=4,
    )


@given(
    sums(("room/temperature", "other/temperature")),
    st.sampled_from(["<", "<=", ">", ">="]),
    st.integers(-60, 60),
    st.lists(st.tuples(st.floats(-10, 40), st.floats(-10, 40)), min_size=5, max_size=5),
)
def test_what_is_called_always_or_never_true_is(
    text: str, order: str, than: int, values: list[tuple[float, float]]
) -> None:
    points = {f"{name}/temperature": BELIEVED for name in ("room", "other")}
    written = f"{text} {order} (0 - {-than})" if than < 0 else f"{text} {order} {than}"
    try:
        compared = condition(written, points, quantity)
    except ExpressionError:
        assume(condition=False)
    for part in comparison.comparisons(written, points):
        said = comparison.answers(condition(part, points, quantity), points)
        for room, other in values:
            world = kitchen(room__temperature=room, other__temperature=other)
            assert compared.holds(world) in said


def test_a_finding_stands_where_the_mistake_does() -> None:
    (finding,) = of(f"hot: {{kind: limit, {WARM}, for: 10s, raise_above: 30 °C, {LOW}}}")
    assert finding.file == "config.yaml"
    assert finding.line == FIRST_LINE
    line = f"  hot: {{kind: limit, {WARM}, for: 10s"
    assert finding.column == line.index("for: ") + 1


def test_the_shipped_kitchen_has_no_such_mistake() -> None:
    path = REPOSITORY / "config.yaml"
    assert findings(load_text(path.read_bytes(), path)) == []


def test_nothing_is_found_in_a_file_that_cannot_be_used() -> None:
    assert findings(load_text(b"site: {}", Path("config.yaml"))) == []


TOLD = """notifications:
  channels: {mail: {kind: email, host: mail.example, sender: kg@mapo.example}}
  people: {kim: {role: manager, email: kim@example.com}}
  routes: [{to: [manager], by: [mail]}]
shifts: {roles: {cook: [{person: lee}], manager: [{person: kim}]}}
escalations:
  slow: {steps: [{after: 0s, to: on_duty cook}, {after: 5min, to: manager}]}
"""


def test_who_is_on_duty_and_reached_by_no_message_is_named() -> None:
    rule = f"  open: {{kind: contact, point: door/open, on_bad: ignore, advice: Shut it., {LOW}}}\n"
    found = findings(load_text((KITCHEN + rule + TOLD).encode(), Path("config.yaml")))
    assert [f"{one.path}: {one.message}; {one.suggestion}" for one in found] == [
        (
            'shifts.roles.cook[0].person: no message reaches "lee" on duty; add them to'
            " notifications.people, which has kim"
        ),
        (
            'escalations.slow.steps[0].to: nobody is "cook": this step tells the routes instead;'
            " give somebody under notifications.people the role cook"
        ),
    ]
    mended = TOLD.replace("people: {kim", "people: {lee: {role: cook, email: l@e.kr}, kim")
    loaded = load_text((KITCHEN + rule + mended).encode(), Path("config.yaml"))
    assert loaded.problems == ()
    assert findings(loaded) == []
