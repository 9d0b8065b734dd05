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
from gateway.documents import (
    BYTES_MAX,
    Allowed,
    ChangedMeanwhile,
    Document,
    TooManyDocuments,
    tag_of,
)
from gateway.store.errors import StoreError
from gateway.web import record
from gateway.web.reach import check_everywhere, check_layout
from gateway.web.route import CLOCK, KITCHEN, USER, Problem, Route, json_response
from gateway.web.tagged import allowed, known, tagged_json

PER_PERSON_MAX = 50
LAYOUTS_MAX = 100
PRESETS_MAX = 32
_TIMERS = "timers"  # the one document of that kind
LAYOUTS, PRESETS = "layout", "preset"
_NAME = re.compile(r"[\w -]{1,60}")


class Saved(msgspec.Struct, frozen=True):
    """One of them; `saved` is UTC ms, `tag` names this content for `If-Match`."""

    name: str
    saved: int
    content: msgspec.Raw
    tag: str


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


class Presets(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All presets of timers, in their order; a `tag` that was read with them is not looked at."""

    presets: Annotated[Sequence[Preset], msgspec.Meta(max_length=PRESETS_MAX)]
    tag: str = ""


class KeptPresets(msgspec.Struct, frozen=True):
    """All presets of timers, in their order; `tag` names them for `If-Match`."""

    presets: Sequence[Preset]
    tag: str


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
        found = await request.app[KITCHEN].documents().find(PRESETS, _TIMERS)
    except StoreError as error:
        raise _not_now(error) from None
    return _of_presets(request, _NONE if found is None else found.body)


async def keep_presets(request: web.Request) -> web.Response:
    """Replace them all; they, once that is stored. `If-Match` names what was read."""
    check_everywhere(request, "the presets of the timers")
    try:
        wanted = msgspec.json.decode(await request.read(), type=Presets)
    except msgspec.DecodeError as error:
        raise Problem(400, "bad-body", f"{error}.") from None
    body, may = msgspec.json.encode(Presets(wanted.presets)), allowed(request)
    document = Document(_TIMERS, request.app[CLOCK].now(), body)
    await _put(request, PRESETS, document, 1, lambda now: may(now or tag_of(_NONE)))
    listed = ", ".join(f"{each.label} {each.for_s:g} s" for each in wanted.presets)
    await record.deed(request, "save_presets", "timers", {"presets": listed})
    return _of_presets(request, body)


_NONE = msgspec.json.encode(Presets(()))


def _of_presets(request: web.Request, body: bytes) -> web.Response:
    """They, with their tag as `ETag`."""
    kept = KeptPresets(msgspec.json.decode(body, type=Presets).presets, tag_of(body))
    headers = {"ETag": f'"{kept.tag}"', "Cache-Control": "no-cache"}
    if request.method == "GET" and known(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    answer = json_response(kept)
    answer.headers.update(headers)
    return answer


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
    return [Saved(each.key, each.at + ahead_ms, msgspec.Raw(each.body), each.tag) for each in found]


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
    document = Document(name, request.app[CLOCK].now(), body)
    await _put(request, kind, document, most, allowed(request))


async def _put(
    request: web.Request, kind: str, document: Document, most: int, may: Allowed
) -> None:
    try:
        await request.app[KITCHEN].documents().put(kind, document, most, may)
    except ChangedMeanwhile:
        raise _changed() from None
    except TooManyDocuments:
        detail = f"{most} are kept, and no more may be: do away with one first."
        raise Problem(409, "too-many", detail) from None
    except StoreError as error:
        raise _not_now(error) from None


async def _forget(request: web.Request, kind: str) -> None:
    documents, name = request.app[KITCHEN].documents(), request.match_info["name"]
    try:
        found = await documents.remove(kind, name, allowed(request))
    except ChangedMeanwhile:
        raise _changed() from None
    except StoreError as error:
        raise _not_now(error) from None
    if not found:
        raise Problem(404, "unknown-name", "Nothing of that name is kept.")


def _changed() -> Problem:
    detail = "Somebody has changed it since you read it: look at it anew, then change it."
    return Problem(412, "changed-meanwhile", detail)


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
    Route(
        method="PUT",
        path=_VIEW,
        handler=keep_view,
        role=Role.STAFF,
        body=Content,
        answer=Views,
        matched=True,
    ),
    Route(
        method="DELETE",
        path=_VIEW,
        handler=forget_view,
        role=Role.STAFF,
        answer=Views,
        matched=True,
    ),
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
        matched=True,
        body=Content,
        answer=Layouts,
    ),
    Route(
        method="DELETE",
        path=_LAYOUT,
        handler=forget_layout,
        role=Role.STAFF,
        answer=Layouts,
        matched=True,
    ),
    Route(
        method="GET",
        path=_PRESETS,
        handler=presets,
        role=Role.VIEWER,
        answer=KeptPresets,
        statuses=(200, 304),
    ),
    Route(
        method="PUT",
        path=_PRESETS,
        handler=keep_presets,
        role=Role.MANAGER,
        matched=True,
        body=Presets,
        answer=KeptPresets,
    ),
)
