"""The encoders of `kg/v1` write the golden files byte for byte."""

import json
import zlib
from pathlib import Path

import pytest

from gateway.sync import protocol

GOLDEN = Path(__file__).parent / "golden"
INSTALL = "00112233445566778899aabbccddeeff"


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes().rstrip(b"\n")


def rows_of(name: str) -> list[bytes]:
    """The rows of a golden envelope, each as its own JSON."""
    return [_compact(row) for row in json.loads(golden(name))["rows"]]


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize("name", ["row_tm.json", "row_tm_bad_quality.json", "row_tm_batch.json"])
def test_a_telemetry_row_is_encoded_as_the_golden_file(name: str) -> None:
    row = json.loads(golden(name))
    encoded = protocol.telemetry_row(
        row["s"],
        epoch=row["e"],
        dictionary=row["md"],
        t0=row["t0"],
        columns=(row["c"], row["dt"], row["x"]),
        quality=row.get("q", {}),
    )
    assert encoded == golden(name)


@pytest.mark.parametrize(
    "name",
    [
        "row_ev_boot.json",
        "row_ev_alarm.json",
        "row_ev_acknowledge.json",
        "row_ev_command.json",
        "row_ev_order.json",
    ],
)
def test_an_event_row_is_encoded_as_the_golden_file(name: str) -> None:
    row = json.loads(golden(name))
    encoded = protocol.event_row(
        row["s"], epoch=row["e"], t0=row["t0"], kind=row["k"], data=row["d"]
    )
    assert encoded == golden(name)


@pytest.mark.parametrize(
    ("name", "historical"),
    [
        ("envelope_tm_live.json", False),
        ("envelope_tm_historical.json", True),
        ("envelope_ev_live.json", False),
        ("envelope_ev_historical.json", True),
    ],
)
def test_an_envelope_carries_its_rows_unchanged(name: str, *, historical: bool) -> None:
    payload = protocol.envelope(INSTALL, rows_of(name), historical=historical)
    assert protocol.unpack(payload) == golden(name)
    assert len(payload) <= len(golden(name))


def test_the_golden_zlib_stream_is_the_golden_json() -> None:
    stream = (GOLDEN / "envelope_tm_historical.zlib").read_bytes()
    assert stream[0] == 0x78
    assert protocol.unpack(stream) == golden("envelope_tm_historical.json")
    assert zlib.decompress(stream) == golden("envelope_tm_historical.json")


@pytest.mark.parametrize("name", ["dictionary.json", "status_online.json", "status_will.json"])
def test_a_document_is_encoded_as_the_golden_file(name: str) -> None:
    assert protocol.unpack(protocol.document(json.loads(golden(name)))) == golden(name)


def test_a_payload_too_large_or_broken_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 131072"):
        protocol.unpack(b"{" + b" " * protocol.WIRE_MAX)
    bomb = zlib.compress(b"{" + b" " * (protocol.PLAIN_MAX + 1))
    with pytest.raises(ValueError, match="after decompression"):
        protocol.unpack(bomb)
    for broken in (b"\x78", b"\x78\x9cgarbage", zlib.compress(b'{"v":1}' * 50)[:-3]):
        with pytest.raises(ValueError, match="zlib stream"):
            protocol.unpack(broken)


def test_an_acknowledgement_of_a_thousand_ranges_is_read_and_a_larger_one_is_refused_unread() -> (
    None
):
    ranges = [[9_000_000_000_000_000 + 2 * n] * 2 for n in range(protocol.RANGES_MAX)]
    ack = protocol.acknowledgement(protocol.document({"in": INSTALL, "tm": ranges}))
    assert (ack.install, len(ack.tm), ack.ev) == (INSTALL, 1_000, [])
    with pytest.raises(ValueError, match="length <= 1000"):
        protocol.acknowledgement(protocol.document({"in": INSTALL, "tm": [*ranges, [1, 1]]}))
    bomb = zlib.compress(b'{"in":"x","tm":[' + b"[1,1]," * 600_000 + b"[1,1]]}", 9)
    with pytest.raises(ValueError, match="65536 bytes after decompression"):
        protocol.acknowledgement(bomb)
    with pytest.raises(ValueError, match="at most 65536"):
        protocol.acknowledgement(b'{"in":"x","tm":[' + b"[1,1]," * 12_000 + b"[1,1]]}")
    with pytest.raises(ValueError, match=r"deep|malformed|Expected"):
        protocol.acknowledgement(b'{"in":' + b"[" * 60_000)


@pytest.mark.parametrize("name", ["", "a/b", "a b", "마포점", "a" * 37, "a\n", "+", "#"])
def test_a_name_the_protocol_forbids_makes_no_topic(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        protocol.topic("demo", name, "tm")
    with pytest.raises(ValueError, match="not a name"):
        protocol.topic(name, "mapo_1", "tm")
