"""`gateway.db`: opening it, bringing its schema up to date, and keeping a second daemon out."""

import contextlib
import fcntl
import os
import secrets
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.clock import Clock, Trust
from gateway.store.errors import StoreError
from gateway.store.left import left, resume
from gateway.store.room import is_full

LATEST = 7  # steps in gateway.store.migrations.steps
NAME = "gateway.db"
_MIGRATION_DEADLINE_S = 120
_SETTINGS = (
    "synchronous = FULL",
    "busy_timeout = 5000",
    "wal_autocheckpoint = 1000",
    "journal_size_limit = 16777216",
    "cache_size = -1024",
)


@dataclass(frozen=True)
class Identity:
    """Which installation this is, and which start of it."""

    install: str
    epoch: int
    left_at: int | None  # UTC ms of the last row of the start before; None at the first
    left_trust: Trust = Trust.UNSYNCED  # how far the wall clock was believed then


class Folder:
    """The data folder, held by one process; raises StoreError naming the other's PID."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "gateway.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            message = f"data folder {path}: {error.strerror}; choose another with --data DIR"
            raise StoreError(message) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = os.pread(self._lock, 20, 0).decode(errors="replace").strip()
            os.close(self._lock)
            message = f"data folder {path} is in use by process {pid or 'unknown'}; stop it first"
            raise StoreError(message) from error
        with contextlib.suppress(OSError):  # a full disk; the lock holds without the number
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    @property
    def database(self) -> Path:
        """Where `gateway.db` lies."""
        return self.path / NAME

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)


def connect(path: Path) -> sqlite3.Connection:
    """A connection with the settings every acknowledged commit depends on.

    FULL, because WAL with NORMAL was measured to lose acknowledged commits at a power cut. A longer
    WAL saves no flash (a page is rewritten a handful of times only), and until it has its length
    each commit also writes the file system's journal: 26 KB instead of 7 KB.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(path: Path) -> None:
    """Bring the schema up to date in a child process, only when it is behind.

    Raises StoreError when the file is from a newer release or cannot be migrated.
    """
    version = _version(path)
    if version > LATEST:
        message = f"{path} was written by a newer release (schema {version}, this one has {LATEST})"
        raise StoreError(message)
    if version == LATEST:
        return
    try:
        path.touch(mode=0o600)  # the files SQLite puts beside it get the same mode
        path.chmod(0o600)
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "gateway.store.migrations", str(path)],
            capture_output=True,
            text=True,
            timeout=_MIGRATION_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{path}: no end of bringing the schema up to date: is the disk failing?"
        raise StoreError(message) from error
    except OSError as error:
        message = f"{path} cannot be used: {error.strerror}"
        raise StoreError(message) from error
    if done.returncode:
        message = f"{path}: the schema could not be brought up to date: {done.stderr[-500:]}"
        raise StoreError(message)


def _version(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        connection = sqlite3.connect(path)
        try:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: sqlite3.Error) -> StoreError:
    """The error for people: whether the file is at fault, or what is around it."""
    if isinstance(error, sqlite3.OperationalError):
        if is_full(path.parent):
            return StoreError(f"{path} cannot be used: the disk is full ({error}); make room on it")
        return StoreError(f"{path} cannot be used: {error}")
    return StoreError(f"{path} is damaged ({error}); move it away to start afresh")


def opened(path: Path, clock: Clock) -> tuple[sqlite3.Connection, Identity]:
    """The file, up to date and with this start counted; raises StoreError."""
    prepare(path)
    try:
        with contextlib.ExitStack() as undo:
            connection = undo.enter_context(contextlib.closing(connect(path)))
            identity = start(connection, clock)
            undo.pop_all()
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    return connection, identity


def start(connection: sqlite3.Connection, clock: Clock) -> Identity:
    """Resume kitchen time, count this start in `boots`, and say who we are."""
    before = left(connection)
    left_at = resume(clock, before)
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT OR IGNORE INTO meta VALUES ('install', ?)", (secrets.token_hex(16),)
        )
        cursor = connection.execute(
            "INSERT INTO boots (boot_id, mono, wall, trust, kitchen) VALUES (?, ?, ?, ?, ?)",
            (clock.boot_id, clock.monotonic_ms(), clock.wall(), clock.trust().value, clock.now()),
        )
        row = connection.execute("SELECT value FROM meta WHERE key = 'install'").fetchone()
    trust = Trust.UNSYNCED if before is None else before.trust
    return Identity(row[0], int(cursor.lastrowid or 0), left_at, trust)


def open_beside(folder: Path, clock: Clock) -> sqlite3.Connection:
    """A connection for a process that is no start of the installation; the daemon may be running.

    Sets the clock to the installation's kitchen time; raises StoreError.
    """
    path = folder / NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        prepare(path)
        with contextlib.ExitStack() as undo:
            connection = undo.enter_context(contextlib.closing(connect(path)))
            resume(clock, left(connection))
            undo.pop_all()
    except OSError as error:
        raise StoreError(f"data folder {folder}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    return connection
