"""Answers that a browser may keep, as long as it asks each time whether they still stand."""

import hashlib

import msgspec
from aiohttp import web

from gateway.web.route import JSON


def tagged(request: web.Request, body: bytes, content_type: str = JSON) -> web.Response:
    """`body` with its ETag, or 304 when who asks has it already (RFC 9110, 13.1.2)."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if known(request, etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)


def tagged_json(request: web.Request, body: object) -> web.Response:
    """`body` as JSON with its ETag."""
    return tagged(request, msgspec.json.encode(body))


def known(request: web.Request, etag: str) -> bool:
    """Whether `If-None-Match` names it; a weak tag compares as a strong one does."""
    asked = ",".join(request.headers.getall("If-None-Match", ()))
    tags = (tag.strip().removeprefix("W/") for tag in asked.split(","))
    return any(tag in ("*", etag) for tag in tags)
