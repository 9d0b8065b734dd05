"""`/api/v1/openapi.json`: OpenAPI 3.1 of every route, made from the table that serves them.

A shape is a struct; what it says of itself is its docstring, and that of the handler is what the
operation does. So the description cannot lag behind the code.
"""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from gateway import __version__
from gateway.access import Role
from gateway.web.route import PROBLEM_TYPE, TABLE, Route
from gateway.web.tagged import tagged_json

VERSION = "3.1.0"
_REFERENCE = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_SERVERS = ({"url": "../.."},)  # from this description's own path, whatever a proxy puts before it
_BODILESS = frozenset({HTTPStatus.SEE_OTHER, HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT})


class ProblemDetails(msgspec.Struct, frozen=True):
    """RFC 9457: `type` names the error for programs, `detail` says who must do what."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


def document(routes: Iterable[Route]) -> dict[str, object]:
    """The description of these routes."""
    table = sorted(routes, key=lambda route: (route.path, route.method))
    schemas = _schemas(table)
    paths: dict[str, dict[str, object]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": VERSION,
        "info": {"title": "Kitchen Gateway", "version": __version__},
        "servers": _SERVERS,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": {"description": "An error.", "content": _problem()}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def says(route: Route) -> str:
    """What the route does, in one paragraph; empty where nobody has said so."""
    return " ".join((inspect.getdoc(route.handler) or "").split())


def _schemas(routes: Iterable[Route]) -> dict[str, dict[str, object]]:
    found = [shape for route in routes for shape in _shapes(route)]
    unique = list(dict.fromkeys([ProblemDetails, *found]))
    _, schemas = msgspec.json.schema_components(
        unique, schema_hook=_anything, ref_template=_REFERENCE
    )
    return schemas


def _anything(kind: type) -> dict[str, object]:
    """Of what may be any JSON at all."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "any JSON"}


def _shapes(route: Route) -> list[type[msgspec.Struct]]:
    return [shape for shape in (route.query, route.body, route.answer) if shape is not None]


def _operation(route: Route, schemas: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    parameters: list[object] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    if route.query is not None:
        parameters.extend(_query(route.query, schemas))
    if route.matched:
        said = "The ETag of what was read; left out for what is new."
        tag = {"name": "If-Match", "in": "header", "schema": {"type": "string"}}
        parameters.append({**tag, "description": said})
    operation: dict[str, object] = {
        "operationId": _identity(route),
        "summary": says(route),
        "x-role": str(route.role),
        "parameters": parameters,
        "responses": _responses(route),
        "security": [] if not isinstance(route.role, Role) else [{"token": []}],
    }
    if route.body is not None:
        content = {route.body_media: {"schema": _ref(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _query(
    shape: type[msgspec.Struct], schemas: Mapping[str, Mapping[str, object]]
) -> Iterable[dict[str, object]]:
    schema = schemas[shape.__name__]
    required, properties = schema.get("required", ()), schema["properties"]
    assert isinstance(required, list | tuple)  # noqa: S101 - msgspec writes it so
    assert isinstance(properties, dict)  # noqa: S101
    for name, each in properties.items():
        yield {"name": name, "in": "query", "required": name in required, "schema": each}


def _responses(route: Route) -> dict[str, object]:
    problem = {"$ref": "#/components/responses/Problem"}
    found: dict[str, object] = {}
    to_login = (HTTPStatus.SEE_OTHER,) if route.page else ()
    for status in dict.fromkeys([*route.statuses, *to_login]):
        said: dict[str, object] = {"description": HTTPStatus(status).phrase}
        if status not in _BODILESS:
            schema = _ref(route.answer) if route.answer is not None else {"type": "string"}
            said["content"] = {route.media: {"schema": schema}}
        found[str(status)] = said
    return {**found, "4XX": problem, "5XX": problem}


def _problem() -> dict[str, object]:
    return {PROBLEM_TYPE: {"schema": _ref(ProblemDetails)}}


def _ref(shape: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=shape.__name__)}


def _identity(route: Route) -> str:
    """Unique and stable: method and path in words."""
    words = re.sub(r"\W+", "_", route.path.removeprefix("/api/v1")).strip("_")
    return f"{route.method.lower()}_{words or 'page'}"


async def show(request: web.Request) -> web.Response:
    """What this page says, as OpenAPI 3.1."""
    return tagged_json(request, document(request.app[TABLE].values()))


class Description(msgspec.Struct, frozen=True):
    """An OpenAPI 3.1 document."""

    openapi: str
    info: Mapping[str, str]
    servers: Sequence[Mapping[str, str]]
    paths: Mapping[str, object]
    components: Mapping[str, object]


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/openapi.json",
        handler=show,
        role=Role.VIEWER,
        answer=Description,
        statuses=(200, 304),
    ),
)
