"""The secrets that let in: opaque and random; only their SHA-256 is kept and compared."""

import hashlib
import secrets
from typing import Literal, Protocol

import msgspec

from gateway.access.person import EVERYWHERE, Reach
from gateway.access.role import Role

TOKEN_PREFIX = "kg_"  # noqa: S105 - what tells a token from a code, no secret
TOKENS_MAX = 256
SESSIONS_MAX = 256
SESSIONS_EACH_MAX = 8  # of one person or token
TABLETS_MAX = 64
CODES_MAX = 16
CODE_TRIES = 5
CODE_LIFE_S = 900.0
SECRET_MAX = 128  # characters

_CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none that are mistaken for one another
_CODE_LENGTH = 10
_ID_BYTES = 6

Kind = Literal["token", "session", "code", "pairing", "tablet"]


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a secret."""

    digest: bytes  # SHA-256 of the secret
    kind: Kind
    role: Role
    user: str
    created: int  # kitchen time, ms
    expires: int | None = None  # kitchen time, ms
    tries: int = 0  # wrong guesses a code still survives
    reach: Reach = EVERYWHERE
    person: str = ""  # whose session: role and reach are then those of the account
    tablet: bytes = b""  # on which tablet it was opened with a PIN: staff at most
    token: bytes = b""  # the token it was opened with: it ends with that one
    browser: bytes = b""  # the paired tablet it was opened on, however: it ends with that one
    proven_until: int | None = None  # kitchen ms: the password counts as just given until then
    opened_by: bytes = b""  # of the stored password or PIN it was opened with: it ends with that

    @property
    def owner(self) -> str:
        """Who is behind a session: the person, or the token; a code is nobody that lasts."""
        return self.person or self.token.hex()

    @property
    def id(self) -> str:
        """What the secret is called where it is listed and withdrawn."""
        return self.digest[:_ID_BYTES].hex()


class TokenStore(Protocol):
    """Where rows are kept. `find` and `rows` answer from memory; the rest return once committed."""

    def find(self, digest: bytes) -> TokenRow | None: ...

    def rows(self, kind: Kind) -> list[TokenRow]: ...

    async def add(self, row: TokenRow) -> None: ...

    async def replace(self, row: TokenRow) -> None:
        """Overwrite the row of the same digest; does nothing when it is gone."""

    async def remove(self, digest: bytes) -> bool:
        """Whether there was such a row: of two callers only one is told so."""


def digest_of(secret: str) -> bytes:
    """SHA-256: enough for 256 random bits, which nobody can try out."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Ten letters that can be read aloud, some 49 bits."""
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))


def as_code(typed: str) -> str:
    """A code as it was made, however it was typed."""
    return "".join(typed.split()).upper().replace("-", "")
