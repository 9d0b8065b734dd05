"""What a proxy that is trusted says of who asks; of anybody else it is not heard.

Only `X-Forwarded-For` and `X-Forwarded-Proto` count, and `Host` as it comes: nginx has to hand over
the one it was asked with (`docs/tls.md`).
"""

import ipaddress
from collections.abc import Sequence

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
TRUSTED: web.AppKey[Sequence[Network]] = web.AppKey("trusted proxies")


def networks(written: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as the configuration has them."""
    return tuple(ipaddress.ip_network(each) for each in written)


def behind(request: web.Request) -> web.Request:
    """The request as the proxy was asked; itself where no trusted proxy brought it."""
    trusted = request.app[TRUSTED]
    name = request.transport.get_extra_info("peername") if request.transport else None
    peer = str(name[0]) if isinstance(name, tuple) else ""
    if not _is_one_of(peer, trusted):
        return request.clone(remote=peer) if request.remote != peer else request
    said = ",".join(request.headers.getall("X-Forwarded-For", []))
    scheme = request.headers.get("X-Forwarded-Proto", "").lower()
    return request.clone(
        remote=_first_stranger(said, peer, trusted),
        scheme=scheme if scheme in ("http", "https") else request.scheme,
    )


def _first_stranger(said: str, peer: str, trusted: Sequence[Network]) -> str:
    """The last address that is no proxy of ours: what stands before it anybody may have written."""
    asking = peer
    for written in reversed([each.strip() for each in said.split(",")]):
        try:
            asking = str(ipaddress.ip_address(written))
        except ValueError:
            return asking
        if not _is_one_of(asking, trusted):
            return asking
    return asking


def _is_one_of(address: str, trusted: Sequence[Network]) -> bool:
    if not address or not trusted:
        return False
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in each for each in trusted)
