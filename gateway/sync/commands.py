"""Commands of the cloud: read, measured against their bounds, and proven by their signature.

Pure: knows nothing of links, clocks or actuators. `docs/protocol.md` section 11 is the contract.
"""

import base64
import binascii
import json
import re
from typing import Annotated, Any, Literal

import msgspec

from gateway.sync.protocol import VERSION, document, unpack

COMMAND_MAX = 4_096  # bytes, on the wire and after decompression
DEPTH_MAX = 4
LIFE_MAX_MS = 3_600_000  # `exp` may be so far after `ts`: what is kept of ids outlasts it
EXPIRY_MS = 30_000  # where no `exp` is given
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

_WHOLE_MAX = 2**53 - 1
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
# What stands before the 32 bytes in a SubjectPublicKeyInfo (RFC 8410, section 4).
_SPKI = bytes.fromhex("302a300506032b6570032100")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", re.DOTALL)

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Moment = Annotated[int, msgspec.Meta(ge=0, le=_WHOLE_MAX)]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operation is given; `for_s` in seconds."""

    value: bool | None = None
    slot: int = 8
    for_s: Annotated[int, msgspec.Meta(ge=1)] | None = msgspec.field(default=None, name="for")


class Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must be so for a command to be done: the `cfg` of the gateway's status."""

    cfg: str | None = None


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command; moments are UTC ms."""

    v: Literal[1]
    id: str
    to: str  # "tenant/gateway"
    op: Literal["actuator.set", "actuator.release"]
    dev: _Text
    ts: _Moment
    by: _Text
    role: Literal["viewer", "staff", "manager", "admin"]
    args: Arguments = Arguments()
    exp: _Moment | None = None
    condition: Conditions = msgspec.field(default=Conditions(), name="if")
    sig: str = ""

    def __post_init__(self) -> None:
        if self.expires - self.ts > LIFE_MAX_MS:
            raise ValueError("exp is more than an hour after ts")
        if (self.op == "actuator.set") is (self.args.value is None):
            raise ValueError("args.value belongs to actuator.set, and must be there")

    @property
    def expires(self) -> int:
        """UTC ms from which on it must not be done any more."""
        return self.ts + EXPIRY_MS if self.exp is None else self.exp


class Refused(Exception):
    """A command that is not one; `id` is empty where not even that can be read."""

    def __init__(self, code: str, detail: str, command_id: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.id = command_id


class Sealed(msgspec.Struct, frozen=True):
    """A command with the bytes its signature is over."""

    command: Command
    canonical: bytes


def parse(payload: bytes) -> Sealed:
    """The command in a message; raises Refused, and is cheap, for whatever may be sent."""
    try:
        tree = msgspec.json.decode(unpack(payload, COMMAND_MAX))
    except (ValueError, RecursionError) as error:
        raise Refused("malformed", f"no JSON of a command: {str(error)[:100]}") from None
    if not isinstance(tree, dict):
        raise Refused("malformed", "expected an object")
    named = tree.get("id")
    known = named if isinstance(named, str) and ID.fullmatch(named) else ""
    if not known:
        raise Refused("malformed", "id: 8 to 64 letters, digits, _ or -")
    try:
        _measure(tree)
        command = msgspec.convert(tree, Command)
        return Sealed(command, canonical(tree))
    except ValueError as error:
        raise Refused("malformed", str(error)[:200], known) from None


def canonical(tree: dict[str, Any]) -> bytes:
    """The bytes a signature is over: RFC 8785 of all but `sig`; raises ValueError.

    Keys are ASCII and numbers are whole, so that sorting and writing them leaves no choice.
    """
    body = {key: value for key, value in tree.items() if key != "sig"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def is_signed(sealed: Sealed, key: bytes) -> bool:
    """Whether who has the private key of `key` has signed it; loads `cryptography`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PublicKey,
    )

    try:
        signature = base64.b64decode(sealed.command.sig, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(signature) != _SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, sealed.canonical)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key(text: str) -> bytes:
    """The 32 bytes of an Ed25519 public key in base64, hex or PEM; raises ValueError."""
    pem = _PEM.search(text)
    written = "".join((pem[1] if pem else text).split())
    try:
        is_hex = re.fullmatch(r"[0-9a-fA-F]{64}", written)
        raw = bytes.fromhex(written) if is_hex else base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    raw = raw.removeprefix(_SPKI)
    if len(raw) != _KEY_BYTES:
        raise ValueError("expected an Ed25519 public key: 32 bytes in base64 or hex, or a PEM file")
    return raw


def answer(  # noqa: PLR0913 - one key of the document each
    install: str, command_id: str, state: str, *, at: int, code: str, detail: str, dup: bool
) -> bytes:
    """The payload of `res`; `at` is UTC ms."""
    body = {"v": VERSION, "in": install, "id": command_id, "state": state}
    return document(body | {"code": code, "detail": detail, "ts": at, "dup": dup})


def _measure(tree: object, depth: int = 1) -> None:
    """Raises ValueError for what is too deep, or has no one way of being written."""
    if depth > DEPTH_MAX:
        raise ValueError(f"nested more than {DEPTH_MAX} deep")
    if isinstance(tree, float) or (isinstance(tree, int) and abs(tree) > _WHOLE_MAX):
        raise ValueError("numbers are whole, at most 2^53 - 1")
    if isinstance(tree, dict):
        if not all(key.isascii() for key in tree):
            raise ValueError("keys are ASCII")
        for value in tree.values():
            _measure(value, depth + 1)
    elif isinstance(tree, list):
        for value in tree:
            _measure(value, depth + 1)
