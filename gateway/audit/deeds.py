"""What is told of people's and the cloud's orders, as entries of the audit chain."""

from typing import TYPE_CHECKING

from gateway.audit.entry import Detail
from rules.events import Asked, Ordered, Relinquished, Switched
from rules.people import NAMES, ByPeople, HandedOver, OutOfService, Shelved

if TYPE_CHECKING:
    from gateway.audit.recording import Audit

Deed = ByPeople | Asked | Switched | Ordered | Relinquished


def record(audit: "Audit", deed: Deed) -> None:
    """Take a deed down as it was judged."""
    match deed:
        case Asked(rule, by):
            audit.record("run_rule", rule, by=by)
        case Switched(mode, value, by):
            audit.record("switch_mode", mode, by=by, detail={"value": value})
        case Ordered() | Relinquished():
            _record_order(audit, deed)
        case HandedOver(role, person, by, for_ms):
            audit.record("hand_over", role, by=by, detail={"to": person, "for_s": for_ms // 1000})
        case Shelved(alarm, by, reason, for_ms):
            shelved: dict[str, Detail] = {"reason": reason, "for_s": for_ms // 1000}
            audit.record("shelve", alarm, by=by, detail=shelved)
        case OutOfService(alarm, by, reason):
            audit.record("out_of_service", alarm, by=by, detail={"reason": reason})
        case _:
            audit.record(NAMES[type(deed)], deed.alarm, by=deed.by)


def _record_order(audit: "Audit", order: Ordered | Relinquished) -> None:
    detail: dict[str, Detail] = {"id": order.id, "slot": order.slot}
    if isinstance(order, Ordered):
        detail["value"] = order.value
    audit.record(
        "override" if isinstance(order, Ordered) else "release",
        order.actuator,
        by=order.by,
        role=order.role,
        origin="cloud" if order.origin == "cloud" else None,
        refused=order.refused,
        detail=detail,
    )
