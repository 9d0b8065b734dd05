"""What every page and API module is written in: routes with roles, problems, and the app's keys."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import msgspec
from aiohttp import web

from gateway.access import Access, Role, User
from gateway.clock import Clock
from gateway.tls.code import Pictures
from gateway.web.kitchen import Kitchen
from gateway.web.status_shapes import Metric

Anyone = Literal["anyone"]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON = "application/json"
PAGE = "text/html"
EVENTS = "text/event-stream"
FORM = "application/x-www-form-urlencoded"
PROBLEM_TYPE = "application/problem+json"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the page listens, and under which further names people may open it."""

    host: str = "0.0.0.0"  # noqa: S104 - the kitchen's tablets are on the LAN
    port: int = 8080
    names: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()  # whose X-Forwarded-For and -Proto count
    tls: Literal["off", "own", "files"] = "off"
    plain_port: int | None = None  # redirects to HTTPS
    authority: Path | None = None  # the folder of the gateway's own
    certificate_file: Path | None = None
    key_file: Path | None = None
    console: Path | None = None  # where commands on this machine reach the gateway
    header_deadline_s: float = 15.0  # of a request's head, and of an idle connection
    connections_max: int = 512
    connections_per_address: int = 64


@dataclass(frozen=True, kw_only=True)
class Route:
    """One path; `page` sends people to the login page where an API answers 401.

    `query`, `body` and `answer` are the shapes that `openapi.py` describes; its docstring is the
    handler's. An answer without a shape is no JSON: `media` then says what it is.
    """

    method: str
    path: str
    handler: Handler
    role: Role | Anyone
    page: bool = False
    proof: bool = False  # a setting: the password must have been given just now
    tablet: bool = False  # a paired tablet may do it by itself, whatever else is locked
    signed: bool = False  # programs prove themselves by a signature, and have no Origin
    unpaced: bool = False  # never refused for asking too fast
    matched: bool = False  # `If-Match` names what is replaced
    secret: bool = False  # its answer holds a secret that is shown once and kept nowhere
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None
    statuses: tuple[int, ...] = (200,)
    media: str = JSON
    body_media: str = JSON


class Problem(Exception):
    """An answer that is an error; `kind` names it for programs, `detail` says who must do what."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        headers: dict[str, str] | None = None,
        *,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers or {}
        self.members = members or {}


@dataclass
class Counters:
    """What came in, by route and answer; routes and answers are few, so this stays small."""

    requests: Counter[tuple[str, int]] = field(default_factory=Counter)
    repeated: int = 0  # of them, by `polling`
    dropped_clients: int = 0

    def count(self, route: str, status: int) -> None:
        self.requests[route, status] += 1

    def metrics(self) -> list[Metric]:
        name, text = "kitchen_http_requests_total", "Requests answered, by route and status."
        requests = [
            Metric(name=name, help=text, kind="counter", value=count, labels=_labels(route, status))
            for (route, status), count in sorted(self.requests.items())
        ]
        repeated = Metric(
            name="kitchen_http_requests_repeated_total",
            help="Requests that came again byte for byte and were answered without being read.",
            kind="counter",
            value=self.repeated,
        )
        dropped = Metric(
            name="kitchen_http_clients_dropped_total",
            help="Connections cut off because they did not take their answer in time.",
            kind="counter",
            value=self.dropped_clients,
        )
        return [*requests, repeated, dropped]


KITCHEN: web.AppKey[Kitchen] = web.AppKey("kitchen")
ACCESS: web.AppKey[Access] = web.AppKey("access")
PICTURES: web.AppKey[Pictures] = web.AppKey("pictures", Pictures)
SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
TABLE: web.AppKey[Mapping[tuple[str, str], Route]] = web.AppKey("table")
COUNTERS: web.AppKey[Counters] = web.AppKey("counters", Counters)
USER: web.RequestKey[User] = web.RequestKey("user", User)


def json_response(body: object, status: int = HTTPStatus.OK) -> web.Response:
    """`body` as JSON; structs, lists and mappings of them."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type=JSON)


def redirect(request: web.Request, page: str) -> web.Response:
    """Go to that page (`login`; empty is the kitchen) and ask for it with GET.

    As seen from the path that was asked for: a proxy may have the gateway below one of its own.
    """
    up = "../" * (request.path.count("/") - 1)
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"{up}{page}" or "./"})


def problem_response(problem: Problem, path: str) -> web.Response:
    """The answer of RFC 9457."""
    body = {
        "type": f"urn:kitchen-gateway:{problem.kind}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
        **problem.members,
    }
    return web.Response(
        body=msgspec.json.encode(body),
        status=problem.status,
        content_type=PROBLEM_TYPE,
        headers=problem.headers,
    )


def _labels(route: str, status: int) -> dict[str, str]:
    return {"route": route, "status": str(status)}
