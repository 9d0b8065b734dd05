"""The tap: however the stream is cut, each message comes once and whole, and paho gets the rest."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.buses.mqtt_tap import Malformed, Published, Tap
from gateway.buses.mqtt_wire import PACKET_MAX

PINGRESP = b"\xd0\x00"


def length_of(size: int) -> bytes:
    """MQTT 5.0, section 1.5.5: base 128, the least significant first."""
    encoded = bytearray()
    while True:
        size, low = divmod(size, 128)
        encoded.append(low | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def publish(topic: bytes, payload: bytes, *, flags: int = 0x02, properties: bytes = b"") -> bytes:
    """A PUBLISH of MQTT 5 with packet identifier 7 (MQTT 5.0, section 3.3)."""
    identifier = b"\x00\x07" if flags & 0x06 else b""
    head = len(topic).to_bytes(2, "big") + topic + identifier
    body = head + length_of(len(properties)) + properties + payload
    return bytes([0x30 | flags]) + length_of(len(body)) + body


class Ends:
    """A tap and the broker's end of its socket."""

    def __init__(self) -> None:
        self.broker, ours = socket.socketpair()
        ours.setblocking(False)
        self.broker.setblocking(False)
        self.tap = Tap(ours)
        self.messages: list[Published] = []
        self.dropped: list[Published] = []
        self.passed = b""
        self.tap.on_published = self.messages.append
        self.tap.on_too_large = self.dropped.append

    def read(self) -> None:
        """As the link does it."""
        self.tap.pull()
        while self.tap.waiting and (piece := self.tap.recv(1_000)):
            self.passed += piece
            self.tap.go_on()

    def send(self, data: bytes) -> None:
        self.broker.sendall(data)
        self.read()

    def close(self) -> None:
        self.broker.close()
        self.tap.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    both = Ends()
    yield both
    both.close()


STREAM = [
    publish(b"k/1/r", b"5"),
    PINGRESP,
    publish(b"k/2/r", b"x" * 300, flags=0x0B),
    publish(b"k/3/r", b"", flags=0x00),
    publish(b"k/4/r", b"{}", properties=b"\x01\x01" * 80),
    PINGRESP,
]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_however_it_is_cut_each_message_comes_once_and_in_order(cuts: list[int]) -> None:
    ends, rest = Ends(), b"".join(STREAM)
    turn = 0
    while rest:
        size = cuts[turn % len(cuts)]
        ends.send(rest[:size])
        rest, turn = rest[size:], turn + 1
    assert ends.messages == [
        Published(b"k/1/r", b"5", False, False, b"\x00\x07"),
        Published(b"k/2/r", b"x" * 300, True, True, b"\x00\x07"),
        Published(b"k/3/r", b"", False, False, b""),
        Published(b"k/4/r", b"{}", False, False, b"\x00\x07"),
    ]
    assert ends.passed == PINGRESP * 2
    ends.close()


def test_what_comes_behind_a_packet_for_paho_waits_until_paho_has_it(ends: Ends) -> None:
    ends.broker.sendall(b"\x20\x03\x01\x00\x00" + publish(b"k/1/r", b"5"))
    ends.tap.pull()
    assert ends.messages == []
    assert ends.tap.recv(100) == b"\x20\x03\x01\x00\x00"
    ends.tap.go_on()
    assert len(ends.messages) == 1


def test_a_publish_of_3_1_1_has_no_properties(ends: Ends) -> None:
    ends.tap.five = False
    ends.send(b"\x32\x0a\x00\x05k/1/r\x00\x075")
    assert ends.messages == [Published(b"k/1/r", b"5", False, False, b"\x00\x07")]


def test_a_message_too_large_is_named_and_skipped_without_being_held(ends: Ends) -> None:
    large = publish(b"k/1/r", b"x" * PACKET_MAX)
    for start in range(0, len(large), 4_096):
        ends.send(large[start : start + 4_096])
        assert len(ends.tap._kept) < 100_000
    ends.send(publish(b"k/2/r", b"5"))
    assert [(seen.topic, seen.identifier) for seen in ends.dropped] == [(b"k/1/r", b"\x00\x07")]
    assert [seen.topic for seen in ends.messages] == [b"k/2/r"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x32\xff\xff\xff\xff\x01",  # a length without end
        b"\x32\x02\x00\x05",  # ends inside the topic
        b"\x32\x05\x00\x00\x00\x07\x00",  # no topic: we allow no alias
        b"\x36\x08\x00\x01k\x00\x07\x00ab",  # QoS 3
        b"\x32\x06\x00\x01k\x00\x07\x09",  # properties beyond the end
        b"\x90\xff\xff\x7f" + b"x" * 10,  # a control packet that large
    ],
)
def test_a_stream_that_is_no_mqtt_is_refused(ends: Ends, data: bytes) -> None:
    with pytest.raises(Malformed):
        ends.send(data)


@given(st.binary(max_size=80))
def test_no_bytes_at_all_do_anything_but_come_whole_or_be_refused(data: bytes) -> None:
    ends = Ends()
    try:
        if data:
            ends.send(data)
    except Malformed:
        pass
    assert sum(len(seen.payload) for seen in ends.messages) <= len(data)
    ends.close()


def test_pubacks_leave_in_order_and_in_one_piece_behind_a_command(ends: Ends) -> None:
    assert ends.tap.send(b"COMMAND") == 7
    ends.tap.acknowledge([b"\x00\x01", b"\x00\x02"])
    assert ends.tap.unsent
    ends.tap.flush()
    assert ends.broker.recv(100) == b"COMMAND\x40\x02\x00\x01\x40\x02\x00\x02"
    assert not ends.tap.unsent


def test_what_the_broker_does_not_take_is_bounded(ends: Ends) -> None:
    for _ in range(200):
        ends.tap.send(b"x" * 10_000)
        ends.tap.flush()
        if len(ends.tap._unsent) > 1_048_576:
            break
    with pytest.raises(BlockingIOError):
        ends.tap.send(b"x")


def test_a_farewell_leaves_before_the_socket_is_closed(ends: Ends) -> None:
    ends.tap.send(b"\xe0\x00")
    ends.tap.close()
    assert ends.broker.recv(100) == b"\xe0\x00"


def test_the_end_and_a_break_are_told_to_paho_behind_what_came_before(ends: Ends) -> None:
    ends.broker.sendall(publish(b"k/1/r", b"5") + PINGRESP)
    ends.broker.close()
    ends.read()
    ends.read()
    assert len(ends.messages) == 1
    assert ends.passed == PINGRESP
    assert ends.tap.recv(1) == b""
