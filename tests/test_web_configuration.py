"""The configuration over HTTP: what is wrong with it, and having it loaded again."""

from gateway.access import Role
from gateway.web.configuration_shapes import ConfigurationView, ProblemView, ReloadView
from tests.web_client import web

PROBLEM = ProblemView(
    file="config.yaml", line=3, column=7, path="web.prot", message="got x, expected y"
)
RELOAD = "/api/v1/config/reload"


async def test_what_is_wrong_is_shown_with_its_place() -> None:
    async with web() as site:
        site.kitchen.configuration_view = ConfigurationView(
            status="config_error", file="config.yaml", source="none", problems=[PROBLEM]
        )
        headers = await site.headers(Role.VIEWER)
        body = await (await site.client.get("/api/v1/config", headers=headers)).json()
        assert (body["status"], body["source"]) == ("config_error", "none")
        assert body["problems"][0]["line"] == 3


async def test_a_reload_is_answered_with_what_came_of_it() -> None:
    async with web() as site:
        headers = await site.headers(Role.MANAGER)
        answer = await site.client.post(RELOAD, headers=headers)
        assert (answer.status, (await answer.json())["result"]) == (200, "applied")
        assert site.kitchen.reloaded_by == ["manager"]


async def test_a_refused_file_is_422_with_all_its_problems() -> None:
    async with web() as site:
        site.kitchen.reload_view = ReloadView(
            result="refused", problems=[PROBLEM], instead="the old one runs on"
        )
        headers = await site.headers(Role.ADMIN)
        answer = await site.client.post(RELOAD, headers=headers)
        assert answer.status == 422
        assert answer.content_type == "application/problem+json"
        body = await answer.json()
        assert body["problems"][0]["path"] == "web.prot"
        assert "the old one runs on" in body["detail"]


async def test_too_many_reloads_at_once_are_409() -> None:
    async with web() as site:
        site.kitchen.busy = True
        answer = await site.client.post(RELOAD, headers=await site.headers(Role.MANAGER))
        assert answer.status == 409
        assert "reloads wait" in (await answer.json())["detail"]
