"""Passwords and PINs as argon2id: 19 MiB, two passes, one at a time in a thread of its own.

The figures are those of OWASP's cheat sheet on storing passwords. One at a time, because each
takes 19 MiB of a board that may have 512; what waits is bounded, and the loop goes on meanwhile.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.access.turns import Turns

MEMORY_KIB = 19_456
PASSES = 2

# Of a random password nobody knows: who does not exist takes as long as who does.
_NOBODY = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IGhlcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)
_Result = TypeVar("_Result")


class Passwords:
    """Makes and compares hashes; the thread begins with the first of them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
        self.turns = Turns()

    async def hash(self, secret: str) -> str:
        """The encoded hash, in a turn of its own; raises Overrun."""
        async with self.turns.take("", known=True):
            return await self._alone(lambda: _hash(secret))

    async def matches(self, encoded: str, secret: str) -> bool:
        """Whether it was made of `secret`; an empty one never is, as slowly.

        Whoever asks has a turn: so a try is counted when it is made, and not before it waits.
        """
        return await self._alone(lambda: _matches(encoded or _NOBODY, secret))

    async def _alone(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _hash(secret: str) -> str:
    from argon2 import PasswordHasher

    return PasswordHasher(PASSES, MEMORY_KIB, parallelism=1).hash(secret)


def _matches(encoded: str, secret: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher(PASSES, MEMORY_KIB, parallelism=1).verify(encoded, secret)
    except (VerificationError, InvalidHashError):
        return False
