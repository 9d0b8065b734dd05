"""Loopback ports that stay ours: nobody else gets them, also while nothing listens there.

A port that the kernel finds free is anybody's the moment it is let go: any connection of any
program may be given it. Ours lie below those, and a socket with the port in its name, of which
there can be but one on a machine, keeps other tests away.
"""

import atexit
import errno
import random
import socket
from pathlib import Path

_GIVEN_BY_KERNEL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_CHOICE = 10_000
_held: list[socket.socket] = []


def reserved_port() -> int:
    """A loopback port at which nothing listens; ours until this process ends."""
    first_given = int(_GIVEN_BY_KERNEL.read_text().split()[0])
    ports = range(max(1_024, first_given - _CHOICE), first_given)
    return next(port for port in random.sample(ports, len(ports)) if _is_ours(port))


def _is_ours(port: int) -> bool:
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0kitchen-gateway-test-port-{port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError as error:
        mark.close()
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        return False
    atexit.register(mark.close)
    _held.append(mark)
    return True
