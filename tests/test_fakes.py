"""The fakes and the private broker behave, since everything else leans on them."""

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.clock import Boot, Clock, Trust
from tests import parts
from tests.broker import Broker, BrokerError, Settings
from tests.conftest import BrokerFactory
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S

_CONNECT = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test"  # MQTT 3.1.1, 3.1


async def test_sleepers_wake_in_order_at_their_own_moment() -> None:
    manual = ManualClock()
    clock: Clock = manual
    start = clock.now()
    woke: list[tuple[str, int]] = []

    async def nap(name: str, *naps_s: float) -> None:
        for nap_s in naps_s:
            await clock.sleep(nap_s)
            woke.append((name, clock.now() - start))

    tasks = [asyncio.create_task(nap("a", 0.3, 0.3)), asyncio.create_task(nap("b", 0.1, 0.4))]
    await manual.advance(499)

    assert woke == [("b", 100), ("a", 300)]
    assert manual.sleeping == 2
    await manual.advance(101)
    assert woke[2:] == [("b", 500), ("a", 600)]
    await asyncio.gather(*tasks)


async def test_a_cancelled_sleeper_does_not_hold_the_clock() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.settle()
    task.cancel()
    await clock.advance(2000)

    assert task.cancelled()
    assert clock.sleeping == 0


def test_wall_and_trust_are_set_at_will_and_wall_moves_along() -> None:
    clock = ManualClock(wall_ms=1_000, trusted=Trust.RTC)
    clock.pause(0.25)

    assert (clock.wall(), clock.trust(), clock.paused_s) == (1_250, Trust.RTC, [0.25])


def test_kitchen_time_goes_on_after_a_restart() -> None:
    clock = ManualClock(monotonic_ms=10_000)
    clock.resume(Boot(clock.boot_id, monotonic_ms=9_000, wall_ms=0, kitchen_ms=70_000))

    assert clock.now() == 71_000


async def test_on_a_machine_that_was_suspended_everybody_wakes_late_and_once() -> None:
    clock, woken = ManualClock(monotonic_ms=10_000), list[int]()

    async def tick() -> None:
        while True:
            await clock.sleep(1)
            woken.append(clock.now())

    ticking = asyncio.create_task(tick())
    await clock.leap(60_000)
    await clock.advance(1_000)
    ticking.cancel()
    assert woken == [70_000, 71_000]


def _answer(broker: Broker, packet: bytes, timeout_s: float = PATIENCE_S) -> bytes:
    with socket.create_connection((broker.host, broker.port), timeout=timeout_s) as wire:
        wire.sendall(packet)
        return wire.recv(4)


def test_a_broker_answers_and_keeps_its_port_over_a_kill(mosquitto: BrokerFactory) -> None:
    broker = mosquitto()
    port = broker.port
    assert _answer(broker, _CONNECT) == b"\x20\x02\x00\x00"

    broker.kill()
    with pytest.raises(OSError, match="refused"):
        _answer(broker, _CONNECT)
    broker.start()

    assert broker.port == port
    assert _answer(broker, _CONNECT) == b"\x20\x02\x00\x00"


def test_a_frozen_broker_is_silent_until_thawed(mosquitto: BrokerFactory) -> None:
    broker = mosquitto(Settings(persistence=False))
    broker.freeze()
    with pytest.raises(TimeoutError):
        _answer(broker, _CONNECT, timeout_s=0.2)
    broker.thaw()

    assert _answer(broker, _CONNECT) == b"\x20\x02\x00\x00"


def test_a_broker_with_users_turns_strangers_away(mosquitto: BrokerFactory) -> None:
    broker = mosquitto(Settings(users={"test": "secret"}))
    known = b"\x10\x1e\x00\x04MQTT\x04\xc2\x00\x3c\x00\x04test\x00\x04test\x00\x06secret"
    wrong = known.replace(b"secret", b"guess!")

    assert _answer(broker, known) == b"\x20\x02\x00\x00"
    assert _answer(broker, wrong) == b"\x20\x02\x00\x05"
    assert _answer(broker, _CONNECT) == b"\x20\x02\x00\x05"


def test_a_broker_that_cannot_start_says_why(mosquitto: BrokerFactory) -> None:
    with pytest.raises(BrokerError, match="nonsense"):
        mosquitto(Settings(extra=("nonsense yes",)))


def test_a_part_is_believed_by_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/bin/echo", "/does/not/exist"):
        monkeypatch.setenv("KG_MOSQUITTO", path)
        parts.find.cache_clear()
        assert parts.find(parts.MOSQUITTO) is None
    parts.find.cache_clear()


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")])
@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_a_missing_part_is_listed_and_fails_only_on_ci(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    ci: str,
    status: int,
    workers: tuple[str, ...],
) -> None:
    monkeypatch.setenv("KG_MOSQUITTO", "/does/not/exist")
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the others take seconds to load
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makepyfile(test_it="def test_needs(mosquitto): ...\n\ndef test_plain(): ...\n")

    result = pytester.runpytest_subprocess("-p", "tests.conftest", *workers)

    assert result.ret == status
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["*NOT RUN*", "mosquitto is missing: sudo apt-get install mosquitto*", "*test_needs*"]
    )
