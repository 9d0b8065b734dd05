"""The one door every request goes through: Host, Origin, size, role, and what leaves in headers."""

import asyncio
import ipaddress
import logging
import re
import socket
from collections.abc import Iterable, Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.access import Access, Caller, User
from gateway.clock import stopwatch_s
from gateway.web import cookies, polling, record
from gateway.web.console import console_user
from gateway.web.pace import PACE
from gateway.web.proxy import behind
from gateway.web.repeats import once
from gateway.web.route import (
    ACCESS,
    COUNTERS,
    EVENTS,
    USER,
    Handler,
    Problem,
    Route,
    problem_response,
    redirect,
)
from gateway.web.timing import TIMING

logger = logging.getLogger(__name__)

BODY_MAX = 65_536
BODY_DEADLINE_S = 10.0
SEND_DEADLINE_S = 10.0
COOKIE = cookies.SESSION
WRITING = "X-Kitchen-Page"  # what a page of ours sends with every change, and no other site can
_FORWARDING = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Real-IP",
)
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,253})(:[0-9]{1,5})?")
_MISSING_ROLE = "A route without a role is open to nobody; the program is at fault."


def allowed_names(names: Iterable[str]) -> frozenset[str]:
    """The host names people may open the page by, besides every IP address."""
    own = socket.gethostname().lower()
    return frozenset({"localhost", own, f"{own}.local", *(name.lower() for name in names)})


def make_guard(routes: Mapping[tuple[str, str], Route], names: frozenset[str]) -> Middleware:
    """The middleware that admits a request to the one of `routes` it asks for, or to none."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        path = resource.canonical if resource is not None else "unknown"
        route = routes.get((request.method, path))
        begun = stopwatch_s()
        request = behind(request)
        try:
            response = await _admit(request, handler, route, names)
            record.done(request, response.status)
        except Problem as problem:
            record.refused(request, problem)
            response = problem_response(problem, request.path)
        except web.HTTPException as error:
            response = _of_error(error, request)
        except RecursionError:
            deep = Problem(400, "too-deep", "The body is nested too deeply; send it flatter.")
            response = problem_response(deep, request.path)
        except TimeoutError:
            slow = Problem(503, "too-slow", "This takes too long just now; repeat it later.")
            response = problem_response(slow, request.path)
        except Exception:
            logger.exception("%s %s failed", request.method, path)
            fault = Problem(500, "internal", "The gateway has a fault here; see its log.")
            response = problem_response(fault, request.path)
        request.app[COUNTERS].count(path, response.status)
        if route is None or route.media != EVENTS:  # a live page never ends
            request.app[TIMING].took(request.method, path, stopwatch_s() - begun)
        await _send(request, response)
        polling.answered(request, route, response)
        return response

    return guard


def caller_of(request: web.Request) -> Caller:
    """What the request says of itself; raises Problem when its Host cannot be read."""
    host = _host_of(request)
    return Caller(
        peer=request.remote or "",
        host=host,
        scheme=request.scheme,
        origin=request.headers.get("Origin"),
        authorization=request.headers.get("Authorization"),
        session=cookies.read(request, cookies.SESSION),
        tablet=cookies.read(request, cookies.TABLET),
        forwarded=any(name in request.headers for name in _FORWARDING),
        console=console_user(request.transport),
    )


async def _send(request: web.Request, response: web.StreamResponse) -> None:
    """Hand the answer over to the kernel; who does not take it in time is cut off and counted."""
    try:
        async with asyncio.timeout(SEND_DEADLINE_S):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        request.app[COUNTERS].dropped_clients += 1
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        logger.debug("%s left before its answer", request.remote)


def _host_of(request: web.BaseRequest) -> str:
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].lower()):
        raise Problem(400, "bad-host", "The request needs exactly one Host header with a name.")
    return hosts[0].lower()


async def _admit(
    request: web.Request, handler: Handler, route: Route | None, names: frozenset[str]
) -> web.StreamResponse:
    caller = caller_of(request)
    record.begin(caller.peer)
    _check_host(caller.host, names)
    _check_origin(request.method, caller, signed=route is not None and route.signed)
    _check_site(request)
    if request.match_info.http_exception is not None:
        raise request.match_info.http_exception
    if route is None:
        raise Problem(403, "no-role", _MISSING_ROLE)
    request.app[PACE].check_address(route, caller.peer)
    await _check_body(request)
    if route.role == "anyone":
        return await handler(request)
    access = request.app[ACCESS]
    user = access.identify(caller)
    if user is None and route.page:
        return redirect(request, "login")
    if user is not None:
        record.known(user)
    user = request[USER] = await _check_role(access, user, route)
    request.app[PACE].check_user(route, user)
    _check_page(request, user)
    if route.proof and not access.proven(user):
        raise Problem(403, "proof-needed", "Give your password again: this changes a setting.")
    return await once(request, route, user, handler)


def checked_host(request: web.BaseRequest, names: frozenset[str]) -> str:
    """The name or address by which the gateway is asked, without its port; raises Problem."""
    host = _host_of(request)
    _check_host(host, names)
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _check_host(host: str, names: frozenset[str]) -> None:
    name = host if host.endswith("]") else host.partition(":")[0]
    if host.startswith("["):
        name = host.partition("]")[0][1:]
    if name in names:
        return
    try:
        ipaddress.ip_address(name)
    except ValueError:
        way = f"add http://{name} to web.origins in the config"
        detail = f"This gateway is not called {name}; {way}."
        raise Problem(421, "foreign-host", detail) from None


def _check_origin(method: str, caller: Caller, *, signed: bool) -> None:
    if not caller.own_origin:
        raise Problem(403, "foreign-origin", "Another site may not use this gateway.")
    named = caller.origin or caller.authorization or caller.console
    if method != "GET" and named is None and not signed:
        detail = "Send the page's own Origin header, or a bearer token."
        raise Problem(403, "no-origin", detail)


def _check_site(request: web.Request) -> None:
    """What the browser itself says of who asks: another site may at most lead here."""
    foreign = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    led = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if foreign and not led:
        raise Problem(403, "foreign-origin", "Another site may not use this gateway.")


def _check_page(request: web.Request, user: User) -> None:
    """A cookie goes with whatever makes a browser ask: this header only with our own page."""
    by_cookie = request.method != "GET" and user.kind in ("session", "tablet")
    if by_cookie and request.headers.get(WRITING) != "1":
        detail = f"Send the header {WRITING}: 1 with a change, or use a bearer token."
        raise Problem(403, "no-page", detail)


async def _check_body(request: web.Request) -> None:
    if request.method == "GET":
        if request.can_read_body or "Upgrade" in request.headers:
            raise Problem(400, "unwanted-body", "A GET has neither a body nor an upgrade.")
        return
    too_large = Problem(413, "too-large", f"A body may have at most {BODY_MAX} bytes.")
    if (request.content_length or 0) > BODY_MAX:
        raise too_large
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            await request.read()
    except TimeoutError:
        raise Problem(408, "too-slow", "The body did not arrive in time.") from None
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None


async def _check_role(access: Access, user: User | None, route: Route) -> User:
    if user is None:
        headers = {"WWW-Authenticate": 'Bearer realm="kitchen-gateway"'}
        detail = "Log in, or send a bearer token that is valid."
        raise Problem(401, "no-login", detail, headers)
    by_tablet = user.kind == "tablet" and route.tablet
    if route.role != "anyone" and not by_tablet and not user.role.covers(route.role):
        detail = f"This needs the role {route.role}; {user.name} has {user.role}."
        raise Problem(403, "no-permission", detail)
    await access.renew(user)
    return user


def _of_error(error: web.HTTPException, request: web.Request) -> web.Response:
    headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    kind = error.reason.lower().replace(" ", "-")
    return problem_response(Problem(error.status, kind, error.reason, headers), request.path)
