"""The audit chain: nothing in it can be changed, taken out, moved or cut off unseen."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.audit import key as keys
from gateway.audit.chain import link
from gateway.audit.verify import Known
from gateway.store import audit
from gateway.store.audit import open_chain
from gateway.store.file import NAME, connect
from tests.chains import INSTALL, MEDDLINGS, WALL, Meddler, entry, make_chain, report


@pytest.fixture(scope="session")
def chains(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Chains that end with a checkpoint, after one, and before the first."""
    folder = tmp_path_factory.mktemp("chains")
    for entries in (40, 87, 230):
        make_chain(folder / str(entries), entries, every=20)
    return sorted(folder.iterdir())


def change(folder: Path, statement: str, *arguments: object) -> None:
    with closing(sqlite3.connect(folder / NAME)) as connection, connection:
        connection.execute(statement, arguments)


def said(folder: Path, *known: Known) -> str:
    return "\n".join(f"{n}: {what}" for n, what in report(folder, *known).findings)


def test_an_untouched_chain_is_whole(chains: list[Path]) -> None:
    for folder in chains:
        found = report(folder)
        assert found.findings == []
        assert found.entries == found.last == int(folder.name)
        assert found.checkpoints == int(folder.name) // 20


def test_three_hundred_random_changes_are_all_found(chains: list[Path], tmp_path: Path) -> None:
    meddler = Meddler(tmp_path / "copy", chains, seed=5)
    for _ in range(300):
        name, found = meddler.try_one()
        assert found.findings, name


@pytest.mark.long
def test_ten_thousand_random_changes_are_all_found(chains: list[Path], tmp_path: Path) -> None:
    meddler = Meddler(tmp_path / "copy", chains, seed=6)
    done = set()
    for _ in range(10_000):
        name, found = meddler.try_one()
        assert found.findings, name
        done.add(name)
    assert done == {meddling.__name__ for meddling in MEDDLINGS}


def test_what_is_said_names_the_entry_and_how(tmp_path: Path) -> None:
    make_chain(tmp_path, 30, every=10)
    change(tmp_path, "UPDATE audit SET body = ? WHERE n = 7", entry(99))
    assert said(tmp_path) == "7: was altered, or is not in its place, or the one before it is not"
    change(tmp_path, "DELETE FROM audit WHERE n = 7")
    assert said(tmp_path) == "7: entry 7 is missing"
    change(tmp_path, "DELETE FROM audit WHERE n > 25")
    assert "26: entries 26 to 30 are cut off at the end" in said(tmp_path)
    assert "26" in said(tmp_path)
    assert "gone, though checkpoint 3 knows it" in said(tmp_path)


def test_who_writes_all_hashes_anew_lacks_the_key(tmp_path: Path) -> None:
    make_chain(tmp_path, 30, every=10)
    with closing(connect(tmp_path / NAME)) as connection:
        (before,) = connection.execute("SELECT hash FROM audit WHERE n = 14").fetchone()
        for number in range(15, 31):
            before = link(before, number, entry(number + 100))
            connection.execute(
                "UPDATE audit SET body = ?, hash = ? WHERE n = ?",
                (entry(number + 100), before, number),
            )
        connection.execute("UPDATE audit_head SET hash = ?", (before,))
    text = said(tmp_path)
    assert "20: is not the one checkpoint 2 knows: the chain was written anew" in text
    assert "30: the head of the chain was altered" in text


def test_a_tail_cut_off_by_who_has_the_key_is_known_to_the_cloud(tmp_path: Path) -> None:
    """A file put back from last week is sound in itself; only the cloud has seen more."""
    make_chain(tmp_path / "long", 45, every=10)
    with audit_of(tmp_path / "long") as connection:
        (later,) = connection.execute("SELECT hash FROM audit WHERE n = 40").fetchone()
    make_chain(tmp_path / "short", 30, every=10)
    assert report(tmp_path / "short").findings == []
    known = Known(40, later.hex(), "the cloud")
    assert "40: is known to the cloud, but the chain ends at 30" in said(tmp_path / "short", known)
    assert report(tmp_path / "long", known).findings == []
    other = Known(40, "00" * 32, "the cloud")
    assert "40: is not the one the cloud knows" in said(tmp_path / "long", other)


def audit_of(folder: Path) -> closing[sqlite3.Connection]:
    return closing(connect(folder / NAME))


def test_what_is_let_go_of_leaves_a_signed_word_and_nothing_else_may_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "KEPT", 50)
    monkeypatch.setattr(audit, "SPARE", 10)
    make_chain(tmp_path, 90, every=10)
    with audit_of(tmp_path) as connection:
        chain = open_chain(tmp_path, connection, INSTALL)
        assert chain.let_go(connection, WALL) == 40
        assert chain.let_go(connection, WALL) == 0
        for number in range(91, 125):
            chain.add(connection, [entry(number)])
        chain.sign(connection, WALL)
    found = report(tmp_path)
    assert found.findings == []
    assert (found.entries, found.last) == (84, 124)
    with audit_of(tmp_path) as connection:
        assert chain.let_go(connection, WALL) == 34
    assert report(tmp_path).findings == []
    change(tmp_path, "DELETE FROM audit WHERE n = 75")
    assert said(tmp_path) == "75: entry 75 is missing"


def test_without_its_key_the_chain_goes_on_and_says_so(tmp_path: Path) -> None:
    make_chain(tmp_path, 25, every=10)
    (tmp_path / keys.NAME).unlink()
    with audit_of(tmp_path) as connection:
        chain = open_chain(tmp_path, connection, INSTALL)
        chain.add(connection, [entry(26)])
        chain.sign(connection, WALL)
    text = said(tmp_path)
    assert "25: here the gateway itself found the head of the chain altered" in text
    assert "checkpoint 1 is signed with the key" in text
    assert "26:" not in text


def test_a_chain_that_was_emptied_is_not_begun_anew_unseen(tmp_path: Path) -> None:
    make_chain(tmp_path, 25, every=10)
    for table in ("audit", "audit_checkpoints", "audit_head"):
        change(tmp_path, f"DELETE FROM {table}")
    with audit_of(tmp_path) as connection:
        chain = open_chain(tmp_path, connection, INSTALL)
        chain.add(connection, [entry(1)])
    assert "0: here the gateway itself found the head of the chain altered" in said(tmp_path)


def test_a_head_that_was_altered_is_remembered_for_good(tmp_path: Path) -> None:
    make_chain(tmp_path, 25, every=10)
    change(tmp_path, "DELETE FROM audit WHERE n > 22")
    change(tmp_path, "UPDATE audit_head SET n = 22")
    with audit_of(tmp_path) as connection:
        open_chain(tmp_path, connection, INSTALL).add(connection, [entry(23)])
    assert "22: here the gateway itself found" in said(tmp_path)


def test_a_start_cut_short_before_the_key_was_kept_is_no_harm(tmp_path: Path) -> None:
    make_chain(tmp_path, 0, every=10)
    (tmp_path / keys.NAME).unlink()
    with audit_of(tmp_path) as connection:
        open_chain(tmp_path, connection, INSTALL).add(connection, [entry(1)])
    assert report(tmp_path).findings == []


def test_the_key_is_for_its_owner_alone_and_a_damaged_one_is_an_error_in_words(
    tmp_path: Path,
) -> None:
    make_chain(tmp_path, 1, every=10)
    file = tmp_path / keys.NAME
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_bytes(b"short")
    with pytest.raises(keys.KeyDamaged, match="take it from a backup"):
        keys.read(tmp_path)


def test_a_chain_of_another_installation_does_not_pass_for_this_one(tmp_path: Path) -> None:
    make_chain(tmp_path, 12, every=10)
    change(tmp_path, "UPDATE meta SET value = 'another' WHERE key = 'install'")
    text = said(tmp_path)
    assert "1: was altered" in text
    assert "checkpoint 1 belongs elsewhere" in text
