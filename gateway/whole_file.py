"""Putting a file into a folder whole or not at all, and for good; blocks for the disk."""

import contextlib
import os
from pathlib import Path


def put(file: Path, data: bytes, mode: int) -> None:
    """Write or replace it; raises OSError, and then all is as it was, but for a dying disk.

    A kill in the middle leaves a hidden file beside it, which the next call does away with.
    """
    part = file.with_name(f".{file.name}.new")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as opened:
            os.fchmod(opened.fileno(), mode)
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync(file.parent)


def remove(file: Path) -> None:
    """Take it out; raises OSError."""
    file.unlink()
    _sync(file.parent)


def make_folder(folder: Path, mode: int) -> None:
    """Make it where its own folder is; raises OSError."""
    folder.mkdir(mode=mode)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Have what was put into a folder, or taken out of it, outlast a power cut; raises OSError."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
