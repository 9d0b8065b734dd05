"""Modbus RTU: reading registers over a serial line, with every way to fail told apart.

Source: Modbus over Serial Line V1.02 (frame, CRC-16) and Application Protocol V1.1b3 (functions 3
and 4, exceptions). pymodbus calls a wrong checksum, a short frame and silence by one name, so the
framing is ours; it is the slave and the second opinion of our tests.
"""

from typing import NoReturn

from drivers.base import BusError, CorruptData, Serial, WrongDevice

INPUT_REGISTERS = 4  # the function that reads them
HOLDING_REGISTERS = 3
GENERAL_ADDRESS = 0xF8  # of some makers: whoever is alone on the line answers

ANSWER_S = 0.5  # a slave that has not begun by then says nothing
_REST_S = 0.3  # for the rest of a frame, a few milliseconds a byte at 2400 baud
_POLYNOMIAL = 0xA001  # 0x8005 reflected
_EXCEPTION = 0x80
_HEAD = 5  # the shortest answer, an exception: address, function, code, checksum
_REQUEST = 8
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    10: "gateway path unavailable",
    11: "gateway target failed to respond",
}
_REFUSALS = {1, 2, 3}  # asking again does not help: it is another device, or another version


def _shifted(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ _POLYNOMIAL if byte & 1 else byte >> 1
    return byte


_SHIFTED = tuple(_shifted(byte) for byte in range(256))


def checksum(data: bytes) -> int:
    """CRC-16 of Modbus; it goes over the wire with its low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _SHIFTED[(crc ^ byte) & 0xFF]
    return crc


def sealed(body: bytes) -> bytes:
    """A frame: the body and its checksum."""
    return body + checksum(body).to_bytes(2, "little")


def request(address: int, function: int, first: int, count: int) -> bytes:
    """The frame that asks for `count` registers from `first` on."""
    where = first.to_bytes(2, "big") + count.to_bytes(2, "big")
    return sealed(bytes([address, function]) + where)


def read_registers(
    line: Serial, address: int, function: int, first: int, count: int
) -> tuple[int, ...]:
    """The registers, 16 bits each; blocks for 0.8 s at most, twice that where the line echoes.

    Raises BusError for silence and for a slave that is busy, CorruptData for a broken frame, and
    WrongDevice where the slave refuses or another one answers.
    """
    asked = request(address, function, first, count)
    line.discard_input()
    line.write(asked)
    head = line.read(_HEAD, ANSWER_S)
    if head == asked[:_HEAD]:
        head = _after_echo(line, asked)
    if not head:
        raise BusError(
            f"address {address}: no answer: is it powered, are A and B (or RX and TX) the right "
            "way round, and is the address right?"
        )
    if len(head) < _HEAD:
        raise CorruptData(f"address {address}: short frame of {len(head)} bytes: {head.hex(' ')}")
    if head[1] & _EXCEPTION:
        _raise_exception(address, function, head)
    size = _HEAD + 2 * count
    frame = head + line.read(size - _HEAD, _REST_S)
    if len(frame) < size:
        words = f"{len(frame)} of {size} bytes: {frame.hex(' ')}"
        raise CorruptData(f"address {address}: short frame, {words}")
    _check(address, function, count, frame)
    body = frame[3:-2]
    return tuple(int.from_bytes(body[at : at + 2], "big") for at in range(0, 2 * count, 2))


def _after_echo(line: Serial, asked: bytes) -> bytes:
    """The head of the answer behind an adapter that also repeats what it sends."""
    rest = line.read(_REQUEST - _HEAD, _REST_S)
    if rest != asked[_HEAD:]:
        raise CorruptData(f"half an echo: {(asked[:_HEAD] + rest).hex(' ')}")
    head = line.read(_HEAD, ANSWER_S)
    if not head:
        raise BusError(
            "only our own echo came back: RX and TX touch, or the adapter repeats and the device "
            "is silent (power, A and B, address)"
        )
    return head


def _raise_exception(address: int, function: int, frame: bytes) -> NoReturn:
    _check_sum(address, frame)
    code = frame[2]
    if frame[1] != function | _EXCEPTION or not _same(address, frame[0]):
        raise WrongDevice(f"address {address}: the answer is for somebody else: {frame.hex(' ')}")
    what = f"address {address}: exception {code} ({_EXCEPTIONS.get(code, 'unknown')})"
    if code in _REFUSALS:
        raise WrongDevice(f"{what}: check which device is wired there and the driver in the config")
    raise BusError(what)


def _check(address: int, function: int, count: int, frame: bytes) -> None:
    _check_sum(address, frame)
    if frame[1] != function or frame[2] != 2 * count or not _same(address, frame[0]):
        raise WrongDevice(
            f"address {address}: something else answers ({frame[:3].hex(' ')}): check which "
            "devices are on this line and that their addresses differ"
        )


def _check_sum(address: int, frame: bytes) -> None:
    if checksum(frame[:-2]) != int.from_bytes(frame[-2:], "little"):
        raise CorruptData(f"address {address}: wrong checksum: {frame.hex(' ')}")


def _same(asked: int, answering: int) -> bool:
    return asked in {answering, GENERAL_ADDRESS}
