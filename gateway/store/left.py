"""How the start before left off, and how kitchen time goes on from there."""

import contextlib
import sqlite3
import zlib
from typing import NamedTuple

import msgspec

from gateway.clock import Boot, Clock, Trust
from gateway.store.log import unpacked

_EVENTS_SEARCHED = 10_000
_NEWEST = (
    "SELECT at, body FROM tm ORDER BY s DESC LIMIT 1",
    "SELECT at, body FROM ev ORDER BY s DESC LIMIT 1",
    "SELECT at, x'' FROM inputs ORDER BY id DESC LIMIT 1",
)
_BOOT_EVENT = f"""
    SELECT body FROM (SELECT s, body FROM ev ORDER BY s DESC LIMIT {_EVENTS_SEARCHED})
    WHERE instr(body, CAST('"k":"boot"' AS BLOB)) ORDER BY s DESC LIMIT 1
"""  # noqa: S608 - a constant


class Left(NamedTuple):
    """Where the clocks stood when the last row was written, or at the last start without one."""

    boot: Boot
    trust: Trust


class _Stamp(msgspec.Struct):
    e: int
    t0: int
    dt: list[int] | None = None


class _Trusted(msgspec.Struct):
    trust: Trust


class _BootEvent(msgspec.Struct):
    e: int
    k: str
    d: _Trusted


def left(connection: sqlite3.Connection) -> Left | None:
    """Read it; None at the first start."""
    found = connection.execute(
        "SELECT epoch, boot_id, mono, wall, kitchen, trust FROM boots ORDER BY epoch DESC LIMIT 1"
    ).fetchone()
    if found is None:
        return None
    epoch, boot_id, mono, wall, kitchen, trust = found
    # The clock may have been set since that start: the rows after it carry what it said then.
    newest = [connection.execute(query).fetchone() for query in _NEWEST]
    stamps = [_stamp(at, body, epoch) for at, body in filter(None, newest) if at >= kitchen]
    seen, wall_seen = max([(kitchen, wall), *filter(None, stamps)])
    latest = max([kitchen, *(row[0] for row in newest if row)])
    boot = Boot(boot_id, mono + latest - kitchen, wall_seen + latest - seen, latest)
    return Left(boot, _last_trust(connection, epoch) or Trust(trust))


def resume(clock: Clock, before: Left | None) -> int | None:
    """Let kitchen time go on; gives the UTC ms at which the start before left off.

    Over a reboot a wall clock that is not trusted, then or now, does not tell how long we were
    away: kitchen time stands still meanwhile, so that a delay ends late rather than early.
    """
    if before is None:
        clock.resume(None)
        return None
    boot = before.boot
    if Trust.UNSYNCED in (before.trust, clock.trust()):
        clock.resume(Boot(boot.boot_id, boot.monotonic_ms, clock.wall(), boot.kitchen_ms))
    else:
        clock.resume(boot)
    if boot.boot_id == clock.boot_id and clock.monotonic_ms() >= boot.monotonic_ms:
        return clock.wall() - (clock.now() - boot.kitchen_ms)
    return boot.wall_ms


def _stamp(at: int, stored: bytes, epoch: int) -> tuple[int, int] | None:
    """Kitchen time and UTC of a row's end; None for one that cannot be read or is of before."""
    try:
        stamp = msgspec.json.decode(unpacked(stored), type=_Stamp)
    except (zlib.error, msgspec.DecodeError):
        return None
    return (at, stamp.t0 + (stamp.dt[-1] if stamp.dt else 0)) if stamp.e == epoch else None


def _last_trust(connection: sqlite3.Connection, epoch: int) -> Trust | None:
    """What that start said last of its clock; None when that is not among the newest events."""
    for (body,) in connection.execute(_BOOT_EVENT):
        with contextlib.suppress(msgspec.DecodeError):
            event = msgspec.json.decode(body, type=_BootEvent)
            if event.e == epoch and event.k == "boot":
                return event.d.trust
    return None
