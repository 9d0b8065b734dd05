"""Notifications over HTTP: who was told of what, and a test message."""

import pytest

from gateway.access import Role
from tests.web_client import web

TEST = "/api/v1/notifications/test"


async def test_a_manager_sends_a_test_and_sees_what_became_of_it() -> None:
    async with web() as site:
        headers = await site.headers(Role.MANAGER)
        body = {"channel": "mail", "to": ["kim"]}
        answer = await site.client.post(TEST, headers=headers, json=body)
        assert answer.status == 202
        (notice,) = (await answer.json())["notices"]
        assert (notice["channel"], notice["state"]) == ("mail", "handed_over")
        shown = await site.client.get("/api/v1/notifications", headers=headers)
        assert (await shown.json())["notices"] == [notice]


async def test_staff_may_look_but_not_send() -> None:
    async with web() as site:
        headers = await site.headers(Role.STAFF)
        assert (await site.client.get("/api/v1/notifications", headers=headers)).status == 200
        answer = await site.client.post(TEST, headers=headers, json={"channel": "mail"})
        assert answer.status == 403
        assert site.kitchen.tested == []


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "no-test"),
        (b"[]", 400, "no-test"),
        (b'{"channel": 7}', 400, "no-test"),
        (b'{"channel": "mail", "form": 1}', 400, "no-test"),
        (b'{"channel": "mial"}', 404, "unknown-channel"),
        (b'{"channel": "mail", "to": ["nobody"]}', 409, "nobody-reached"),
    ],
)
async def test_what_cannot_be_sent_is_said(body: bytes, status: int, kind: str) -> None:
    async with web() as site:
        headers = await site.headers(Role.MANAGER) | {"Content-Type": "application/json"}
        answer = await site.client.post(TEST, headers=headers, data=body)
        assert answer.status == status
        assert (await answer.json())["type"].endswith(kind)
