"""A DS18B20 that behaves, and what the kernel's w1_therm makes of it.

Datasheet: DS18B20 Rev 6. The checksum is a table of remainders here and a shift register in the
driver, so that the two cannot share a mistake.
"""

import random
from collections.abc import Callable
from typing import Protocol

from drivers.emulated.base import Faults, Feel

CONVERSION_S = 0.75
_FORGOTTEN_MS = 100_000  # w1: a device that ten searches of ten seconds do not find is gone
_POWER_ON = bytes.fromhex("50054b467fff0c10")
_NOISE_K = 0.03
_LOW, _HIGH = -55 * 16, 125 * 16


class Options(Protocol):
    """What of the device's settings is wired: its address."""

    @property
    def address(self) -> str: ...


class Chip:
    """One probe at 12 bit; `faults.silent` is a cut cable."""

    def __init__(
        self, options: Options, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        self.address = options.address
        self.faults = Faults()
        self.browns_out = False  # the supply breaks down in every conversion
        self.shorted = False  # the data wire touches ground
        self._feel = feel
        self._now_ms = now_ms
        self._noise = random.Random(seed)  # noqa: S311 - sensor noise, no secret
        self._shown = _POWER_ON  # the scratchpad
        self._retained = bytes(9)  # the last good one, as the kernel keeps it
        self._heard_ms = now_ms()

    def present(self) -> bool:
        """Whether the kernel still shows its folder; a cut cable is noticed by the searches."""
        if not self.faults.silent:
            self._heard_ms = self._now_ms()
        return self._now_ms() - self._heard_ms < _FORGOTTEN_MS

    def convert(self) -> tuple[float, bytes]:
        """Seconds of the conversion, and the text of `w1_slave`: nothing while it is silent."""
        if self.faults.hang is not None:
            self.faults.hang()
        if self.faults.silent:
            return CONVERSION_S, b""
        if self.browns_out:
            self._shown = _POWER_ON
        elif not self.faults.stuck:
            self._shown = self._scratchpad()
        return CONVERSION_S, self._text(
            self._corrupted(self._shown + bytes([remainder(self._shown)]))
        )

    def _scratchpad(self) -> bytes:
        """Byte 6 counts down what is left of a degree, as in the probes of the maker."""
        felt = float(self._feel("temperature")) + self._noise.gauss(0.0, _NOISE_K)
        raw = min(_HIGH, max(_LOW, round(felt * 16)))
        low, high = raw.to_bytes(2, "little", signed=True)
        return bytes([low, high, 0x4B, 0x46, 0x7F, 0xFF, 0x10 - (low & 0x0F), 0x10])

    def _corrupted(self, answer: bytes) -> bytes:
        bit, self.faults.corrupt_bit = self.faults.corrupt_bit, None
        if self.shorted:
            return bytes(len(answer))
        if bit is None:
            return answer
        size = 8 * len(answer)
        return (int.from_bytes(answer, "big") ^ 1 << bit % size).to_bytes(len(answer), "big")

    def _text(self, answer: bytes) -> bytes:
        sound = remainder(answer[:8]) == answer[8]
        if sound:
            self._retained = answer
        raw = int.from_bytes(self._retained[:2], "little", signed=True)
        verdict = "YES" if sound else "NO"
        return (
            f"{answer.hex(' ')} : crc={remainder(answer[:8]):02x} {verdict}\n"
            f"{self._retained.hex(' ')} t={raw * 1000 // 16}\n"
        ).encode()


def _row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x8C if byte & 1 else 0)
    return byte


_TABLE = [_row(byte) for byte in range(256)]


def remainder(data: bytes) -> int:
    """The CRC-8 of Dallas by table."""
    crc = 0
    for byte in data:
        crc = _TABLE[crc ^ byte]
    return crc
