"""The schema's steps: files of every release open, twice, and a step cut short is done again."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlite_utils

from gateway.store.errors import StoreError
from gateway.store.file import LATEST, NAME, prepare
from gateway.store.migrations import __main__ as child
from gateway.store.migrations import steps
from gateway.store.opening import Store
from tests.fakes import ManualClock
from tests.store_files import open_store

DUMPS = sorted((Path(__file__).parent / "schemas").glob("*.sql"))


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the file but the record of its migrations."""
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 1) <> '_'"
        ).fetchall()
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}


def schema(path: Path) -> list[tuple[object, ...]]:
    """How its tables are made."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / NAME


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no migration can be started."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")


def test_there_is_a_dump_of_every_released_schema() -> None:
    assert [dump.stem for dump in DUMPS] == [f"{number:04}" for number in range(1, LATEST + 1)]
    with closing(sqlite3.connect(":memory:")) as connection:
        assert len(steps.migrations.pending(sqlite_utils.Database(connection))) == LATEST


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
def test_a_file_of_every_release_opens_twice_and_keeps_what_is_in_it(
    dump: Path, database: Path
) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(dump.read_text())
    before = tables(database)
    for start in (1, 2):
        clock = ManualClock()
        store = Store(database.parent, clock)
        assert store.identity.epoch == len(before["boots"]) + start
        assert store.identity.install == dict(before["meta"])["install"]
        assert store.found.following == {"tm": 2, "ev": 2}
        store.close()
        after = tables(database)
        for name, rows in before.items():
            assert after[name][: len(rows)] == rows, name


def test_migrated_and_fresh_files_have_the_same_schema(tmp_path: Path) -> None:
    (tmp_path / "fresh").mkdir()
    fresh = tmp_path / "fresh" / NAME
    prepare(fresh)
    for dump in DUMPS:
        folder = tmp_path / dump.stem
        folder.mkdir()
        with closing(sqlite3.connect(folder / NAME)) as connection:
            connection.executescript(dump.read_text())
        prepare(folder / NAME)
        assert schema(folder / NAME) == schema(fresh)


def test_a_file_that_is_up_to_date_needs_no_child(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    open_store(tmp_path, ManualClock()).close()
    request.getfixturevalue("no_child")
    Store(tmp_path, ManualClock()).close()


@pytest.mark.usefixtures("no_child")
def test_a_child_that_cannot_be_started_is_an_error_in_words(database: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used: No such file"):
        prepare(database)


def test_the_daemon_never_imports_what_migrates() -> None:
    code = "import sys, gateway.app, gateway.serving, gateway.store.opening; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert "gateway.store.file" in done.stdout.split()
    assert not {"sqlite_utils", "gateway.store.migrations.steps"} & set(done.stdout.split())


def test_a_step_that_fails_leaves_nothing_behind_and_is_done_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = steps._LOG_AND_STATE
    broken = (*statements[:3], "CREATE TABLE boots (twice)", *statements[3:])
    monkeypatch.setattr(steps, "_LOG_AND_STATE", broken)
    with pytest.raises(sqlite3.OperationalError, match="boots already exists"):
        child.main(str(database))
    assert tables(database) == {}
    assert version(database) == 0
    monkeypatch.undo()
    prepare(database)
    assert version(database) == LATEST
    assert "boots" in tables(database)


def test_a_child_killed_before_it_wrote_the_version_is_no_harm(database: Path) -> None:
    prepare(database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 0")
    before = schema(database)
    prepare(database)
    assert version(database) == LATEST
    assert schema(database) == before


def test_a_failed_migration_says_why(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE meta (in_the_way)")
    with pytest.raises(StoreError, match=r"could not be brought up to date: (.|\n)*meta already"):
        prepare(database)
