"""Text to tree: what scalars mean, what is refused, and where it is said to be."""

from pathlib import Path

import pytest
import yaml as pyyaml

from gateway.config import yaml
from gateway.config.problem import Place, Report
from gateway.config.yaml import Map, Node, Scalar, Sequence

EXAMPLE = Path(__file__).parent.parent / "config.yaml"


@pytest.fixture(params=["libyaml", "pure"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(yaml, "_LOADER", pyyaml.BaseLoader)


def parse(text: str | bytes) -> tuple[Node | None, list[str]]:
    report = Report("k.yaml")
    node = yaml.parse(text.encode() if isinstance(text, str) else text, report)
    found = [f"{p.line}:{p.column} {p.path} {p.message}" for p in report.sorted()]
    return node, found


def refusal(text: str | bytes) -> str:
    node, found = parse(text)
    assert node is None
    assert len(found) == 1
    return found[0]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12:30", "12:30"),
        ("on", "on"),
        ("off", "off"),
        ("no", "no"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2026-11-21", "2026-11-21"),
        ("8 °C", "8 °C"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("17", 17),
        ("-3", -3),
        ("010", 10),
        ("0x44", 68),
        ("0o17", 15),
        ("1.10", 1.1),
        ("-0.3", -0.3),
        ("6e3", 6000.0),
        (".inf", float("inf")),
        ("'17'", "17"),
        ('"true"', "true"),
        ("''", ""),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: object) -> None:
    node, found = parse(f"key: {written}\n")
    assert not found
    assert isinstance(node, Map)
    scalar = node.entries["key"].node
    assert isinstance(scalar, Scalar)
    assert scalar.value == meant
    assert type(scalar.value) is type(meant)


@pytest.mark.usefixtures("loader")
def test_everything_knows_its_line_and_column_from_one() -> None:
    node, found = parse("a:\n  - x\n  - {b: 냉장고, c: y}\n")
    assert not found
    assert isinstance(node, Map)
    items = node.entries["a"].node
    assert isinstance(items, Sequence)
    assert items.items[0].place == Place(2, 5)
    inner = items.items[1]
    assert isinstance(inner, Map)
    assert inner.entries["c"].key == Place(3, 14)
    assert inner.entries["c"].node.place == Place(3, 17)


def test_the_fast_and_the_pure_parser_see_the_same_kitchen(monkeypatch: pytest.MonkeyPatch) -> None:
    text = EXAMPLE.read_bytes()
    fast = parse(text)
    monkeypatch.setattr(yaml, "_LOADER", pyyaml.BaseLoader)
    assert parse(text) == fast


@pytest.mark.usefixtures("loader")
def test_a_key_given_twice_is_named_with_both_lines() -> None:
    _, found = parse("a: 1\nb:\n  c: [{d: 1, d: 2}]\n  c: 3\na: 4\n")
    assert found == [
        "3:14 b.c[0].d given twice: here and on line 3",
        "4:3 b.c given twice: here and on line 3",
        "5:1 a given twice: here and on line 1",
    ]


@pytest.mark.usefixtures("loader")
def test_fifty_thousand_brackets_are_refused_and_do_not_end_the_process() -> None:
    for text in ("[" * 50_000, "a: " + "[" * 50_000 + "]" * 50_000, "{a: " * 50_000):
        assert "nested more than 32 levels deep" in refusal(text)


@pytest.mark.usefixtures("loader")
def test_deep_indentation_is_refused_like_deep_brackets() -> None:
    text = "".join(f"{' ' * level}k:\n" for level in range(400))
    assert "nested more than 32 levels deep" in refusal(text)
    assert "nested more than 32 levels deep" in refusal("- " * 5_000 + "x")


@pytest.mark.usefixtures("loader")
def test_thirty_two_levels_are_enough_for_anybody() -> None:
    node, found = parse("[" * 32 + "]" * 32)
    assert node is not None
    assert not found


@pytest.mark.usefixtures("loader")
def test_a_billion_laughs_end_at_the_first_anchor() -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines)) == '1:5  the anchor "&a0"; write the values out'


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: *x", '1:4  the alias "*x"'),
        ("a: {<<: {b: 1}}", '1:5 a the merge key "<<"'),
        ("a: !!python/object/apply:os.system [ls]", "1:4  the tag"),
        ("a: !secret x", '1:4  the tag "!secret"'),
        ("a: 1\n---\nb: 2", '2:1  a second document ("---")'),
        ("{a: 1}: b", "1:1  a key must be a plain word"),
        ("a: {? [1] : b}", "1:7 a a key must be a plain word"),
        ('"a\\nb": 1', "1:1  a key must be a plain word"),
        ("a:\n\tb: 1", "2:1  a tab; YAML is indented with spaces"),
        ("a:\n  b: 1\n\tc: 1", "a tab; YAML is indented with spaces"),
        ("label: Fridge: cold", '1:14  a second ": " on this line'),
        ("a: @b", '1:4  a text cannot begin with "@"'),
        ("a: `b", '1:4  a text cannot begin with "`"'),
        ("a: [1, 2", "a bracket is not closed"),
        ("a: 1\n b: 2", '2:3  this ":" does not fit'),
        ("a\nb: 1", '2:2  this ":" does not fit'),
        ("a: 1\nb\nc: 1", '3:1  a key without ":"'),
        ("a: 'it's'", "1:8  this does not fit"),
        ("- a\nb: 1", "2:1  this does not fit"),
        ('a: "x', "a quote is never closed"),
        ("a: b\x07", "1:5  the control character U+0007"),
        ("a: 1\nb: \x00", "2:4  the control character U+0000"),
        ("", "1:1  the file is empty"),
        ("# nothing\n", "1:1  the file is empty"),
        ("%TAG ! x:\n--- !y\n", "the tag"),
    ],
)
def test_what_cannot_be_read_is_said_in_plain_words(text: str, said: str) -> None:
    assert said in refusal(text)


def test_another_encoding_is_named_and_utf_8_asked_for() -> None:
    assert "UTF-16" in refusal("site: x".encode("utf-16"))
    told = refusal("# kitchen\nlabel: 마포점".encode("cp949"))
    assert told.startswith("2:8 ")
    assert "CP949" in told
    assert "UTF-8" in told
    assert "not UTF-8;" in refusal(b"label: \xff\xff")


def test_a_byte_order_mark_is_no_matter() -> None:
    node, found = parse(b"\xef\xbb\xbfa: 1")
    assert not found
    assert isinstance(node, Map)
    assert node.entries["a"].key == Place(1, 1)


def test_a_file_beyond_its_bound_is_not_even_parsed() -> None:
    assert "larger than 256 kB" in refusal(b"a: " + b"x" * 256 * 1024)


def test_a_file_at_its_bound_full_of_wrong_lines_stays_bounded() -> None:
    _, found = parse("a: 1\n" * 50_000)
    assert len(found) == 201
    assert found[-1].endswith("and 49799 more problems")
