"""An MH-Z19B that behaves: frames, warm-up, ranges; what only sets something gets no answer.

Manual: MH-Z19B User's Manual.
"""

import random
from collections.abc import Callable

from drivers.emulated.base import Faults, Feel

_READ, _BASELINE, _SET_RANGE = 0x86, 0x79, 0x99  # commands
_ON = 0xA0
_FRAME = 9
_GAP_MS = 100
_WARM_UP_MS = 60_000
_COLD_PPM = 410  # what it shows while it is cold, seen by many
_RANGES = (2000, 5000)
_NOISE_PPM = 8.0
_ROOM_C = 24


class Chip:
    """One sensor; it feels `co2`, and is cold when it gets its power back."""

    def __init__(
        self, options: object, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        del options  # nothing of it is wiring
        self.faults = Faults()
        self.range = 5000
        self.automatic_baseline = True
        self._feel = feel
        self._now_ms = now_ms
        self._noise = random.Random(seed)  # noqa: S311 - sensor noise, no secret
        self._powered_ms = now_ms()
        self._heard = b""
        self._heard_ms = 0
        self._last: int | None = None

    def hear(self, data: bytes) -> bytes:
        """The answer once a whole command has come; a gap starts a new one."""
        now = self._now_ms()
        if now - self._heard_ms > _GAP_MS:
            self._heard = b""
        self._heard_ms = now
        self._heard += data
        answers = b""
        while len(self._heard) >= _FRAME:
            frame, self._heard = self._heard[:_FRAME], self._heard[_FRAME:]
            answers += self._answer(frame)
        return answers

    def _answer(self, frame: bytes) -> bytes:
        if self.faults.hang is not None:
            self.faults.hang()
        if self.faults.silent:
            self._powered_ms = self._now_ms()
            return b""
        if frame[:2] != b"\xff\x01" or _with_sum(frame[:-1]) != frame:
            return b""
        if frame[2] == _BASELINE:
            self.automatic_baseline = frame[3] == _ON
        if frame[2] == _SET_RANGE and int.from_bytes(frame[6:8], "big") in _RANGES:
            self.range = int.from_bytes(frame[6:8], "big")
        if frame[2] != _READ:
            return b""
        ppm = self._ppm().to_bytes(2, "big")
        return self._corrupted(_with_sum(b"\xff\x86" + ppm + bytes([_ROOM_C + 40, 0, 0, 0])))

    def _ppm(self) -> int:
        if self._now_ms() - self._powered_ms < _WARM_UP_MS:
            return _COLD_PPM
        if not self.faults.stuck or self._last is None:
            felt = float(self._feel("co2")) + self._noise.gauss(0.0, _NOISE_PPM)
            self._last = min(self.range, max(400, round(felt)))
        return self._last

    def _corrupted(self, answer: bytes) -> bytes:
        bit, self.faults.corrupt_bit = self.faults.corrupt_bit, None
        if bit is None:
            return answer
        size = 8 * len(answer)
        return (int.from_bytes(answer, "big") ^ 1 << bit % size).to_bytes(len(answer), "big")


def _with_sum(frame: bytes) -> bytes:
    """All bytes but the first add up to nothing, in 8 bits."""
    rest = 0
    for byte in frame[1:]:
        rest = rest + byte & 0xFF
    return frame + bytes([(0x100 - rest) % 0x100])
