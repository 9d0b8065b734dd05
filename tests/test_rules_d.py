"""Files of rules beside the configuration: read, checked, hashed and kept as one with it."""

from pathlib import Path

import pytest

from gateway.config import describe, texts
from gateway.config.load import Loaded, load, load_text
from gateway.config.texts import Part, Texts
from gateway.config.written import effective, plain

KITCHEN = """
site: {label: Kitchen, zone: Asia/Seoul}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}}
devices: {cold: {driver: sht3x, bus: i2c, address: 0x44}}
rules:
  warm: {kind: limit, point: cold/temperature, raise_above: 8 °C, on_bad: hold,
    then: [{alarm: high}]}
"""
DAMP = """rules:
  damp: {kind: limit, point: cold/humidity, raise_above: 90 %, on_bad: hold, then: [{alarm: low}]}
"""


def written(folder: Path, **files: str) -> Path:
    (folder / "config.yaml").write_text(KITCHEN)
    (folder / "rules.d").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "rules.d" / f"{name}.yaml").write_text(text)
    return folder / "config.yaml"


def told(loaded: Loaded, folder: Path) -> str:
    return describe.problems(loaded.problems).replace(f"{folder}/", "")


def rules(loaded: Loaded) -> list[str]:
    assert loaded.config is not None, loaded.problems
    return [rule.id for rule in loaded.config.rules]


def test_rules_of_all_files_are_judged(tmp_path: Path) -> None:
    scene = """scenes: {night: [{record: good night}]}
rules: {called: {when: [called], priority: low, then: [{scene: night}]}}"""
    loaded = load(written(tmp_path, a=DAMP, b=scene))
    assert not loaded.problems
    assert rules(loaded) == ["called", "damp", "warm"]


def test_a_file_may_be_the_only_one_with_rules(tmp_path: Path) -> None:
    path = written(tmp_path, a=DAMP)
    path.write_text(KITCHEN[: KITCHEN.index("rules:")])
    assert rules(load(path)) == ["damp"]
    path.write_text(KITCHEN[: KITCHEN.index("rules:")] + "rules:\n")
    assert rules(load(path)) == ["damp"]


def test_an_error_names_its_file_and_line(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, damp=DAMP.replace("humidity", "humidty")))
    assert loaded.config is None
    expected = "rules.d/damp.yaml:2:30: rules.damp.point: got the unknown point"
    assert told(loaded, tmp_path).startswith(expected)


def test_a_file_that_is_no_yaml_names_itself(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, damp="rules: {a: [}"))
    assert loaded.config is None
    assert told(loaded, tmp_path).startswith("rules.d/damp.yaml:1:")


def test_the_same_id_twice_names_both_places(tmp_path: Path) -> None:
    again = DAMP.replace("damp:", "warm:")
    loaded = load(written(tmp_path, a=again, b=DAMP, c=DAMP))
    assert told(loaded, tmp_path).splitlines() == [
        "rules.d/a.yaml:2:3: rules.warm: given twice: here and at config.yaml:6:3",
        "rules.d/c.yaml:2:3: rules.damp: given twice: here and at rules.d/b.yaml:2:3",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("web: {port: 80}", 'got "web", which does not belong into rules.d'),
        ("rules: [a]", "rules: expected keys and values"),
        ("- a", 'expected "rules:" or "scenes:" or "modes:"'),
        ("", "the file is empty"),
        ("rules: {damp: *x}", 'the alias "*x"'),
    ],
)
def test_what_does_not_belong_there_is_refused(tmp_path: Path, text: str, said: str) -> None:
    loaded = load(written(tmp_path, a=text))
    assert loaded.config is None
    assert said in told(loaded, tmp_path)


def test_a_file_that_would_silently_be_left_out_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, a=DAMP)
    (tmp_path / "rules.d" / "b.yml").write_text(DAMP)
    (tmp_path / "rules.d" / "c.yaml").mkdir()
    (tmp_path / "rules.d" / "notes.txt").write_text("for people")
    (tmp_path / "rules.d" / ".d.yaml.swp").write_text("an editor's")
    said = told(load(path), tmp_path)
    assert "rules.d/b.yml:1:1: is not read; name it b.yaml, or take it out" in said
    assert "rules.d/c.yaml:1:1: cannot be read: Is a directory" in said
    assert len(said.splitlines()) == 2


def test_number_and_size_are_bounded(tmp_path: Path) -> None:
    path = written(tmp_path)
    for number in range(texts.FILES_MAX + 1):
        (tmp_path / "rules.d" / f"{number}.yaml").write_text("scenes:\n")
    assert "got 65 files, expected at most 64" in told(load(path), tmp_path)
    for file in (tmp_path / "rules.d").iterdir():
        file.unlink()
    for number in range(3):
        (tmp_path / "rules.d" / f"{number}.yaml").write_text("#" * 200_000)
    assert "larger than 512 kB, the most it may have in all" in told(load(path), tmp_path)
    (tmp_path / "rules.d" / "0.yaml").write_text("#" * 300_000)
    (tmp_path / "rules.d" / "1.yaml").unlink()
    assert "rules.d/0.yaml:1:1: larger than 256 kB" in told(load(path), tmp_path)


def test_the_text_is_that_of_the_file_where_there_are_no_others(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert load(path).text == KITCHEN.encode()


def test_all_files_are_one_text_that_can_be_taken_apart(tmp_path: Path) -> None:
    path = written(tmp_path, a=DAMP)
    whole = load(path)
    (tmp_path / "rules.d" / "a.yaml").unlink()
    alone = load(path)
    kept = load_text(whole.text, path, proven=True)
    assert rules(kept) == ["damp", "warm"]
    assert rules(alone) == ["warm"]
    assert kept.content_hash == whole.content_hash != alone.content_hash
    assert kept.rules_hash == whole.rules_hash != alone.rules_hash
    assert texts.split(whole.text) == Texts(
        KITCHEN.encode(), [Part("rules.d/a.yaml", DAMP.encode())]
    )


@pytest.mark.parametrize(
    "strange", [b"\x00", b"\x00{}\n", b'\x00{"main": 5, "parts": []}\nab', b"\x00[1]\nx"]
)
def test_a_text_another_version_has_kept_is_no_configuration(
    tmp_path: Path, strange: bytes
) -> None:
    loaded = load_text(strange, tmp_path / "config.yaml", proven=True)
    assert loaded.config is None
    assert "another version" in told(loaded, tmp_path)


def test_a_change_in_any_of_the_files_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, a=DAMP)
    seen = [texts.stamp(path)]
    (tmp_path / "rules.d" / "a.yaml").write_text(f"{DAMP}\n")
    seen.append(texts.stamp(path))
    (tmp_path / "rules.d" / "b.yaml").write_text("scenes:\n")
    seen.append(texts.stamp(path))
    (tmp_path / "rules.d" / "a.yaml").rename(tmp_path / "rules.d" / "c.yaml")
    seen.append(texts.stamp(path))
    assert len(set(seen)) == len(seen)


def test_what_is_in_force_is_told_with_the_rules_of_all_files(tmp_path: Path) -> None:
    tree = effective(load(written(tmp_path, a=DAMP)))
    assert tree is not None
    whole = plain(tree)
    assert isinstance(whole, dict)
    assert set(whole["rules"]) == {"warm", "damp"}
