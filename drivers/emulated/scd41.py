"""An SCD41 that behaves: pace, settings, refusals, noise and resolution as in the datasheet.

Datasheet: Sensirion SCD4x. It is warmer than its air by 4 K, which the offset of its settings takes
away again; the settings last as long as its power.
"""

import random
from collections.abc import Callable
from typing import Protocol

from drivers.base import BusError
from drivers.emulated.base import Feel, I2CChip, sensirion_word, ticks

FEELS = ("co2", "temperature", "humidity")  # of the place where it hangs

_POWER_UP_MS = 1_000
_PERIOD_MS = 5_000
_SELF_HEATING_K = 4.0
_NOISE = {"co2": 10.0, "temperature": 0.1 / 3, "humidity": 0.4 / 3}  # repeatability, one sigma
_FACTORY = {"temperature_offset": round(4.0 / 175.0 * 0xFFFF), "altitude": 0, "calibration": 1}
_SERIAL = (0xF896, 0x9F07, 0x3BBE)  # of the datasheet's example

_START, _STOP, _REINIT = b"\x21\xb1", b"\x3f\x86", b"\x36\x46"
_DATA_READY, _READ_MEASUREMENT, _READ_SERIAL = b"\xe4\xb8", b"\xec\x05", b"\x36\x82"
_SET = {
    b"\x24\x1d": "temperature_offset",
    b"\x24\x27": "altitude",
    b"\x24\x16": "calibration",
    b"\xe0\x00": "pressure",
}
_WHILE_MEASURING = {_STOP, _DATA_READY, _READ_MEASUREMENT, b"\xe0\x00"}


class Options(Protocol):
    """What of the device's settings is wired: the address."""

    @property
    def address(self) -> int: ...


class Chip(I2CChip):
    """One sensor, powered for long; `feel` is asked when a measurement is done."""

    def __init__(
        self, options: Options, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        super().__init__(options.address)
        self._feel = feel
        self._now_ms = now_ms
        self._noise = random.Random(seed)  # noqa: S311 - sensor noise, no secret
        self.settings = dict(_FACTORY)
        self._started_ms: int | None = None
        self._measured = 0  # since the start
        self._buffer: bytes | None = None  # read once, then empty
        self._answer: bytes | None = None
        self._busy_until_ms = 0
        self._last: bytes | None = None

    def power_up(self) -> None:
        self.settings = dict(_FACTORY)
        self._started_ms = self._buffer = self._answer = None
        self._busy_until_ms = self._now_ms() + _POWER_UP_MS

    def write(self, data: bytes) -> None:
        """Take a command; raises BusError where the sensor would not acknowledge."""
        self._transfer()
        self._refuse_while_busy()
        self._measure()
        command, argument = data[:2], data[2:]
        if self._started_ms is not None and command not in _WHILE_MEASURING:
            raise BusError(f"no acknowledge: {data.hex(' ')} is not taken while measuring")
        self._answer = None
        if command in _SET:
            self._set(_SET[command], argument)
        elif argument:
            raise BusError(f"no acknowledge: {data.hex(' ')} is no command")
        else:
            self._obey(command)

    def read(self, length: int) -> bytes:
        """Give each answer once; raises BusError with nothing to give or while busy."""
        self._transfer()
        self._refuse_while_busy()
        if self._answer is None:
            raise BusError("no acknowledge: there is nothing to read")
        answer, self._answer = self._answer, None
        return self._corrupted(answer[:length].ljust(length, b"\xff"))

    def _refuse_while_busy(self) -> None:
        if self._now_ms() < self._busy_until_ms:
            raise BusError("no acknowledge: busy")

    def _set(self, name: str, argument: bytes) -> None:
        value = int.from_bytes(argument[:2], "big")
        if argument != sensirion_word(value):
            raise BusError(f"no acknowledge: {argument.hex(' ')} has a wrong checksum")
        self.settings[name] = value
        self._be_busy(1)

    def _obey(self, command: bytes) -> None:
        if command == _START:
            self._started_ms, self._measured = self._now_ms(), 0
        elif command == _STOP:
            self._started_ms = None
            self._be_busy(500)
        elif command == _REINIT:
            self.settings = dict(_FACTORY)
            self._buffer = None
            self._be_busy(30)
        elif command == _DATA_READY:
            self._give(sensirion_word(0x8006 if self._buffer else 0x8000))
        elif command == _READ_MEASUREMENT:
            self._answer, self._buffer = self._buffer, None
            self._be_busy(1)
        elif command == _READ_SERIAL:
            self._give(b"".join(sensirion_word(word) for word in _SERIAL))
        else:
            raise BusError(f"no acknowledge: {command.hex(' ')} is no command")

    def _give(self, answer: bytes) -> None:
        self._answer = answer
        self._be_busy(1)

    def _be_busy(self, duration_ms: int) -> None:
        self._busy_until_ms = self._now_ms() + duration_ms

    def _measure(self) -> None:
        """Fill the buffer if another period has passed; one that nobody read is overwritten."""
        if self._started_ms is None:
            return
        due = (self._now_ms() - self._started_ms) // _PERIOD_MS
        if due <= self._measured:
            return
        self._measured = due
        if self._last is None or not self.faults.stuck:
            offset = self.settings["temperature_offset"] / 0xFFFF * 175.0
            temperature = self._noisy("temperature") + _SELF_HEATING_K - offset
            co2 = min(0xFFFF, max(1, round(self._noisy("co2"))))
            self._last = sensirion_word(co2)
            self._last += sensirion_word(ticks((temperature + 45.0) / 175.0))
            self._last += sensirion_word(ticks(self._noisy("humidity") / 100.0))
        self._buffer = self._last

    def _noisy(self, quantity: str) -> float:
        return float(self._feel(quantity)) + self._noise.gauss(0.0, _NOISE[quantity])
