"""What actuators have to do with each other: `needs` of an actuator, `lockout` of a rule."""

from collections.abc import Iterable, Mapping

from gateway.config import schema
from gateway.config.problem import Report
from gateway.config.typed import FLAW, Filler, Flaw, Spot
from gateway.config.yaml import Node, Sequence
from rules.base import Command, Priority
from rules.interlocks import EVERYWHERE, circle_of, locks


def needs(node: Node, filler: Filler, spot: Spot) -> Mapping[str, bool] | Flaw:
    """The outputs an actuator needs, and how: `[hood_fan]` or `{hood_fan: on}`."""
    if not isinstance(node, Sequence):
        read = filler.value(node, Mapping[str, bool], spot, None)
        return read if isinstance(read, dict) else FLAW
    names = [
        filler.value(item, schema.Id, spot.at(index, item.place), None)
        for index, item in enumerate(node.items)
    ]
    return FLAW if FLAW in names else {str(name): True for name in names}


def check(
    actuators: Mapping[str, schema.Actuator],
    spots: Mapping[str, Spot],
    names: Iterable[str],
    report: Report,
) -> None:
    """Whether everything that is needed is there, and nobody needs himself in the end.

    `names` are also those of actuators that an error has left out: who needs one stays off.
    """
    for name, actuator in actuators.items():
        spot = spots.get(name)
        if spot is None:
            continue
        for needed in actuator.needs:
            if needed in report.disabled and needed in names:
                why = f'stays off: it needs "{needed}", which has an error of its own'
                report.add(spot.place, spot.path, why, device=needed)
            elif needed not in actuators:
                near = report.suggestion(needed, actuators.keys() - {name})
                report.add(spot.place, spot.path, f'got the unknown actuator "{needed}"{near}')
        if actuator.needs and actuator.fail_safe.safe:
            why = "its safe state is on, so nothing can keep it off: take it out"
            report.add(spot.place, spot.path, why)
    circle = circle_of({name: actuator.needs for name, actuator in actuators.items()})
    for name in sorted(set(circle)):
        if name in spots:
            message = f"they need each other in a circle: {' needs '.join(circle)}"
            report.add(spots[name].place, spots[name].path, message)


def wrong_lockout(
    zone: str,
    priority: Priority,
    commands: Iterable[Command],
    actuators: Mapping[str, schema.Actuator],
) -> str:
    """What is wrong with the lockout of a rule; empty when nothing is."""
    if priority is not Priority.LIFE:
        return "a lockout is kept for rules of priority life"
    zones = sorted({it.zone for it in actuators.values() if it.zone} | {EVERYWHERE})
    if zone not in zones:
        return f'got "{zone}", expected a zone with actuators: {", ".join(zones)}'
    for command in commands:
        actuator = actuators.get(command.actuator)
        if actuator is not None and locks(zone, actuator.contract()):
            return (
                f'"{command.actuator}" could never be switched by this rule: '
                "declare it explosion_proof if it is, or move it out of the zone"
            )
    return ""
