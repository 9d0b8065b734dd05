"""The files of rules over HTTP: who may read and save them, and what a mistake is answered with."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.access import Role
from gateway.documents import tag_of
from gateway.reloading import Outcome
from gateway.rule_texts import BYTES_MAX
from tests.kitchen_fake import SMALL_CONFIG
from tests.test_rule_files import DAMPER, HOSTILE
from tests.test_rules_d import DAMP
from tests.web_client import Web, web

FILES = "/api/v1/rules/files"
FILE = f"{FILES}/damp.yaml"


async def ask(
    site: Web,
    method: str,
    path: str = FILE,
    text: str | None = None,
    **headers: str,
) -> tuple[int, Any, str | None]:
    """Status, body and ETag."""
    sent = await site.headers(Role.MANAGER)
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = None if text is None else json.dumps({"text": text})
    answer = await site.client.request(method, path, data=data, headers=sent)
    body = await answer.read()
    return answer.status, json.loads(body) if body else None, answer.headers.get("ETag")


async def test_a_file_is_made_read_changed_and_removed() -> None:
    async with web() as site:
        status, body, etag = await ask(site, "PUT", text=DAMP)
        assert (status, body["result"], etag) == (200, "applied", f'"{body["tag"]}"')
        assert etag is not None
        listed = (await ask(site, "GET", FILES))[1]
        size = len(DAMP.encode())
        one = {"name": "damp.yaml", "bytes": size, "tag": body["tag"], "editable": True}
        assert listed["files"] == [one]
        assert "warm:" in listed["config"]
        assert "driver" not in listed["config"]
        status, body, again = await ask(site, "GET")
        assert (body["text"], again) == (DAMP, etag)
        assert (await ask(site, "GET", If_None_Match=etag))[0] == 304
        status, body, newer = await ask(site, "PUT", text=DAMPER, If_Match=etag)
        assert (status, newer) == (200, f'"{tag_of(DAMPER.encode())}"')
        assert newer is not None
        assert (await ask(site, "DELETE", If_Match=f"W/{newer}"))[1]["tag"] is None
        assert (await ask(site, "GET"))[0] == 404
        config = site.kitchen.rule_files()
        assert (await config.all()).main.decode() == SMALL_CONFIG
        deeds = [(entry.action, entry.about, entry.by) for entry in site.kitchen.entries]
        saved = ("save_rules", "damp.yaml", "manager")
        assert deeds == [saved, saved, ("remove_rules", "damp.yaml", "manager")]
        assert site.kitchen.noted[1] == {"was": tag_of(DAMP.encode()), "is": newer.strip('"')}


async def test_of_two_editors_the_later_is_told_what_happened() -> None:
    async with web() as site:
        _, _, etag = await ask(site, "PUT", text=DAMP)
        assert etag is not None
        await ask(site, "PUT", text=DAMPER, If_Match=etag)
        for method, text in (("PUT", DAMP), ("DELETE", None)):
            status, body, _ = await ask(site, method, text=text, If_Match=etag)
            assert (status, body["type"]) == (412, "urn:kitchen-gateway:changed-meanwhile")
            assert "Somebody has changed this file since you read it" in body["detail"]
            status, body, _ = await ask(site, method, text=text)
            assert (status, body["type"]) == (428, "urn:kitchen-gateway:tag-needed")
        assert (await ask(site, "GET"))[1]["text"] == DAMPER
        status, _, _ = await ask(site, "PUT", f"{FILES}/new.yaml", DAMP, If_Match="*")
        assert status == 412


async def test_a_text_is_checked_without_being_saved() -> None:
    async with web() as site:
        wrong = DAMP.replace("humidity", "humidty")
        status, body, _ = await ask(site, "POST", f"{FILE}/check", wrong)
        found = [(each["file"], each["line"], each["column"]) for each in body["problems"]]
        assert (status, found, body["more"]) == (200, [("rules.d/damp.yaml", 2, 30)], 0)
        assert (await ask(site, "POST", f"{FILE}/check", DAMP))[1] == {"problems": [], "more": 0}
        assert (await ask(site, "GET", FILES))[1]["files"] == []
        assert site.kitchen.entries == []
        status, body, _ = await ask(site, "PUT", text=wrong)
        assert (status, body["problems"][0]["line"]) == (422, 2)
        many = "rules: {" + ", ".join(f"r{number}: 1" for number in range(80)) + "}"
        body = (await ask(site, "POST", f"{FILE}/check", many))[1]
        assert (len(body["problems"]), body["more"] >= 30) == (50, True)


async def test_a_reload_that_is_refused_is_told_with_its_problems() -> None:
    async with web() as site:
        site.kitchen.reload_outcome = Outcome(result="refused")
        status, body, _ = await ask(site, "PUT", text=DAMP)
        assert (status, body["type"]) == (422, "urn:kitchen-gateway:bad-rules")
        assert (await ask(site, "GET", FILES))[1]["files"] == []
        assert [entry.refused for entry in site.kitchen.entries] == ["", "unfit"]


async def test_what_cannot_be_stored_is_503_and_not_done() -> None:
    async with web() as site:
        site.kitchen.disk_refuses = True
        status, body, _ = await ask(site, "PUT", text=DAMP)
        assert (status, body["type"]) == (503, "urn:kitchen-gateway:not-stored")
        assert (await ask(site, "GET", FILES))[1]["files"] == []


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\0" not in name])
async def test_a_hostile_name_is_refused_and_never_a_fault(name: str) -> None:
    async with web() as site:
        path = f"{FILES}/{quote(name, safe='')}"
        folder = (await site.kitchen.rule_files().all(), site.kitchen.own_files)
        for method, text in (("GET", None), ("PUT", DAMP), ("DELETE", None)):
            status, _, _ = await ask(site, method, path, text, If_Match="*")
            assert 400 <= status < 500, (method, status)
        status, _, _ = await ask(site, "POST", f"{path}/check", DAMP)
        assert 400 <= status < 500
        assert (await site.kitchen.rule_files().all(), site.kitchen.own_files) == folder


@pytest.mark.parametrize(
    "tag", ["", '"', "x", '"a', "W/x", '"a", "b', "null", '"' + "a" * 4000 + '"']
)
async def test_a_tag_that_is_none_is_refused(tag: str) -> None:
    async with web() as site:
        assert (await ask(site, "PUT", text=DAMP, If_Match=tag))[0] in {400, 412}
        assert (await ask(site, "GET"))[0] == 404


async def test_what_is_too_large_or_no_text_is_refused() -> None:
    async with web() as site:
        status, body, _ = await ask(site, "PUT", text="#" * (BYTES_MAX + 1))
        assert (status, "48 kB" in body["detail"]) == (413, True)
        headers = await site.headers(Role.MANAGER)
        for body in (b"", b"[]", b'{"text": 5}', b'{"text": "\\ud800"}', b'{"text": "", "x": 1}'):
            answer = await site.client.put(FILE, data=body, headers=headers)
            assert answer.status == 400, body


async def test_saving_wants_the_password_again_and_the_whole_kitchen() -> None:
    async with web() as site:
        boss = await site.headers_of("boss", Role.MANAGER)
        await site.clock.advance(600_000)
        answer = await site.client.put(FILE, data=json.dumps({"text": DAMP}), headers=boss)
        assert (await answer.json())["type"] == "urn:kitchen-gateway:proof-needed"
        assert (await site.client.get(FILES, headers=boss)).status == 200
