"""What people do about alarms: whether it can be done, then judged, then stored."""

from typing import TYPE_CHECKING

from gateway.web.kitchen_errors import NotPossible, UnknownAlarm
from rules.alarm import Alarm, State, shelve_limit_ms
from rules.people import (
    Acknowledged,
    BackInService,
    ByPeople,
    HandedOver,
    OutOfService,
    Reset,
    Shelved,
    Unshelved,
)

if TYPE_CHECKING:
    from gateway.app import Gateway

HAND_OVER_MAX_MS = 24 * 3_600_000


async def act(gateway: "Gateway", event: ByPeople) -> None:
    """Return once it is stored; raises UnknownAlarm or NotPossible, which says what to do."""
    if isinstance(event, HandedOver):
        _check_hand_over(gateway, event)
    else:
        _check(gateway, event)
    gateway.judging.act(event, gateway.clock.now())
    await gateway.store.log.durable()


def standing(gateway: "Gateway", alarm_id: str) -> Alarm:
    """An alarm as it stands, or a normal one of a rule; raises UnknownAlarm."""
    found = gateway.judging.state.entries.get(f"alarm/{alarm_id}")
    if isinstance(found, Alarm):
        return found
    rule = gateway.judging.judge.rules.get(alarm_id)
    if rule is None or not rule.alarm:
        raise UnknownAlarm(alarm_id)
    return Alarm(State.NORMAL, rule.priority, rule.point, None, gateway.clock.now())


def shelve_limit(gateway: "Gateway", alarm_id: str, alarm: Alarm) -> int:
    """How long it may be shelved at most, in ms."""
    return shelve_limit_ms(alarm.priority, gateway.judging.judge.alarm_plan.terms(alarm_id))


def _check(gateway: "Gateway", event: ByPeople) -> None:
    assert not isinstance(event, HandedOver)  # noqa: S101 - has a check of its own
    alarm = standing(gateway, event.alarm)
    kind = detail = ""
    match event:
        case Acknowledged() if not alarm.waits:
            kind, detail = "not-waiting", "does not wait for anybody"
        case Reset() if alarm.state is State.RETURNED:
            kind, detail = "not-seen", "is to be acknowledged first"
        case Reset() if State.LATCHED not in (alarm.state, alarm.beneath):
            kind, detail = "not-latched", "is not latched: there is nothing to reset"
        case Shelved(for_ms=for_ms):
            most = shelve_limit(gateway, event.alarm, alarm)
            if for_ms > most:
                kind, detail = "too-long", f"may be shelved for {most // 60_000} min at most"
        case Unshelved() if alarm.shelved is None:
            kind, detail = "not-shelved", "is not shelved"
        case BackInService() if alarm.removed is None:
            kind, detail = "in-service", "is in service"
        case OutOfService() if alarm.removed is not None:
            kind, detail = "out-of-service", "is out of service already"
        case _:
            pass
    if kind:
        raise NotPossible(kind, f"The alarm {event.alarm} {detail}.")


def _check_hand_over(gateway: "Gateway", event: HandedOver) -> None:
    roles, names = gateway.roster.roles(), gateway.roster.names()
    if event.role not in roles:
        known = ", ".join(roles) or "none; add the section `shifts` to config.yaml"
        raise NotPossible("unknown-role", f"There is no role {event.role} in the shifts: {known}.")
    if event.person not in names:
        known = ", ".join(sorted(names))
        raise NotPossible("unknown-person", f"{event.person} is not in the shifts: {known}.")
    if event.for_ms > HAND_OVER_MAX_MS:
        raise NotPossible("too-long", "A role can be handed over for 24 h at most.")
