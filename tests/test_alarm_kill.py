"""Shelving, suppression and escalation over kills: nothing begins anew, nothing is forgotten."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store import events
from rules.alarm import State
from rules.base import Priority
from rules.escalation import Escalation, Ladder, Rung
from rules.judge import Judge
from rules.people import (
    Acknowledged,
    BackInService,
    ByPeople,
    HandedOver,
    OutOfService,
    Reset,
    Shelved,
    Unshelved,
)
from rules.terms import AlarmTerms, Suppress
from tests import test_judging
from tests.kitchen_rules import DOOR, OPEN, POINTS, rule
from tests.test_judging import Folders, Kitchen

folders = test_judging.folders  # the fixture

MINUTE = 60_000
LADDER = Ladder(
    rungs=(Rung(after_ms=0, to="on_duty cook"), Rung(after_ms=5 * MINUTE, to="manager")),
    repeat_ms=10 * MINUTE,
)


def judge() -> Judge:
    """A latching gas alarm, a fridge that its door excuses, and a fryer with an off-delay."""
    suppress = Suppress(point=DOOR, value=True, up_to_ms=10 * MINUTE)
    group = AlarmTerms(group="hot", clear_for_ms=2 * MINUTE, escalate="ladder")
    fridge = AlarmTerms(suppress=suppress, escalate="ladder", shelve_ms=30 * MINUTE)
    rules = [
        rule("gas", priority=Priority.LIFE, terms=AlarmTerms(latch=True), commands=()),
        rule("fridge", terms=fridge, commands=(), for_ms=MINUTE),
        rule("fryer", point=POINTS[1], terms=group, commands=()),
        rule("door", point=DOOR, condition=OPEN, terms=group, commands=(), priority=Priority.LOW),
    ]
    return Judge(rules, {}, ladders={"ladder": LADDER})


NAMES = st.sampled_from(["gas", "fridge", "fryer", "door"])
ACTS: st.SearchStrategy[ByPeople] = st.one_of(
    NAMES.map(lambda name: Acknowledged(name, "mina")),
    NAMES.map(lambda name: Shelved(name, "mina", "배달 delivery", 15 * MINUTE)),
    NAMES.map(lambda name: Unshelved(name, "lee")),
    NAMES.map(lambda name: Reset(name, "lee")),
    NAMES.map(lambda name: OutOfService(name, "lee", "수리 repair")),
    NAMES.map(lambda name: BackInService(name, "lee")),
    st.just(HandedOver("cook", "jun", "mina", 60 * MINUTE)),
)
VALUES = st.sampled_from([4.0, 7.0, 9.0, 9.0, None])
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("see"), st.sampled_from(POINTS[:2]), VALUES),
        st.tuples(st.just("see"), st.just(DOOR), st.sampled_from([True, False, None])),
        st.tuples(st.just("act"), ACTS),
        st.tuples(st.sampled_from(["tick", "commit", "kill"])),
    ),
    max_size=25,
)
GAPS = st.sampled_from([0, 500, 20_000, MINUTE, 6 * MINUTE, 16 * MINUTE])


@settings(max_examples=40, deadline=None)
@given(OPERATIONS, st.lists(GAPS, min_size=25, max_size=25))
def test_whatever_people_do_replays_to_exactly_the_state_however_often_it_was_killed(
    folders: Folders, operations: Sequence[tuple[object, ...]], gaps: Sequence[int]
) -> None:
    async def scenario() -> None:
        kitchen = Kitchen(folders(), judge())
        kitchen.start()
        for gap, operation in zip(gaps, operations, strict=False):
            kitchen.pass_time(gap)
            match operation:
                case ["see", str(point), value]:
                    assert value is None or isinstance(value, (bool, float))
                    kitchen.see(point, value, keep=False)
                case ["act", tuple() as event]:
                    kitchen.judging.act(event, kitchen.clock.now())  # type: ignore[arg-type]
                case ["kill"]:
                    kitchen.kill()
                    kitchen.start()
                case ["commit"]:
                    await kitchen.store.log.commit()
                    assert await kitchen.replayed() == kitchen.judging.state.entries
                case _:
                    kitchen.judging.tick(kitchen.clock.now())
        await kitchen.store.log.commit()
        assert await kitchen.replayed() == kitchen.judging.state.entries
        kitchen.store.close()
        shutil.rmtree(kitchen.folder)

    asyncio.run(scenario())


async def test_a_kill_during_a_shelving_neither_ends_nor_lengthens_it(folders: Folders) -> None:
    kitchen = Kitchen(folders(), judge())
    kitchen.start()
    kitchen.see(POINTS[1], 9.0)
    kitchen.judging.act(Shelved("fryer", "mina", "cleaning", 15 * MINUTE), kitchen.clock.now())
    await kitchen.store.log.commit()
    kitchen.pass_time(14 * MINUTE)
    kitchen.kill()
    kitchen.start()
    kitchen.pass_time(MINUTE - 1)
    kitchen.judging.tick(kitchen.clock.now())
    assert kitchen.judging.alarms()["fryer"].state is State.SHELVED
    kitchen.pass_time(1)
    kitchen.judging.tick(kitchen.clock.now())
    alarm = kitchen.judging.alarms()["fryer"]
    assert alarm.state is State.UNACKNOWLEDGED, "it stands: people are told again"
    await kitchen.store.log.commit()
    found = await events.between(kitchen.store.reader, 0, 1 << 50, {"alarm"})
    told = [(row.data["verb"], row.data["state"], row.data.get("reason")) for row in found.rows]
    assert told == [
        ("raise", "unacknowledged", None),
        ("shelve", "shelved", "cleaning"),
        ("unshelve", "unacknowledged", "time"),
        ("raise", "unacknowledged", None),
    ]
    assert found.complete
    kitchen.store.close()


async def test_a_kill_during_an_escalation_goes_on_at_the_next_step(folders: Folders) -> None:
    kitchen = Kitchen(folders(), judge())
    kitchen.start()
    kitchen.see(POINTS[1], 9.0)
    kitchen.pass_time(1_000)
    kitchen.judging.tick(kitchen.clock.now())  # a burst of one
    await kitchen.store.log.commit()
    kitchen.pass_time(4 * MINUTE)
    kitchen.kill()
    told: list[tuple[object, object, object]] = []

    def announce(data: Mapping[str, object], now: int) -> None:
        del now
        if data["verb"] == "announce":
            told.append((data["to"], data["step"], data["people"]))

    kitchen.judging.announce = announce
    kitchen.judging.on_duty = lambda to, now: ("jun", "lee") if to == "manager" and now else ()
    kitchen.start()
    assert told == [], "the cook was told before the kill"
    kitchen.pass_time(MINUTE)
    kitchen.judging.tick(kitchen.clock.now())
    assert told == [("manager", 1, ["jun", "lee"])]
    kitchen.judging.acknowledge("fryer", "jun", kitchen.clock.now())
    kitchen.pass_time(60 * MINUTE)
    kitchen.judging.tick(kitchen.clock.now())
    assert len(told) == 1
    kitchen.store.close()


async def test_an_escalation_that_was_not_stored_begins_when_its_cause_is_seen_again(
    folders: Folders,
) -> None:
    kitchen = Kitchen(folders(), judge())
    kitchen.start()
    kitchen.see(POINTS[1], 9.0)
    kitchen.kill()  # nothing was committed
    kitchen.start()
    assert kitchen.judging.alarms() == {}
    kitchen.see(POINTS[1], 9.0)
    kitchen.pass_time(1_000)
    kitchen.judging.tick(kitchen.clock.now())
    assert isinstance(kitchen.judging.state.entries["escalation/fryer"], Escalation)
    kitchen.store.close()
