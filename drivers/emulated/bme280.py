"""A BME280 that behaves: memory map, forced mode, timing, noise and resolution as in the datasheet.

Datasheet: Bosch BST-BME280-DS002. What the converters say of the kitchen is searched for with the
compensation in integers; the driver computes in double precision, so that the two cannot share a
mistake. The calibration is that of one real chip (pimoroni's bme280-python, tests/calibration.py).
"""

import random
import struct
from collections.abc import Callable
from typing import Protocol

from drivers.base import BusError
from drivers.emulated.base import Feel, I2CChip

FEELS = ("temperature", "humidity", "pressure")  # of the place where it hangs

_T = (28009, 25654, 50)
_P = (39145, -10750, 3024, 5667, -120, -7, 15500, -14600, 6000)
_H = (75, 376, 0, 286, 50, 30)

_CHIP_ID, _RESET = 0xD0, 0xE0
_CTRL_HUM, _STATUS, _CTRL_MEAS, _CONFIG, _DATA = 0xF2, 0xF3, 0xF4, 0xF5, 0xF7
_WRITABLE = {_CTRL_HUM, _CTRL_MEAS, _CONFIG, _RESET}
_RESET_WORD = 0xB6
_NOTHING = bytes.fromhex("8000008000008000")  # data registers after reset
_COPY_MS = 2
_NOISE = {"temperature": 0.005, "humidity": 0.02, "pressure": 0.033}  # one sigma
_MEASURING, _COPYING = 0x08, 0x01
_FORCED = (1, 2)


class Options(Protocol):
    """What of the device's settings is wired: the address."""

    @property
    def address(self) -> int: ...


class Chip(I2CChip):
    """One sensor; `feel` is asked when a measurement starts."""

    def __init__(
        self, options: Options, feel: Feel, *, now_ms: Callable[[], int], seed: int = 0
    ) -> None:
        super().__init__(options.address)
        self._feel = feel
        self._now_ms = now_ms
        self._noise = random.Random(seed)  # noqa: S311 - sensor noise, no secret
        self.memory = bytearray(256)
        self.memory[_CHIP_ID] = 0x60
        self.memory[0x88:0xA2] = struct.pack("<HhhHhhhhhhhhxB", *_T, *_P, _H[0])
        self.memory[0xE1:0xE8] = _packed_humidity(*_H[1:])
        self.memory[_DATA : _DATA + 8] = _NOTHING
        self._pointer = 0
        self._done_ms: int | None = None
        self._result = _NOTHING
        self._copied_ms = 0

    def power_up(self) -> None:
        self.memory[_CTRL_HUM] = self.memory[_CTRL_MEAS] = self.memory[_CONFIG] = 0
        self.memory[_DATA : _DATA + 8] = _NOTHING
        self._done_ms = None
        self._copied_ms = self._now_ms() + _COPY_MS

    def write(self, data: bytes) -> None:
        """Point at a register, or write pairs of register and value; raises BusError."""
        self._transfer()
        self._finish()
        if len(data) == 1:
            self._pointer = data[0]
            return
        if not data or len(data) % 2:
            raise BusError(f"no acknowledge: {data.hex(' ')} is no pair of register and value")
        for register, value in zip(data[::2], data[1::2], strict=True):
            self._set(register, value)

    def read(self, length: int) -> bytes:
        """The registers from the one pointed at."""
        self._transfer()
        self._finish()
        self.memory[_STATUS] = _MEASURING if self._done_ms is not None else 0
        if self._now_ms() < self._copied_ms:
            self.memory[_STATUS] |= _COPYING
        answer = bytes(self.memory[self._pointer : self._pointer + length])
        return self._corrupted(answer.ljust(length, b"\xff"))

    def _set(self, register: int, value: int) -> None:
        if register not in _WRITABLE:
            return
        if register == _RESET:
            if value == _RESET_WORD:
                self.power_up()
            return
        self.memory[register] = value
        if register == _CTRL_MEAS and value & 0b11 in _FORCED:
            self._begin(value)

    def _begin(self, control: int) -> None:
        times = [_times(control >> 5), _times(control >> 2), _times(self.memory[_CTRL_HUM])]
        duration_ms = 1.25 + 2.3 * sum(times) + 0.575 * sum(1 for time in times[1:] if time)
        self._done_ms = self._now_ms() + int(duration_ms)
        if not self.faults.stuck or self._result == _NOTHING:
            self._result = self._convert(*times)

    def _finish(self) -> None:
        if self._done_ms is None or self._now_ms() < self._done_ms:
            return
        self._done_ms = None
        self.memory[_DATA : _DATA + 8] = self._result
        self.memory[_CTRL_MEAS] &= ~0b11

    def _convert(self, temperature_times: int, pressure_times: int, humidity_times: int) -> bytes:
        """The data registers; a channel that is switched off shows its reset value."""
        raw_t = _searched(self._noisy("temperature") * 5120.0, 20, _fine)
        fine = _fine(raw_t)
        raw_p = raw_h = None
        if pressure_times:
            felt = self._noisy("pressure") * 25_600.0
            raw_p = _searched(-felt, 20, lambda raw: -_pascal_256(raw, fine))
        if humidity_times:
            felt = min(100.0, max(0.0, self._noisy("humidity"))) * 1024.0
            raw_h = _searched(felt, 16, lambda raw: _percent_1024(raw, fine))
        return (
            _three_bytes(raw_p)
            + _three_bytes(raw_t if temperature_times else None)
            + (0x8000 if raw_h is None else raw_h).to_bytes(2, "big")
        )

    def _noisy(self, quantity: str) -> float:
        return float(self._feel(quantity)) + self._noise.gauss(0.0, _NOISE[quantity])


def _packed_humidity(h2: int, h3: int, h4: int, h5: int, h6: int) -> bytes:
    """H2 to H6 as they lie in memory: H4 and H5 are twelve bits each, in three bytes."""
    nibbles = (h4 & 0xF) | (h5 & 0xF) << 4
    return struct.pack("<hBbBbb", h2, h3, h4 >> 4, nibbles, h5 >> 4, h6)


def _three_bytes(raw: int | None) -> bytes:
    return ((0x80000 if raw is None else raw) << 4).to_bytes(3, "big")


def _times(bits: int) -> int:
    """How often a channel is measured, by its three oversampling bits."""
    return (0, 1, 2, 4, 8, 16, 16, 16)[bits & 7]


def _searched(wanted: float, bits: int, says: Callable[[int], int]) -> int:
    """The least raw value for which a rising formula reaches `wanted`; the converter saturates."""
    low, high = 0, (1 << bits) - 1
    while low < high:
        middle = (low + high) // 2
        if says(middle) < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def _fine(raw: int) -> int:
    """Temperature in 1/5120 °C; 32-bit integers of the datasheet."""
    t1, t2, t3 = _T
    linear = ((raw >> 3) - (t1 << 1)) * t2 >> 11
    away = (raw >> 4) - t1
    return linear + ((away * away >> 12) * t3 >> 14)


def _pascal_256(raw: int, fine: int) -> int:
    """Pressure in 1/256 Pa; 64-bit integers of the datasheet."""
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = _P
    warm = fine - 128_000
    offset = warm * warm * p6 + (warm * p5 << 17) + (p4 << 35)
    slope = (warm * warm * p3 >> 8) + (warm * p2 << 12)
    slope = ((1 << 47) + slope) * p1 >> 33
    pressure = (((1_048_576 - raw << 31) - offset) * 3125) // slope
    bent = (p9 * (pressure >> 13) * (pressure >> 13) >> 25) + (p8 * pressure >> 19)
    return (pressure + bent >> 8) + (p7 << 4)


def _percent_1024(raw: int, fine: int) -> int:
    """Humidity in 1/1024 %, not cropped; 32-bit integers of the datasheet."""
    h1, h2, h3, h4, h5, h6 = _H
    warm = fine - 76_800
    straight = (raw << 14) - (h4 << 20) - h5 * warm + 16_384 >> 15
    bent = ((warm * h6 >> 10) * ((warm * h3 >> 11) + 32_768) >> 10) + 2_097_152
    value = straight * (bent * h2 + 8_192 >> 14)
    return value - (((value >> 15) * (value >> 15) >> 7) * h1 >> 4) >> 12
