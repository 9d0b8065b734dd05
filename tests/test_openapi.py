"""The description of the API: nothing is served that it does not describe, and as it does."""

import inspect
import json
import re

import msgspec

from gateway.access import Role
from gateway.web import PARTS
from gateway.web.openapi import document, says
from gateway.web.route import JSON, Route
from tests.processes import REPOSITORY
from tests.web_client import web

ROUTES = [route for part in PARTS for route in part.ROUTES]


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_every_route_says_what_it_does_and_has_the_shape_of_its_answer() -> None:
    for route in ROUTES:
        assert says(route), named(route)
        answers_json = route.media == JSON and any(status != 303 for status in route.statuses)
        assert (route.answer is not None) == answers_json, named(route)


def test_every_route_whose_handler_reads_a_query_or_a_body_has_its_shape() -> None:
    reads = {
        r"request\.query|\bspan\(request": "query",
        r"request\.read\(\)": "body",
    }
    for route in ROUTES:
        source = inspect.getsource(route.handler)
        for pattern, shape in reads.items():
            if re.search(pattern, source):
                assert getattr(route, shape) is not None, f"{named(route)}: {shape}"


def test_every_shape_has_a_name_of_its_own_and_says_what_it_is() -> None:
    shapes = {
        shape
        for route in ROUTES
        for shape in (route.query, route.body, route.answer)
        if shape is not None
    }
    names = sorted(shape.__name__ for shape in shapes)
    assert names == sorted(set(names))
    for shape in shapes:
        assert shape.__doc__, shape


def test_the_description_holds_together() -> None:
    text = msgspec.json.encode(document(ROUTES)).decode()
    described = json.loads(text)
    schemas = described["components"]["schemas"]
    for target in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert target in schemas
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len(operations) == len(ROUTES)
    assert len({operation["operationId"] for operation in operations}) == len(ROUTES)
    for operation in operations:
        assert {"4XX", "5XX"} <= operation["responses"].keys()


def test_the_page_about_the_api_names_every_route_and_no_other() -> None:
    page = (REPOSITORY / "docs" / "api.md").read_text()
    described = set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^`]*)`", page))
    served = {(route.method, route.path) for route in ROUTES}
    assert described == served


async def test_description_and_reference_are_served_and_not_sent_twice() -> None:
    async with web() as site:
        viewer = await site.headers(Role.VIEWER)
        for path, kind in (("openapi.json", JSON), ("reference", "text/html")):
            first = await site.client.get(f"/api/v1/{path}", headers=viewer)
            assert (first.status, first.content_type) == (200, kind)
            known = {**viewer, "If-None-Match": f'"other", W/{first.headers["ETag"]}'}
            again = await site.client.get(f"/api/v1/{path}", headers=known)
            assert (again.status, await again.read()) == (304, b"")
        page = await (await site.client.get("/api/v1/reference", headers=viewer)).text()
        assert "/api/v1/alarms/{id}/acknowledge" in page
        assert "<script" not in page
