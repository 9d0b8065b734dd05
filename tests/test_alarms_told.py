"""From a rule's alarm to the messages of its ladder: who is meant, and that nobody is left out."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.notify.notice import Notice
from gateway.notify.notifying import Notifying
from tests.fakes import ManualClock
from tests.notices import configured
from tests.store_files import open_store

SECTION = """
  channels:
    mail: {kind: email, host: 127.0.0.1, port: 25, security: none, sender: kitchen@mapo.example}
    other: {kind: email, host: 127.0.0.1, port: 26, security: none, sender: kitchen@mapo.example}
  people:
    mina: {role: cook, email: mina@kitchen.example}
    jun: {role: cook, email: jun@kitchen.example}
    lee: {role: manager, email: lee@kitchen.example}
  routes: [{to: [manager], by: [mail]}]
"""
ROW: dict[str, object] = {
    "id": "warm", "verb": "raise", "state": "unacknowledged", "priority": "high",
    "point": None, "value": 9.0, "by": None,
}  # fmt: skip
TOLD = ROW | {"verb": "announce", "reason": "raised", "step": 0, "members": ["warm"], "people": []}


@pytest.fixture
def notifying(tmp_path: Path) -> Iterator[Notifying]:
    clock = ManualClock()
    store = open_store(tmp_path / "data", clock)
    found = Notifying(store.found.notices, store.log, clock, tmp_path)
    found.use(configured(tmp_path, SECTION), {})
    yield found
    store.close()


def told(notifying: Notifying, data: Mapping[str, object]) -> list[tuple[str, str]]:
    """Whom an event begins to tell, by which channel."""
    waiting = [it for lane in notifying.ledger.lanes.values() for it in lane.waiting]
    notifying.on_event(data, 0)
    return sorted(
        (name, delivery.channel)
        for lane in notifying.ledger.lanes.values()
        for key, delivery in lane.waiting.items()
        if key not in waiting
        for name in delivery.people
    )


def notice(notifying: Notifying, data: Mapping[str, object]) -> Notice:
    notifying.on_event(data, 0)
    return list(notifying.ledger.lanes["mail"].waiting.values())[-1].notice


def test_a_raise_is_told_by_the_routes_unless_it_is_told_in_another_way(
    notifying: Notifying,
) -> None:
    assert told(notifying, ROW) == [("lee", "mail")]
    assert told(notifying, ROW | {"announced": False}) == []
    assert told(notifying, TOLD | {"to": "", "reason": "gathered"}) == [("lee", "mail")]


def test_a_step_tells_who_is_on_duty_else_the_whole_role_else_the_routes(
    notifying: Notifying, caplog: pytest.LogCaptureFixture
) -> None:
    cook = TOLD | {"to": "on_duty cook"}
    assert told(notifying, cook | {"people": ["jun"]}) == [("jun", "mail")]
    assert told(notifying, cook) == [("jun", "mail"), ("mina", "mail")]
    assert told(notifying, cook | {"people": ["somebody_new"]}) == [
        ("jun", "mail"),
        ("mina", "mail"),
    ]
    assert told(notifying, TOLD | {"to": "owner"}) == [("lee", "mail")]
    assert "nobody is owner" in caplog.text


def test_a_priority_no_route_is_about_is_told_by_any_channel(
    notifying: Notifying, tmp_path: Path
) -> None:
    section = SECTION.replace("[{to:", "[{priorities: [life], to:")
    notifying.use(configured(tmp_path, section), {})
    assert told(notifying, ROW) == []
    assert told(notifying, TOLD | {"to": "manager"}) == [("lee", "mail")]


@pytest.mark.parametrize(
    ("row", "title"),
    [
        ({"reason": "raised"}, "Alarm"),
        ({"reason": "gathered", "members": ["warm", "door"]}, "Alarm"),
        ({"reason": "escalation", "priority": "life"}, "DANGER"),
        ({"reason": "escalation"}, "Not acknowledged yet"),
        ({"reason": "flood"}, "Alarm flood"),
        ({"reason": "chatter"}, "Alarm comes and goes"),
    ],
)
def test_a_message_says_why_people_are_told(
    notifying: Notifying, row: Mapping[str, object], title: str
) -> None:
    said = notice(notifying, {**TOLD, "to": "manager", **row})
    assert title in said.title


def test_a_gathered_message_names_all_its_alarms(notifying: Notifying) -> None:
    row = {**TOLD, "to": "", "reason": "gathered", "members": ["warm", "door", "air"], "more": 7}
    lines = notice(notifying, row).text.splitlines()
    assert [line for line in lines if line.startswith("+")] == ["+ door", "+ air", "+ 7 …"]
