"""Who is on duty just now: who has taken a role over, else whom the shift calendar names."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from gateway.clock import Trust
from rules.escalation import StandIn
from rules.shift import ON_DUTY

if TYPE_CHECKING:
    from gateway.app import Gateway


class Roster:
    """Looks at the shifts in force; keeps nothing, since hand-overs are state of judging."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    def people(self, to: str, now: int) -> Collection[str]:
        """Who is meant by `on_duty ROLE`; empty for a bare role, or when nobody can be named.

        Then everybody of the role is to be told: a clock nobody believes names nobody.
        """
        del now
        role = to.removeprefix(ON_DUTY)
        return () if role == to else self.on_duty(role)

    def on_duty(self, role: str) -> tuple[str, ...]:
        """The people who fill a role now, or the next one above that is filled."""
        standing_in = self.stand_ins().get(role)
        if standing_in is not None:
            return (standing_in.person,)
        gateway, shifts = self._gateway, self._gateway.config.shifts
        if shifts is None or gateway.clock.trust() is Trust.UNSYNCED:
            return ()
        return tuple(found.person for found in shifts.reached(role, gateway.clock.wall()))

    def roles(self) -> Collection[str]:
        """The roles somebody can take over."""
        shifts = self._gateway.config.shifts
        return () if shifts is None else shifts.roles

    def names(self) -> Collection[str]:
        """The people in the shift calendar."""
        shifts = self._gateway.config.shifts
        roles = {} if shifts is None else shifts.roles
        return {shift.person for shifts in roles.values() for shift in shifts}

    def stand_ins(self) -> Mapping[str, StandIn]:
        """Who has taken which role over."""
        entries = self._gateway.judging.state.entries
        return {
            key.removeprefix("stand_in/"): entry
            for key, entry in entries.items()
            if isinstance(entry, StandIn)
        }
