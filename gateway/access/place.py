"""What counts as one address where so many of one are let in, served or kept waiting.

A machine on the LAN takes as many IPv6 addresses of its network as it likes (RFC 8981 does so
for privacy), and none beyond the 64 bits that name the network (RFC 4291, 2.5.4).
"""

import ipaddress
from functools import lru_cache

_NETWORK_BITS = 64


@lru_cache(maxsize=1_024)
def place_of(peer: str) -> str:
    """An IPv4 address as it is, also one that is written as IPv6; of IPv6 the /64; else `peer`."""
    try:
        found = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found.is_loopback:
        return str(found)
    return str(ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
