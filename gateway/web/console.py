"""The socket in the data folder, through which commands on this machine ask the running gateway.

The folder is open to its owner alone, so whoever comes this way is let in without a secret; who it
is the kernel tells (SO_PEERCRED, unix(7)).
"""

import asyncio
import logging
import os
import pwd
import socket
import struct
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_ROOT = 0


async def listen(path: Path, accept: Callable[[], asyncio.BaseProtocol]) -> asyncio.Server | None:
    """Listen at `path`; None, said in the log, where that cannot be had: all else goes on.

    asyncio replaces a socket that an earlier start has left behind; the folder's lock is ours.
    """
    try:
        return await asyncio.get_running_loop().create_unix_server(accept, path)
    except OSError as error:
        reason = error.strerror or str(error)
        logger.warning("console %s: %s; commands cannot ask this gateway", path, reason)
        return None


def console_user(transport: asyncio.BaseTransport | None) -> str | None:
    """The login name of who came through the socket; None for all others."""
    found = None if transport is None else transport.get_extra_info("socket")
    if found is None or found.family != socket.AF_UNIX:
        return None
    packed = found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(packed)
    if uid not in (os.getuid(), _ROOT):
        return None
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
