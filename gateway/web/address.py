"""`/api/v1/address`: where the next phone or tablet opens this page, also as a code to be read."""

import ipaddress
import logging
import socket
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.tls.certificate import AUTHORITY, fingerprint
from gateway.tls.code import Pictures
from gateway.tls.code import address as place_to_trust
from gateway.web.route import PICTURES, SETTINGS, Problem, Route, json_response

logger = logging.getLogger(__name__)

_ALONE = "Only this machine itself reaches the page: connect it to the network of the kitchen."


class Opened(msgspec.Struct, frozen=True):
    """The path under which the page is opened, where a proxy has put it under one."""

    base: Annotated[str, msgspec.Meta(pattern=r"^/([\w.~-]+/)*$", max_length=200)] = "/"


class Address(msgspec.Struct, frozen=True):
    """Null where nobody else reaches the page; `fingerprint` is of the gateway's own authority.

    `code` is what the code says: where that can be trusted first, else the page itself.
    """

    url: str | None
    code: str | None
    fingerprint: str | None


async def shown(request: web.Request) -> web.Response:
    """Where others open this page."""
    return json_response(_address_of(request))


async def picture(request: web.Request) -> web.Response:
    """The same as a QR code."""
    code = _address_of(request).code
    if code is None:
        raise Problem(404, "no-address", _ALONE)
    return await as_svg(request.app[PICTURES], code)


async def as_svg(pictures: Pictures, code: str) -> web.Response:
    """That code as an answer; raises Problem."""
    try:
        return web.Response(body=await pictures.of(code), content_type="image/svg+xml")
    except (OSError, TimeoutError) as error:
        logger.warning("a code cannot be drawn: %s", str(error) or "it took too long")
        detail = "The code cannot be drawn just now; type the address instead, or try again."
        raise Problem(503, "not-drawn", detail, {"Retry-After": "10"}) from None


def own_addresses() -> list[str]:
    """The addresses under which others on the LAN may reach us; no packet is sent."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: only asks the routing table
            found.append(str(probe.getsockname()[0]))
        except OSError:
            logger.debug("no route: nobody can reach us from elsewhere")
    return found


def _address_of(request: web.Request) -> Address:
    """As the one who asks reached it; at the gateway's own screen, as others would."""
    settings = request.app[SETTINGS]
    host, port = _parted(request.host)
    if _is_loopback(host):
        others = [] if _is_loopback(settings.host) else own_addresses()
        if not others:
            return Address(None, None, None)
        host = others[0]
    url = f"{request.scheme}://{host}{port}{_base_of(request)}"
    pem = _authority(settings.authority)
    if pem is None or request.scheme != "https":
        return Address(url, url, None)
    known = fingerprint(pem)
    if settings.plain_port:
        return Address(url, place_to_trust(host, settings.plain_port, known), known)
    return Address(url, f"{url}#sha256={known.replace(':', '')}", known)


def _base_of(request: web.Request) -> str:
    try:
        return msgspec.convert(dict(request.query), Opened).base
    except msgspec.ValidationError as error:
        raise Problem(400, "bad-query", f"{error}.") from None


def _parted(host: str) -> tuple[str, str]:
    """The name, and the port with its colon; the guard has seen to it that there is a name."""
    if host.startswith("["):
        name, _, port = host.partition("]")
        return f"{name}]", port
    name, _, port = host.partition(":")
    return name, f":{port}" if port else ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _authority(folder: Path | None) -> bytes | None:
    """Its certificate; None where it is not ours or cannot be read, which `check` tells."""
    try:
        return None if folder is None else (folder / AUTHORITY).read_bytes()
    except OSError as error:
        logger.warning("the authority's certificate cannot be read: %s", error)
        return None


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/address",
        handler=shown,
        role=Role.VIEWER,
        query=Opened,
        answer=Address,
    ),
    Route(
        method="GET",
        path="/api/v1/address/code.svg",
        handler=picture,
        role=Role.VIEWER,
        query=Opened,
        media="image/svg+xml",
    ),
)
