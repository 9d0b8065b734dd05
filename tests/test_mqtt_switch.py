"""The mqtt switch: commands go out, and its state is what it says, or is marked as assumed."""

import pytest

from drivers import base
from drivers.base import BusError, CorruptData, Reason, Sample
from drivers.emulated.mqtt_switch import Chip
from drivers.mqtt_switch import Driver, Options
from gateway.buses.site import EmulatedSite
from tests.fakes import ManualClock


class Broker:
    """What was published; `away` refuses."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bool]] = []
        self.away = False

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self.check()
        self.sent.append((topic, payload, retain))

    def check(self) -> None:
        if self.away:
            raise BusError("the broker is away")


def state(driver: base.Acting) -> tuple[object, Reason | None]:
    sample = driver.read()["state"]
    return sample.value, sample.reason


def test_a_command_goes_out_in_the_words_of_the_device() -> None:
    broker = Broker()
    driver = Driver(broker, Options(topic="k/1/c", on="1", off="0", retain=True))
    driver.write(True)
    driver.write(False)
    assert broker.sent == [("k/1/c", b"1", True), ("k/1/c", b"0", True)]


def test_without_a_state_topic_the_state_is_marked_as_assumed() -> None:
    driver = Driver(Broker(), Options(topic="k/1/c"))
    assert state(driver) == (None, Reason.NO_COMMUNICATION)
    driver.write(True)
    assert state(driver) == (True, Reason.SUBSTITUTED)


def test_a_command_that_was_refused_leaves_no_assumption() -> None:
    broker = Broker()
    driver = Driver(broker, Options(topic="k/1/c"))
    driver.write(True)
    broker.away = True
    with pytest.raises(BusError):
        driver.write(False)
    with pytest.raises(BusError):
        driver.read()
    broker.away = False
    assert state(driver) == (None, Reason.NO_COMMUNICATION)


def test_a_device_that_says_its_state_is_believed() -> None:
    options = Options(topic="k/1/c", state_topic="k/1/s", state_key="POWER", state_on="an",
                      state_off="aus")  # fmt: skip
    driver = Driver(Broker(), options)
    driver.write(True)
    assert state(driver) == (True, Reason.SUBSTITUTED)  # it has had no time to answer
    assert driver.feed((b'{"POWER":"AN"}', False), 0)["state"] == Sample(True, raw="AN")
    assert state(driver) == (True, None)
    driver.feed((b'{"POWER":"aus"}', False), 0)  # somebody pressed its button
    assert state(driver) == (False, None)


def test_a_device_that_stays_silent_after_a_command_is_bad() -> None:
    driver = Driver(Broker(), Options(topic="k/1/c", state_topic="k/1/s"))
    driver.feed((b"OFF", False), 0)
    driver.write(True)
    assert [state(driver)[0] for _ in range(3)] == [True, True, None]
    assert state(driver) == (None, Reason.NO_COMMUNICATION)


@pytest.mark.parametrize("payload", [b"", b"maybe", b"\xff", b"1" * 200])
def test_a_wrong_word_is_no_state(payload: bytes) -> None:
    with pytest.raises(CorruptData):
        Driver(Broker(), Options(topic="c", state_topic="s")).feed((payload, False), 0)


@pytest.mark.parametrize(
    "payload",
    [b"{", b"[]", b"{}", b'{"s":null}', b'{"s":{}}', b"[" * 9_999, b'{"s":1' + b"0" * 99 + b"}"],
)
def test_a_broken_document_is_no_state(payload: bytes) -> None:
    driver = Driver(Broker(), Options(topic="c", state_topic="s", state_key="s"))
    with pytest.raises(CorruptData):
        driver.feed((payload, False), 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"topic": ""}, "topic: got"),
        ({"topic": "k/+"}, "topic: got"),
        ({"topic": "c", "state_topic": "s/#"}, "state_topic: got"),
        ({"topic": "c", "state_topic": "c"}, "state_topic: would hear"),
        ({"topic": "c", "state_key": "s"}, "state_topic: is missing"),
        ({"topic": "c", "on": "X", "off": "X"}, "off: must be another"),
    ],
)
def test_options_that_make_no_sense_name_their_key(options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options(**options)  # type: ignore[arg-type]


async def test_the_emulated_switch_does_as_it_is_told_and_says_so() -> None:
    clock = ManualClock()
    site = EmulatedSite(clock)
    options = Options(topic="k/1/c", state_topic="k/1/s", state_key="POWER")
    driver = Driver(site, options)

    class Ears:
        def hear(self, message: tuple[bytes, bool]) -> None:
            driver.feed(message, 0)

        def fail(self, error: base.DriverError) -> None:
            raise error

        def cut_off(self, error: base.DriverError) -> None:
            raise error

    site.listen(options, Ears())
    chip = Chip(options, site.take, site.post)
    driver.write(True)
    await clock.settle()
    assert chip.closed
    assert state(driver) == (True, None)
    chip.press(closed=False)
    assert state(driver) == (False, None)
    chip.faults.stuck = True
    driver.write(True)
    await clock.settle()
    assert state(driver) == (False, None)
    chip.faults.silent = True
    driver.write(True)
    await clock.settle()
    assert [state(driver)[0] for _ in range(3)] == [True, True, None]
