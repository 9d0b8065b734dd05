"""Serial lines for tests: a scripted one, a cable between two real ports, and broken frames."""

import os
import random
import select
import threading
import tty
from collections.abc import Callable, Iterator

from gateway.buses.serial import EmulatedSerial, SerialPort
from tests.patience import PATIENCE_S


class ScriptedLine:
    """A `drivers.base.Serial` that answers what it was told to, as far as it was asked."""

    def __init__(self, answer: bytes | Callable[[bytes], bytes]) -> None:
        self.answer = answer
        self.written: list[bytes] = []
        self.discarded = 0
        self._input = b"left over from before"

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self._input += self.answer if isinstance(self.answer, bytes) else self.answer(data)

    def read(self, length: int, timeout_s: float) -> bytes:
        assert 0 < timeout_s <= 1
        part, self._input = self._input[:length], self._input[length:]
        return part

    def discard_input(self) -> None:
        self.discarded += 1
        self._input = b""


class PatientPort(SerialPort):
    """A port whose far end is waited for, however slow this machine is, while `patient`."""

    patient = True

    def read(self, length: int, timeout_s: float) -> bytes:
        return super().read(length, PATIENCE_S if self.patient else timeout_s)


class PatientLine(EmulatedSerial):
    """The same with chips at its far end."""

    patient = True

    def read(self, length: int, timeout_s: float) -> bytes:
        return super().read(length, PATIENCE_S if self.patient else timeout_s)


class Cable:
    """Two pseudo-terminals, each the far end of the other."""

    def __init__(self) -> None:
        self._ends = [os.openpty(), os.openpty()]
        for _, slave in self._ends:
            tty.setraw(slave)
        self.here, self.there = (os.ttyname(slave) for _, slave in self._ends)
        self._closing = os.eventfd(0)
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.eventfd_write(self._closing, 1)
        self._thread.join()
        os.close(self._closing)
        for pair in self._ends:
            for each in pair:
                os.close(each)

    def _carry(self) -> None:
        (first, _), (second, _) = self._ends
        other = {first: second, second: first}
        while True:
            ready, _, _ = select.select([first, second, self._closing], [], [])
            if self._closing in ready:
                return
            for each in ready:
                os.write(other[each], os.read(each, 256))


def mutations(frame: bytes, count: int, seed: int = 1) -> Iterator[bytes]:
    """So many broken copies: bits flipped, bytes replaced, cut, doubled, put in, or all noise."""
    draw = random.Random(seed)
    for _ in range(count):
        broken = bytearray(frame)
        for _ in range(draw.randint(1, 3)):
            place = draw.randrange(len(broken) or 1)
            match draw.randrange(6):
                case 0 if broken:
                    broken[place] ^= 1 << draw.randrange(8)
                case 1 if broken:
                    broken[place] = draw.randrange(256)
                case 2:
                    del broken[place:]
                case 3:
                    del broken[place : place + 1]
                case 4:
                    broken.insert(place, draw.randrange(256))
                case _:
                    broken = bytearray(draw.randbytes(draw.randrange(2 * len(frame))))
        yield bytes(broken)
