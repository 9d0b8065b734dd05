"""What stands under `then`: alarms, commands and all the rest, compiled and checked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.config import interlocks, schema
from gateway.config.equipment import Equipment
from gateway.config.known import Entry
from gateway.config.problem import Report
from gateway.config.typed import FLAW, Flaw, Spot
from gateway.config.yaml import Sequence as Nodes
from rules.base import Action, Command, Note, Notify, Priority, SetMode, StartTimer, Wait

AUTOMATION_SLOTS = range(10, 17)
LIFE_SLOT = 2
DEFAULT_SLOT = 10


class Then(NamedTuple):
    """What a rule does: `commands` as long as it is active, `actions` once, in this order."""

    alarm: bool
    commands: tuple[Command, ...]
    actions: tuple[Action, ...]
    lockout: str = ""  # the zone in which nothing is switched while it is active


class Actions:
    """Compiles lists of actions; `runs`: for a rule that runs, whose commands must expire."""

    def __init__(
        self,
        report: Report,
        equipment: Equipment,
        modes: Mapping[str, Sequence[str]],
        scenes: Mapping[str, tuple[schema.Action, ...]],
    ) -> None:
        self._report = report
        self._equipment = equipment
        self._modes = modes
        self._scenes = scenes

    def priority(self, entry: Entry, written: schema.RuleEntry, spot: Spot) -> Priority | None:
        """The one priority a rule and its alarm agree on."""
        alarms = [action.alarm.priority for action in written.then if action.alarm is not None]
        named = {*alarms, *([written.priority] if written.priority else [])}
        if not written.then:
            self._report.add(
                spot.place, spot.path, "got an empty list, expected at least one alarm or command"
            )
        elif len(alarms) > 1:
            self._report.add(spot.place, spot.path, "one alarm is enough")
        elif not named:
            path = entry.spot.path
            message = '"priority" is missing, such as priority: low (an alarm would give it)'
            self._report.add(entry.spot.place, path, message)
        elif len(named) > 1:
            message = f"priority is {written.priority}, but the alarm says {alarms[0]}"
            self._report.add(spot.place, spot.path, message)
        else:
            return named.pop()
        return None

    def then(
        self, written: Sequence[schema.Action], priority: Priority, spot: Spot, node: object, *,
        runs: bool,
    ) -> Then | Flaw:  # fmt: skip
        """A list under `then`; FLAW after a problem."""
        commands: dict[tuple[str, int], Command] = {}
        actions: list[Action] = []
        sound = True
        for index, action in self._with_scenes(written):
            here = _at(spot, node, index)
            if action.alarm is not None or action.lockout is not None:
                continue
            if action.command is None:
                compiled = self._action(action, here)
                sound = sound and compiled is not None
                actions += [] if compiled is None else [compiled]
                continue
            command = self._command(action, priority, here, runs=runs)
            if command is FLAW:
                sound = False
            elif command is not None and runs:
                actions.append(command)
            elif command is not None and (command.actuator, command.slot) in commands:
                taken = f'"{command.actuator}" has its command in slot {command.slot} already'
                self._report.add(here.place, here.path, taken)
                sound = False
            elif command is not None:
                commands[command.actuator, command.slot] = command
        lockout = self._lockout(written, priority, commands.values(), spot, node, runs=runs)
        if not sound or lockout is FLAW:
            return FLAW
        alarm = any(action.alarm is not None for action in written)
        return Then(alarm, tuple(commands.values()), tuple(actions), lockout)

    def _lockout(
        self, written: Sequence[schema.Action], priority: Priority, commands: Iterable[Command],
        spot: Spot, node: object, *, runs: bool,
    ) -> str | Flaw:  # fmt: skip
        """The zone in which nothing may be switched while the rule stands; empty without one."""
        found = [(index, it.lockout) for index, it in self._with_scenes(written) if it.lockout]
        known = self._equipment.actuators
        for number, (index, zone) in enumerate(found):
            problem = interlocks.wrong_lockout(zone, priority, commands, known)
            if runs:
                problem = "a lockout lasts as long as a condition; this rule runs"
            if number:
                problem = "one lockout is enough"
            if problem:
                here = _at(spot, node, index)
                self._report.add(here.place, here.path, problem)
                return FLAW
        return found[0][1] if found else ""

    def _with_scenes(self, written: Sequence[schema.Action]) -> list[tuple[int, schema.Action]]:
        """The list with every scene in the place of its name; the number is that of the line."""
        spread: list[tuple[int, schema.Action]] = []
        for index, action in enumerate(written):
            scene = self._scenes.get(action.scene or "")
            spread += [(index, part) for part in (scene if scene is not None else (action,))]
        return spread

    def _command(
        self, action: schema.Action, priority: Priority, spot: Spot, *, runs: bool
    ) -> Command | Flaw | None:
        actuator = str(action.command)
        default = LIFE_SLOT if priority is Priority.LIFE else DEFAULT_SLOT
        slot = default if action.slot is None else action.slot
        problem = self._wrong(actuator, slot, priority)
        if not problem and runs and action.expires_s is None:
            problem = "a rule that runs must say how long its command holds, such as expires: 1h"
        if not problem and not runs and action.expires_s is not None:
            problem = "expires is for rules that run; this command ends with the rule's condition"
        if problem:
            self._report.add(spot.place, spot.path, problem)
            return FLAW
        if actuator in self._report.disabled:
            message = f'the rule does without "{actuator}", which has an error of its own'
            self._report.add(spot.place, spot.path, message, device=actuator)
            return None
        expires_ms = None if action.expires_s is None else round(action.expires_s * 1000)
        return Command(
            actuator=actuator, value=bool(action.value), slot=slot, expires_ms=expires_ms
        )

    def _wrong(self, actuator: str, slot: int, priority: Priority) -> str:
        if slot == LIFE_SLOT and priority is not Priority.LIFE:
            return f"slot {LIFE_SLOT} is kept for rules of priority life"
        if slot != LIFE_SLOT and slot not in AUTOMATION_SLOTS:
            return f"slot {slot} is not for rules; 10 to 16 are (and {LIFE_SLOT} for priority life)"
        known = self._equipment.actuators
        disabled = actuator in self._report.disabled and actuator in self._equipment.names
        if actuator not in known and not disabled:
            return (
                f'got the unknown actuator "{actuator}"{self._report.suggestion(actuator, known)}'
            )
        return ""

    def _action(self, action: schema.Action, spot: Spot) -> Action | None:
        """Everything but alarms and commands; None after a problem."""
        for_ms = round((action.for_s or 0.0) * 1000)
        if action.notify is not None:
            return Notify(text=action.notify, to=action.to or "")
        if action.timer is not None:
            return StartTimer(timer=action.timer, for_ms=for_ms)
        if action.record is not None:
            return Note(text=action.record)
        if action.wait_s is not None:
            return Wait(for_ms=round(action.wait_s * 1000))
        if action.mode is not None:
            return self._mode(action.mode, str(action.to), spot)
        near = self._report.suggestion(str(action.scene), self._scenes)
        self._report.add(spot.place, spot.path, f'got the unknown scene "{action.scene}"{near}')
        return None

    def _mode(self, mode: str, value: str, spot: Spot) -> SetMode | None:
        words = self._modes.get(mode)
        if words is None:
            near = self._report.suggestion(mode, self._modes)
            self._report.add(spot.place, spot.path, f'got the unknown mode "{mode}"{near}')
        elif value not in words:
            near = self._report.suggestion(value, words)
            self._report.add(spot.place, spot.path, f'{mode} is never "{value}"{near}')
        else:
            return SetMode(mode=mode, value=value)
        return None


def _at(spot: Spot, node: object, index: int) -> Spot:
    """Where a line of the list stands."""
    place = node.items[index].place if isinstance(node, Nodes) else spot.place
    return Spot((*spot.path, index), place)
