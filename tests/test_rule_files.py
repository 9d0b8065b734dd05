"""Rules edited on the page: checked whole, written for good, taken over; or nothing has changed."""

import asyncio
import errno
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import rule_texts
from gateway.audit.entry import Detail
from gateway.config import texts
from gateway.config.load import Loaded
from gateway.config.problem import Problem
from gateway.config.texts import Texts
from gateway.configuration import Configuration
from gateway.documents import tag_of
from gateway.reloading import Busy, Outcome
from gateway.rule_files import (
    ChangedMeanwhile,
    ForAnEditor,
    NotWritten,
    RuleFiles,
    TagNeeded,
    Unfit,
    UnknownFile,
    WrongName,
)
from gateway.rule_texts import TooMuch
from gateway.store.errors import StoreError
from tests.test_rules_d import DAMP, KITCHEN

DAMPER = DAMP.replace("90 %", "95 %")
HOSTILE = [
    "", ".", "..", ".yaml", "../x.yaml", "..%2fx.yaml", "/etc/passwd", "a/b.yaml", "a\\b.yaml",
    "x.yml", "x.yaml.new", ".x.yaml", "x.yaml\n", "x\0.yaml", "x.YAML", "-x.yaml", " x.yaml",
    "config.yaml/../x.yaml", "x" * 51 + ".yaml", "rules.d/x.yaml", "\u202ex.yaml", "_.yaml",
]  # fmt: skip


class Site:
    """A folder with a configuration, and what was asked and noted; `refuses` is of the reload."""

    def __init__(self, folder: Path) -> None:
        self.configuration = Configuration(folder / "config.yaml")
        self.file = self.configuration.file
        self.file.write_text(KITCHEN)
        self.rules = folder / "rules.d"
        self.refuses: list[Outcome | Exception] = []
        self.reloads: list[dict[str, str]] = []  # the files as each reload found them
        self.notes: list[tuple[str, str, str, str]] = []
        self.unnoted = False
        self.theirs: str | None = None  # what the installer's editor saves while we look
        self.files = RuleFiles(self, self.reload, self.note)

    def check(self, found: Texts) -> Loaded:
        if self.theirs is not None:
            (self.rules / "damp.yaml").write_text(self.theirs)
        return self.configuration.check(found)

    async def reload(self, by: str) -> Outcome:
        assert by == "kim"
        self.reloads.append(self.there())
        wrong = self.refuses.pop(0) if self.refuses else Outcome(result="applied")
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    async def note(
        self, action: str, name: str, by: str, detail: Mapping[str, Detail], refused: str = ""
    ) -> None:
        if self.unnoted:
            raise StoreError("the disk refuses")
        assert by == "kim"
        assert refused or detail
        self.notes.append((action, name, str(detail.get("is")), refused))

    def there(self) -> dict[str, str]:
        """Whatever lies in the folder, hidden or not."""
        return {each.name: each.read_text() for each in self.rules.iterdir()}

    async def save(self, text: str | None, tag: str | None = None, name: str = "damp.yaml") -> str:
        saved = await self.files.save(name, text, tag, "kim")
        return saved.tag or ""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_a_new_file_is_written_and_taken_over(site: Site) -> None:
    tag = await site.save(DAMP)
    assert site.there() == {"damp.yaml": DAMP}
    assert site.reloads == [{"damp.yaml": DAMP}]
    assert site.notes == [("save_rules", "damp.yaml", tag_of(DAMP.encode()), "")]
    assert await site.files.read("damp.yaml") == (DAMP, tag)
    assert (site.rules / "damp.yaml").stat().st_mode & 0o777 == 0o644
    assert site.file.read_text() == KITCHEN


async def test_a_file_is_replaced_and_removed_by_who_has_read_it(site: Site) -> None:
    tag = await site.save(DAMP)
    (site.rules / "damp.yaml").chmod(0o640)
    newer = await site.save(DAMPER, tag)
    assert (site.there(), newer == tag) == ({"damp.yaml": DAMPER}, False)
    assert (site.rules / "damp.yaml").stat().st_mode & 0o777 == 0o640
    for stale in (tag, "0" * 16, ""):
        with pytest.raises(ChangedMeanwhile):
            await site.save(DAMP, stale)
    with pytest.raises(TagNeeded):
        await site.save(DAMP)
    assert site.there() == {"damp.yaml": DAMPER}
    await site.save(None, newer)
    assert site.there() == {}
    with pytest.raises(UnknownFile):
        await site.save(None)
    with pytest.raises(ChangedMeanwhile):
        await site.save(DAMP, newer)
    assert await site.save(DAMP) == tag


async def test_a_text_that_cannot_be_used_changes_nothing_and_says_where(site: Site) -> None:
    tag = await site.save(DAMP)
    for text, where in (
        (DAMP.replace("humidity", "humidty"), ("rules.d/damp.yaml", 2)),
        ("rules: [", ("rules.d/damp.yaml", 2)),
        (DAMP.replace("damp:", "warm:"), ("rules.d/damp.yaml", 2)),  # config.yaml has it already
        ("\x00" + DAMP, ("rules.d/damp.yaml", 1)),
    ):
        with pytest.raises(Unfit) as refused:
            await site.save(text, tag)
        first = refused.value.problems[0]
        assert (first.file, first.line) == where, first
        assert await site.files.check("damp.yaml", text) == refused.value.problems
    assert site.there() == {"damp.yaml": DAMP}
    assert (len(site.reloads), len(site.notes)) == (1, 1)
    assert await site.files.check("damp.yaml", DAMPER) == ()


async def test_removing_what_others_need_is_refused(site: Site) -> None:
    tag = await site.save("scenes: {night: [{record: good night}]}", name="scenes.yaml")
    await site.save("rules: {n: {when: [called], priority: low, then: [{scene: night}]}}")
    with pytest.raises(Unfit):
        await site.save(None, tag, "scenes.yaml")
    assert "scenes.yaml" in site.there()


@pytest.mark.parametrize("before", [None, DAMP])
async def test_where_taking_over_is_refused_the_text_before_is_back(
    site: Site, before: str | None
) -> None:
    tag = await site.save(before) if before else None
    kept = {"damp.yaml": before} if before else {}
    for wrong in (Outcome(result="refused", problems=(_PROBLEM,)), Busy("stopping")):
        site.reloads.clear()
        site.refuses = [wrong]
        with pytest.raises((Unfit, Busy)):
            await site.save(DAMPER, tag)
        assert site.there() == kept
        assert site.reloads[0] == {"damp.yaml": DAMPER}
        if isinstance(wrong, Outcome):  # the files are in force again, and not refused
            assert site.reloads[1:] == [kept]
        assert site.notes[-1][3] == type(wrong).__name__.lower().replace("outcome", "unfit")


async def test_what_the_installer_saves_at_that_moment_is_not_overwritten(site: Site) -> None:
    tag = await site.save(DAMP)
    site.theirs = theirs = DAMP.replace("90 %", "80 %")
    with pytest.raises(ChangedMeanwhile):
        await site.save(DAMPER, tag)
    assert site.there() == {"damp.yaml": theirs}


async def test_of_two_who_save_at_once_one_is_told_to_wait(site: Site) -> None:
    both = await asyncio.gather(site.save(DAMP), site.save(DAMPER), return_exceptions=True)
    assert [type(each) for each in both] == [str, Busy]
    assert site.there() == {"damp.yaml": DAMP}
    checks = (site.files.check("damp.yaml", DAMP), site.files.check("damp.yaml", DAMP))
    assert (await asyncio.gather(*checks, return_exceptions=True))[0] == ()


async def test_who_goes_away_does_not_leave_half_of_it(site: Site) -> None:
    asked = asyncio.create_task(site.save(DAMP))
    await asyncio.sleep(0)
    asked.cancel()
    while site.files.saving:
        await asyncio.sleep(0)
    assert (site.there(), len(site.reloads)) == ({"damp.yaml": DAMP}, 1)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_reaches_no_file(site: Site, name: str) -> None:
    before = sorted(site.file.parent.rglob("*"))
    for act in (site.save(DAMP, name=name), site.save(None, "*", name)):
        with pytest.raises(WrongName):
            await act
    with pytest.raises(WrongName):
        await site.files.check(name, DAMP)
    with pytest.raises(UnknownFile):
        await site.files.read(name)
    assert sorted(site.file.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("number", "who"), [(errno.ENOSPC, "full"), (errno.EROFS, "installer"), (errno.EIO, "disk")]
)
async def test_a_disk_that_refuses_leaves_the_text_before(
    site: Site, monkeypatch: pytest.MonkeyPatch, number: int, who: str
) -> None:
    tag = await site.save(DAMP)

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr("gateway.whole_file.os.fsync", refuse)
        with pytest.raises(NotWritten, match=who):
            await site.save(DAMPER, tag)
    assert site.there() == {"damp.yaml": DAMP}
    assert len(site.reloads) == 1
    await site.save(DAMPER, tag)


async def test_what_cannot_be_noted_is_not_done(site: Site) -> None:
    site.unnoted = True
    with pytest.raises(StoreError):
        await site.save(DAMP)
    assert not site.rules.exists()


async def test_a_kill_between_writing_and_renaming_leaves_the_text_before(site: Site) -> None:
    tag = await site.save(DAMP)
    killed = (
        "import os, pathlib, sys; from gateway import whole_file\n"
        "pathlib.Path.replace = lambda *_: os._exit(9)\n"
        "whole_file.put(pathlib.Path(sys.argv[1]), b'rules: {half: ', 0o644)"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", killed, str(site.rules / "damp.yaml")
    )
    assert await child.wait() == 9
    assert len(site.there()) == 2  # and the half is read by nobody
    assert [part.data for part in texts.read(site.file).parts] == [DAMP.encode()]
    await site.save(DAMPER, tag)
    assert site.there() == {"damp.yaml": DAMPER}


async def test_there_is_room_for_so_many_files_and_bytes(site: Site) -> None:
    site.rules.mkdir()
    with pytest.raises(TooMuch, match="48 kB"):
        await site.save("#" * (rule_texts.BYTES_MAX + 1))
    for number in range(texts.FILES_MAX):
        (site.rules / f"{number}.yaml").write_text("rules:\n")
    with pytest.raises(TooMuch, match="64 files"):
        await site.save(DAMP)
    await site.save(DAMP, "*", "7.yaml")
    assert (site.rules / "7.yaml").read_text() == DAMP


async def test_what_is_no_text_is_left_to_an_editor(site: Site) -> None:
    site.rules.mkdir()
    (site.rules / "latin.yaml").write_bytes(b"# caf\xe9\n")
    (site.rules / "long.yaml").write_bytes(b"#" * (rule_texts.BYTES_MAX + 1))
    for name in ("latin.yaml", "long.yaml"):
        with pytest.raises(ForAnEditor):
            await site.files.read(name)
    with pytest.raises(UnknownFile):
        await site.files.read("none.yaml")


_NAMES = st.from_regex(r"[a-zA-Z0-9가-힣][\w -]{0,20}\.yaml", fullmatch=True)


@given(st.dictionaries(_NAMES, st.binary(max_size=40), max_size=6), _NAMES, st.binary(max_size=40))
def test_the_files_with_one_changed_are_those_that_are_read_once_it_is_written(
    there: dict[str, bytes], name: str, data: bytes
) -> None:
    with TemporaryDirectory() as folder:
        site = Site(Path(folder))
        site.rules.mkdir()
        for each, text in there.items():
            (site.rules / each).write_bytes(text)
        before = texts.read(site.file)
        (site.rules / name).write_bytes(data)
        assert rule_texts.with_text(before, name, data) == texts.read(site.file)
        (site.rules / name).unlink()
        assert rule_texts.with_text(before, name, None) == texts.read(site.file)


_PROBLEM = Problem(file="config.yaml", line=1, column=1, path="", message="it cannot be built")
