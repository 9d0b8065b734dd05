"""What becomes of an alarm is said in the log, once each, and never in the words of a stranger."""

import logging
from pathlib import Path

import pytest

from gateway import alarm_log
from rules.judge import Judge
from tests.kitchen_rules import POINTS, contract, rule
from tests.test_judging import Kitchen


async def test_an_alarm_is_a_line_when_it_is_raised_and_a_line_when_it_is_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kitchen = Kitchen(tmp_path, Judge([rule()], {"siren": contract()}))
    caplog.set_level(logging.INFO, alarm_log.logger.name)
    kitchen.start()
    for value in (4.0, 9.0, 9.5):
        kitchen.see(POINTS[0], value)
    kitchen.acknowledge("warm")
    kitchen.see(POINTS[0], 5.0)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "alarm warm: raised, high: walk_in/temperature is 9.0"),
        ("INFO", "alarm warm: cleared"),
    ]
    await kitchen.stop()


def test_the_troubles_of_the_gateway_itself_are_said_in_their_own_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trouble = {"verb": "raise", "id": "system.left_out.oven", "priority": "high", "point": None}
    alarm_log.say({**trouble, "value": "oven is left out: no such driver"})
    assert caplog.messages == [
        "alarm system.left_out.oven: raised, high: oven is left out: no such driver"
    ]


def test_who_ended_an_alarm_is_named_and_a_text_from_a_device_stays_on_its_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, alarm_log.logger.name)
    alarm_log.say({"verb": "clear", "id": "warm", "by": "mina"})
    alarm_log.say(
        {"verb": "raise", "id": "mode", "priority": "low", "point": "a/text", "value": "x\ny"}
    )
    assert caplog.messages == [
        "alarm warm: cleared by mina",
        "alarm mode: raised, low: a/text is 'x\\ny'",
    ]
