"""The key of the audit chain: 32 octets in the data folder, for the gateway alone.

Its public half is shown, and sent to the cloud with each checkpoint, so that a chain written anew
with another key is known for what it is.
"""

import hashlib
import secrets
from pathlib import Path

from gateway import whole_file

NAME = "audit.key"
_BYTES = 32
_MODE = 0o600


class KeyDamaged(Exception):
    """The key cannot be used; says who must do what."""


class Key:
    """An Ed25519 key; `cryptography` is loaded by whoever first signs or asks for the public."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    @property
    def public(self) -> bytes:
        """The 32 octets everybody may know."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.secret).public_key().public_bytes_raw()

    def sign(self, said: bytes) -> bytes:
        """64 octets that `is_signed` accepts."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.secret).sign(said)


def new() -> Key:
    """A key that is in no file yet."""
    return Key(secrets.token_bytes(_BYTES))


def fingerprint(public: bytes) -> str:
    """What people compare: the first half of SHA-256, in hex."""
    return hashlib.sha256(public).hexdigest()[:32]


def is_signed(public: bytes, said: bytes, signature: bytes) -> bool:
    """Whether who has the other half of `public` has signed it."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, said)
    except (InvalidSignature, ValueError):
        return False
    return True


def read(folder: Path) -> Key | None:
    """The key in the data folder, None where there is none; raises KeyDamaged and OSError."""
    file = folder / NAME
    try:
        secret = file.read_bytes()
    except FileNotFoundError:
        return None
    if len(secret) != _BYTES:
        raise KeyDamaged(
            f"{file} is damaged ({len(secret)} octets): take it from a backup, or delete it; "
            "the chain then goes on with a new key and says so"
        )
    return Key(secret)


def keep(folder: Path, key: Key) -> None:
    """Put a key into the data folder, whole or not at all; raises OSError."""
    whole_file.put(folder / NAME, key.secret, _MODE)
