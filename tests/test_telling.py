"""When people are told of alarms: bursts, floods, chattering and ladders, in kitchen time."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.judging import decode
from rules.alarm import State
from rules.announcing import (
    AGAIN_MS,
    BURST_MS,
    CHATTER_FROM,
    FLOOD_BELOW,
    FLOOD_FROM,
    FLOOD_MS,
    Announcing,
)
from rules.base import Priority, Rule
from rules.escalation import Escalation, Ladder, Rung
from rules.events import Announce, Effect, Elapsed, Observed, Record, Started
from rules.judge import Judge
from rules.people import Acknowledged, OutOfService, Shelved
from rules.telling import BOOK, MEMBERS_MAX
from rules.terms import AlarmTerms
from tests.kitchen_rules import Bench, Seen, decided, rule, stored

MINUTE = 60_000
LADDER = Ladder(
    rungs=(
        Rung(after_ms=0, to="on_duty cook"),
        Rung(after_ms=5 * MINUTE, to="manager"),
        Rung(after_ms=15 * MINUTE, to="owner"),
    ),
    repeat_ms=30 * MINUTE,
)


def many(
    count: int, *, priority: Priority = Priority.LOW, terms: AlarmTerms | None = None
) -> Bench:
    """A kitchen with so many rules, each about a point of its own."""
    return kitchen_of(
        [alarm_rule(f"r{number}", priority, terms or AlarmTerms()) for number in range(count)]
    )


def alarm_rule(name: str, priority: Priority, terms: AlarmTerms) -> Rule:
    return rule(name, point=f"{name}/temperature", priority=priority, terms=terms, commands=())


def kitchen_of(rules: list[Rule]) -> Bench:
    return Bench(Judge(rules, {}, ladders={"ladder": LADDER}))


def warm(kitchen: Bench, name: str, now: int) -> list[Effect]:
    return kitchen.feed(Observed(f"{name}/temperature", Seen(9.0, at=now)), now)


def cool(kitchen: Bench, name: str, now: int) -> list[Effect]:
    return kitchen.feed(Observed(f"{name}/temperature", Seen(5.0, at=now)), now)


def at_once(effects: list[Effect]) -> list[object]:
    """The alarms whose rows tell people by themselves."""
    rows = [row.data for row in decided(effects, Record) if row.data.get("verb") == "raise"]
    return [row["id"] for row in rows if row.get("announced", True)]


def messages(effects: list[Effect]) -> list[tuple[object, str, int, object]]:
    return [
        (it.data["reason"], it.to, it.step, it.data["members"]) for it in decided(effects, Announce)
    ]


def systems(effects: list[Effect]) -> list[tuple[object, object]]:
    rows = [row.data for row in decided(effects, Record) if row.kind == "system"]
    return [(row["code"], row["standing"]) for row in rows]


def test_a_flood_begins_with_the_eleventh_alarm_in_ten_minutes_and_is_told_once() -> None:
    kitchen = many(20)
    for number in range(FLOOD_FROM - 1):
        assert at_once(warm(kitchen, f"r{number}", number * 1_000)) == [f"r{number}"]
    effects = warm(kitchen, "r10", 11_000)
    assert at_once(effects) == []
    assert systems(effects) == [("alarm_flood", True)]
    ((reason, to, _, members),) = messages(effects)
    assert (reason, to, members) == ("flood", "", [f"r{number}" for number in range(11)])
    assert systems(warm(kitchen, "r11", 12_000)) == []
    late = kitchen.feed(Elapsed(), 11_000 + AGAIN_MS)
    assert messages(late) == [("gathered", "", 0, ["r10", "r11"])]


def test_ten_alarms_in_ten_minutes_are_no_flood_and_eleven_in_eleven_are_none() -> None:
    kitchen = many(22)
    for number in range(22):
        now = number * MINUTE + number // 10  # ten stay in any window
        assert at_once(warm(kitchen, f"r{number}", now)) == [f"r{number}"]


def test_a_flood_is_over_once_fewer_than_five_alarms_are_left_in_its_window() -> None:
    kitchen = many(20)
    for number in range(FLOOD_FROM):
        warm(kitchen, f"r{number}", number * 1_000)
    leaving = (FLOOD_FROM - FLOOD_BELOW) * 1_000 + FLOOD_MS
    assert systems(kitchen.feed(Elapsed(), leaving - 1)) == []
    assert systems(kitchen.feed(Elapsed(), leaving)) == [("alarm_flood", False)]
    assert at_once(warm(kitchen, "r19", leaving + 1)) == ["r19"]


def test_what_is_urgent_is_told_at_once_in_a_flood_too() -> None:
    rules = [alarm_rule(f"r{number}", Priority.LOW, AlarmTerms()) for number in range(11)]
    rules += [alarm_rule(name.value, name, AlarmTerms()) for name in Priority]
    kitchen = kitchen_of(rules)
    for number in range(11):
        warm(kitchen, f"r{number}", number)
    told = {name.value: at_once(warm(kitchen, name.value, 20)) for name in Priority}
    assert told == {"life": ["life"], "high": ["high"], "medium": [], "low": []}


def test_what_was_seen_or_hidden_before_the_gathered_message_is_not_in_it() -> None:
    kitchen = many(20)
    for number in range(15):
        warm(kitchen, f"r{number}", 0)
    kitchen.feed(Acknowledged("r10", "mina"), 1_000)
    kitchen.feed(Shelved("r11", "mina", "delivery", AGAIN_MS * 2), 1_000)
    kitchen.feed(OutOfService("r12", "lee", "repair"), 1_000)
    cool(kitchen, "r13", 2_000)  # over, but nobody has seen it
    assert messages(kitchen.feed(Elapsed(), AGAIN_MS)) == [("gathered", "", 0, ["r13", "r14"])]


def test_a_chattering_alarm_is_told_of_once_and_then_every_ten_minutes() -> None:
    kitchen = many(1, priority=Priority.HIGH)
    told: list[object] = []
    effects: list[Effect] = []
    for number in range(CHATTER_FROM):
        effects = warm(kitchen, "r0", number * 10_000)
        told += at_once(effects)
        cool(kitchen, "r0", number * 10_000 + 5_000)
    assert told == ["r0", "r0"]
    assert systems(effects) == [("alarm_chatter", True)]
    assert messages(effects) == [("chatter", "", 0, ["r0"])]
    kitchen.feed(Acknowledged("r0", "mina"), 26_000)
    assert kitchen.alarm("r0") is None
    assert at_once(warm(kitchen, "r0", 30_000)) == []
    late = kitchen.feed(Elapsed(), 10_000 + AGAIN_MS)
    assert messages(late) == [("gathered", "", 0, ["r0"])], "it still stands, and nobody was told"
    assert systems(kitchen.feed(Elapsed(), 30_000 + AGAIN_MS)) == [("alarm_chatter", False)]


def test_danger_to_people_is_never_held_back_however_often_it_comes() -> None:
    kitchen = many(1, priority=Priority.LIFE)
    for number in range(30):
        assert at_once(warm(kitchen, "r0", number * 1_000)) == ["r0"]
        cool(kitchen, "r0", number * 1_000 + 500)


def test_what_a_group_raises_together_is_one_message_that_names_the_first() -> None:
    kitchen = many(4, priority=Priority.HIGH, terms=AlarmTerms(group="cold_chain"))
    for number, at in enumerate((0, 200, 900)):
        assert at_once(warm(kitchen, f"r{number}", at)) == []
    effects = kitchen.feed(Elapsed(), BURST_MS)
    assert messages(effects) == [("gathered", "", 0, ["r0", "r1", "r2"])]
    alarms = [kitchen.alarm(f"r{number}") for number in range(3)]
    assert [alarm.first_out for alarm in alarms if alarm] == ["r0"] * 3
    assert messages(warm(kitchen, "r3", 5_000)) == []
    assert messages(kitchen.feed(Elapsed(), BURST_MS + AGAIN_MS)) == [("gathered", "", 0, ["r3"])]


def test_a_more_urgent_member_of_a_burst_is_told_of_soon_and_danger_at_once() -> None:
    group = AlarmTerms(group="cold_chain")
    kitchen = kitchen_of([alarm_rule(name.value, name, group) for name in Priority])
    warm(kitchen, "low", 0)
    kitchen.feed(Elapsed(), BURST_MS)
    assert at_once(warm(kitchen, "life", 5_000)) == ["life"]
    warm(kitchen, "high", 10_000)
    assert messages(kitchen.feed(Elapsed(), 10_000 + BURST_MS)) == []  # life was told of
    cool(kitchen, "life", 20_000)
    kitchen.feed(Acknowledged("life", "mina"), 20_000)
    late = kitchen.feed(Elapsed(), 5_000 + AGAIN_MS)
    assert [members for *_, members in messages(late)] == [["high"]]


def test_the_next_burst_of_a_group_has_a_first_of_its_own() -> None:
    kitchen = many(2, priority=Priority.HIGH, terms=AlarmTerms(group="cold_chain"))
    warm(kitchen, "r0", 0)
    kitchen.feed(Acknowledged("r0", "mina"), 1_000)
    cool(kitchen, "r0", 2_000)
    warm(kitchen, "r1", 3_000)
    alarm = kitchen.alarm("r1")
    assert alarm is not None
    assert alarm.first_out == "r1"


def climbing(count: int = 1) -> Bench:
    terms = AlarmTerms(escalate="ladder", group="cold_chain" if count > 1 else "")
    return many(count, priority=Priority.HIGH, terms=terms)


def test_a_ladder_is_climbed_until_somebody_acknowledges() -> None:
    kitchen = climbing()
    effects = warm(kitchen, "r0", 0)
    assert at_once(effects) == [], "the ladder tells"
    assert messages(effects) == [("raised", "on_duty cook", 0, ["r0"])]
    assert messages(kitchen.feed(Elapsed(), 5 * MINUTE - 1)) == []
    steps = [
        (5, ("escalation", "manager", 1, ["r0"])),
        (15, ("escalation", "owner", 2, ["r0"])),
        (45, ("escalation", "owner", 3, ["r0"])),
        (75, ("escalation", "owner", 4, ["r0"])),
    ]
    for minute, message in steps:
        assert messages(kitchen.feed(Elapsed(), minute * MINUTE)) == [message]
    kitchen.feed(Acknowledged("r0", "mina"), 76 * MINUTE)
    assert "escalation/r0" not in kitchen.state.entries
    assert messages(kitchen.feed(Elapsed(), 500 * MINUTE)) == []


def test_an_alarm_that_is_over_and_unseen_goes_on_being_told() -> None:
    kitchen = climbing()
    warm(kitchen, "r0", 0)
    cool(kitchen, "r0", MINUTE)
    assert messages(kitchen.feed(Elapsed(), 5 * MINUTE)) == [("escalation", "manager", 1, ["r0"])]


def test_an_alarm_that_comes_and_goes_climbs_its_ladder_all_the_same() -> None:
    kitchen = climbing()
    told = []
    for minute in range(16):
        effects = warm(kitchen, "r0", minute * MINUTE)
        effects += cool(kitchen, "r0", minute * MINUTE + 30_000)
        told += [(minute, to) for _, to, *_ in messages(effects)]
    assert told == [(0, "on_duty cook"), (5, "manager"), (15, "owner")]


def test_a_burst_climbs_its_ladder_as_one_and_leaves_out_who_was_acknowledged() -> None:
    kitchen = climbing(3)
    for number in range(3):
        warm(kitchen, f"r{number}", number)
    names = ["r0", "r1", "r2"]
    first = kitchen.feed(Elapsed(), BURST_MS)
    assert messages(first) == [("gathered", "on_duty cook", 0, names)]
    kitchen.feed(Acknowledged("r1", "mina"), MINUTE)
    second = kitchen.feed(Elapsed(), BURST_MS + 5 * MINUTE)
    assert messages(second) == [("escalation", "manager", 1, ["r0", "r2"])]


def test_a_restart_changes_nothing_of_a_ladder_and_another_configuration_begins_it_anew() -> None:
    kitchen = climbing()
    warm(kitchen, "r0", 0)
    kitchen.feed(Elapsed(), 5 * MINUTE)
    entries = decode(stored(kitchen.state.entries))
    again = Bench(kitchen.judge, entries)
    assert again.feed(Started(), 6 * MINUTE) == []
    assert again.state.entries == kitchen.state.entries
    assert messages(again.feed(Elapsed(), 15 * MINUTE)) == [("escalation", "owner", 2, ["r0"])]
    other = Ladder(rungs=(Rung(after_ms=0, to="chef"),), repeat_ms=0)
    terms = AlarmTerms(escalate="other")
    judge = Judge([alarm_rule("r0", Priority.HIGH, terms)], {}, ladders={"other": other})
    changed = Bench(judge, decode(stored(kitchen.state.entries)))
    assert messages(changed.feed(Started(), 6 * MINUTE)) == [("raised", "chef", 0, ["r0"])]
    entry = changed.state.entries["escalation/r0"]
    assert isinstance(entry, Escalation)
    assert entry.due is None, "everybody was told, and nobody is to be told again"


def test_a_message_names_fifty_alarms_and_counts_the_others() -> None:
    kitchen = many(200)
    for number in range(200):
        warm(kitchen, f"r{number}", 0)
    (announce,) = decided(kitchen.feed(Elapsed(), AGAIN_MS), Announce)
    assert (
        announce.data["members"]
        == [f"r{number}" for number in sorted(range(10, 200), key=str)][:MEMBERS_MAX]
    )
    assert announce.data["more"] == 190 - MEMBERS_MAX
    book = kitchen.state.entries[BOOK]
    assert isinstance(book, Announcing)
    assert len(book.raises) <= 64


DOINGS = st.lists(
    st.tuples(
        st.sampled_from([0, 300, 5_000, MINUTE, 6 * MINUTE, 20 * MINUTE]),
        st.sampled_from(["warm", "warm", "warm", "cool", "ack", "shelve", "tick", "restart"]),
        st.integers(0, 15),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(DOINGS)
def test_nobody_is_left_untold_of_an_alarm_that_stands_and_nobody_has_seen(
    doings: list[tuple[int, str, int]],
) -> None:
    """After half an hour of rest each alarm that waits was told of since it was raised."""
    rules = [
        alarm_rule(
            f"r{number}",
            list(Priority)[number % 4],
            AlarmTerms(group="g" if number % 3 else "", escalate="ladder" if number % 2 else ""),
        )
        for number in range(16)
    ]
    kitchen, now = kitchen_of(rules), 0
    for gap, what, number in doings:
        now += gap
        name = f"r{number}"
        match what:
            case "warm":
                warm(kitchen, name, now)
            case "cool":
                cool(kitchen, name, now)
            case "ack":
                kitchen.feed(Acknowledged(name, "mina"), now)
            case "shelve":
                kitchen.feed(Shelved(name, "mina", "noise", 5 * MINUTE), now)
            case "restart":
                effects = kitchen.effects
                kitchen = Bench(kitchen.judge, decode(stored(kitchen.state.entries)))
                kitchen.effects = effects
                kitchen.feed(Started(), now)
            case _:
                kitchen.feed(Elapsed(), now)
    kitchen.feed(Elapsed(), now + 30 * MINUTE)
    for number in range(16):
        alarm = kitchen.alarm(f"r{number}")
        if alarm is not None and alarm.state is State.UNACKNOWLEDGED:
            assert last_told(kitchen, f"r{number}") >= alarm.since, number
    book = kitchen.state.entries.get(BOOK, Announcing())
    assert isinstance(book, Announcing)
    assert not book.held
    assert msgspec.json.decode(msgspec.json.encode(book), type=Announcing) == book


def last_told(kitchen: Bench, name: str) -> int:
    """When people were last told of it, by a row, a message, or as one that chatters."""
    told = -1
    for at, effect in kitchen.effects:
        if isinstance(effect, Announce):
            members = effect.data["members"]
            assert isinstance(members, list)
            told = at if name in members and effect.data["reason"] != "flood" else told
        elif name in at_once([effect]):
            told = at
    return told
