"""A PZEM-004T v3 that behaves: register map, frames, exceptions, and silence without mains.

Manual: PZEM-004T V3.0 User Manual. The checksum is a long division here and a shift register
by table in the driver, so that the two cannot share a mistake.
"""

import random
from collections.abc import Callable
from typing import Protocol

from drivers.emulated.base import Faults, Feel

_GENERAL = 0xF8
_REQUEST = 8
_GAP_MS = 20  # of silence between frames; more than 3.5 characters at 9600 baud
_READ_INPUT = 4
_REGISTERS = 10
_ALIVE_V = 80.0  # the measured mains powers it
_OVERLOAD_W = 23_000.0  # threshold as delivered, 100 A model
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS = 1, 2
_NOISE = 0.001  # share of the value; the manual's accuracy is 0.005


class Options(Protocol):
    """What of the device's settings is wired: its address."""

    @property
    def address(self) -> int: ...


class Chip:
    """One meter; it feels voltage, current, power, energy, frequency and power_factor."""

    def __init__(
        self, options: Options, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        self.address = options.address
        self.faults = Faults()
        self._feel = feel
        self._now_ms = now_ms
        self._noise = random.Random(seed)  # noqa: S311 - sensor noise, no secret
        self._heard = b""
        self._heard_ms = 0
        self._last: list[int] | None = None

    def hear(self, data: bytes) -> bytes:
        """The answer once a whole request for this meter has come; a gap starts a new frame."""
        now = self._now_ms()
        if now - self._heard_ms > _GAP_MS:
            self._heard = b""
        self._heard_ms = now
        self._heard = (self._heard + data)[-_REQUEST:]
        if len(self._heard) < _REQUEST:
            return b""
        frame, self._heard = self._heard, b""
        if self.faults.hang is not None:
            self.faults.hang()
        if self.faults.silent or not self._meant(frame) or self._noisy("voltage") < _ALIVE_V:
            return b""
        return self._corrupted(_sealed(frame[:1] + self._answer(frame)))

    def _meant(self, frame: bytes) -> bool:
        return _sealed(frame[:-2]) == frame and frame[0] in {self.address, _GENERAL}

    def _answer(self, frame: bytes) -> bytes:
        function = frame[1]
        first, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        if function != _READ_INPUT:
            return bytes([function | 0x80, _ILLEGAL_FUNCTION])
        if not 1 <= count <= _REGISTERS - first:
            return bytes([function | 0x80, _ILLEGAL_ADDRESS])
        words = self._registers()[first : first + count]
        return bytes([function, 2 * count]) + b"".join(word.to_bytes(2, "big") for word in words)

    def _registers(self) -> list[int]:
        if self.faults.stuck and self._last is not None:
            return self._last
        power_w = self._noisy("power")
        self._last = [
            round(self._noisy("voltage") * 10),
            *_low_first(self._noisy("current") * 1000),
            *_low_first(power_w * 10),
            *_low_first(float(self._feel("energy"))),
            round(float(self._feel("frequency")) * 10),
            round(min(1.0, float(self._feel("power_factor"))) * 100),
            0xFFFF if power_w > _OVERLOAD_W else 0,
        ]
        return self._last

    def _noisy(self, quantity: str) -> float:
        return float(self._feel(quantity)) * (1.0 + self._noise.gauss(0.0, _NOISE))

    def _corrupted(self, answer: bytes) -> bytes:
        bit, self.faults.corrupt_bit = self.faults.corrupt_bit, None
        if bit is None:
            return answer
        size = 8 * len(answer)
        return (int.from_bytes(answer, "big") ^ 1 << bit % size).to_bytes(len(answer), "big")


def _low_first(value: float) -> tuple[int, int]:
    whole = max(0, round(value))
    return whole & 0xFFFF, whole >> 16 & 0xFFFF


def _sealed(body: bytes) -> bytes:
    """The CRC-16 as what is left of the reversed bits after dividing by x16 + x15 + x2 + 1."""
    bits = "".join(f"{byte:08b}"[::-1] for byte in body)
    size = len(bits)
    rest = (int(bits, 2) << 16) ^ (0xFFFF << size)
    for place in range(size + 15, 15, -1):
        if rest >> place & 1:
            rest ^= 0b1_1000_0000_0000_0101 << (place - 16)
    return body + int(f"{rest:016b}"[::-1], 2).to_bytes(2, "little")
