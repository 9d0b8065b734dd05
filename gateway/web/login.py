"""`/login`: swaps a token or a one-use code for a session cookie; `/logout` ends it."""

import logging
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from gateway.access import Refused, Role, TooManyTries, TooOften
from gateway.web import cookies
from gateway.web.guard import caller_of
from gateway.web.record import entered, stored
from gateway.web.refusals import too_often
from gateway.web.route import (
    ACCESS,
    FORM,
    KITCHEN,
    PAGE,
    USER,
    Problem,
    Route,
    json_response,
    redirect,
)
from gateway.web.session import SessionView, session_view
from gateway.web.static import serve

logger = logging.getLogger(__name__)

_FORM_MAX = 1024  # bytes


class LoginLink(msgspec.Struct, frozen=True):
    """A one-use code that logs in at once; why the last login was refused."""

    code: str | None = None
    error: str | None = None


class Secret(msgspec.Struct, frozen=True):
    """A token or a one-use code."""

    secret: str = ""


async def show(request: web.Request) -> web.Response:
    """The form; with `?code=` the printed link, which logs in at once."""
    code = request.query.get("code")
    if code is not None:
        return await _log_in(request, code)
    user = request.app[ACCESS].identify(caller_of(request))
    if user is not None and user.kind not in ("tablet", "demo"):
        return redirect(request, "")
    return serve(request, "login.html")


async def submit(request: web.Request) -> web.Response:
    """Swap a secret for a session."""
    if request.content_type != FORM:
        raise Problem(415, "no-form", f"Send the login as {FORM}.")
    body = await request.read()
    form = parse_qs(body[:_FORM_MAX].decode(errors="replace"))
    return await _log_in(request, form.get("secret", [""])[0])


async def log_out(request: web.Request) -> web.Response:
    """End the session."""
    request.app[KITCHEN].record("log_out")
    await request.app[ACCESS].log_out(request[USER])
    await stored(request.app[KITCHEN])
    response = redirect(request, "login")
    cookies.take_back(request, response, cookies.SESSION)
    return response


async def session(request: web.Request) -> web.Response:
    """Who the page is for."""
    return json_response(session_view(request, request[USER]))


async def _log_in(request: web.Request, secret: str) -> web.Response:
    caller, kitchen = caller_of(request), request.app[KITCHEN]
    peer = caller.peer
    try:
        cookie, user = await request.app[ACCESS].log_in(secret, peer, caller.tablet)
    except Refused:
        logger.warning("login from %s refused", peer)
        kitchen.record("log_in", refused="wrong")
        return redirect(request, "login?error=refused")
    except TooManyTries:
        kitchen.record("log_in", refused="too_many_tries")
        return redirect(request, "login?error=wait")
    except TooOften as error:
        raise too_often(error) from None
    await entered(request, user)
    logger.info("%s logged in from %s as %s", user.name, peer, user.role)
    response = redirect(request, "")
    cookies.give(request, response, cookies.SESSION, cookie)
    return response


ROUTES = (
    Route(
        method="GET",
        path="/login",
        handler=show,
        role="anyone",
        query=LoginLink,
        statuses=(200, 303),
        media=PAGE,
    ),
    Route(
        method="POST",
        path="/login",
        handler=submit,
        role="anyone",
        body=Secret,
        body_media=FORM,
        statuses=(303,),
    ),
    Route(method="POST", path="/logout", handler=log_out, role=Role.VIEWER, statuses=(303,)),
    Route(
        method="GET", path="/api/v1/session", handler=session, role=Role.VIEWER, answer=SessionView
    ),
)
