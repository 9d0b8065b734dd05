"""Notifications from the event to the server that takes them: real servers, a real store."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from gateway.clock import Trust
from gateway.notify import kinds
from gateway.notify.delivery import Status
from gateway.notify.notifying import Nobody, NoSuchChannel, Notifying
from gateway.store.log import unpacked
from gateway.store.opening import Store
from rules.base import Priority
from tests.fakes import ManualClock
from tests.notices import configured, event, keep_secret
from tests.post_office import PostOffice
from tests.store_files import open_store, until

STEP_MS = 200
TRIES = 20_000  # steps; a test that needs them all waits in vain
CHANNELS = """
  channels:
    mail: {{kind: email, host: 127.0.0.1, port: {mail}, security: none, sender: kitchen@mapo.example}}
    hook: {{kind: webhook, url: "{hook}/hook", addresses: [127.0.0.1]}}
    chat: {{kind: slack, url: {{secret: slack}}, addresses: [127.0.0.1]}}
  people:
    kim: {{label: Kim, role: manager, email: kim@example.com{quiet}}}
    lee: {{role: cook, email: lee@example.com}}
"""  # noqa: E501
EACH = """
  routes:
    - {to: [manager], by: [mail]}
    - {by: [hook]}
    - {by: [chat]}
"""
BY_MAIL = "  routes: [{to: [manager], by: [mail]}]\n"
FIRST_MAIL = "  routes: [{to: [manager], by: [mail, hook]}]\n"
BY_HOOK = "  routes: [{by: [hook], verbs: [raise, clear]}]\n"


class Site:
    """A gateway reduced to its store and its notifications, and where they end."""

    def __init__(self, folder: Path, office: PostOffice, clock: ManualClock) -> None:
        self.folder = folder
        self.office = office
        self.clock = clock
        self.store: Store
        self.notifying: Notifying

    @asynccontextmanager
    async def running(self, routes: str = EACH, *, quiet: str = "") -> AsyncIterator["Site"]:
        """From a start to an end without warning; what is stored is found by the next one."""
        self.store = open_store(self.folder / "data", self.clock)
        log = self.store.log
        self.notifying = Notifying(self.store.found.notices, log, self.clock, self.folder)
        self.use(routes, quiet=quiet)
        tasks = [asyncio.ensure_future(log.run()), asyncio.ensure_future(self.notifying.run())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.store.close()

    def use(self, routes: str, *, quiet: str = "", channels: str = CHANNELS) -> None:
        """Go by this configuration."""
        keep_secret(self.folder, "slack", f"{self.office.hook_url}/chat")
        section = channels.format(
            mail=self.office.mail_port, hook=self.office.hook_url, quiet=quiet
        )
        self.notifying.use(configured(self.folder, section + routes), {})

    def happens(
        self,
        alarm: str = "walk_in_warm",
        verb: str = "raise",
        priority: Priority = Priority.HIGH,
    ) -> None:
        """An alarm's event, as judging hands it out."""
        now = self.clock.now()
        data = event(alarm, verb, priority)
        self.store.log.event("alarm", data, now)
        self.notifying.on_event(data, now)

    async def until(self, look: Callable[[], object]) -> None:
        """Let time pass, here and in the kitchen, until `look` gives something true."""
        for _ in range(TRIES):
            if look():
                return
            await self.clock.advance(STEP_MS)
            await asyncio.sleep(0.001)
        pytest.fail("waited in vain")

    async def until_quiet(self) -> None:
        """Let time pass until nothing waits any more."""
        lanes = self.notifying.ledger.lanes
        await self.until(lambda: not any(lane.waiting for lane in lanes.values()))

    def posted(self, path: str) -> list[str]:
        """The notices a path has taken."""
        return [it.notice for it in self.office.posted if it.path == path and it.status == 200]

    def events(self, kind: str) -> list[str]:
        """Stored events that have this word in them."""
        with closing(sqlite3.connect(self.store.path / "gateway.db")) as connection:
            rows = [
                unpacked(body).decode() for (body,) in connection.execute("SELECT body FROM ev")
            ]
        return [row for row in rows if kind in row]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as opened:
        yield opened


@pytest.fixture
def site(tmp_path: Path, office: PostOffice) -> Site:
    return Site(tmp_path, office, ManualClock())


async def test_one_event_is_one_message_on_each_route_with_one_id(
    site: Site, office: PostOffice
) -> None:
    async with site.running():
        site.happens()
        await site.until_quiet()
    (mail,) = office.mails
    assert [mail.notice] == site.posted("/hook") == site.posted("/chat")
    assert mail.message["Subject"] == "[Mapo] Alarm: walk_in_warm"
    assert "Value: 8.4 (walk_in/temperature)" in mail.text
    assert "At: 2027-01-15 17:00:00 (Asia/Seoul)" in mail.text


@pytest.mark.parametrize("dead", ["mail", "hook", "chat"])
async def test_a_dead_channel_keeps_no_other_from_telling_and_tells_later(
    dead: str, site: Site, office: PostOffice
) -> None:
    paths = {"hook": "/hook", "chat": "/chat"}
    if dead == "mail":
        office.close_mail()
    else:
        office.hook_answer = lambda path: 503 if path == paths[dead] else 200
    told: dict[str, Callable[[], int]] = {
        "mail": lambda: len(office.mails),
        "hook": lambda: len(site.posted("/hook")),
        "chat": lambda: len(site.posted("/chat")),
    }
    alive = [count for name, count in told.items() if name != dead]
    async with site.running():
        for number in range(5):
            site.happens(f"alarm_{number}")
        await site.until(lambda: all(count() == 5 for count in alive))
        lane = site.notifying.ledger.lanes[dead]
        await site.until(lambda: lane.breaker.opened_at is not None)
        assert told[dead]() == 0
        assert site.notifying.troubles() == [f"notifications by {dead}: {lane.error}"]
        office.hook_answer = lambda path: 200
        if dead == "mail":
            office.open_mail()
        await site.until_quiet()
        assert site.notifying.troubles() == []
    assert [count() for count in told.values()] == [5, 5, 5]
    assert len({it.notice for it in office.mails}) == 5


async def test_a_recipient_who_is_refused_is_told_by_the_next_channel(
    site: Site, office: PostOffice
) -> None:
    office.mail_answer = lambda to: "550 no such user"
    async with site.running(FIRST_MAIL):
        site.happens()
        await site.until_quiet()
        states = {it.channel: it.status for it in site.notifying.ledger.all()}
    assert states == {"mail": Status.FAILED, "hook": Status.HANDED_OVER}
    assert len(site.posted("/hook")) == 1


async def test_danger_to_people_goes_by_the_next_channel_while_the_first_does_not_answer(
    site: Site, office: PostOffice
) -> None:
    office.close_mail()
    async with site.running(FIRST_MAIL):
        started = site.clock.now()
        site.happens("gas_leak", priority=Priority.LIFE)
        await site.until(lambda: site.notifying.outbound.counters.requests)
        assert site.clock.now() - started < 10_000
        await site.until(lambda: site.posted("/hook"))
        office.open_mail()
        await site.until_quiet()
    assert [it.notice for it in office.mails] == site.posted("/hook")


async def test_who_can_be_told_by_nobody_is_an_event_of_its_own(
    site: Site, office: PostOffice
) -> None:
    office.mail_answer = lambda to: "550 no such user"
    async with site.running(BY_MAIL):
        site.happens("gas_leak")
        await site.until_quiet()
        await site.until(lambda: site.events("not_told"))
        (said,) = site.events("not_told")
        assert '"person":"kim"' in said
        assert '"alarm":"gas_leak"' in said
        assert site.notifying.ledger.lost == 1


@pytest.mark.parametrize("channel", ["hook", "mail"])
async def test_of_what_one_in_five_faults_would_cost_nothing_is_left(
    channel: str, site: Site, office: PostOffice
) -> None:
    """Final failures fall by 95 % at least against one attempt each: to none here."""
    dice, first, count = random.Random(4), dict[str, bool](), 60

    def fails(notice: str) -> bool:
        fault = dice.random() < 0.2
        first.setdefault(notice, fault)
        return fault

    if channel == "hook":
        office.judge_post = lambda notice: dice.choice([0, 500, 503]) if fails(notice) else 200
    else:
        office.judge_mail = lambda notice: "451 try again" if fails(notice) else None
    async with site.running(BY_HOOK if channel == "hook" else BY_MAIL):
        for number in range(count):
            site.happens(f"alarm_{number}")
        await site.until_quiet()
        lost = site.notifying.ledger.lost
        failures = site.notifying.ledger.lanes[channel].counters.failed
    once = sum(first.values())
    assert once >= count / 10
    assert lost + failures <= once * 0.05
    taken = site.posted("/hook") if channel == "hook" else [it.notice for it in office.mails]
    assert set(taken) == set(first)
    assert len(first) == count


async def test_a_message_goes_out_once_its_row_is_stored(site: Site, office: PostOffice) -> None:
    stored: list[bool] = []

    def look(notice: str) -> int:
        with closing(sqlite3.connect(site.store.path / "gateway.db")) as connection:
            rows = connection.execute("SELECT key FROM notices").fetchall()
        stored.append((f"{notice}/hook/",) in rows)
        return 200

    office.judge_post = look
    async with site.running(BY_HOOK):
        for number in range(20):
            site.happens(f"alarm_{number}")
        await until(lambda: len(stored) == 20)
    assert all(stored)


async def test_a_start_after_no_goodbye_goes_on_with_the_same_ids(
    site: Site, office: PostOffice
) -> None:
    office.hook_answer = lambda path: 503
    async with site.running(BY_HOOK):
        site.happens()
        lane = site.notifying.ledger.lanes["hook"]
        await site.until(lambda: lane.counters.unreachable)
        await site.store.log.durable()
        (before,) = lane.waiting.values()
    office.hook_answer = lambda path: 200
    async with site.running(BY_HOOK):
        (found,) = site.notifying.ledger.lanes["hook"].waiting.values()
        assert found == before
        await site.until_quiet()
        await site.store.log.durable()
    assert site.posted("/hook") == [before.notice.id]
    async with site.running(BY_HOOK):
        assert [it.status for it in site.notifying.ledger.all()] == [Status.HANDED_OVER]


QUIET = ', quiet: {from: "22:00", to: "07:00"}'
AT_NIGHT_MS = 1_800_000_000_000 + (13 * 60 + 56) * 60_000  # 06:56 in Seoul


async def test_quiet_hours_hold_what_can_wait_and_never_danger(
    site: Site, office: PostOffice
) -> None:
    site.clock.wall_ms = AT_NIGHT_MS
    async with site.running(BY_MAIL, quiet=QUIET):
        site.happens("walk_in_warm")
        site.happens("gas_leak", priority=Priority.LIFE)
        lane = site.notifying.ledger.lanes["mail"]
        await site.until(lambda: lane.counters.handed_over)
        assert [it.message["Subject"] for it in office.mails] == ["[Mapo] DANGER: gas_leak"]
        (held,) = lane.waiting.values()
        until_ms = held.due - site.clock.now()
        assert site.clock.wall_ms + until_ms == AT_NIGHT_MS + 4 * 60_000
        await site.clock.advance(until_ms - 60_000)
        assert len(office.mails) == 1
        await site.until_quiet()
        assert len(office.mails) == 2


async def test_without_a_trusted_clock_there_are_no_quiet_hours(
    site: Site, office: PostOffice
) -> None:
    site.clock.wall_ms, site.clock.trusted = AT_NIGHT_MS, Trust.UNSYNCED
    async with site.running(BY_MAIL, quiet=QUIET):
        site.happens()
        await site.until_quiet()
    assert len(office.mails) == 1


async def test_a_channel_is_exchanged_on_reload_and_what_waits_goes_by_the_new_one(
    site: Site, office: PostOffice
) -> None:
    office.close_hook()
    async with site.running(BY_HOOK):
        site.happens()
        lane = site.notifying.ledger.lanes["hook"]
        await site.until(lambda: lane.counters.unreachable)
        moved = CHANNELS.replace("{hook}/hook", "{hook}/moved")
        office.open_hook()
        site.use(BY_HOOK, channels=moved)
        await site.until_quiet()
        assert site.notifying.ledger.lanes["hook"] is lane
        assert len(site.posted("/moved")) == 1
        assert site.posted("/hook") == []


async def test_a_bug_in_one_channel_is_that_channels_trouble(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = dict(kinds.MODULES) | {"broken": "tests.broken_channel"}
    monkeypatch.setattr(kinds, "MODULES", modules)
    channels = CHANNELS.replace("  channels:\n", "  channels:\n    bug: {{kind: broken}}\n")
    async with site.running():
        site.use("  routes: [{by: [bug]}, {by: [hook]}]\n", channels=channels)
        site.happens()
        await site.until(lambda: site.posted("/hook"))
        lane = site.notifying.ledger.lanes["bug"]
        await site.until(lambda: lane.counters.unreachable > 1)
        assert lane.error == "a bug: KeyError"


async def test_judging_never_falls_over_what_cannot_be_said(site: Site) -> None:
    async with site.running():
        site.notifying.on_event({"id": "x", "verb": "raise", "priority": "high"}, 0)
        site.notifying.on_event({"verb": "raise", "priority": "high"}, 0)
        site.notifying.on_event({}, 0)
        assert site.notifying.bugs == 1


async def test_only_what_a_route_names_is_told(site: Site) -> None:
    async with site.running("  routes: [{by: [hook], priorities: [life], verbs: [raise]}]\n"):
        site.happens(priority=Priority.HIGH)
        site.happens(verb="clear", priority=Priority.LIFE)
        site.happens("gas_leak", priority=Priority.LIFE)
        await site.until_quiet()
        assert [it.notice.alarm for it in site.notifying.ledger.all()] == ["gas_leak"]


async def test_others_tell_people_by_role_and_name_as_well(site: Site, office: PostOffice) -> None:
    async with site.running():
        said = site.notifying._words.of_test("escalation", site.clock.wall())
        assert len(site.notifying.enqueue(said, ["cook", "kim"])) == 2
        site.store.log.commit_soon()
        await site.until_quiet()
    assert {it.to for it in office.mails} == {"kim@example.com", "lee@example.com"}


async def test_a_test_message_is_sent_also_in_quiet_hours_and_answered(
    site: Site, office: PostOffice
) -> None:
    site.clock.wall_ms = AT_NIGHT_MS
    async with site.running(quiet=QUIET):
        keys = site.notifying.begin_test("mail", ["manager"], "park")
        waiting = asyncio.ensure_future(site.notifying.tried(keys))
        await site.until(waiting.done)
        (mail,) = office.mails
        assert "By: park" in mail.text
        office.close_hook()
        keys = site.notifying.begin_test("hook", [], "park")
        waiting = asyncio.ensure_future(site.notifying.tried(keys))
        await site.until(waiting.done)
        found = site.notifying.ledger.find(keys[0])
        assert found is not None
        assert "Connection refused" in found.error
        with pytest.raises(NoSuchChannel):
            site.notifying.begin_test("male", [], "park")
        with suppress(Nobody):
            site.notifying.begin_test("mail", ["nobody"], "park")
            pytest.fail("nobody was told")
