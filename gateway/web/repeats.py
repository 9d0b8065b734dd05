"""`Idempotency-Key`: what was asked for twice is done once, also over a restart.

That a write is begun is stored before it is done, and its answer after it; both are kept for a day.
Of one that was begun and has no answer nobody can say what became of it, and that is what is said.
"""

import base64
import hashlib
import logging
import re

import msgspec
from aiohttp import web

from gateway.access import User
from gateway.documents import BYTES_MAX, Document, Documents
from gateway.store.errors import StoreError
from gateway.web import record
from gateway.web.route import CLOCK, KITCHEN, Handler, Problem, Route

logger = logging.getLogger(__name__)

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
KIND = "answer"
KEPT_MAX = 500
KEPT_MS = 86_400_000
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_SERVER_ERROR = 500


class _Kept(msgspec.Struct):
    """What is known of one write: which it was and, once it is done, its answer."""

    request: str
    status: int = 0  # of the answer; 0 while there is none
    content_type: str = ""
    body: str = ""  # base64
    cut: bool = False  # the answer was too long to be kept, or holds a secret


RUNNING: web.AppKey[set[str]] = web.AppKey("running", set)


async def once(
    request: web.Request, route: Route, user: User, handler: Handler
) -> web.StreamResponse:
    """The answer of `handler`, or what it was the first time; raises Problem."""
    given = request.headers.getall(HEADER, [])
    if request.method == "GET" or not given:
        return await handler(request)
    if len(given) != 1 or not _KEY.fullmatch(given[0]):
        detail = f"{HEADER} is 1 to 128 visible letters, once."
        raise Problem(400, "bad-key", detail)
    key = hashlib.sha256(f"{user.kind} {user.name} {given[0]}".encode()).hexdigest()
    documents, asked = request.app[KITCHEN].documents(), await _fingerprint(request, given[0])
    now = request.app[CLOCK].now()
    begun = Document(key, now, msgspec.json.encode(_Kept(asked)))
    try:
        found = await documents.claim(KIND, begun, KEPT_MAX, now - KEPT_MS)
    except StoreError as error:
        if route.unpaced:  # acknowledging does not wait for a disk, and twice does no harm
            return await handler(request)
        detail = f"The key cannot be kept: {error}; nothing was done. Repeat it later."
        raise Problem(503, "not-stored", detail, {"Retry-After": "5"}) from None
    if found is not None:
        return _known(found, asked, running=key in request.app[RUNNING])
    return await _do(request, route, handler, begun)


async def _do(
    request: web.Request, route: Route, handler: Handler, begun: Document
) -> web.StreamResponse:
    documents = request.app[KITCHEN].documents()
    running = request.app[RUNNING]
    running.add(begun.key)
    try:
        response = await handler(request)
        await _keep(documents, begun, response, secret=route.secret)
    except Problem as problem:
        if problem.status < _SERVER_ERROR:  # nothing was done, so it may be asked for again
            await _forget(documents, begun.key)
        raise
    finally:
        running.discard(begun.key)
    return response


async def _keep(
    documents: Documents, begun: Document, response: web.StreamResponse, *, secret: bool
) -> None:
    kept = msgspec.json.decode(begun.body, type=_Kept)
    kept.status, kept.content_type = response.status, response.content_type
    body = response.body if isinstance(response, web.Response) else None
    if isinstance(body, bytes) and len(body) <= BYTES_MAX and not secret:
        kept.body = base64.b64encode(body).decode()
    else:
        kept.cut = body is not None
    try:
        document = Document(begun.key, begun.at, msgspec.json.encode(kept))
        await documents.put(KIND, document, KEPT_MAX + 1)
    except StoreError as error:
        logger.warning("the answer to a write is not kept: %s", error)


async def _forget(documents: Documents, key: str) -> None:
    try:
        await documents.remove(KIND, key)
    except StoreError as error:
        logger.warning("the key of a refused write is kept: %s", error)


def _known(found: Document, asked: str, *, running: bool) -> web.Response:
    kept = msgspec.json.decode(found.body, type=_Kept)
    if kept.request != asked:
        detail = f"This {HEADER} was used for another request; take a new one."
        raise Problem(422, "key-reused", detail)
    if running:
        detail = "The same is being done just now; ask again in a moment."
        raise Problem(409, "still-running", detail, {"Retry-After": "1"})
    if not kept.status:
        detail = "Nobody can say what became of it: look how things stand, and take a new key."
        raise Problem(409, "unknown-outcome", detail)
    if kept.cut:
        detail = "It was done; an answer so long or secret is not kept: look how things stand."
        raise Problem(409, "done-already", detail)
    record.no_entry()  # it was done, and taken down, the first time
    return web.Response(
        status=kept.status,
        body=base64.b64decode(kept.body),
        content_type=kept.content_type,
        headers={REPLAYED: "true"},
    )


async def _fingerprint(request: web.Request, key: str) -> str:
    """Which request it is: the same key with another is a mistake.

    The key, which is kept nowhere, goes in: else six digits in a body could be guessed from it.
    """
    head = f"{key}\n{request.method} {request.path_qs}\n".encode()
    return hashlib.sha256(head + await request.read()).hexdigest()
