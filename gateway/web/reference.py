"""`/api/v1/reference`: the description of the API for people, made from the same table.

For those who write programs against it, so in the language of docs/api.md only; no script.
"""

from collections.abc import Iterable
from html import escape

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.openapi import says
from gateway.web.route import PAGE, TABLE, Route
from gateway.web.tagged import tagged

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width">'
    "<title>Kitchen Gateway: the HTTP API</title>"
    '<link rel="stylesheet" href="../../static/reference.css"></head><body>'
    "<h1>The HTTP API</h1><p>Answers are JSON, errors problem+json (RFC 9457), times UTC in ms. "
    '<a href="openapi.json">openapi.json</a> says the same to programs.</p>'
)


async def show(request: web.Request) -> web.Response:
    """The same for people."""
    return tagged(request, rendered(request.app[TABLE].values()).encode(), PAGE)


def rendered(routes: Iterable[Route]) -> str:
    """The whole page."""
    table = sorted(routes, key=lambda route: (route.path, route.method))
    shapes = {
        shape.__name__: shape
        for route in table
        for shape in (route.query, route.body, route.answer)
        if shape is not None
    }
    sections = "".join(map(_section, table))
    described = "".join(_shape(name, shape) for name, shape in sorted(shapes.items()))
    return f"{_HEAD}{sections}<h1>Shapes</h1>{described}</body></html>"


def _section(route: Route) -> str:
    rows = [("role", escape(str(route.role)))]
    rows += [
        (what, f'<a href="#{shape.__name__}">{shape.__name__}</a>')
        for what, shape in (
            ("query", route.query),
            ("body", route.body),
            ("answer", route.answer),
        )
        if shape is not None
    ]
    cells = "".join(f"<dt>{what}</dt><dd>{text}</dd>" for what, text in rows)
    title = f"{route.method} {escape(route.path)}"
    return f"<section><h2>{title}</h2><p>{escape(says(route))}</p><dl>{cells}</dl></section>"


def _shape(name: str, shape: type[msgspec.Struct]) -> str:
    about = escape(" ".join((shape.__doc__ or "").split()))
    rows = "".join(_row(field) for field in msgspec.structs.fields(shape))
    return (
        f'<section id="{name}"><h2>{name}</h2><p>{about}</p><table><thead><tr><th>field</th>'
        f"<th>type</th><th>may be absent</th></tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(field: msgspec.structs.FieldInfo) -> str:
    kind = escape(getattr(field.type, "__name__", "") or str(field.type))
    if "[" in str(field.type) or "|" in str(field.type):
        kind = escape(str(field.type).replace("collections.abc.", "").replace("typing.", ""))
    absent = "" if field.required else "yes"
    return f"<tr><td>{escape(field.encode_name)}</td><td>{kind}</td><td>{absent}</td></tr>"


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/reference",
        handler=show,
        role=Role.VIEWER,
        page=True,
        statuses=(200, 304),
        media=PAGE,
    ),
)
