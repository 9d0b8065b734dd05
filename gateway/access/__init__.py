"""Who may do what: people, paired tablets, programs, and the secrets that let them in."""

from gateway.access.caller import Caller, User
from gateway.access.door import LOOPBACK_PEERS, Access
from gateway.access.errors import (
    Locked,
    NotAllowed,
    Overrun,
    Refused,
    TooManyTries,
    TooOften,
    Unfit,
)
from gateway.access.person import Person, Reach
from gateway.access.place import place_of
from gateway.access.role import SESSION_LIFE_S, Role
from gateway.access.secret import (
    CODE_LIFE_S,
    CODE_TRIES,
    CODES_MAX,
    SESSIONS_MAX,
    TOKEN_PREFIX,
    Kind,
    TokenRow,
    TokenStore,
)

__all__ = [
    "CODES_MAX",
    "CODE_LIFE_S",
    "CODE_TRIES",
    "LOOPBACK_PEERS",
    "SESSIONS_MAX",
    "SESSION_LIFE_S",
    "TOKEN_PREFIX",
    "Access",
    "Caller",
    "Kind",
    "Locked",
    "NotAllowed",
    "Overrun",
    "Person",
    "Reach",
    "Refused",
    "Role",
    "TokenRow",
    "TokenStore",
    "TooManyTries",
    "TooOften",
    "Unfit",
    "User",
    "place_of",
]
