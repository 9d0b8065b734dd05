"""The quality table is one row for each reason, and every end of the line agrees on its codes."""

import re

from drivers.base import Reason
from gateway.reading import QUALITY_OF_CODE, QUALITY_OF_REASON, Quality
from tests.processes import REPOSITORY


def test_every_reason_a_driver_may_give_has_one_quality() -> None:
    assert set(QUALITY_OF_REASON) == set(Reason)
    assert len({quality.code for quality in Quality}) == len(Quality)


def test_the_codes_are_those_of_the_protocol_page() -> None:
    page = (REPOSITORY / "docs" / "protocol.md").read_text()
    table = re.findall(r"^\| (\d) \| (good|uncertain|bad) \| ([a-z ]*) ?\|$", page, re.MULTILINE)
    written = {int(code): (level, reason.strip()) for code, level, reason in table}
    ours = {
        code: (quality.level, quality.reason.value.replace("_", " ") if quality.reason else "")
        for code, quality in QUALITY_OF_CODE.items()
    }
    assert written == ours


def test_sparkplug_knows_only_three_codes() -> None:
    assert {quality.sparkplug for quality in Quality} <= {0, 192, 500}
