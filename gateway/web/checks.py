"""What is well with the gateway and what is not: one word for each part, and the reason for it.

Reasons are codes, so that the page says them in the viewer's language; `detail` is what a part
said of itself. What cannot be measured is never `ok`.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from gateway.web.kitchen import Kitchen
from gateway.web.timing import RouteTimes

HOUR_MS = 3_600_000


Reason = Literal[
    "fine",
    "above",
    "unknown",
    "failing",
    "rows_lost",
    "ntp",
    "rtc",
    "unsynced",
    "not_configured",
    "not_proven",
    "away",
    "none",
    "refused",
    "left_out",
    "polar",
    "holidays",
    "lost",
]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One part; `value` is beyond `limit` where the reason is `above`."""

    id: str
    state: Literal["ok", "warn", "bad"]
    reason: Reason
    value: float | None = None
    limit: float | None = None
    unit: str = ""  # UCUM
    detail: str = ""


class _Limit(NamedTuple):
    point: str
    warn: float
    bad: float


# A Pi slows down from 80 °C on (Raspberry Pi documentation, frequency management and thermal
# control); the others leave room to act before anything is lost.
_LIMITS = (
    _Limit("system/cpu", 80.0, 95.0),
    _Limit("system/memory", 80.0, 92.0),
    _Limit("system/disk", 80.0, 95.0),
    _Limit("system/temperature", 70.0, 80.0),
    _Limit("system/loop_lag", 250.0, 1_000.0),
)
_BUDGET_WARN, _BUDGET_BAD = 0.85, 0.95  # of the log's; from 80 % on acknowledged rows go
_PAGE_WARN_MS, _PAGE_BAD_MS = 300.0, 1_000.0
_OFTEN = 20  # requests: of fewer the 95th of a hundred says nothing, as of one trial of rules
_AWAY_BAD_MS = 24 * HOUR_MS


def checks(kitchen: Kitchen, times: Sequence[RouteTimes], now: int) -> list[Check]:
    """Every part, in a fixed order; `now` is UTC ms."""
    return [
        *(_measured(kitchen, limit) for limit in _LIMITS),
        *_store(kitchen),
        _clock(kitchen),
        _cloud(kitchen, now),
        _configuration(kitchen),
        *_doubts(kitchen),
        _devices(kitchen),
        _page(times),
    ]


def _measured(kitchen: Kitchen, limit: _Limit) -> Check:
    name = limit.point.partition("/")[2]
    point = kitchen.point(limit.point)
    value = None if point is None or point.quality == "bad" else point.value
    if not isinstance(value, float | int) or isinstance(value, bool):
        reason = "" if point is None else point.reason or ""
        return Check(id=name, state="warn", reason="unknown", detail=reason)
    unit = "" if point is None else point.unit
    return _against(name, float(value), limit.warn, limit.bad, unit)


def _against(name: str, value: float, warn: float, bad: float, unit: str) -> Check:
    state: Literal["ok", "warn", "bad"] = "bad" if value >= bad else "warn"
    if value < warn:
        return Check(id=name, state="ok", reason="fine", value=value, limit=warn, unit=unit)
    crossed = bad if state == "bad" else warn
    return Check(id=name, state=state, reason="above", value=value, limit=crossed, unit=unit)


def _store(kitchen: Kitchen) -> Iterator[Check]:
    store = kitchen.status().store
    if store.failing is not None:
        yield Check(id="store", state="bad", reason="failing", detail=store.failing)
    elif store.lost:
        yield Check(id="store", state="warn", reason="rows_lost", value=store.lost)
    else:
        used = store.used * 100
        yield _against("store", used, _BUDGET_WARN * 100, _BUDGET_BAD * 100, "%")


def _clock(kitchen: Kitchen) -> Check:
    trust = kitchen.site().clock
    state: Literal["ok", "warn", "bad"] = "ok" if trust == "ntp" else "warn"
    return Check(id="clock", state="bad" if trust == "unsynced" else state, reason=trust)


def _cloud(kitchen: Kitchen, now: int) -> Check:
    cloud = kitchen.cloud()
    if not cloud.configured:
        return Check(id="cloud", state="ok", reason="not_configured")
    if cloud.connected and cloud.confirm == "puback":
        return Check(id="cloud", state="warn", reason="not_proven", value=cloud.waiting)
    if cloud.connected:
        return Check(id="cloud", state="ok", reason="fine", value=cloud.waiting)
    away_ms = 0 if cloud.oldest_waiting is None else now - cloud.oldest_waiting
    return Check(
        id="cloud",
        state="bad" if away_ms > _AWAY_BAD_MS else "warn",
        reason="away",
        value=cloud.waiting,
        detail=cloud.error or "",
    )


def _configuration(kitchen: Kitchen) -> Check:
    found = kitchen.configuration()
    if found.source == "none":
        return Check(id="configuration", state="bad", reason="none")
    if found.refused:
        return Check(id="configuration", state="warn", reason="refused", detail=found.source)
    if found.left_out:
        left_out = ", ".join(found.left_out)
        return Check(id="configuration", state="warn", reason="left_out", detail=left_out)
    return Check(id="configuration", state="ok", reason="fine")


def _doubts(kitchen: Kitchen) -> Iterator[Check]:
    """What the configuration wants and may not come about; nothing while all is sure."""
    doubts = kitchen.configuration().doubts
    rules = [f"{each.about}: {each.detail}" for each in doubts if each.reason == "polar"]
    if rules:
        yield Check(id="sun", state="warn", reason="polar", detail=", ".join(rules))
    days = [each.detail for each in doubts if each.reason == "holidays"]
    if days:
        yield Check(id="holidays", state="warn", reason="holidays", detail=", ".join(days))


def _devices(kitchen: Kitchen) -> Check:
    devices = kitchen.devices()
    lost = [device.id for device in devices if device.state == "lost"]
    if not lost:
        return Check(id="devices", state="ok", reason="fine", value=len(devices))
    state: Literal["warn", "bad"] = "bad" if len(lost) == len(devices) else "warn"
    return Check(id="devices", state=state, reason="lost", value=len(lost), detail=", ".join(lost))


def _page(times: Sequence[RouteTimes]) -> Check:
    often = (each.p95_ms for each in times if each.count >= _OFTEN)
    slowest = max(often, default=0.0)
    return _against("page", slowest, _PAGE_WARN_MS, _PAGE_BAD_MS, "ms")
