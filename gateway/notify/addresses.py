"""Which addresses a message may be sent to: the outside, and what was declared of the inside.

A name is only looked up by others: whoever answers for it could point us at our own machine, at the
kitchen's devices, or at the metadata of a cloud host. Ranges: IANA special-purpose registries.
"""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NEVER = (
    ipaddress.ip_network("169.254.0.0/16"),  # link-local; 169.254.169.254 is the metadata of most
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("fd00:ec2::/32"),  # metadata of EC2 over IPv6
    ipaddress.ip_network("168.63.129.16/32"),  # of Azure, a public address
    ipaddress.ip_network("100.100.100.200/32"),  # of Alibaba
    ipaddress.ip_network("192.0.0.192/32"),  # of Oracle
    ipaddress.ip_network("0.0.0.0/8"),
    ipaddress.ip_network("240.0.0.0/4"),
    ipaddress.ip_network("::/128"),
    ipaddress.ip_network("fec0::/10"),  # site-local, deprecated
    ipaddress.ip_network("64:ff9b:1::/48"),  # NAT64 of a network's own, which may end anywhere
)
_EMBEDDING = (  # RFC 6052 (NAT64), RFC 4291 (IPv4-compatible): the last 32 bits are the address
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("::/96"),
)
_HERE = (ipaddress.ip_address("::"), ipaddress.ip_address("::1"))


def networks(texts: Iterable[str]) -> frozenset[Network]:
    """What was declared, as networks; the texts have been checked."""
    return frozenset(ipaddress.ip_network(text) for text in texts)


def why_not(address: str, inside: Iterable[Network], *, only_inside: bool = False) -> str | None:
    """Why nothing may be sent to an address, or None: it may."""
    try:
        named = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "it is no address"
    meant = _meant(named)
    if any(_within(meant, network) for network in _NEVER) or meant.is_multicast:
        return "nothing is ever sent there"
    if any(_within(meant, network) for network in inside):
        return None
    if only_inside:
        return "http: is only for what `addresses` declares"
    if not meant.is_global:
        return "it is inside, and not under `addresses`"
    return None


def _meant(address: Address) -> Address:
    """The address packets end at: IPv4 ones hide in several forms of IPv6."""
    if isinstance(address, ipaddress.IPv4Address) or address in _HERE:
        return address
    hidden = address.ipv4_mapped or address.sixtofour
    if hidden is None and address.teredo is not None:
        hidden = address.teredo[1]
    if hidden is None and any(address in network for network in _EMBEDDING):
        hidden = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return hidden or address


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network
