"""Who asks: as a request says it, and as it turns out to be."""

from typing import Literal

import msgspec

from gateway.access.person import EVERYWHERE, Reach
from gateway.access.role import Role


class User(msgspec.Struct, frozen=True):
    """Who is asking."""

    name: str
    role: Role
    kind: Literal["token", "session", "tablet", "demo", "console"]
    digest: bytes = b""
    reach: Reach = EVERYWHERE
    proven_until: int | None = None  # kitchen ms: the password counts as just given until then
    tablet: str = ""  # on which paired tablet
    person: str = ""  # whose account; empty for programs, codes and tablets
    own_role: Role | None = None  # what the password would make of a session opened with a PIN


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says of itself, as it came over the wire."""

    peer: str
    host: str  # the Host header, lower case, with its port
    scheme: str = "http"
    origin: str | None = None
    authorization: str | None = None
    session: str | None = None
    tablet: str | None = None  # the cookie of a paired tablet
    forwarded: bool = False  # it names somebody else as its source
    console: str | None = None  # who it is on this machine, where it came through the data folder

    @property
    def own_origin(self) -> bool:
        """Whether the page that asks, if one does, came from this very address."""
        return self.origin is None or self.origin.lower() == f"{self.scheme}://{self.host}"
