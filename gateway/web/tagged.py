"""Answers that a browser may keep, as long as it asks each time whether they still stand."""

import msgspec
from aiohttp import web

from gateway.documents import Allowed, always, tag_of
from gateway.web.route import JSON, Problem


def tagged(request: web.Request, body: bytes, content_type: str = JSON) -> web.Response:
    """`body` with its ETag, or 304 when who asks has it already (RFC 9110, 13.1.2)."""
    etag = f'"{tag_of(body)}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if known(request, etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)


def tagged_json(request: web.Request, body: object) -> web.Response:
    """`body` as JSON with its ETag."""
    return tagged(request, msgspec.json.encode(body))


def tag_given(request: web.Request) -> str | None:
    """Which tag `If-Match` names, or `*` for any; raises Problem."""
    given = request.headers.getall("If-Match", [])
    if not given:
        return None
    tag = given[0].strip().removeprefix("W/")  # a proxy that compresses makes it weak
    if len(given) != 1 or not (tag == "*" or (tag[:1] == tag[-1:] == '"' and len(tag) > 1)):
        detail = 'If-Match is the ETag of what you have read, such as "0f3a…", or *.'
        raise Problem(400, "bad-tag", detail)
    return tag.strip('"')


def allowed(request: web.Request) -> Allowed:
    """What who asks would replace (RFC 9110, 13.1): without a condition whatever is there.

    `If-Match` names what was read; empty, or `If-None-Match: *`, says that there was none. Raises
    Problem.
    """
    tag = tag_given(request)
    if tag is None and request.headers.get("If-None-Match", "").strip() == "*":
        tag = ""
    if tag is None:
        return always
    return lambda now: now == tag or (tag == "*" and bool(now))


def known(request: web.Request, etag: str) -> bool:
    """Whether `If-None-Match` names it; a weak tag compares as a strong one does."""
    asked = ",".join(request.headers.getall("If-None-Match", ()))
    tags = (tag.strip().removeprefix("W/") for tag in asked.split(","))
    return any(tag in ("*", etag) for tag in tags)
