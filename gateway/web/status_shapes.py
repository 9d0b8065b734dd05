"""The gateway itself as the page and the API show it: site, cloud, store, figures."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec


class CloudView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the cloud has stored; `confirm` is "puback" where storing is not proven."""

    configured: bool
    connected: bool = False
    confirm: Literal["ack", "puback"] = "ack"
    committed: int = 0  # rows
    acknowledged: int = 0  # rows
    waiting: int = 0  # rows
    oldest_waiting: int | None = None  # UTC ms
    last_acknowledged_at: int | None = None  # UTC ms
    error: str | None = None


class SiteView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The kitchen as a whole; `speed` is how many times faster than real time it runs."""

    label: str
    zone: str  # of the time, IANA
    simulated: bool = False
    clock: Literal["ntp", "rtc", "unsynced"] = "ntp"
    speed: float = 1.0


class StoreView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is kept on this board, and how much room is left for it."""

    rows: int  # committed since this installation began
    waiting: int  # of them, not yet taken by the cloud
    lost: int  # of them, removed before the cloud had them
    used: float  # share of the byte budget of the log
    history_bytes: int
    history_months: int
    failing: str | None = None  # why nothing can be stored just now


class StatusView(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How the gateway itself is."""

    status: str  # starting, running, degraded, stopping or config_error
    version: str
    epoch: int  # starts of this installation
    started_at: int  # UTC ms
    troubles: Sequence[str]
    store: StoreView


class Metric(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One sample of `/metrics`; samples of one name stand together."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    value: float
    labels: Mapping[str, str] = {}
