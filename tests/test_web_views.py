"""Saved views, wall layouts and presets of timers: small, bounded, each person's own, and kept."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.access import Role
from gateway.documents import BYTES_MAX, ChangedMeanwhile, Document, TooManyDocuments
from gateway.store.documents import StoredDocuments
from gateway.store.migrations import steps
from gateway.store.worker import StoreWorker
from tests.web_client import Web, web

VIEWS, LAYOUTS, PRESETS = "/api/v1/views", "/api/v1/layouts", "/api/v1/timers/presets"


async def put(site: Web, path: str, body: object, role: Role = Role.STAFF) -> tuple[int, dict]:  # type: ignore[type-arg]
    headers = await site.headers(role)
    answer = await site.client.put(path, data=json.dumps(body), headers=headers)
    return answer.status, await answer.json(content_type=None)


async def test_a_view_belongs_to_who_saved_it() -> None:
    async with web() as site:
        content = {"points": ["walk_in/temperature"], "span": "day"}
        status, body = await put(site, f"{VIEWS}/fridges", {"content": content})
        assert status == 200
        assert [(one["name"], one["content"]) for one in body["views"]] == [("fridges", content)]
        viewer = await site.headers(Role.VIEWER)
        others = await site.client.get(VIEWS, headers=viewer)
        assert (await others.json())["views"] == []
        staff = await site.headers(Role.STAFF)
        gone = await site.client.delete(f"{VIEWS}/fridges", headers=staff)
        assert (await gone.json())["views"] == []
        again = await site.client.delete(f"{VIEWS}/fridges", headers=staff)
        assert again.status == 404


async def test_a_layout_is_everybodys_and_is_not_sent_twice() -> None:
    async with web() as site:
        await put(site, f"{LAYOUTS}/마포 벽", {"content": {"tiles": []}})
        viewer = await site.headers(Role.VIEWER)
        first = await site.client.get(LAYOUTS, headers=viewer)
        assert [one["name"] for one in (await first.json())["layouts"]] == ["마포 벽"]
        known = {**viewer, "If-None-Match": first.headers["ETag"]}
        assert (await site.client.get(LAYOUTS, headers=known)).status == 304
        await put(site, f"{LAYOUTS}/마포 벽", {"content": {"tiles": ["a"]}})
        assert (await site.client.get(LAYOUTS, headers=known)).status == 200


async def test_what_is_too_large_too_many_or_no_object_is_refused() -> None:
    async with web() as site:
        assert (await put(site, f"{VIEWS}/x", {"content": []}))[0] == 400
        assert (await put(site, f"{VIEWS}/x", {}))[0] == 400
        assert (await put(site, f"{VIEWS}/a%2Fb", {"content": {}}))[0] in {400, 404}
        assert (await put(site, f"{VIEWS}/{'x' * 61}", {"content": {}}))[0] == 400
        large = {"content": {"x": "y" * BYTES_MAX}}
        assert (await put(site, f"{VIEWS}/x", large))[0] == 413
        for number in range(50):
            assert (await put(site, f"{VIEWS}/{number}", {"content": {}}))[0] == 200
        assert (await put(site, f"{VIEWS}/one more", {"content": {}}))[0] == 409
        assert (await put(site, f"{VIEWS}/7", {"content": {"a": 1}}))[0] == 200


async def test_presets_of_timers_are_replaced_by_a_manager() -> None:
    async with web() as site:
        wanted = {"presets": [{"label": "Fries", "for_s": 180}]}
        assert (await put(site, PRESETS, wanted))[0] == 403
        assert (await put(site, PRESETS, wanted, Role.MANAGER))[0] == 200
        viewer = await site.headers(Role.VIEWER)
        found = await (await site.client.get(PRESETS, headers=viewer)).json()
        assert found["presets"] == wanted["presets"]
        assert (await put(site, PRESETS, found, Role.MANAGER)) == (200, found)
        many = {"presets": [{"label": "x", "for_s": 1}] * 33}
        assert (await put(site, PRESETS, many, Role.MANAGER))[0] == 400


@asynccontextmanager
async def stored() -> AsyncIterator[StoredDocuments]:
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    connection.execute(steps.DOCUMENTS)
    worker = StoreWorker(connection, "documents")
    yield StoredDocuments(worker, worker)
    worker.close()


async def test_documents_are_bounded_by_kind_and_a_known_key_is_replaced() -> None:
    async with stored() as documents:
        for key in ("a", "b"):
            await documents.put("view/kim", Document(key, 1, b"{}"), 2)
        with pytest.raises(TooManyDocuments):
            await documents.put("view/kim", Document("c", 2, b"{}"), 2)
        await documents.put("view/kim", Document("b", 3, b"[]"), 2)
        await documents.put("view/jun", Document("c", 2, b"{}"), 2)
        assert [one.key for one in await documents.all("view/kim")] == ["a", "b"]
        assert await documents.find("view/kim", "b") == Document("b", 3, b"[]")
        assert await documents.remove("view/kim", "a")
        assert not await documents.remove("view/kim", "a")


async def test_a_key_is_claimed_once_until_it_is_old_and_the_oldest_make_room() -> None:
    async with stored() as documents:
        first = Document("k", 10, b"1")
        assert await documents.claim("answer", first, 2, 0) is None
        assert await documents.claim("answer", Document("k", 20, b"2"), 2, 0) == first
        assert await documents.claim("answer", Document("k", 30, b"3"), 2, 20) is None
        assert await documents.claim("answer", Document("l", 40, b""), 2, 0) is None
        assert await documents.claim("answer", Document("m", 50, b""), 2, 0) is None
        assert [one.key for one in await documents.all("answer")] == ["l", "m"]


async def told(site: Web, path: str) -> dict[str, Any]:
    answer = await site.client.get(path, headers=await site.headers(Role.VIEWER))
    found: dict[str, Any] = await answer.json()
    return found


async def changed(site: Web, method: str, path: str, body: object, **headers: str) -> int:
    """What a change answers that says which tag it has read."""
    own = await site.headers(Role.MANAGER)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await site.client.request(method, path, json=body, headers=own | headers)
    if answer.status == 412:
        problem = await answer.json(content_type=None)
        assert problem["type"] == "urn:kitchen-gateway:changed-meanwhile"
    return answer.status


async def test_a_layout_somebody_else_has_changed_is_not_overwritten_unseen() -> None:
    path, one, other = f"{LAYOUTS}/wall", {"content": {"a": 1}}, {"content": {"a": 2}}
    async with web() as site:
        assert await changed(site, "PUT", path, one, If_Match='"0123456789abcdef"') == 412
        assert await changed(site, "PUT", path, one, If_Match="*") == 412
        assert (await told(site, LAYOUTS))["layouts"] == []
        assert await changed(site, "PUT", path, one, If_None_Match="*") == 200
        assert await changed(site, "PUT", path, other, If_None_Match="*") == 412
        assert await changed(site, "PUT", path, other, If_Match='""') == 412  # as the page says it
        (kept,) = (await told(site, LAYOUTS))["layouts"]
        tag = f'"{kept["tag"]}"'
        assert await changed(site, "PUT", path, other, If_Match=f"W/{tag}") == 200
        assert await changed(site, "PUT", path, one, If_Match=tag) == 412
        assert await changed(site, "DELETE", path, None, If_Match=tag) == 412
        (kept,) = (await told(site, LAYOUTS))["layouts"]
        assert kept["content"] == {"a": 2}
        assert await changed(site, "PUT", path, one) == 200  # who does not say overwrites
        assert await changed(site, "PUT", path, one, If_Match="*") == 200
        assert await changed(site, "PUT", path, one, If_Match="wrong") == 400
        (kept,) = (await told(site, LAYOUTS))["layouts"]
        assert await changed(site, "DELETE", path, None, If_Match=f'"{kept["tag"]}"') == 200
        assert await changed(site, "DELETE", path, None) == 404
        assert await changed(site, "PUT", path, one, If_Match='""') == 200


async def test_presets_somebody_else_has_changed_are_not_overwritten_unseen() -> None:
    rice, fries = ({"presets": [{"label": it, "for_s": 60}]} for it in ("Rice", "Fries"))
    async with web() as site:
        empty = (await told(site, PRESETS))["tag"]
        assert await changed(site, "PUT", PRESETS, rice, If_Match=f'"{empty}"') == 200
        assert await changed(site, "PUT", PRESETS, fries, If_Match=f'"{empty}"') == 412
        kept = await told(site, PRESETS)
        assert [it["label"] for it in kept["presets"]] == ["Rice"]
        manager = await site.headers(Role.MANAGER)
        answer = await site.client.put(
            PRESETS, json=fries, headers=manager | {"If-Match": f'"{kept["tag"]}"'}
        )
        said = await answer.json()
        assert answer.headers["ETag"] == f'"{said["tag"]}"'
        known = manager | {"If-None-Match": answer.headers["ETag"]}
        assert (await site.client.get(PRESETS, headers=known)).status == 304
        assert await changed(site, "PUT", PRESETS, rice) == 200


async def test_of_two_who_have_read_the_same_one_is_told_to_look_again() -> None:
    async with stored() as documents:
        await documents.put("layout", Document("wall", 0, b"{}"), 5)
        tag = Document("wall", 0, b"{}").tag
        outcomes = await asyncio.gather(
            *(
                documents.put("layout", Document("wall", 1, b'{"%d": 1}' % number), 5, tag.__eq__)
                for number in range(20)
            ),
            return_exceptions=True,
        )
        assert sum(it is None for it in outcomes) == 1
        assert sum(isinstance(it, ChangedMeanwhile) for it in outcomes) == 19
        with pytest.raises(ChangedMeanwhile):
            await documents.remove("layout", "wall", tag.__eq__)
        assert await documents.find("layout", "wall") is not None
