"""The I2C bus: real messages through smbus2, errors in words, and the emulated twin."""

import errno

import pytest
from smbus2 import i2c_msg

from drivers.base import BusError
from gateway.buses.i2c import EmulatedI2C, LinuxI2C


class FakeKernel:
    """Stands for the kernel's bus under smbus2: takes messages, answers, fails when told."""

    def __init__(self) -> None:
        self.transfers: list[list[tuple[int, int, bytes]]] = []
        self.answer = b""
        self.fails_with: int | None = None
        self.opened = 0
        self.closed = 0

    def open(self, _path: str) -> "FakeKernel":
        self.opened += 1
        return self

    def i2c_rdwr(self, *i2c_msgs: i2c_msg) -> None:
        if self.fails_with is not None:
            raise OSError(self.fails_with, "from the kernel")
        self.transfers.append([(each.addr, each.flags, bytes(each)) for each in i2c_msgs])
        for each in i2c_msgs:
            if each.flags & 1:
                for place, byte in enumerate(self.answer[: each.len]):
                    each.buf[place] = byte

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def kernel() -> FakeKernel:
    return FakeKernel()


@pytest.fixture
def bus(kernel: FakeKernel) -> LinuxI2C:
    return LinuxI2C("/dev/i2c-1", kernel.open)


def test_a_write_is_one_message(bus: LinuxI2C, kernel: FakeKernel) -> None:
    bus.write(0x44, b"\x24\x00")
    assert kernel.transfers == [[(0x44, 0, b"\x24\x00")]]


def test_a_read_is_one_message_and_has_every_byte(bus: LinuxI2C, kernel: FakeKernel) -> None:
    kernel.answer = bytes([0xBE, 0xEF, 0x92, 0x00, 0xFF, 0xAC])
    assert bus.read(0x45, 6) == kernel.answer
    assert [(address, flags) for [(address, flags, _)] in kernel.transfers] == [(0x45, 1)]


def test_the_bus_is_opened_at_its_first_use_and_once(bus: LinuxI2C, kernel: FakeKernel) -> None:
    assert kernel.opened == 0
    bus.write(0x44, b"\x00")
    bus.write(0x44, b"\x00")
    assert kernel.opened == 1
    bus.close()
    bus.close()
    assert kernel.closed == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENXIO, "no acknowledge.*address right.*ENXIO"),
        (errno.EREMOTEIO, "no acknowledge.*EREMOTEIO"),
        (errno.EIO, "cable.*EIO"),
        (errno.ETIMEDOUT, "SDA or SCL low.*ETIMEDOUT"),
        (errno.EBUSY, "kernel driver owns.*EBUSY"),
        (errno.EACCES, "group i2c.*EACCES"),
        (errno.ENOSPC, "No space left on device.*ENOSPC"),
    ],
)
def test_an_error_of_the_kernel_says_what_to_do(
    bus: LinuxI2C, kernel: FakeKernel, number: int, words: str
) -> None:
    kernel.fails_with = number
    with pytest.raises(BusError, match=f"/dev/i2c-1 address 0x44: .*{words}"):
        bus.read(0x44, 6)
    kernel.fails_with = None
    bus.write(0x44, b"\x00")
    assert kernel.opened == 1


def test_a_bus_that_has_gone_is_opened_again(bus: LinuxI2C, kernel: FakeKernel) -> None:
    bus.write(0x44, b"\x00")
    kernel.fails_with = errno.ENODEV
    with pytest.raises(BusError, match="unplugged"):
        bus.write(0x44, b"\x00")
    kernel.fails_with = None
    bus.write(0x44, b"\x00")
    assert (kernel.opened, kernel.closed) == (2, 1)


def test_a_path_without_a_bus_is_a_bus_error() -> None:
    with pytest.raises(BusError, match="enable I2C"):
        LinuxI2C("/dev/no-such-i2c").read(0x44, 6)


class Echo:
    """A chip that answers what was last written to it."""

    def __init__(self) -> None:
        self.held = b""

    def write(self, data: bytes) -> None:
        self.held = data

    def read(self, length: int) -> bytes:
        return self.held[:length]


def test_the_emulated_bus_leads_to_the_chip_at_the_address() -> None:
    bus = EmulatedI2C({0x44: Echo(), 0x45: Echo()})
    bus.write(0x44, b"ab")
    bus.write(0x45, b"cd")
    assert (bus.read(0x44, 2), bus.read(0x45, 2)) == (b"ab", b"cd")
    bus.close()


def test_nobody_acknowledges_at_an_empty_address() -> None:
    bus = EmulatedI2C({})
    with pytest.raises(BusError, match="0x44: no acknowledge"):
        bus.write(0x44, b"\x00")
    with pytest.raises(BusError, match="0x44: no acknowledge"):
        bus.read(0x44, 1)


def test_recovering_opens_the_device_file_again_at_the_next_transfer(
    bus: LinuxI2C, kernel: FakeKernel
) -> None:
    bus.recover()
    bus.write(0x44, b"\x00")
    bus.recover()
    assert (kernel.opened, kernel.closed) == (1, 1)
    bus.write(0x44, b"\x00")
    assert kernel.opened == 2


def test_a_locked_bus_fails_with_the_words_of_the_kernel_until_it_is_recovered() -> None:
    bus = EmulatedI2C({0x44: Echo()})
    bus.lock()
    for transfer in (lambda: bus.write(0x44, b"ab"), lambda: bus.read(0x44, 2)):
        with pytest.raises(BusError, match=r"0x44: the bus hangs: .*ETIMEDOUT"):
            transfer()
    bus.recover()
    bus.write(0x44, b"ab")
    assert bus.read(0x44, 2) == b"ab"
