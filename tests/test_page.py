"""The page's files: both languages complete, no word outside them, colours that can be read."""

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import brotli
import pytest

from gateway import health
from gateway.config import registry
from gateway.config.schema import FORECAST_METRICS
from gateway.web.packing import BEST
from gateway.web.static import FOLDER, assets, assets_of

LANGUAGES = ("en", "ko")
CATALOGUES: dict[str, dict[str, str]] = {
    name: json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in LANGUAGES
}
SCRIPTS = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.js"))}
PAGES = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.html"))}
STYLE = (FOLDER / "wall.css").read_text("utf-8")

_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_IMPORT = re.compile(r'^import [^;("]*"\./([\w.]+)"', re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Markup built from text, and code built from text: device names would become either.
_INJECTION = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc"
)


def test_both_languages_have_the_same_words_and_the_same_gaps_in_them() -> None:
    english, korean = (CATALOGUES[name] for name in LANGUAGES)
    assert list(english) == list(korean)
    for key, text in english.items():
        assert set(_PLACEHOLDER.findall(text)) == set(_PLACEHOLDER.findall(korean[key])), key
        assert text or key == "unit.1"


@pytest.mark.parametrize(
    ("key", "english", "korean"),
    [
        ("banner.acknowledge", "Acknowledge", "확인"),
        ("state.acknowledged", "Acknowledged", "확인됨"),
        ("state.alarm", "Alarm", "경보"),
        ("state.life", "Danger", "위험"),
        ("state.stale", "Stale", "수신 끊김"),
        ("state.fault", "Sensor fault", "센서 고장"),
        ("state.offline", "Offline", "연결 끊김"),
        ("big.fault", "Check", "점검"),
        ("verdict.ok", "All normal", "모두 정상"),
    ],
)
def test_the_words_that_must_not_mix_are_those_of_the_glossary(
    key: str, english: str, korean: str
) -> None:
    assert CATALOGUES["en"][key] == english
    assert CATALOGUES["ko"][key] == korean


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_metric_and_unit_of_the_shipped_parts_has_a_word(language: str) -> None:
    words = CATALOGUES[language]
    drivers = [registry.driver(name) for name in registry.driver_names()]
    metrics = [metric for driver in drivers for metric in registry.fixed_metrics(driver)]
    metrics += [*health.METRICS, *itertools.chain(*FORECAST_METRICS.values())]
    for metric in metrics:
        assert f"metric.{metric.name}" in words
        assert f"unit.{metric.unit}" in words
        if metric.kind == "boolean":
            assert {f"value.{metric.name}.true", f"value.{metric.name}.false"} <= words.keys()


def literals(script: str) -> list[str]:
    code = re.sub(r"^\s*//.*$|\s// .*$", "", script, flags=re.MULTILINE)
    return [double or template for double, template in _LITERAL.findall(code)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_words_for_people_stand_in_a_script(name: str) -> None:
    for literal in literals(SCRIPTS[name]):
        assert not re.search(r"[가-힣]", literal), literal
        words = re.sub(r"\$\{[^}]*\}", "", literal)
        assert not re.search(r"[A-Za-z’']{2,}[,.…]? [A-Za-z]{2,}", words), literal
    assert not re.search(r'(textContent|title|ariaLabel|placeholder) = ["`]', SCRIPTS[name])
    assert not re.search(r'setText\([^,]+, ["`][^"`$]*[A-Za-z]', SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_turns_text_into_markup_or_code(name: str) -> None:
    assert not _INJECTION.search(SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_changes_something_sends_what_no_other_site_can(name: str) -> None:
    if re.search(r'\bmethod: "', SCRIPTS[name]):
        assert "headers: WRITING" in SCRIPTS[name]


@pytest.mark.parametrize("name", [*SCRIPTS, *PAGES, "app.webmanifest"])
def test_the_page_asks_by_no_path_from_the_root(name: str) -> None:
    """A proxy may have the gateway below a path of its own (ADR 33)."""
    text = assets()[name].plain.decode()
    assert not re.search(r"""["'`]/(?:api|static|log(?:in|out)|#)|(?:assign\(|: )"/\"""", text)


class _Texts(HTMLParser):
    """What a page says by itself, and the scripts and styles within it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.found += [name for name in names if name.startswith("on") or name == "style"]
        spoken = ("title", "alt", "placeholder", "aria-label", "value")
        self.found += [name for name in spoken if name in names]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.found.append(data)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_words_and_nothing_inline(name: str) -> None:
    texts = _Texts()
    texts.feed(PAGES[name])
    assert texts.found == []


def test_every_word_asked_for_is_in_the_catalogue_and_every_word_there_is_used() -> None:
    english = CATALOGUES["en"]
    source = "\n".join([*SCRIPTS.values(), *PAGES.values()])
    asked = set(re.findall(r'\bt\(\s*"([^"]+)"', source))
    asked |= set(re.findall(r'data-(?:text|label)="([^"]+)"', source))
    asked.discard("language.other")  # the name of another catalogue's language
    assert asked <= set(english), asked - set(english)
    prefixes = tuple(set(re.findall(r"`([a-z_.]+\.)\$\{", source)))
    quoted = set(re.findall(r'"([a-z_.]+)"', source))
    unused = [key for key in english if key not in quoted and not key.startswith(prefixes)]
    assert unused == ["language.name"]  # the server asks for it


def test_every_symbol_drawn_exists() -> None:
    drawn = set(re.findall(r'<g id="icon-(\w+)"', PAGES["index.html"]))
    source = "\n".join([*SCRIPTS.values(), *PAGES.values()])
    used = set(re.findall(r'icon\("(\w+)"\)', source))
    used |= set(re.findall(r"#icon-(\w+)", source)) | set(re.findall(r'symbol: "(\w+)"', source))
    states = {key.partition(".")[2] for key in CATALOGUES["en"] if key.startswith("state.")}
    assert used | states - {"loading", "early"} <= drawn


def test_nothing_of_the_page_comes_from_elsewhere() -> None:
    for path in FOLDER.iterdir():
        addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+", path.read_text("utf-8"))
        assert [a for a in addresses if "www.w3.org/" not in a and "w3.org" not in a] == []


def test_the_first_page_is_small() -> None:
    first = [file for name, file in assets().items() if name in first_load()]
    assert sum(len(file.zipped) for file in first) <= 45_000


def test_all_of_the_page_is_small() -> None:
    """Scripts, styles and markup compressed together as over HTTPS.

    Words are weighed with the first load. The page to log in and the reference of the API are
    pages of their own.
    """
    elsewhere = (".json", "login.js", "login.css", "login.html", "reference.css")
    own = [file.plain for name, file in assets().items() if not name.endswith(elsewhere)]
    assert len(brotli.compress(b"".join(own), quality=BEST)) <= 60_000


def first_load() -> set[str]:
    """What a browser asks for to show the wall: the page, and whatever its scripts import."""
    wanted, known = ["app.js", "boot.js"], set()
    while wanted:
        name = wanted.pop()
        if name not in known:
            known.add(name)
            wanted += _IMPORT.findall(SCRIPTS[name])
    assert not known & {"alarms.js", "controls.js", "point.js", "chart.js"}
    page = set(re.findall(r'(?:href|src)="static/([\w.]+)"', PAGES["index.html"]))
    return known | page | {"index.html", "languages.json", "ko.json"}


def test_a_language_is_a_file_and_nothing_else(tmp_path: Path) -> None:
    for name in LANGUAGES:
        (tmp_path / f"{name}.json").write_bytes((FOLDER / f"{name}.json").read_bytes())
    third = CATALOGUES["en"] | {"language.name": "Tiếng Việt"}
    (tmp_path / "vi.json").write_text(json.dumps(third))
    offered = json.loads(assets_of(tmp_path)["languages.json"].plain)
    assert [each["name"] for each in offered] == ["English", "한국어", "Tiếng Việt"]
    assert [each["code"] for each in offered] == ["en", "ko", "vi"]


# Foreground on background, as the page uses them: text 4.5:1, symbols and frames 3:1 (WCAG 2.2).
TEXT = [
    ("ink", "bg"), ("ink", "surface"), ("ink", "warn-bg"), ("ink", "mute-bg"),
    ("ink2", "bg"), ("ink2", "surface"), ("ink2", "warn-bg"), ("bg", "ink2"),
    ("on-act", "act"), ("warn", "warn-bg"), ("warn", "bg"), ("mute", "mute-bg"),
    ("mute", "surface"),
    ("on-alarm", "alarm"), ("alarm-ink", "surface"), ("on-life", "life"), ("life-ink", "bg"),
]  # fmt: skip
SYMBOL = [
    ("ok", "surface"), ("ok", "bg"), ("edge", "surface"), ("edge", "bg"), ("edge", "mute-bg"),
    ("warn", "surface"), ("alarm-edge", "bg"), ("alarm-ink", "bg"), ("life", "bg"),
    ("life", "surface"), ("act", "bg"), ("alarm", "on-alarm"), ("mute", "bg"),
]  # fmt: skip


def tokens(selector: str) -> dict[str, str]:
    block = re.search(rf"^{re.escape(selector)} \{{([^}}]*)\}}", STYLE, re.MULTILINE)
    assert block
    return dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6});", block[1]))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_pair_of_colours_can_be_read(theme: str) -> None:
    colours = tokens(":root") | (tokens("[data-theme=dark]") if theme == "dark" else {})
    pairs = itertools.chain(
        ((pair, 4.5) for pair in TEXT),
        ((pair, 3.0) for pair in SYMBOL),
    )
    for (front, back), least in pairs:
        assert contrast(colours[front], colours[back]) >= least, f"{front} on {back}"


def test_both_themes_set_the_same_colours() -> None:
    assert tokens(":root").keys() == tokens("[data-theme=dark]").keys()
