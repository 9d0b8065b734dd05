"""The broker and the receiver as processes of their own, for the sections that need the whole.

They are found, started and stopped with the code of the tests.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.report import ROOT
from tests import parts
from tests.broker import Broker, Settings


def environment() -> dict[str, str]:
    """Ours, with byte code kept on disk as every installation has it."""
    mine = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return mine | {"PYTHONPATH": str(ROOT)}


def compile_all() -> None:
    """Have the byte code of our own packages there, as pip leaves it for all others."""
    packages = ("gateway", "drivers", "rules", "models")
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", *(str(ROOT / name) for name in packages)],
        check=True,
    )


@contextmanager
def cloud(folder: Path) -> Iterator[str | None]:
    """A broker and the reference receiver; gives the broker's URL, None without mosquitto."""
    found = parts.find(parts.MOSQUITTO)
    if found is None:
        yield None
        return
    settings = Settings(persistence=False, extra=("set_tcp_nodelay true",))
    with Broker(found.path, folder / "broker", settings) as broker:
        command = [sys.executable, "-m", "gateway.cli", "ingest", "--url", broker.url]
        with (folder / "ingest.log").open("wb") as log:
            ingest = subprocess.Popen(
                [*command, "--database", str(folder / "cloud.db")],
                stdout=log,
                stderr=log,
                env=environment(),
            )
        try:
            yield broker.url
        finally:
            ingest.terminate()
            ingest.wait(10)


def resident_mb(pid: int) -> float:
    """Resident memory of one process, shared pages included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def cpu_s(pid: int) -> float:
    """CPU seconds of one process, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
