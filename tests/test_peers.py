"""The comparison on the shared harness: its kitchen is ours, and what it asks reaches us."""

import ast
from pathlib import Path

import pytest

from bench.peers import harness, kitchen
from gateway.config.load import load
from gateway.reading import Point
from tests.conftest import Left
from tests.fakes import ManualClock
from tests.store_files import good, open_store

QUESTIONS = {"spec", "stored", "on_cmd"}


def test_the_harness_s_kitchen_is_one_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(kitchen.write(1883, 1884))
    loaded = load(file)
    assert loaded.problems == ()
    assert loaded.config is not None
    assert len(loaded.config.devices) == len(loaded.config.actuators) == kitchen.SENSORS
    assert len(loaded.config.rules) == 200


async def test_a_reading_stored_twice_counts_once(tmp_path: Path) -> None:
    store = open_store(tmp_path, ManualClock())
    points = store.register([Point(-1, "s000/seq", "", "1", "number")])
    counted = kitchen.Stored(tmp_path / "gateway.db")
    for numbers in ((1.0, 2.0), (2.0, 3.0)):
        for number in numbers:
            store.log.append(good(points["s000/seq"], number, 0))
        await store.log.commit()
    assert counted.count() == 3
    store.close()


def test_the_answers_stand_right_behind_what_they_stand_in_for() -> None:
    source = "def spec():\n    return 'theirs'\nSEEN = spec()\ndef other(): pass\n"
    tree = ast.fix_missing_locations(harness._Answering().visit(ast.parse(source)))
    names: dict[str, object] = {"KITCHEN_GATEWAY_SPEC": lambda theirs: lambda: f"not {theirs()}"}
    exec(compile(tree, "script", "exec"), names)  # noqa: S102
    assert names["SEEN"] == "not theirs"


def test_the_shared_harness_asks_what_we_answer(left_out: Left) -> None:
    folder = harness.folder()
    if folder is None:
        left_out("no shared harness here: bench/peers is not compared with it")
        pytest.skip("the shared folder is absent")
    tree = ast.parse((folder / "peerbench.py").read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert defined >= QUESTIONS


def test_telling_a_switch_again_what_it_does_is_no_reaction(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCRATCH", str(tmp_path))
    heard: list[bytes] = []
    us, them = (harness.Peer([name, "21000"]) for name in (harness.NAME, "floor-raw"))
    hear = us.on_cmd(lambda _topic, payload: heard.append(payload))
    for payload in (b"OFF", b"ON", b"ON", b"OFF"):
        hear("k/000/c", payload)
    assert heard == [b"ON", b"OFF"]
    assert them.on_cmd(hear) is hear
