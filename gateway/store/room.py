"""Whether the disk is full, and the ballast that is given up when it is.

A full disk was measured to block DELETE and the WAL's checkpoint as well as INSERT; giving up the
ballast makes both work again, and with them everything that frees room for good.
"""

import logging
import os
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)

BALLAST_BYTES = 16 << 20
_RESERVE = 4  # the ballast comes back when so many of its size are free


def is_full(folder: Path, below: int = BALLAST_BYTES) -> bool:
    """Whether so little is free that no room explains a refusal; no transaction is larger."""
    return shutil.disk_usage(folder).free < below


def keep_ballast(folder: Path) -> None:
    """Lay the ballast while there is plenty of room."""
    ballast = folder / "ballast"
    if ballast.exists() or shutil.disk_usage(folder).free < _RESERVE * BALLAST_BYTES:
        return
    handle = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(handle, 0, BALLAST_BYTES)
    except OSError as error:
        logger.warning("store: no ballast: %s", error.strerror)
        ballast.unlink()
    finally:
        os.close(handle)


def give_up_ballast(folder: Path, below: int = BALLAST_BYTES) -> bool:
    """Make room on a full disk; False when it is not full or nothing is left to give up."""
    ballast = folder / "ballast"
    if not is_full(folder, below) or not ballast.exists():
        return False
    ballast.unlink()
    logger.error("store: the disk is full; the ballast is given up, make room")
    return True
