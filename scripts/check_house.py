"""House rules that neither ruff nor import-linter can state.

Time: only gateway/clock.py imports `time` or asks an event loop for it. State: whatever decides is
a row of gateway.db, so the daemon writes no file but the few listed here.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PRODUCT = ("gateway", "drivers", "rules", "models")
KNOWS_TIME = "gateway/clock.py"
# paho and aiohttp count how long a connection is silent in real seconds, whatever the kitchen's
# clock does.
MAY_TICK = {"gateway/buses/mqtt.py", "gateway/web/connection.py"}

# Who may write a file, and why that file does not decide anything.
MAY_WRITE = {
    "gateway/store/": "is gateway.db",
    "gateway/buses/": "device files of the kernel and the folders of emulated ones",
    "gateway/tls/authority": "keys and certificates, made by a child: no state",
    "gateway/whole_file": "rules people edit in files, and keys made once: no state",
    "gateway/announcing": "what Avahi tells the LAN, made anew at each start: no state",
    "gateway/web/packing": "the page's own files in Brotli, made at installation: no state",
    "gateway/cli/": "what a person asked for: exports, backups, a demo broker's config",
    "gateway/sync/ingest": "the reference receiver's own database, on the cloud's side",
    "models/train/": "off the device",
}
LOOP_TIMERS = {"time", "call_at", "call_later"}
PATH_WRITES = {"write_text", "write_bytes", "touch", "mkdir", "symlink_to", "hardlink_to"}
OS_WRITES = {"rename", "replace", "truncate", "mkfifo", "mknod", "symlink", "link", "pwrite"}
COPIES = {"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move"}
OPEN_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC"}
KEEPERS = {"dbm", "marshal", "mmap", "pickle", "shelve", "sqlite3", "tempfile"}


def violations(root: Path) -> Iterator[str]:
    """Yield one line for each broken rule in the product's packages under `root`."""
    for package in PRODUCT:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=name)
            for node in ast.walk(tree):
                for problem in _problems(name, node):
                    yield f"{name}:{getattr(node, 'lineno', 1)}: {problem}"


def _problems(name: str, node: ast.AST) -> Iterator[str]:
    if name != KNOWS_TIME:
        if "time" in _imported(node):
            yield "imports time; take a Clock (only gateway/clock.py knows the time)"
        if _asks_loop(node) and name not in MAY_TICK:
            yield "uses the event loop's clock; take a Clock"
    if not name.startswith(tuple(MAY_WRITE)):
        for keeper in sorted(KEEPERS & set(_imported(node))):
            yield f"imports {keeper}; whatever decides is a row of gateway.db"
        if isinstance(node, ast.Call) and _writes(node):
            yield "writes a file; whatever decides is a row of gateway.db"
        if isinstance(node, ast.Attribute) and node.attr in OPEN_FLAGS:
            yield "opens a file for writing; whatever decides is a row of gateway.db"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return []


def _asks_loop(node: ast.AST) -> bool:
    """Whether this is `loop.time`, `self._loop.call_later` or `get_running_loop().call_at`."""
    if not (isinstance(node, ast.Attribute) and node.attr in LOOP_TIMERS):
        return False
    owner = node.value.func if isinstance(node.value, ast.Call) else node.value
    last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return last.endswith("loop")


def _writes(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "open" and _mode_writes(call, position=1)
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    if owner == "os":
        return function.attr in OS_WRITES
    if owner == "shutil":
        return function.attr in COPIES
    if function.attr == "open":
        return _mode_writes(call, position=1 if owner in {"io", "codecs", "gzip"} else 0)
    return function.attr in PATH_WRITES


def _mode_writes(call: ast.Call, position: int) -> bool:
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    modes += call.args[position : position + 1]
    return any(
        isinstance(mode, ast.Constant)
        and isinstance(mode.value, str)
        and len(mode.value) <= len("r+bt")
        and set(mode.value) & set("wax+")
        for mode in modes
    )


if __name__ == "__main__":
    found = list(violations(Path.cwd()))
    print("\n".join(found) or "house rules kept")
    sys.exit(bool(found))
