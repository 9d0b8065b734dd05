"""A push message as only the browser that subscribed can read it.

Sources: RFC 8291 (keys agreed for one message) and RFC 8188 (`aes128gcm`, here a single record).
The push service in between learns the length and nothing else. `cryptography` is imported when it
is used: most kitchens never push.
"""

import base64
import hmac
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

TEXT_MAX = 3_993  # octets in one record of 4,096 (RFC 8291, 4)
PUBLIC_OCTETS, SECRET_OCTETS, SALT_OCTETS = 65, 16, 16

_TEXT = re.compile(r"[A-Za-z0-9_-]*")
_RECORD_OCTETS = 4_096
_UNCOMPRESSED = 0x04
_LAST_RECORD = b"\x02"
_KEY_OCTETS, _NONCE_OCTETS = 16, 12


def encrypted(
    text: bytes,
    public: bytes,
    secret: bytes,
    *,
    private: "EllipticCurvePrivateKey | None" = None,
    salt: bytes | None = None,
) -> bytes:
    """The body of the request for a browser's public key and its authentication secret.

    `private` and `salt` are made anew for each message; only tests bring their own. Raises
    ValueError for a text that is too long, and for keys that are none.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import (
        ECDH,
        SECP256R1,
        EllipticCurvePublicKey,
        generate_private_key,
    )

    if len(text) > TEXT_MAX:
        raise ValueError(f"{len(text)} octets, at most {TEXT_MAX} fit into a push message")
    theirs = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public)
    ours = private or generate_private_key(SECP256R1())
    salt = salt or secrets.token_bytes(SALT_OCTETS)
    own = point(ours.public_key())
    shared = ours.exchange(ECDH(), theirs)
    material = _derived(secret, shared, b"WebPush: info\0" + public + own, 32)
    header = salt + _RECORD_OCTETS.to_bytes(4, "big") + bytes([len(own)]) + own
    return header + sealed(text, material, salt)


def sealed(text: bytes, material: bytes, salt: bytes) -> bytes:
    """The one record of RFC 8188 that holds all of the text, without the header before it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = _derived(salt, material, b"Content-Encoding: aes128gcm\0", _KEY_OCTETS)
    nonce = _derived(salt, material, b"Content-Encoding: nonce\0", _NONCE_OCTETS)
    return AESGCM(key).encrypt(nonce, text + _LAST_RECORD, None)


def point(public: "EllipticCurvePublicKey") -> bytes:
    """A public key as 65 octets: uncompressed."""
    numbers = public.public_numbers()
    return bytes([_UNCOMPRESSED]) + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def is_point(octets: bytes) -> bool:
    """Whether it is a public key on the curve, uncompressed."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    if len(octets) != PUBLIC_OCTETS:
        return False
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), octets)
    except ValueError:
        return False
    return True


def to_text(octets: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def from_text(text: str) -> bytes:
    """Its octets; raises ValueError."""
    if not _TEXT.fullmatch(text) or len(text) % 4 == 1:
        raise ValueError("this is no base64 for addresses (letters, digits, - and _)")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _derived(salt: bytes, material: bytes, info: bytes, octets: int) -> bytes:
    """HKDF of RFC 5869 with SHA-256, one block of it."""
    extracted = hmac.digest(salt, material, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")[:octets]
