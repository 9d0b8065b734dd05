"""`export`: every reading once, whole or not at all, harmless to a table calculation."""

import csv
import io
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.reading import Quality
from gateway.store.export import Export
from tests.conftest import Left
from tests.history_log import DOOR, HOUR, MINUTE, NAME, Kitchen
from tests.patience import PATIENCE_S
from tests.processes import REPOSITORY, Daemon

STALE = Quality.STALE.code
EIGHT = 1_800_000_000_000  # 2027-01-15T08:00Z


@pytest.fixture
async def kitchen(tmp_path: Path) -> AsyncIterator[Kitchen]:
    found = Kitchen(tmp_path / "data", wall=EIGHT)
    yield found
    found.close()


def exported(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


async def test_months_and_log_make_one_table_with_each_reading_once(kitchen: Kitchen) -> None:
    await kitchen.every(MINUTE, EIGHT, EIGHT + 80 * MINUTE)
    await kitchen.fold(60)
    await kitchen.row(EIGHT + 80 * MINUTE, (kitchen.door, True), (kitchen.cold, None, STALE))
    done = exported("--data", kitchen.store.path)
    assert done.exit_code == 0
    head, *rows = table(done.stdout)
    assert head == ["time", "point", "value", "unit", "reason"]
    assert rows[0] == ["2027-01-15T08:00:00.000Z", NAME, "4", "Cel", ""]
    assert [row[0] for row in rows if row[1] == NAME] == sorted(
        row[0] for row in rows if row[1] == NAME
    )
    assert rows[-2:] == [
        ["2027-01-15T09:20:00.001Z", NAME, "", "Cel", "stale"],
        ["2027-01-15T09:20:00.000Z", DOOR, "true", "Cel", ""],
    ]
    assert len(rows) == 82
    assert done.stderr.strip() == "82 readings"
    await kitchen.fold()
    assert sorted(exported("--data", kitchen.store.path).stdout.splitlines()) == sorted(
        done.stdout.splitlines()
    )


async def test_chosen_points_and_times_only(kitchen: Kitchen) -> None:
    await kitchen.row(EIGHT, (kitchen.door, True), (kitchen.cold, 4.0))
    await kitchen.every(MINUTE, EIGHT + MINUTE, EIGHT + 70 * MINUTE)
    await kitchen.fold(30)
    chosen = ("--data", kitchen.store.path, "--point", NAME)
    done = exported(*chosen, "--from", "2027-01-15T08:10Z", "--to", "2027-01-15T18:05+09:00")
    rows = table(done.stdout)[1:]
    assert {row[1] for row in rows} == {NAME}
    assert (rows[0][0], rows[-1][0]) == ("2027-01-15T08:10:00.000Z", "2027-01-15T09:04:00.000Z")
    assert len(rows) == 55


async def test_a_fold_in_the_middle_of_an_export_neither_leaves_out_nor_doubles(
    kitchen: Kitchen,
) -> None:
    await kitchen.every(MINUTE, EIGHT, EIGHT + 3 * HOUR)
    await kitchen.fold(90)
    reading = Export(kitchen.store.path, (), EIGHT - HOUR, EIGHT + 9 * HOUR)
    found = []
    for number, part in enumerate(reading.parts()):
        found += [part.hour * HOUR + at for at in part.columns.at]
        if not number:
            await kitchen.fold()
    reading.close()
    assert sorted(found) == [EIGHT + minute * MINUTE for minute in range(180)]


async def test_a_text_cannot_become_a_formula(kitchen: Kitchen) -> None:
    for number, text in enumerate(("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "fine")):
        await kitchen.cold_row(EIGHT + number, text)
    await kitchen.cold_row(EIGHT + 10, -3.5)
    cells = [row[2] for row in table(exported("--data", kitchen.store.path).stdout)[1:]]
    assert cells == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "fine", "-3.5"]


async def test_a_file_is_there_whole_or_not_at_all(kitchen: Kitchen, tmp_path: Path) -> None:
    await kitchen.every(MINUTE, EIGHT, EIGHT + 10 * MINUTE)
    target = tmp_path / "out.csv"
    done = exported("--data", kitchen.store.path, "--output", target)
    assert done.exit_code == 0
    assert len(table(target.read_text())) == 11
    done = exported("--data", kitchen.store.path, "--output", tmp_path / "none" / "out.csv")
    assert done.exit_code == 1
    assert "nothing was written" in done.stderr
    assert names(tmp_path) == ["data", "out.csv"]


async def test_a_damaged_month_is_named_and_the_rest_is_written(kitchen: Kitchen) -> None:
    await kitchen.every(MINUTE, EIGHT, EIGHT + 10 * MINUTE)
    await kitchen.fold()
    await kitchen.cold_row(EIGHT + 20 * MINUTE, 5.5)
    with closing(sqlite3.connect(kitchen.folder / "2027-01.db")) as month:
        month.execute("UPDATE blocks SET body = x'00'")
        month.commit()
    done = exported("--data", kitchen.store.path)
    assert done.exit_code == 1
    assert "2027-01.db is damaged and left out" in done.stderr
    assert [row[2] for row in table(done.stdout)[1:]][-1] == "5.5"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--point", "nobody/knows"], "there is no point nobody/knows"),
        (["--from", "noon"], "is no time"),
        (["--from", "2027-01-02", "--to", "2027-01-01"], "must be before --to"),
    ],
)
async def test_a_wrong_question_is_told_in_one_line(
    kitchen: Kitchen, arguments: list[str], words: str
) -> None:
    done = exported("--data", kitchen.store.path, *arguments)
    assert done.exit_code in {1, 2}
    assert words in done.stderr


def test_an_empty_folder_says_how_to_name_the_right_one(tmp_path: Path) -> None:
    done = exported("--data", tmp_path)
    assert (done.exit_code, done.stderr) == (
        1,
        f"kitchen-gateway: there is no data in {tmp_path}; name the folder with --data DIR\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path, left_out: Left) -> Iterator[Path | None]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("no small disk can be mounted: on CI a full one must be tried")
        left_out("no small disk can be mounted here: an export to a full one is not tried")
        yield None
        return
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_full_disk_costs_the_export_one_line_and_leaves_no_half_file(
    kitchen: Kitchen, small_disk: Path | None
) -> None:
    if small_disk is None:
        return
    await kitchen.every(1_000, EIGHT, EIGHT + 20 * MINUTE)
    (small_disk / "out.csv").write_text("of last week")
    done = exported("--data", kitchen.store.path, "--output", small_disk / "out.csv")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "the disk is full" in done.stderr
    assert (small_disk / "out.csv").read_text() == "of last week"
    assert names(small_disk) == ["out.csv"]


def test_it_works_beside_a_running_gateway_and_ends_quietly_when_nobody_reads_on(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "gateway.cli", "export", "--data", str(tmp_path / "data")]

    def points() -> set[str]:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
        return {row[1] for row in table(done.stdout)[1:]}

    with Daemon(tmp_path, REPOSITORY / "config.yaml") as daemon:
        daemon.wait_until(lambda: points() >= {"walk_in/temperature", "system/cpu"})
        daemon.wait_well()
        cut = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               cwd=REPOSITORY)  # fmt: skip
        assert cut.stdout is not None
        cut.stdout.close()
        assert cut.wait(PATIENCE_S) == 1
        assert cut.stderr is not None
        assert cut.stderr.read() == b""
        cut.stderr.close()
