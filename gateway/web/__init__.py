"""The page and the HTTP API of the LAN: every path is declared by one of `PARTS` with its role."""

from collections.abc import Iterable

from aiohttp import web

from gateway.access import Access
from gateway.clock import Clock
from gateway.tls.code import Pictures
from gateway.web import (
    actuators,
    address,
    alarms,
    api,
    audit,
    bands,
    configuration,
    devices,
    entering,
    events,
    guard,
    headers,
    health,
    history,
    hooks,
    live,
    login,
    metrics,
    notifications,
    openapi,
    packs,
    people,
    push,
    reference,
    rule_files,
    rules,
    static,
    status,
    tablets,
    timers,
    tokens,
    trial,
    views,
)
from gateway.web.connection import note_asked
from gateway.web.crowd import CROWD, Crowd
from gateway.web.kitchen import Kitchen
from gateway.web.live import LIVE, Live
from gateway.web.pace import PACE, Pace
from gateway.web.polling import JOINED, Joined
from gateway.web.proxy import TRUSTED, networks
from gateway.web.repeats import RUNNING
from gateway.web.route import (
    ACCESS,
    CLOCK,
    COUNTERS,
    KITCHEN,
    PICTURES,
    SETTINGS,
    TABLE,
    Counters,
    Route,
    Settings,
)
from gateway.web.timing import TIMING, Timing

PARTS = (
    health,
    login,
    api,
    bands,
    actuators,
    address,
    alarms,
    audit,
    configuration,
    devices,
    entering,
    events,
    history,
    hooks,
    live,
    metrics,
    notifications,
    people,
    openapi,
    packs,
    push,
    reference,
    rule_files,
    rules,
    static,
    status,
    tablets,
    tokens,
    timers,
    trial,
    views,
)


class RouteWithoutRole(Exception):
    """A path that nobody said who may use; the app is not built."""


def build_app(
    kitchen: Kitchen, access: Access, clock: Clock, settings: Settings
) -> web.Application:
    """The application; `app[LIVE]` is what the hub tells about changes."""
    routes = declared(route for part in PARTS for route in part.ROUTES)
    middleware = guard.make_guard(routes, guard.allowed_names(settings.names))
    app = web.Application(middlewares=[middleware, note_asked], client_max_size=guard.BODY_MAX)
    app[KITCHEN] = kitchen
    app[ACCESS] = access
    app[CLOCK] = clock
    app[SETTINGS] = settings
    app[PICTURES] = Pictures()
    app[TRUSTED] = networks(settings.proxies)
    app[TABLE] = routes
    app[TIMING] = Timing()
    app[PACE] = Pace(clock)
    app[JOINED] = Joined()
    app[CROWD] = Crowd(settings.connections_max, settings.connections_per_address)
    app[RUNNING] = set()
    app[COUNTERS] = Counters()
    app[LIVE] = Live(kitchen, clock)
    for route in routes.values():
        app.router.add_route(route.method, route.path, route.handler)
    check_roles(app, routes)
    app.on_response_prepare.append(headers.add_security_headers)
    app.on_shutdown.append(live.end_streams)
    app.cleanup_ctx.append(live.run_live)
    return app


def declared(routes: Iterable[Route]) -> dict[tuple[str, str], Route]:
    """The routes by method and path; raises RouteWithoutRole."""
    table: dict[tuple[str, str], Route] = {}
    for route in routes:
        if not route.role:
            raise RouteWithoutRole(f"{route.method} {route.path}")
        table[route.method, route.path] = route
    return table


def check_roles(app: web.Application, routes: dict[tuple[str, str], Route]) -> None:
    """Raise RouteWithoutRole when the router knows a path that no part declares."""
    for route in app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if (route.method, path) not in routes:
            raise RouteWithoutRole(f"{route.method} {path}")
