"""`/api/v1/views` and `/api/v1/layouts`: what people and tablets have arranged for themselves.

A view belongs to a person, a layout to a tablet or whatever name it goes by. What is in them is
the page's own affair: the gateway keeps a small JSON object and gives it back.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.documents import BYTES_MAX, Document, TooManyDocuments
from gateway.store.errors import StoreError
from gateway.web import record
from gateway.web.reach import check_everywhere, check_layout
from gateway.web.route import CLOCK, KITCHEN, USER, Problem, Route, json_response
from gateway.web.tagged import tagged_json

PER_PERSON_MAX = 50
LAYOUTS_MAX = 100
PRESETS_MAX = 32
LAYOUTS, PRESETS = "layout", "preset"
_NAME = re.compile(r"[\w -]{1,60}")


class Saved(msgspec.Struct, frozen=True):
    """One of them; `saved` is UTC ms."""

    name: str
    saved: int
    content: msgspec.Raw


class Views(msgspec.Struct, frozen=True):
    """The views of who asks, by name."""

    views: Sequence[Saved]


class Layouts(msgspec.Struct, frozen=True):
    """Every layout, by name."""

    layouts: Sequence[Saved]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON object of 16 KiB at most."""

    content: Mapping[str, object]


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A timer that is started with one touch."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    for_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)]


class Presets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All presets of timers, in their order."""

    presets: Annotated[Sequence[Preset], msgspec.Meta(max_length=PRESETS_MAX)]


async def views(request: web.Request) -> web.Response:
    """The saved views of who asks."""
    return tagged_json(request, Views(await _all(request, _of(request))))


async def keep_view(request: web.Request) -> web.Response:
    """Keep a view, or replace it; those there are, once that is stored."""
    await _keep(request, _of(request), PER_PERSON_MAX)
    await _recorded(request, "save_view")
    return json_response(Views(await _all(request, _of(request))))


async def forget_view(request: web.Request) -> web.Response:
    """Do away with a view; those that are left."""
    await _forget(request, _of(request))
    await _recorded(request, "remove_view")
    return json_response(Views(await _all(request, _of(request))))


async def layouts(request: web.Request) -> web.Response:
    """How each wall is laid out."""
    return tagged_json(request, Layouts(await _all(request, LAYOUTS)))


async def keep_layout(request: web.Request) -> web.Response:
    """Keep a layout, or replace it; those there are, once that is stored."""
    check_layout(request, request.match_info["name"])
    await _keep(request, LAYOUTS, LAYOUTS_MAX)
    await _recorded(request, "save_layout")
    return json_response(Layouts(await _all(request, LAYOUTS)))


async def forget_layout(request: web.Request) -> web.Response:
    """Do away with a layout; those that are left."""
    check_layout(request, request.match_info["name"])
    await _forget(request, LAYOUTS)
    await _recorded(request, "remove_layout")
    return json_response(Layouts(await _all(request, LAYOUTS)))


async def presets(request: web.Request) -> web.Response:
    """The timers that are started with one touch."""
    try:
        found = await request.app[KITCHEN].documents().find(PRESETS, "timers")
    except StoreError as error:
        raise _not_now(error) from None
    none = Presets(())
    kept = none if found is None else msgspec.json.decode(found.body, type=Presets)
    return tagged_json(request, kept)


async def keep_presets(request: web.Request) -> web.Response:
    """Replace them all; they, once that is stored."""
    check_everywhere(request, "the presets of the timers")
    try:
        wanted = msgspec.json.decode(await request.read(), type=Presets)
    except msgspec.DecodeError as error:
        raise Problem(400, "bad-body", f"{error}.") from None
    document = Document("timers", request.app[CLOCK].now(), msgspec.json.encode(wanted))
    await _put(request, PRESETS, document, 1)
    listed = ", ".join(f"{each.label} {each.for_s:g} s" for each in wanted.presets)
    await record.deed(request, "save_presets", "timers", {"presets": listed})
    return json_response(wanted)


async def _recorded(request: web.Request, action: str) -> None:
    await record.deed(request, action, request.match_info["name"])


def _of(request: web.Request) -> str:
    return f"view/{request[USER].name}"


async def _all(request: web.Request, kind: str) -> list[Saved]:
    clock = request.app[CLOCK]
    ahead_ms = clock.wall() - clock.now()
    try:
        found = await request.app[KITCHEN].documents().all(kind)
    except StoreError as error:
        raise _not_now(error) from None
    return [Saved(each.key, each.at + ahead_ms, msgspec.Raw(each.body)) for each in found]


async def _keep(request: web.Request, kind: str, most: int) -> None:
    name = request.match_info["name"]
    if not _NAME.fullmatch(name):
        raise Problem(400, "bad-name", "A name has 1 to 60 letters, digits, spaces, _ or -.")
    try:
        content = msgspec.json.decode(await request.read(), type=Content).content
    except msgspec.DecodeError as error:
        raise Problem(400, "bad-body", f"{error}.") from None
    body = msgspec.json.encode(content)
    if len(body) > BYTES_MAX:
        raise Problem(413, "too-large", f"`content` may have {BYTES_MAX} bytes at most.")
    await _put(request, kind, Document(name, request.app[CLOCK].now(), body), most)


async def _put(request: web.Request, kind: str, document: Document, most: int) -> None:
    try:
        await request.app[KITCHEN].documents().put(kind, document, most)
    except TooManyDocuments:
        detail = f"{most} are kept, and no more may be: do away with one first."
        raise Problem(409, "too-many", detail) from None
    except StoreError as error:
        raise _not_now(error) from None


async def _forget(request: web.Request, kind: str) -> None:
    try:
        found = await request.app[KITCHEN].documents().remove(kind, request.match_info["name"])
    except StoreError as error:
        raise _not_now(error) from None
    if not found:
        raise Problem(404, "unknown-name", "Nothing of that name is kept.")


def _not_now(error: StoreError) -> Problem:
    detail = f"The store does not answer: {error}. Repeat it later."
    return Problem(503, "not-stored", detail, {"Retry-After": "5"})


_VIEW, _LAYOUT = "/api/v1/views/{name}", "/api/v1/layouts/{name}"
_PRESETS = "/api/v1/timers/presets"
ROUTES = (
    Route(
        method="GET",
        path="/api/v1/views",
        handler=views,
        role=Role.VIEWER,
        answer=Views,
        statuses=(200, 304),
    ),
    Route(method="PUT", path=_VIEW, handler=keep_view, role=Role.STAFF, body=Content, answer=Views),
    Route(method="DELETE", path=_VIEW, handler=forget_view, role=Role.STAFF, answer=Views),
    Route(
        method="GET",
        path="/api/v1/layouts",
        handler=layouts,
        role=Role.VIEWER,
        answer=Layouts,
        statuses=(200, 304),
    ),
    Route(
        method="PUT",
        path=_LAYOUT,
        handler=keep_layout,
        role=Role.STAFF,
        body=Content,
        answer=Layouts,
    ),
    Route(method="DELETE", path=_LAYOUT, handler=forget_layout, role=Role.STAFF, answer=Layouts),
    Route(
        method="GET",
        path=_PRESETS,
        handler=presets,
        role=Role.VIEWER,
        answer=Presets,
        statuses=(200, 304),
    ),
    Route(
        method="PUT",
        path=_PRESETS,
        handler=keep_presets,
        role=Role.MANAGER,
        body=Presets,
        answer=Presets,
    ),
)
