"""Whose turn it is to have a password compared: one at a time, the known first, few of a place."""

import asyncio

import pytest

from gateway.access import Overrun
from gateway.access.turns import KNOWN_MAX, PLACE_MAX, WAITING_MAX, Turns


class Queue:
    """People who wait for a turn, and in which order they had it."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.served: list[str] = []
        self.waiting: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, place: str, *, known: bool = False) -> None:
        """Wait, as far as anybody gets now; raises Overrun."""
        task = asyncio.create_task(self._have(name, place, known=known))
        await asyncio.sleep(0)
        if task.done():
            task.result()
        self.waiting[name] = task

    async def end(self) -> None:
        await asyncio.gather(*self.waiting.values(), return_exceptions=True)

    async def _have(self, name: str, place: str, *, known: bool) -> None:
        async with self.turns.take(place, known=known):
            self.served.append(name)
            await asyncio.sleep(0)


async def test_whoever_is_known_goes_before_all_strangers_who_wait() -> None:
    queue = Queue()
    async with queue.turns.take("first"):
        for number in range(WAITING_MAX - 1):
            await queue.come(f"stranger {number}", f"10.0.0.{number}")
        with pytest.raises(Overrun):
            await queue.come("one more", "10.0.1.1")
        for number in range(KNOWN_MAX):
            await queue.come(f"cook {number}", f"tablet {number // PLACE_MAX}", known=True)
        with pytest.raises(Overrun):
            await queue.come("cook too many", "tablet 99", known=True)
    await queue.end()
    cooks = [f"cook {number}" for number in range(KNOWN_MAX)]
    assert queue.served == cooks + [f"stranger {number}" for number in range(WAITING_MAX - 1)]
    assert queue.turns.overruns == 2


async def test_of_one_place_few_wait_and_as_many_again_when_they_are_done() -> None:
    queue = Queue()
    for _ in range(3):
        async with queue.turns.take("elsewhere"):
            for number in range(PLACE_MAX):
                await queue.come(f"{number}", "10.0.0.1")
            with pytest.raises(Overrun):
                await queue.come("one more", "10.0.0.1")
            await queue.come("other", "10.0.0.2")
        await queue.end()
    assert queue.turns.overruns == 3


async def test_who_leaves_before_or_just_as_their_turn_comes_holds_nobody_up() -> None:
    queue = Queue()
    async with queue.turns.take("first"):
        for name in "abcd":
            await queue.come(name, name)
        queue.waiting["b"].cancel()
        await asyncio.sleep(0)
        queue.waiting["c"].cancel()
    queue.waiting["a"].cancel()  # it is a's turn, who does not know it yet
    await queue.end()
    assert queue.served == ["d"]
    async with asyncio.timeout(10), queue.turns.take("first"):
        pass


async def test_a_turn_that_fails_is_passed_on() -> None:
    turns = Turns()
    for _ in range(3):
        with pytest.raises(RuntimeError):
            async with turns.take("one"):
                raise RuntimeError
