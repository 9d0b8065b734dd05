"""Looking up a name and connecting, without the executor.

A resolver may hang for half a minute, and the threads of an executor are waited for at exit.
"""

import asyncio
import os
import socket
from typing import NamedTuple

from gateway.loading import in_thread


class Found(NamedTuple):
    """One address of a name."""

    family: int
    address: str
    port: int
    destination: tuple[str, int] | tuple[str, int, int, int]


async def resolve(host: str, port: int) -> list[Found]:
    """The addresses of a name, best first; raises OSError."""
    answers = await in_thread(
        lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), f"resolve {host}"
    )
    return [
        Found(family, str(destination[0]), port, destination)  # type: ignore[arg-type]
        for family, _, _, _, destination in answers
    ]


def why(error: OSError) -> str:
    """What is wrong, in a few words: those of asyncio name the address only."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return error.strerror or str(error)
    return os.strerror(error.errno)


async def dial(host: str, port: int) -> socket.socket:
    """A connection to the first address that takes it; raises OSError."""
    refusal: OSError = OSError(f"{host} has no address")
    for found in await resolve(host, port):
        try:
            return await _connect(found)
        except OSError as error:
            refusal = error
    raise refusal


async def _connect(found: Found) -> socket.socket:
    connection = socket.socket(found.family, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, found.destination)
    except BaseException:
        connection.close()
        raise
    return connection
