"""The arithmetic of the chain: links, the sealed head, and what a checkpoint says.

A link is SHA-256 over the hash before it, its number and its bytes. The head is sealed with a key
in every commit, so that a cut tail shows at once; a checkpoint is signed, so that whoever has only
the public key can tell too. `docs/audit.md` is the page.
"""

import hashlib
import hmac
from typing import Literal

import msgspec

HASH_BYTES = 32
_NUMBER_BYTES = 8


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far the chain has come; `amiss` is the entry at which its seal was found broken."""

    n: int
    hash: bytes
    checkpoints: int = 0  # how many there have been
    amiss: int | None = None


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed: entry `n` had this hash.

    One that `carries` stands for all entries up to `n`, which were let go of; checkpoints are kept
    from number `first` on.
    """

    c: int  # 1, 2, 3, … without gaps
    kind: Literal["seals", "carries"]
    n: int
    hash: str  # hex
    at: int  # UTC ms
    install: str
    key: str  # fingerprint of the public key
    first: int = 1


def genesis(install: str) -> bytes:
    """What stands before entry 1 of an installation."""
    return hashlib.sha256(b"kitchen-gateway audit " + install.encode()).digest()


def link(before: bytes, number: int, body: bytes) -> bytes:
    """The hash of entry `number`."""
    return hashlib.sha256(before + number.to_bytes(_NUMBER_BYTES, "big") + body).digest()


def seal(secret: bytes, head: Head, install: str) -> bytes:
    """What only who has the key can write beside the head."""
    said = msgspec.json.encode([install, head.n, head.hash, head.checkpoints, head.amiss])
    return hmac.digest(hashlib.sha256(b"audit head" + secret).digest(), said, "sha256")
