"""The reference receiver, held to `docs/protocol.md` and to the golden files."""

import json
import random
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store import receiver as store
from gateway.store.errors import StoreError
from gateway.store.receiver import ReceiverFile
from gateway.sync import protocol
from gateway.sync.ingest import Receiver, acknowledgements
from tests.fakes import ManualClock

GOLDEN = Path(__file__).parent / "golden"
INSTALL = "00112233445566778899aabbccddeeff"
BASE = "kg/v1/demo/gw/mapo_1/"


def golden(name: str) -> bytes:
    data = (GOLDEN / name).read_bytes()
    return data if name.endswith(".zlib") else data.rstrip(b"\n")


def envelope(*rows: bytes, install: str = INSTALL) -> bytes:
    return b'{"v":1,"in":"%s","h":0,"rows":[%s]}' % (install.encode(), b",".join(rows))


def telemetry(s: int = 1, **changes: object) -> bytes:
    row = {"s": s, "e": 1, "md": 0, "t0": 1000, "c": [0], "dt": [0], "x": [1.5]} | changes
    return json.dumps({key: value for key, value in row.items() if value != "absent"}).encode()


def event(s: int = 1, **changes: object) -> bytes:
    return json.dumps({"s": s, "e": 1, "t0": 1000, "k": "gap", "d": {}} | changes).encode()


class Bench:
    """A receiver on its file, with a window on what it stored."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = ReceiverFile(path)
        self.receiver = Receiver(self.file, ManualClock())

    def send(self, leaf: str, *payloads: bytes) -> list[tuple[str, bytes]]:
        """Deliver and commit; returns what is acknowledged."""
        for payload in payloads:
            self.receiver.take(BASE + leaf, payload)
        return self.receiver.commit()

    def acknowledged(self, leaf: str, *payloads: bytes) -> list[object]:
        return [json.loads(protocol.unpack(payload)) for _, payload in self.send(leaf, *payloads)]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def counted(self) -> dict[str, int]:
        counts = self.receiver.counters.as_dict()
        interesting = ("rows", "duplicates", "conflicts", "refused", "foreign")
        return {name: counts[name] for name in interesting if counts[name]}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "cloud.db")
    yield made
    made.file.close()


# Golden messages


def test_the_golden_rows_give_the_golden_acknowledgement(bench: Bench) -> None:
    rows = [golden(name) for name in ("row_tm.json", "row_tm_bad_quality.json")]
    bench.receiver.take(BASE + "tm", envelope(*rows))
    bench.receiver.take(BASE + "tm", envelope(golden("row_tm_batch.json")))
    acknowledgement = bench.send("ev", golden("envelope_ev_historical.json"))
    assert acknowledgement == [(BASE + "ack", golden("ack.json"))]
    assert bench.send("ev", envelope(event(7))) == [(BASE + "ack", golden("ack_events_only.json"))]


@pytest.mark.parametrize("form", ["envelope_tm_historical.json", "envelope_tm_historical.zlib"])
def test_each_golden_row_is_stored_byte_for_byte(bench: Bench, form: str) -> None:
    bench.send("tm", golden(form))
    stored = bench.query("SELECT s, body, historical, epoch FROM rows ORDER BY s")
    assert stored[0] == (1, golden("row_tm.json"), 1, 1)
    assert stored[1] == (2, golden("row_tm_bad_quality.json"), 1, 1)
    assert stored[3] == (4, golden("row_tm_batch.json"), 1, 2)
    assert bench.counted() == {"rows": 4}


def test_the_golden_readings_keep_type_time_and_quality(bench: Bench) -> None:
    bench.send("tm", golden("envelope_tm_historical.json"))
    stored = bench.query(
        "SELECT s, position, point, at, kind, value, typeof(value), quality"
        " FROM readings WHERE s <= 3 ORDER BY s, position"
    )
    assert stored == [
        (1, 0, 0, 1795247000123, "number", 4.02, "real", 0),
        (1, 1, 1, 1795247000126, "number", 61.5, "real", 0),
        (1, 2, 2, 1795247000163, "boolean", 0, "integer", 0),
        (2, 0, 0, 1795247001130, "null", None, "null", 3),
        (2, 1, 1, 1795247001130, "null", None, "null", 5),
        (2, 2, 3, 1795247001942, "text", "open", "text", 0),
        (3, 0, 0, 1795247009000, "number", -18, "integer", 0),
    ]


def test_the_golden_events_are_kept_with_their_data(bench: Bench) -> None:
    bench.send("ev", golden("envelope_ev_historical.json"))
    stored = bench.query("SELECT s, kind, data FROM events ORDER BY s")
    assert [(s, kind) for s, kind, _ in stored] == [(1, "boot"), (2, "alarm"), (3, "alarm")]
    assert json.loads(stored[2][2])["by"] == "민지"


def test_the_golden_dictionary_and_status_are_kept_and_not_acknowledged(bench: Bench) -> None:
    for leaf, name in (("md", "dictionary"), ("st", "status_online"), ("st", "status_will")):
        assert bench.send(leaf, golden(f"{name}.json")) == []
    assert bench.query("SELECT i, device, name, unit, type, high FROM points ORDER BY i")[:2] == [
        (0, "walk_in", "temperature", "Cel", "number", 125.0),
        (1, "walk_in", "humidity", "%", "number", 100.0),
    ]
    assert bench.query("SELECT epoch, online FROM status") == [(2, 0)]
    assert bench.counted() == {}


# Identity


def test_a_row_that_comes_again_is_acknowledged_and_stored_once(bench: Bench) -> None:
    assert bench.acknowledged("tm", envelope(telemetry(5))) == [{"in": INSTALL, "tm": [[5, 5]]}]
    again = envelope(telemetry(5), telemetry(6))
    assert bench.acknowledged("tm", again, again) == [{"in": INSTALL, "tm": [[5, 6]]}]
    assert bench.query("SELECT s FROM rows") == [(5,), (6,)]
    assert bench.counted() == {"rows": 2, "duplicates": 3}


def test_rows_out_of_order_are_stored_and_gaps_are_known(bench: Bench) -> None:
    for s in (9, 2, 5, 3):
        bench.send("tm", envelope(telemetry(s)))
    assert bench.query("SELECT s FROM rows ORDER BY s") == [(2,), (3,), (5,), (9,)]
    assert bench.query("SELECT s FROM rows ORDER BY received") == [(9,), (2,), (5,), (3,)]
    assert bench.file.gaps(INSTALL, "tm") == [(1, 1), (4, 4), (6, 8)]
    assert bench.file.gaps(INSTALL, "ev") == []


def test_the_first_of_two_rows_with_one_identity_wins_and_both_are_acknowledged(
    bench: Bench,
) -> None:
    bench.send("tm", envelope(telemetry(1, x=[4.0])))
    for _ in range(2):
        second = bench.acknowledged("tm", envelope(telemetry(1, x=[9.0])))
        assert second == [{"in": INSTALL, "tm": [[1, 1]]}]
    assert bench.query("SELECT value FROM readings") == [(4.0,)]
    assert bench.query("SELECT s, body FROM conflict") == [(1, telemetry(1, x=[9.0]))]
    assert bench.counted() == {"rows": 1, "conflicts": 2}


def test_streams_installs_and_gateways_do_not_share_identities(bench: Bench) -> None:
    bench.send("tm", envelope(telemetry(1)), envelope(telemetry(1, x=[2]), install="f" * 32))
    bench.send("ev", envelope(event(1)))
    bench.receiver.take("kg/v1/other/gw/mapo_1/tm", envelope(telemetry(1, x=[3])))
    topics = [topic for topic, _ in bench.receiver.commit()]
    assert topics == ["kg/v1/other/gw/mapo_1/ack"]
    assert bench.counted() == {"rows": 4}


def test_a_receiver_killed_between_commit_and_acknowledgement_stores_no_row_twice(
    tmp_path: Path,
) -> None:
    message = golden("envelope_tm_historical.json")
    first = Bench(tmp_path / "cloud.db")
    first.receiver.take(BASE + "tm", message)
    first.file.commit()  # and the process dies here: nobody hears of it
    first.file.close()
    second = Bench(tmp_path / "cloud.db")
    assert second.acknowledged("tm", message) == [{"in": INSTALL, "tm": [[1, 4]]}]
    assert second.counted() == {"duplicates": 4}
    assert second.query("SELECT count(*) FROM readings") == [(24,)]
    second.file.close()


def test_what_is_not_committed_is_neither_stored_nor_acknowledged_nor_counted(
    bench: Bench,
) -> None:
    bench.receiver.take(BASE + "tm", golden("envelope_tm_live.json"))
    bench.receiver.rollback()
    assert bench.receiver.commit() == []
    assert bench.query("SELECT * FROM rows") == []
    assert bench.counted() == {}


def test_an_acknowledgement_of_many_ranges_is_cut_into_several() -> None:
    payloads = acknowledgements(INSTALL, {"tm": set(range(1, 4001, 2)), "ev": {1}})
    bodies = [json.loads(protocol.unpack(payload)) for payload in payloads]
    assert [len(body.get("tm", [])) + len(body.get("ev", [])) for body in bodies] == [1000] * 2 + [
        1
    ]
    assert bodies[-1] == {"in": INSTALL, "ev": [[1, 1]]}


_values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53), st.booleans()
)


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 10**6), _values), min_size=1))
def test_whatever_the_encoder_writes_the_receiver_reads(
    readings: list[tuple[int, int, float]],
) -> None:
    offsets = sorted(after for _, after, _ in readings)
    columns = ([point for point, _, _ in readings], offsets, [value for _, _, value in readings])
    row = protocol.telemetry_row(1, epoch=1, dictionary=0, t0=5, columns=columns, quality={})
    file = ReceiverFile(Path(":memory:"))
    receiver = Receiver(file, ManualClock())
    receiver.take(BASE + "tm", protocol.envelope(INSTALL, [row], historical=False))
    assert len(receiver.commit()) == 1
    found = file._connection.execute("SELECT point, at, value FROM readings ORDER BY position")
    assert found.fetchall() == [
        (point, 5 + after, value) for point, after, value in zip(*columns, strict=True)
    ]
    file.close()


# Retained documents


def test_the_latest_status_wins_but_no_will_of_an_earlier_start(bench: Bench) -> None:
    bench.send("st", golden("status_online.json"))
    late = golden("status_will.json").replace(b'"epoch":2', b'"epoch":1')
    bench.send("st", late)
    assert bench.query("SELECT epoch, online FROM status") == [(2, 1)]
    bench.send("st", golden("status_will.json"))
    assert bench.query("SELECT epoch, online FROM status") == [(2, 0)]


def test_an_older_dictionary_takes_nothing_away_and_all_versions_are_kept(bench: Bench) -> None:
    newest = json.loads(golden("dictionary.json"))
    older = newest | {"ver": 4, "ch": [newest["ch"][0] | {"label": "old"}]}
    newer = newest | {"ver": 6, "ch": [newest["ch"][0] | {"label": "new"}]}
    bench.send("md", *(json.dumps(each).encode() for each in (newest, older, newest)))
    assert bench.query("SELECT label FROM points WHERE i = 0") == [("워크인 냉장",)]
    bench.send("md", json.dumps(newer).encode())
    assert bench.query("SELECT label FROM points WHERE i = 0") == [("new",)]
    assert bench.query("SELECT count(*) FROM points") == [(4,)]
    assert bench.query("SELECT version FROM dictionary ORDER BY 1") == [(4,), (5,), (6,)]
    assert bench.counted() == {}


def test_an_index_given_to_another_device_is_a_conflict_and_the_first_owner_stays(
    bench: Bench,
) -> None:
    first = json.loads(golden("dictionary.json"))
    stolen = first | {"ver": 6, "ch": [first["ch"][0] | {"dev": "freezer"}]}
    bench.send("md", golden("dictionary.json"), json.dumps(stolen).encode())
    assert bench.query("SELECT device FROM points WHERE i = 0") == [("walk_in",)]
    assert bench.counted() == {"conflicts": 1}


# Refusals

BROKEN_ROWS = {
    "s is 0": telemetry(0),
    "s negative": telemetry(-1),
    "s huge": telemetry(10**30),
    "s a float": telemetry(s=1.0),  # type: ignore[arg-type]
    "s a boolean": telemetry(s=True),
    "s text": telemetry(s="1"),  # type: ignore[arg-type]
    "no epoch": telemetry(e="absent"),
    "epoch 0": telemetry(e=0),
    "md negative": telemetry(md=-1),
    "t0 a float": telemetry(t0=1.5),
    "t0 huge": telemetry(t0=10**18),
    "no readings": telemetry(c=[], dt=[], x=[]),
    "short dt": telemetry(dt=[]),
    "long x": telemetry(x=[1, 2]),
    "dt negative": telemetry(dt=[-1]),
    "dt decreases": telemetry(c=[0, 0], dt=[5, 4], x=[1, 2]),
    "point negative": telemetry(c=[-1]),
    "point null": telemetry(c=[None]),
    "value a list": telemetry(x=[[1]]),
    "value an object": telemetry(x=[{}]),
    "value beyond a double": telemetry(x=[10**400]),
    "good without value": telemetry(x=[None]),
    "bad with value": telemetry(q={"0": 3}),
    "substituted without value": telemetry(x=[None], q={"0": 7}),
    "code 6": telemetry(q={"0": 6}),
    "code 0": telemetry(q={"0": 0}),
    "code 99": telemetry(q={"0": 99}),
    "code a boolean": telemetry(q={"0": True}),
    "quality of nobody": telemetry(q={"1": 1}),
    "position with zero": telemetry(q={"00": 1}),
    "position in other digits": telemetry(q={"٠": 1}),
    "position huge": telemetry(q={"9" * 5000: 1}),
    "q a list": telemetry(q=[]),
    "too many readings": telemetry(c=[0] * 10_001, dt=[0] * 10_001, x=[1] * 10_001),
    "infinity by overflow": telemetry(x=[777]).replace(b"777", b"1e999"),
    "a list": b"[]",
    "a number": b"5",
    "null": b"null",
    "nested": b'{"s":1,"e":1,"md":0,"t0":0,"c":[0],"dt":[0],"x":[0],"q":{"0":{"0":{"0":[[]]}}}}',
}
BROKEN_EVENTS = {
    "no kind": event(k=""),
    "kind a number": event(k=5),
    "data a list": event(d=[]),
    "data text": event(d="x"),
    "infinity in data": event(d={"value": 777}).replace(b"777", b"1e999"),
    "a telemetry row": telemetry(1),
}


@pytest.mark.parametrize(
    ("leaf", "broken"),
    [pytest.param("tm", row, id=name) for name, row in BROKEN_ROWS.items()]
    + [pytest.param("ev", row, id=name) for name, row in BROKEN_EVENTS.items()],
)
def test_a_broken_row_is_refused_and_the_sound_one_beside_it_acknowledged(
    bench: Bench, leaf: str, broken: bytes
) -> None:
    sound = telemetry(8) if leaf == "tm" else event(8)
    found = bench.acknowledged(leaf, envelope(broken, sound))
    assert found == [{"in": INSTALL, leaf: [[8, 8]]}]
    assert bench.counted() == {"rows": 1, "refused": 1}
    assert bench.query("SELECT bytes FROM refused") == [(len(broken),)]


GOOD = envelope(telemetry(1))
BROKEN_PAYLOADS = {
    "empty": b"",
    "not JSON": b"{",
    "a list": b"[1]",
    "text": b"hello",
    "trailing": GOOD + b"x",
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "not UTF-8": GOOD[:-1] + b',"z":"\xff"}',
    "NaN": envelope(telemetry(1).replace(b"1.5", b"NaN")),
    "Infinity": envelope(telemetry(1).replace(b"1.5", b"-Infinity")),
    "lone surrogate": GOOD[:-1] + b',"z":"\xed\xa0\x80"}',
    "version 2": GOOD.replace(b'"v":1', b'"v":2'),
    "version 1.0": GOOD.replace(b'"v":1', b'"v":1.0'),
    "version true": GOOD.replace(b'"v":1', b'"v":true'),
    "no version": GOOD.replace(b'"v":1,', b""),
    "h is 2": GOOD.replace(b'"h":0', b'"h":2'),
    "h is false": GOOD.replace(b'"h":0', b'"h":false'),
    "short install": GOOD.replace(INSTALL.encode(), b"00"),
    "install with newline": GOOD.replace(INSTALL.encode(), INSTALL.encode() + b"\\n"),
    "no rows": envelope(),
    "rows an object": b'{"v":1,"in":"%s","h":0,"rows":{}}' % INSTALL.encode(),
    "1001 rows": envelope(*[event(1)] * 1001),
    "too long": b"{" + b" " * protocol.WIRE_MAX + GOOD[1:],
    "nested": GOOD[:-1] + b',"z":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
    "broken zlib": zlib.compress(GOOD)[:-5],
    "zlib garbage": b"\x78\x9c" + bytes(100),
    "zlib of text": zlib.compress(b"hello"),
    "zlib bomb": zlib.compress(b"{" + b" " * (protocol.PLAIN_MAX * 8)),
}


@pytest.mark.parametrize(
    "payload", [pytest.param(each, id=name) for name, each in BROKEN_PAYLOADS.items()]
)
@pytest.mark.parametrize("leaf", ["tm", "ev", "md", "st"])
def test_a_broken_message_is_refused_remembered_and_not_acknowledged(
    bench: Bench, leaf: str, payload: bytes
) -> None:
    assert bench.send(leaf, payload) == []
    assert bench.counted() == {"refused": 1}
    assert bench.query("SELECT topic, bytes, times FROM refused") == [
        (BASE + leaf, len(payload), 1)
    ]


@pytest.mark.parametrize(
    ("leaf", "name", "old", "new"),
    [
        ("md", "dictionary.json", b'"i":1', b'"i":0'),
        ("md", "dictionary.json", b'"type":"text"', b'"type":"blob"'),
        ("md", "dictionary.json", b'"sim":false', b'"sim":0'),
        ("md", "dictionary.json", b'"ver":5', b'"ver":-5'),
        ("md", "dictionary.json", b'"min":-40.0', b'"min":"-40"'),
        ("st", "status_online.json", b'"online":true', b'"online":1'),
        ("st", "status_online.json", b'"clock":"ntp"', b'"clock":"gps"'),
        ("st", "status_online.json", b'"cfg":"0123456789ab"', b'"cfg":"01"'),
        ("st", "status_online.json", b'"n":2', b'"n":-2'),
        ("st", "status_online.json", b'"epoch":2', b'"epoch":0'),
        ("st", "status_will.json", b'"epoch":2', b'"epoch":null'),
    ],
)
def test_a_broken_document_is_refused(
    bench: Bench, leaf: str, name: str, old: bytes, new: bytes
) -> None:
    assert old in golden(name)
    bench.send(leaf, golden(name).replace(old, new))
    assert bench.counted() == {"refused": 1}


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "kg",
        "kg/v2/demo/gw/mapo_1/tm",
        "kg/v1/demo/gw/mapo_1/ack",
        "kg/v1/demo/gw/mapo_1",
        "kg/v1/demo/gw/mapo_1/tm/x",
        "kg/v1/demo/xx/mapo_1/tm",
        "kg/v1/마포/gw/mapo_1/tm",
        "kg/v1/demo/gw//tm",
        "kg/v1/demo/gw/" + "a" * 37 + "/tm",
        "kg/v1/demo/gw/a b/tm",
        "x" * 60_000,
    ],
)
def test_a_foreign_topic_is_counted_and_nothing_else(bench: Bench, topic: str) -> None:
    bench.receiver.take(topic, GOOD)
    assert bench.receiver.commit() == []
    assert bench.counted() == {"foreign": 1}


def test_unknown_keys_are_ignored_and_unknown_kinds_kept(bench: Bench) -> None:
    extended = envelope(telemetry(1, future=[1, {"a": None}]))[:-1] + b',"zone":"x"}'
    assert len(bench.send("tm", extended)) == 1
    assert len(bench.send("ev", envelope(event(1, k="invented", d={"deep": {"er": [1]}})))) == 1
    assert bench.counted() == {"rows": 2}


def test_the_memory_of_refusals_is_bounded_and_the_oldest_go_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "REFUSED_MAX", 3)
    monkeypatch.setattr(store, "CONFLICTS_MAX", 2)
    bench.send("tm", *(b"broken %d" % number for number in range(10)))
    bench.send("tm", b"broken 9", b"x" * 50_000)
    stored = bench.query("SELECT bytes, length(payload), times FROM refused ORDER BY id")
    assert stored == [(8, 8, 1), (8, 8, 2), (50_000, store.KEPT_BYTES, 1)]
    for value in range(5):
        bench.send("tm", envelope(telemetry(1, x=[value])))
    assert bench.query("SELECT count(*) FROM conflict") == [(2,)]
    assert bench.receiver.counters.dropped == 8 + 2


def test_a_file_of_another_version_or_a_broken_one_says_so(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(StoreError, match="version 7"):
        ReceiverFile(tmp_path / "newer.db")
    (tmp_path / "broken.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreError, match=r"broken\.db"):
        ReceiverFile(tmp_path / "broken.db")
    with pytest.raises(StoreError, match="check the disk"):
        ReceiverFile(tmp_path / "nowhere" / "cloud.db")


# Mutations

Mutation = Callable[[random.Random, bytes], bytes]


def flip(noise: random.Random, data: bytes) -> bytes:
    at = noise.randrange(len(data))
    return data[:at] + noise.randbytes(1) + data[at + 1 :]


def cut(noise: random.Random, data: bytes) -> bytes:
    start, end = sorted((noise.randrange(len(data)), noise.randrange(len(data) + 1)))
    return data[:start] + data[end:]


def double(noise: random.Random, data: bytes) -> bytes:
    start, end = sorted((noise.randrange(len(data)), noise.randrange(len(data) + 1)))
    return data[:end] + data[start:]


def swap(noise: random.Random, data: bytes) -> bytes:
    old = noise.choice([b"1", b"0", b":", b",", b'"', b"[", b"]", b"{", b"}", b"null", b"false"])
    new = noise.choice(
        [b"1e999", b"-1", b"9" * 40, b"NaN", b'""', b"[[", b"{}", b"null", b"1.0", b"\xff", b"\\u0"]
    )
    return data.replace(old, new, noise.randrange(1, 4))


def test_twenty_thousand_mutated_messages_leave_the_receiver_sound(bench: Bench) -> None:
    noise = random.Random(20261121)
    mutations: list[Mutation] = [flip, cut, double, swap]
    originals = [
        (leaf, golden(path.name))
        for path in sorted(GOLDEN.glob("*.*"))
        for leaf in ("tm", "ev", "md", "st")
        if path.name.startswith({"tm": "envelope_tm", "ev": "envelope_ev"}.get(leaf, ""))
        or path.name.startswith({"md": "dictionary", "st": "status"}.get(leaf, "-"))
    ]
    for _ in range(20_000):
        leaf, payload = noise.choice(originals)
        for _ in range(noise.randrange(1, 4)):
            payload = noise.choice(mutations)(noise, payload) or b"{"
        bench.receiver.take(BASE + leaf, payload)
        if bench.receiver.full:
            bench.receiver.commit()
    bench.receiver.commit()
    counters = bench.receiver.counters
    assert counters.messages == 20_000
    assert counters.refused > 10_000
    assert bench.query("SELECT count(*) FROM refused")[0][0] == store.REFUSED_MAX
    assert bench.query("PRAGMA integrity_check") == [("ok",)]
    bodies = bench.query("SELECT s, body FROM rows")
    assert all(json.loads(body)["s"] == s for s, body in bodies)
    assert bench.query(
        "SELECT count(*) FROM readings WHERE (value IS NULL) != (kind = 'null')"
    ) == [(0,)]
