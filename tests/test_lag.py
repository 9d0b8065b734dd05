"""The probe of the loop: how late it wakes, and who held it up."""

import asyncio
import logging
import re
import sys
import threading
import urllib.request
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from gateway import lag
from gateway.clock import SystemClock, stopwatch_s
from gateway.lag import CULPRITS_MAX, ELSEWHERE, GRAVE_S, OFTEN, OTHERS, LagProbe, culprit_of
from tests.patience import PATIENCE_S
from tests.processes import Daemon
from tests.store_files import until
from tests.test_life_cycle import pranked


def culprits(daemon: Daemon) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = daemon.health()["loop"]["culprits"]
    return found


def test_what_holds_up_the_loop_of_a_daemon_is_named_with_how_long(tmp_path: Path) -> None:
    daemon = pranked(tmp_path, "hold_up").start()
    try:
        token = daemon.create_token()
        (tmp_path / "go").touch()

        def named() -> dict[str, Any] | None:
            return next((one for one in culprits(daemon) if "dawdle" in one["where"]), None)

        culprit = daemon.wait_until(named)
        assert culprit["where"] == "gateway/app.py:_tick in kitchen_test_prank.py:dawdle"
        assert culprit["times"] >= 1
        assert culprit["worst_ms"] > 400
        daemon.wait_line(r"the loop was held up for \d+ ms by gateway/app.py:_tick in ")
        health = daemon.health()
        assert health["loop"]["late"] >= 1
        samples = daemon.wait_until(lambda: told(daemon, token))
        assert re.search(
            r"kitchen_loop_held_total{where=\"gateway/app.py:_tick in .*\"} \d+", samples
        )
        assert re.search(r"kitchen_loop_held_seconds_total{where=\"gateway/app.py:_tick", samples)
    finally:
        daemon.kill()


def told(daemon: Daemon, token: str) -> str | None:
    """What stands under /metrics, once the daemon knows the token."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{daemon.port}/metrics", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


async def test_the_thread_ends_with_the_probe_and_a_quiet_loop_has_no_culprit() -> None:
    probe = LagProbe()
    task = asyncio.create_task(probe.run(SystemClock()))
    await until(lambda: "lag" in {thread.name for thread in threading.enumerate()})
    await until(lambda: probe.take_worst_ms() > 0)
    task.cancel()
    await until(lambda: "lag" not in {thread.name for thread in threading.enumerate()})
    assert probe.trouble() is None
    assert probe.report()["late"] == probe.late


class Said(logging.Handler):
    """Waits for a line of the log in whatever thread writes it."""

    def __init__(self, pattern: str) -> None:
        super().__init__(logging.ERROR)
        self.pattern = pattern
        self.come = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if re.fullmatch(self.pattern, record.getMessage()):
            self.come.set()


async def test_a_loop_that_does_not_come_back_is_said_while_it_lasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lag, "STILL_S", 0.3)
    said = Said(r"the loop has been held up for \d+ s by threading.py:wait")
    lag.logger.addHandler(said)
    probe = LagProbe()
    task = asyncio.create_task(probe.run(SystemClock()))
    await until(lambda: probe.take_worst_ms() > 0)
    assert said.come.wait(PATIENCE_S)  # and meanwhile the loop does not turn
    lag.logger.removeHandler(said)
    task.cancel()


def test_a_culprit_is_our_innermost_function_and_what_it_called() -> None:
    frames: list[FrameType] = []
    ours = compile("def weigh(look):\n    look()\n", "/opt/x/gateway/store/scales.py", "exec")
    scope: dict[str, Any] = {"__name__": "gateway.store.scales"}
    exec(ours, scope)  # noqa: S102 - a frame of a module of ours
    scope["weigh"](lambda: frames.append(sys._getframe(1)))
    scope["weigh"](lambda: frames.append(sys._getframe()))
    assert culprit_of(frames[0]) == "gateway/store/scales.py:weigh"
    assert culprit_of(frames[1]) == ("gateway/store/scales.py:weigh in tests/test_lag.py:<lambda>")
    assert culprit_of(None) == ELSEWHERE


def test_culprits_are_bounded_and_said_once_a_minute_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    probe = LagProbe()
    for number in range(3 * CULPRITS_MAX):
        for again in range(2):
            probe._blame(f"file.py:f{number}", 200.0, now=float(again))
    assert len(probe.culprits) == CULPRITS_MAX + 1
    assert probe.culprits[OTHERS].times == 2 * 2 * CULPRITS_MAX
    assert probe.late == 6 * CULPRITS_MAX
    assert len(caplog.records) == CULPRITS_MAX + 1
    probe._blame("file.py:f0", 900.0, now=61.0)
    assert len(caplog.records) == CULPRITS_MAX + 2
    assert "held up for 900 ms by file.py:f0 (3 times so far)" in caplog.text
    assert probe.trouble() is None


def test_only_a_loop_that_is_very_late_again_and_again_is_a_trouble() -> None:
    probe = LagProbe()
    now = stopwatch_s()
    for _ in range(OFTEN - 1):
        probe._blame("file.py:f", GRAVE_S * 1000, now)
    assert probe.trouble() is None
    probe._blame("file.py:f", GRAVE_S * 1000, now)
    assert probe.trouble() == "held up for more than 1 s 10 times within 5 min, last by file.py:f"
