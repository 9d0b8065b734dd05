"""An ADS1115 that behaves: registers, conversion time, clipping and noise as in the datasheet.

Datasheet: TI SBAS444. Every input is wired to what `feel` says of "voltage". Each chip has an
oscillator of its own, up to 10 % off.
"""

import random
from collections.abc import Callable
from typing import Protocol

from drivers.base import BusError
from drivers.emulated.base import Feel, I2CChip

FEELS = ("voltage",)  # of the place where it hangs

_AFTER_RESET = (0x0000, 0x8583, 0x8000, 0x7FFF)  # conversion, config, low and high threshold
_CONVERSION, _CONFIG = 0, 1
_FULL_SCALE_MV = (6144, 4096, 2048, 1024, 512, 256, 256, 256)  # by the three bits of the range
_PER_SECOND = (8, 16, 32, 64, 128, 250, 475, 860)
_POSITIVE = (0, 0, 1, 2, 0, 1, 2, 3)  # input, by the three bits of the multiplexer
_AGAINST_INPUT = 4  # below it, the difference of two inputs
_NOISE_STEPS = 0.4
_OSCILLATOR = 0.1
_WAKE_UP_MS = 0.025


class Options(Protocol):
    """What of the device's settings is wired: the address."""

    @property
    def address(self) -> int: ...


class Chip(I2CChip):
    """One converter; `feel` is asked when a conversion starts."""

    def __init__(
        self, options: Options, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        super().__init__(options.address)
        self._feel = feel
        self._now_ms = now_ms
        self._noise = random.Random(seed)  # noqa: S311 - sensor noise, no secret
        self._slow = 1.0 + self._noise.uniform(-_OSCILLATOR, _OSCILLATOR)
        self._registers = list(_AFTER_RESET)
        self._pointer = 0
        self._done_ms: float | None = None
        self._result = 0

    def power_up(self) -> None:
        self._registers = list(_AFTER_RESET)
        self._pointer, self._done_ms = 0, None

    def write(self, data: bytes) -> None:
        """Point at a register and, with two more bytes, write it; raises BusError."""
        self._transfer()
        self._finish()
        if not data or data[0] >= len(_AFTER_RESET) or len(data) not in {1, 3}:
            raise BusError(f"no acknowledge: {data.hex(' ')} is no register")
        self._pointer = data[0]
        value = int.from_bytes(data[1:], "big")
        if len(data) == 1 or self._pointer == _CONVERSION:
            return
        if self._pointer == _CONFIG:
            self._configure(value)
        else:
            self._registers[self._pointer] = value

    def read(self, length: int) -> bytes:
        """The register pointed at; the host drives nothing after its two bytes."""
        self._transfer()
        self._finish()
        value = self._registers[self._pointer]
        if self._pointer == _CONFIG:
            value = value & 0x7FFF | (0x8000 if self._done_ms is None else 0)
        return self._corrupted(value.to_bytes(2, "big")[:length].ljust(length, b"\xff"))

    def _configure(self, value: int) -> None:
        idle = self._done_ms is None
        self._registers[_CONFIG] = value
        continuous = not value & 0x0100
        if idle and (value & 0x8000 or continuous):
            self._begin(value)

    def _begin(self, config: int) -> None:
        duration_ms = 1000.0 / _PER_SECOND[config >> 5 & 7] * self._slow + _WAKE_UP_MS
        self._done_ms = self._now_ms() + duration_ms
        if not self.faults.stuck:
            self._result = self._steps(config)

    def _finish(self) -> None:
        if self._done_ms is None or self._now_ms() < self._done_ms:
            return
        self._registers[_CONVERSION] = self._result
        self._done_ms = None
        config = self._registers[_CONFIG]
        if not config & 0x0100:
            self._begin(config)

    def _steps(self, config: int) -> int:
        """Two's complement of the voltage in steps of the range, clipped at both ends."""
        multiplexer = config >> 12 & 7
        volts = self._input(_POSITIVE[multiplexer])
        if multiplexer < _AGAINST_INPUT:
            volts -= self._input(1 if multiplexer == 0 else 3)
        step_mv = _FULL_SCALE_MV[config >> 9 & 7] / 0x8000
        steps = round(volts * 1000.0 / step_mv + self._noise.gauss(0.0, _NOISE_STEPS))
        return min(0x7FFF, max(-0x8000, steps)) & 0xFFFF

    def _input(self, _number: int) -> float:
        return float(self._feel("voltage"))
