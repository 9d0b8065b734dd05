"""The mqtt driver: paths lead to values, and what is no value is BAD with a reason."""

import json
import math
import random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import CorruptData, Metric, Reason, Sample
from drivers.emulated.mqtt import Chip
from drivers.mqtt import PAYLOAD_MAX, Driver, Field, Options, steps_of

V = Field(path="$.v", unit="Cel")


def driver_of(
    metrics: dict[str, Field],
    *,
    partial: bool = False,
    retained: Literal["stale", "state"] = "stale",
) -> Driver:
    return Driver(Options(topic="k/1/r", metrics=metrics, partial=partial, retained=retained))


def heard(payload: bytes, field: Field = V) -> Sample:
    return driver_of({"seen": field}).feed((payload, False), 0)["seen"]


# What devices really send: the makers' own examples

TASMOTA = b'{"Time":"2019-11-03T19:34:28","SHT3X-0x44":{"Temperature":23.2,"Humidity":51.5}}'
ZIGBEE2MQTT = b'{"battery":100,"contact":false,"linkquality":60,"temperature":27.34,"voltage":3005}'
SHELLY = (
    b'{"id":0,"source":"init","output":true,"apower":8.9,"voltage":237.5,"temperature":{"tC":43.7}}'
)


@pytest.mark.parametrize(
    ("payload", "field", "value"),
    [
        (TASMOTA, Field(path='$["SHT3X-0x44"].Temperature', unit="Cel"), 23.2),
        (TASMOTA, Field(path="$['SHT3X-0x44'].Humidity", unit="%"), 51.5),
        (ZIGBEE2MQTT, Field(path="$.temperature", unit="Cel"), 27.34),
        (ZIGBEE2MQTT, Field(path="$.contact", kind="boolean"), False),
        (ZIGBEE2MQTT, Field(path="$.voltage", unit="V", scale=0.001), 3.005),
        (SHELLY, Field(path="$.temperature.tC", unit="Cel"), 43.7),
        (SHELLY, Field(path="$.source", kind="text"), "init"),
        (b'{"data":[{"temp":4.5},{"temp":5.5}]}', Field(path="$.data[1].temp"), 5.5),
        (b"[[1,2],[3,4]]", Field(path="$[1][0]"), 3.0),
        (b"7", Field(path="$"), 7.0),
        (b" 21.5\n", Field(unit="Cel"), 21.5),
        (b"-1e2", Field(), -100.0),
        (b"ON", Field(kind="boolean"), True),
        (b"offline", Field(kind="boolean"), False),
        (b"GESCHLOSSEN", Field(kind="boolean", on=("offen",), off=("geschlossen",)), False),
        (b'{"v":1}', Field(path="$.v", kind="boolean"), True),
        (b"defrost", Field(kind="text"), "defrost"),
        (b'{"v":68}', Field(path="$.v", unit="Cel", scale=0.5, offset=-30.0), 4.0),
    ],
)
def test_a_path_or_a_bare_word_leads_to_the_value(
    payload: bytes, field: Field, value: object
) -> None:
    sample = heard(payload, field)
    assert sample.reason is None
    assert sample.value == pytest.approx(value) if isinstance(value, float) else True
    assert type(sample.value) is type(value) or isinstance(sample.value, (int, float))
    assert sample.value == value or isinstance(value, float)


def test_the_metrics_are_those_the_options_name() -> None:
    metrics = driver_of({"temperature": V, "door": Field(kind="boolean")}).METRICS
    assert list(metrics) == [
        Metric("temperature", "Cel"),
        Metric("door", "1", kind="boolean"),
    ]


@pytest.mark.parametrize(
    "value",
    [
        "null", "true", '"5.2"', "[5]", "{}", '"NaN"', "1e999", "-1e999", "1" + "0" * 400,
        '"' + "x" * 500 + '"',
    ],
)  # fmt: skip
def test_a_wrong_type_or_no_finite_number_is_bad_and_never_a_number(value: str) -> None:
    try:
        sample = heard(b'{"v":%s}' % value.encode())
    except CorruptData:
        return
    assert (sample.value, sample.reason) == (None, Reason.SENSOR_FAILURE)
    assert sample.raw is None or len(str(sample.raw)) <= 32


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b'{"v":NaN}', b'{"v":Infinity}', b'{"v":5.2}x', b"\xff\xfe", b'{"v":"\xff"}',
        b"{'v':5}", b'{"v":5,}', b"[" * 50_000,
        b'{"v":' + b"[" * 30_000 + b"]" * 30_000 + b"}",  # deeper than any Python reads
        b'{"v":' + b" " * PAYLOAD_MAX + b"5}",
    ],
)  # fmt: skip
def test_what_is_no_json_or_too_deep_or_too_large_is_corrupt(payload: bytes) -> None:
    with pytest.raises(CorruptData):
        heard(payload)


@pytest.mark.parametrize("payload", [b"", b"warm", b"5,2", b"0x10", b"1_0", b"nan", b"\xff", b"--1",
                                     "٣".encode(), b"1e999"])  # fmt: skip
def test_a_bare_word_that_is_no_number_is_bad(payload: bytes) -> None:
    assert heard(payload, Field()).value is None
    assert heard(payload, Field()).reason is Reason.SENSOR_FAILURE


def test_what_is_missing_is_a_failure_unless_messages_are_partial() -> None:
    fields = {"v": V, "w": Field(path="$.w[3]")}
    samples = driver_of(fields).feed((b'{"v":5.5}', False), 0)
    assert samples["v"].value == 5.5
    assert (samples["w"].value, samples["w"].reason) == (None, Reason.SENSOR_FAILURE)
    assert set(driver_of(fields, partial=True).feed((b'{"v":5.5}', False), 0)) == {"v"}
    with pytest.raises(CorruptData, match="none of the configured paths"):
        driver_of(fields, partial=True).feed((b'{"x":1}', False), 0)


def test_a_retained_message_is_stale_until_the_device_speaks_and_nothing_afterwards() -> None:
    driver = driver_of({"v": V})
    kept = driver.feed((b'{"v":5.5}', True), 0)["v"]
    assert (kept.value, kept.reason, kept.raw) == (None, Reason.STALE, 5.5)
    assert driver.feed((b'{"v":4.5}', False), 0)["v"].value == 4.5
    assert driver.feed((b'{"v":5.5}', True), 0) == {}


def test_a_retained_state_is_taken_and_marked() -> None:
    driver = driver_of({"open": Field(kind="boolean")}, retained="state")
    kept = driver.feed((b"open", True), 0)["open"]
    assert (kept.value, kept.reason) == (True, Reason.SUBSTITUTED)
    broken = driver.feed((b"ajar", True), 0)["open"]
    assert (broken.value, broken.reason) == (None, Reason.SENSOR_FAILURE)


@pytest.mark.parametrize("path", ["", "v", "$v", "$.", "$..v", "$[", "$[]", "$[-1]", '$["a]',
                                  "$.a b", "$[99999]", "$" + ".a" * 17])  # fmt: skip
def test_a_path_that_is_none_is_refused_with_an_example(path: str) -> None:
    with pytest.raises(ValueError, match=r"expected one such as \$\.v"):
        steps_of(path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"topic": ""}, "expected one such as kitchen"),
        ({"topic": "k/+/r"}, "expected one topic, without"),
        ({"topic": "k/#"}, "expected one topic, without"),
        ({"metrics": {}}, "metrics: name at least one"),
        ({"metrics": {"Temp C": V}}, "metrics: 'Temp C' must"),
    ],
)
def test_options_that_cannot_be_heard_name_their_key(
    changed: dict[str, object], words: str
) -> None:
    sound: dict[str, object] = {"topic": "k/1/r", "metrics": {"v": V}}
    with pytest.raises(ValueError, match=words):
        Options(**(sound | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"scale": 0.0}, "scale: a finite"),
        ({"offset": math.nan}, "scale: a finite"),
        ({"kind": "boolean", "scale": 2.0}, "scale, offset: belong"),
        ({"precision": 12}, "precision: 0 to 9"),
        ({"on": ("a",), "off": ("A",)}, "on, off: 'a' stands in both"),
        ({"path": "v"}, "path: got"),
    ],
)
def test_a_field_that_makes_no_sense_names_its_key(field: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Field(**field)  # type: ignore[arg-type]


FIELDS = {
    "a": Field(path="$.v"),
    "b": Field(path="$.data[0].temp", scale=1e300),
    "c": Field(path="$.on", kind="boolean"),
    "d": Field(path="$.name", kind="text"),
}


def sound(sample: Sample) -> bool:
    if sample.value is None:
        return sample.reason is not None
    return not isinstance(sample.value, float) or math.isfinite(sample.value)


def test_a_hundred_thousand_mutated_payloads_give_no_invalid_value() -> None:
    chance = random.Random(20261121)
    whole = b'{"v":5.25,"data":[{"temp":-1.5e2}],"on":"ON","name":"fridge"}'
    driver, corrupt = driver_of(FIELDS), 0
    for _ in range(100_000):
        payload = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(payload))
            match chance.randrange(4):
                case 0:
                    payload[at] = chance.randrange(256)
                case 1:
                    del payload[at : at + chance.randrange(8)]
                case 2:
                    payload[at:at] = chance.choice((b"9" * 30, b"-", b"e99", b"[", b'"', b"null"))
                case _:
                    payload = payload[: max(1, at)]
            payload = payload or bytearray(b"x")
        try:
            samples = driver.feed((bytes(payload), False), 0)
        except CorruptData:
            corrupt += 1
            continue
        assert all(sound(sample) for sample in samples.values()), bytes(payload)
    assert 10_000 < corrupt < 99_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["v", "data", "temp", "on", "name"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_json_at_all_gives_a_value_that_is_not_sound(document: object) -> None:
    try:
        samples = driver_of(FIELDS).feed((json.dumps(document).encode(), False), 0)
    except CorruptData:
        return
    assert set(samples) == set(FIELDS)
    assert all(sound(sample) for sample in samples.values())


@given(st.binary(max_size=60))
def test_no_bytes_at_all_give_a_bare_value_that_is_not_sound(payload: bytes) -> None:
    kinds: tuple[Literal["number", "boolean", "text"], ...] = ("number", "boolean", "text")
    for kind in kinds:
        assert sound(heard(payload, Field(kind=kind)))


# The emulated device


class Wire:
    """Where it hangs, and what it has published."""

    def __init__(self, **felt: float | bool) -> None:
        self.felt = felt
        self.now = 0
        self.said: list[bytes] = []

    def feel(self, quantity: str) -> float | bool:
        if quantity not in self.felt:
            raise ValueError(quantity)
        return self.felt[quantity]

    def chip(self, options: Options) -> Chip:
        return Chip(options, self.feel, lambda _topic, payload: self.said.append(payload),
                    lambda: self.now)  # fmt: skip


def test_the_driver_finds_what_the_emulated_device_publishes() -> None:
    options = Options(
        topic="k/1/r",
        metrics={
            "temperature": Field(path='$.list[1]["deg C"]', unit="Cel", scale=0.1, offset=-40.0),
            "open": Field(path="$.door.open", kind="boolean"),
            "humidity": Field(path="$.h", unit="%"),
        },
    )
    wire = Wire(temperature=4.2, open=True)
    chip = wire.chip(options)
    chip.step()
    samples = Driver(options).feed((wire.said[0], False), 0)
    assert samples["temperature"].value == pytest.approx(4.2)
    assert samples["open"].value is True
    assert samples["humidity"].value is None  # it cannot be felt here


def test_the_emulated_device_speaks_in_time_and_at_once_when_a_switch_changes() -> None:
    wire = Wire(open=False)
    chip = wire.chip(Options(topic="k/1/r", metrics={"open": Field(kind="boolean")}))
    chip.step()
    chip.step()
    assert wire.said == [b"false"]
    wire.felt["open"] = True
    chip.step()
    assert wire.said == [b"false", b"true"]
    wire.now += 5_000
    chip.step()
    assert len(wire.said) == 3


def test_faults_of_the_emulated_device_silent_stuck_and_garbled() -> None:
    wire = Wire(v=4.0)
    options = Options(topic="k/1/r", metrics={"v": V})
    chip = wire.chip(options)
    chip.faults.silent = True
    chip.step()
    assert wire.said == []
    chip.faults.silent = False
    chip.step()
    chip.faults.stuck, wire.felt["v"], wire.now = True, 9.0, 10_000
    chip.step()
    assert wire.said[1] == wire.said[0]
    chip.garbled, wire.now = True, 20_000
    chip.step()
    with pytest.raises(CorruptData):
        Driver(options).feed((wire.said[2], False), 0)
