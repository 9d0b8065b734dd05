"""Who we are to push services: one key, made once, and a signed word for each of them (RFC 8292).

Browsers subscribe to that key. Without it all of them would have to subscribe anew, so it lies in
the data folder, for its owner alone, and belongs into a backup.
"""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from gateway import whole_file
from gateway.notify.push_encryption import point, to_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

NAME = "push.key"
_WAY_OUT = "take it from a backup, or delete it and have every browser subscribe anew"
LIFE_S = 12 * 3_600  # services take no word that is good for more than a day
_MODE = 0o600
_HALF = 32  # octets of either number of a signature


class KeyDamaged(Exception):
    """The key cannot be used; says who must do what."""


class Vapid:
    """The key of this gateway; `contact` is where a push service finds whoever runs it."""

    def __init__(self, key: "EllipticCurvePrivateKey", contact: str) -> None:
        self.public = to_text(point(key.public_key()))
        self._key = key
        self._contact = contact

    def authorization(self, endpoint: str, wall_ms: int) -> str:
        """The header for a push service, good for half a day by a clock that is right."""
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        service = urlsplit(endpoint)
        claims = {
            "aud": f"{service.scheme}://{service.netloc}",
            "exp": wall_ms // 1000 + LIFE_S,
            "sub": self._contact,
        }
        head = {"typ": "JWT", "alg": "ES256"}
        said = f"{to_text(msgspec.json.encode(head))}.{to_text(msgspec.json.encode(claims))}"
        numbers = decode_dss_signature(self._key.sign(said.encode("ascii"), ECDSA(SHA256())))
        signature = b"".join(number.to_bytes(_HALF, "big") for number in numbers)
        return f"vapid t={said}.{to_text(signature)}, k={self.public}"


def own_key(folder: Path) -> "EllipticCurvePrivateKey":
    """The key in the data folder, made if there is none; raises KeyDamaged and OSError."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    file = folder / NAME
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError:
        return _made(file)
    except ValueError as error:
        raise KeyDamaged(f"{file} is damaged: {_WAY_OUT}") from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise KeyDamaged(f"{file} holds another kind of key: {_WAY_OUT}")
    return key


def _made(file: Path) -> "EllipticCurvePrivateKey":
    """A new key, whole in its file before anybody subscribes to it."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = generate_private_key(SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    whole_file.put(file, text, _MODE)
    return key
