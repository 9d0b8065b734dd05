"""Other computers on a LAN of ours: network namespaces, with this process on the other end."""

import ctypes
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_NETWORK = 0x4000_0000  # CLONE_NEWNET of sched.h
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def another_computer() -> Iterator[tuple[str, str]]:
    """A network namespace with a wire to us, as if it stood on the same LAN; its name, our end.

    Meanwhile this thread, and whatever it starts, is on a network of its own as well: a browser
    gives up what it is loading when an interface comes or goes, and other tests have theirs open.
    Raises OSError or CalledProcessError where none may be made.
    """
    name = f"kg{secrets.token_hex(3)}"
    ours, theirs = "198.51.100.1", "198.51.100.2"  # TEST-NET-2
    commands = (
        "ip link set lo up",
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {name}b netns {name}",
        f"ip address add {ours}/30 dev {name}a",
        f"ip link set {name}a up",
        f"ip route add default via {theirs}",
        f"ip -n {name} address add {theirs}/30 dev {name}b",
        f"ip -n {name} link set {name}b up",
        f"ip -n {name} link set lo up",
        f"ip -n {name} route add default via {ours}",
    )
    with _network_of_its_own():
        try:
            for command in commands:
                subprocess.run(command.split(), check=True, capture_output=True)
            yield name, ours
        finally:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@contextmanager
def _network_of_its_own() -> Iterator[None]:
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _succeed(_libc.unshare(_NETWORK))
        try:
            yield
        finally:
            _succeed(_libc.setns(before, _NETWORK))
    finally:
        os.close(before)


def _succeed(result: int) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
