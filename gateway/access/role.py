"""The four roles, and how long each stays logged in without being used."""

from enum import StrEnum


class Role(StrEnum):
    """What a user may do; each role may do all that the ones before it may."""

    VIEWER = "viewer"
    STAFF = "staff"
    MANAGER = "manager"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        return _RANKS[self] >= _RANKS[needed]

    def at_most(self, cap: "Role") -> "Role":
        """The role itself, or `cap` where that may do less."""
        return cap if self.covers(cap) else self


_RANKS = {role: rank for rank, role in enumerate(Role)}  # asked at every frame of a live page

# A wall tablet stays logged in as long as it is used; who can change things is logged out soon.
SESSION_LIFE_S = {
    Role.VIEWER: 2_592_000.0,
    Role.STAFF: 43_200.0,
    Role.MANAGER: 900.0,
    Role.ADMIN: 900.0,
}
