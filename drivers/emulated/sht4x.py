"""An SHT4x that behaves: bytes, timing, refusals, noise and resolution as in the datasheet.

Datasheet: Sensirion SHT4x.
"""

import random
from collections.abc import Callable
from typing import Protocol

from drivers.base import BusError
from drivers.emulated.base import Feel, I2CChip, sensirion_word, ticks

FEELS = ("temperature", "humidity")  # of the place where it hangs

# command -> (longest conversion in ms, repeatability of temperature in °C and of humidity in %RH)
_MEASURE = {
    b"\xfd": (9, 0.04, 0.08),
    b"\xf6": (5, 0.07, 0.15),
    b"\xe0": (2, 0.10, 0.25),
}
_READ_SERIAL = b"\x89"
_SOFT_RESET = b"\x94"
_RESET_MS = 1
_SIGMAS = 3.0  # the datasheet states repeatability as three standard deviations


class Options(Protocol):
    """What of the device's settings is wired: the address."""

    @property
    def address(self) -> int: ...


class Chip(I2CChip):
    """One sensor; `feel` is asked when a conversion starts."""

    def __init__(
        self, options: Options, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        super().__init__(options.address)
        self._feel = feel
        self._now_ms = now_ms
        self._noise = random.Random(seed)  # noqa: S311 - sensor noise, no secret
        self._serial = (0x0F4C_0000 + seed) & 0xFFFF_FFFF
        self._answer: bytes | None = None
        self._ready_ms = 0
        self._last: bytes | None = None

    def power_up(self) -> None:
        self._answer, self._ready_ms = None, self._now_ms() + _RESET_MS

    def write(self, data: bytes) -> None:
        """Take a command; raises BusError where the chip would not acknowledge."""
        self._transfer()
        self._refuse_while_busy()
        if data in _MEASURE:
            self._answer = self._measure(data)
            self._ready_ms = self._now_ms() + _MEASURE[data][0]
        elif data == _READ_SERIAL:
            high, low = divmod(self._serial, 0x1_0000)
            self._answer = sensirion_word(high) + sensirion_word(low)
        elif data == _SOFT_RESET:
            self.power_up()
        else:
            raise BusError(f"no acknowledge: {data.hex(' ')} is no command")

    def read(self, length: int) -> bytes:
        """Give each answer once; raises BusError with nothing to give or while converting."""
        self._transfer()
        self._refuse_while_busy()
        if self._answer is None:
            raise BusError("no acknowledge: nothing was measured")
        answer, self._answer = self._answer, None
        return self._corrupted(answer[:length].ljust(length, b"\xff"))

    def _refuse_while_busy(self) -> None:
        if self._now_ms() < self._ready_ms:
            raise BusError("no acknowledge: a conversion is running")

    def _measure(self, command: bytes) -> bytes:
        if self.faults.stuck and self._last is not None:
            return self._last
        _, temperature_spread, humidity_spread = _MEASURE[command]
        temperature = self._noisy("temperature", temperature_spread)
        humidity = self._noisy("humidity", humidity_spread)
        self._last = sensirion_word(ticks((temperature + 45.0) / 175.0))
        self._last += sensirion_word(ticks((humidity + 6.0) / 125.0))
        return self._last

    def _noisy(self, quantity: str, spread: float) -> float:
        return float(self._feel(quantity)) + self._noise.gauss(0.0, spread / _SIGMAS)
