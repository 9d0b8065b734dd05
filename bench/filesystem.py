"""An ext4 of our own on a loop device, and what reaches its block device, journal included."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SECTOR = 512
_WRITTEN = 6  # field of /sys/block/*/stat, Documentation/block/stat.rst
_IMAGE = 256 << 20


@dataclass(frozen=True)
class Mounted:
    """Where it is mounted, and its device."""

    path: Path
    device: str

    def written(self) -> int:
        """Bytes the device has been given so far; what still waits in memory is pushed first."""
        os.sync()
        return self.reached()

    def reached(self) -> int:
        """Bytes the device has been given so far."""
        fields = Path(f"/sys/block/{Path(self.device).name}/stat").read_text().split()
        return int(fields[_WRITTEN]) * _SECTOR


def possible() -> str | None:
    """Why there can be none here; None when there can."""
    if os.geteuid() != 0:
        return "needs root for a loop mount"
    if not Path("/dev/loop-control").exists():
        return "this kernel has no loop devices"
    return None


@contextmanager
def mounted(folder: Path, options: str = "noatime") -> Iterator[Mounted]:
    """A fresh ext4 as Raspberry Pi OS mounts it."""
    image, place = folder / "flash.img", folder / "flash"
    with image.open("wb") as file:
        file.truncate(_IMAGE)
    lazy = "lazy_itable_init=0,lazy_journal_init=0"  # else it goes on writing in the background
    _run("mkfs.ext4", "-q", "-F", "-b", "4096", "-E", lazy, str(image))
    place.mkdir()
    device = _run("losetup", "--find", "--show", str(image)).strip()
    try:
        _run("mount", "-o", options, device, str(place))
        try:
            yield Mounted(place, device)
        finally:
            _run("umount", str(place))
    finally:
        _run("losetup", "--detach", device)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
