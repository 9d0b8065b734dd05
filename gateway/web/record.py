"""Tells the audit chain who is behind a request, and of what no other entry tells.

Whatever changes something is taken down: by the deed itself where it has an entry of its own, and
else as `request` with its path.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aiohttp import web

from gateway.access import User
from gateway.audit.entry import ACTOR, Actor, Detail, Origin
from gateway.web.kitchen import Kitchen
from gateway.web.route import KITCHEN, Problem

_ORIGINS: Mapping[str, Origin] = {"token": "api", "console": "console"}
COMMIT_DEADLINE_S = 5.0
TOO_FAST = "too-fast"
_DENIED = frozenset({401, 403})


def begin(peer: str) -> None:
    """A request came, nobody knows yet from whom; a connection may carry many of them."""
    ACTOR.set(Actor(peer=peer))


def known(user: User) -> None:
    """It is this user who asks."""
    actor = ACTOR.get()
    if actor is not None:
        actor.name, actor.role = user.name, user.role.value
        actor.origin = _ORIGINS.get(user.kind, "page")


def done(request: web.Request, status: int) -> None:
    """It was answered; a change that left no entry of its own leaves one now."""
    actor = ACTOR.get()
    changes = request.method != "GET" and status < 400  # noqa: PLR2004 - the first that is an error
    if changes and actor is not None and not actor.recorded:
        request.app[KITCHEN].record("request", _named(request))


async def stored(kitchen: Kitchen) -> None:
    """Return once it is committed; raises Problem where the disk refuses."""
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            await kitchen.recorded()
    except TimeoutError:
        detail = "It could not be stored in time; try again, and look at the gateway's disk."
        raise Problem(503, "not-stored", detail) from None


async def deed(
    request: web.Request, action: str, about: str, detail: Mapping[str, Detail] | None = None
) -> None:
    """Enter what whoever asks has just done; returns once that is committed, raises Problem."""
    kitchen = request.app[KITCHEN]
    kitchen.record(action, about, detail=detail)
    await stored(kitchen)


def no_entry() -> None:
    """What is asked for changes nothing, whatever its method, or is told of elsewhere."""
    actor = ACTOR.get()
    if actor is not None:
        actor.recorded = True


def refused(request: web.Request, problem: Problem) -> None:
    """It was refused for want of a role, or because of a secret that is not valid."""
    actor = ACTOR.get()
    if actor is not None and actor.recorded:
        return
    tried = request.method != "GET" or "Authorization" in request.headers
    if problem.status in _DENIED and tried:
        request.app[KITCHEN].record("request", _named(request), refused=problem.kind)


@contextmanager
def attempt(request: web.Request, action: str, about: str = "") -> Iterator[None]:
    """Take down that it was tried in vain, where it is; who succeeds is recorded by the caller.

    Who is right too often leaves no entries: they could push all others out of the chain.
    """
    try:
        yield
    except Problem as problem:
        if problem.kind != TOO_FAST:
            request.app[KITCHEN].record(action, about, refused=problem.kind)
        raise


async def entered(request: web.Request, user: User, action: str = "log_in") -> None:
    """Record who came in, before anything is handed out; raises Problem."""
    kitchen = request.app[KITCHEN]
    kitchen.record(action, user.tablet, by=user.name, role=user.role)
    await stored(kitchen)


def _named(request: web.Request) -> str:
    """Without the query, which may hold a code."""
    return f"{request.method} {request.path}"
