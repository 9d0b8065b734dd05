"""What people are told of the gateway itself and of its configuration, on page and API."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from gateway import __version__, reloading
from gateway.audit.entry import Detail
from gateway.config import doubts as doubtful
from gateway.configuration import SHOWN_MAX
from gateway.rule_files import RuleFiles
from gateway.store.errors import StoreError
from gateway.trial.apart import NOTHING, Apart, TrialBusy, asked_of
from gateway.web.configuration_shapes import ConfigurationView, DoubtView, ReloadView
from gateway.web.kitchen_errors import BadRules, Busy, NoHistory
from gateway.web.problem_view import problem_view
from gateway.web.status_shapes import StatusView, StoreView
from rules.base import Rule

if TYPE_CHECKING:
    from gateway.app import Gateway

NOTE_DEADLINE_S = 5.0


def configuration(gateway: "Gateway") -> ConfigurationView:
    """Which one is in force, and what is wrong with the file; at most SHOWN_MAX problems."""
    found = gateway.configuration
    return ConfigurationView(
        status=gateway.status(),
        file=str(found.file),
        source=found.source,
        refused=found.refused is not None,
        left_out=sorted(found.live.disabled) if found.live else [],
        problems=[problem_view(each) for each in found.problems[:SHOWN_MAX]],
        more=max(0, len(found.problems) - SHOWN_MAX),
        damaged=found.damaged,
        doubts=doubts(
            found.live.doubts if found.live else (), gateway.config.rules, gateway.clock.wall()
        )[:SHOWN_MAX],
    )


def doubts(said: Iterable[str], rules: Iterable[Rule], utc_ms: int) -> list[DoubtView]:
    """What may not come about on that day, though nothing is wrong."""
    return [DoubtView(*each) for each in doubtful.doubts(said, rules, utc_ms)]


def status(gateway: "Gateway") -> StatusView:
    """How the gateway is, and what it keeps."""
    history, clock = gateway.history, gateway.clock
    outbox, space = gateway.outbox, gateway.store.space
    return StatusView(
        status=gateway.status(),
        version=__version__,
        epoch=gateway.store.identity.epoch,
        started_at=clock.wall() - (clock.now() - gateway.started_at),
        troubles=gateway.troubles.now(),
        store=StoreView(
            rows=outbox.committed_rows(),
            waiting=outbox.waiting(),
            lost=outbox.lost_rows(),
            used=space.used,
            history_bytes=0 if history is None else history.counters.bytes,
            history_months=0 if history is None else history.counters.months,
            failing=gateway.store.log.failing,
        ),
    )


async def trial(
    gateway: "Gateway",
    trials: Apart,
    start: int | None,
    end: int | None,
    rules: str | None,
    part: str | None,
) -> msgspec.Raw:
    """The report of a trial as JSON; raises BadRules, Busy, NoHistory, and TimeoutError."""
    live = gateway.configuration.live
    if live is None:
        raise NoHistory("no configuration is in force")
    asked = asked_of(gateway.store.path, live.file, live.text)
    asked = msgspec.structs.replace(asked, rules=rules, part=part, start=start, end=end)
    try:
        answer = await trials.ask(asked)
    except TrialBusy:
        raise Busy("another trial is under way") from None
    if answer.report != NOTHING:
        return answer.report
    if answer.failed is not None:
        raise NoHistory(answer.failed)
    raise BadRules([problem_view(each) for each in answer.problems[:SHOWN_MAX]])


async def reload(gateway: "Gateway", by: str) -> ReloadView:
    """Have the file taken over; raises Busy."""
    gateway.audit.record("reload", by=by)
    try:
        outcome = await gateway.reloading.ask(by)
    except reloading.Busy as error:
        raise Busy(str(error)) from None
    problems = [problem_view(each) for each in outcome.problems]
    return ReloadView(result=outcome.result, problems=problems, instead=outcome.instead)


def rule_files(gateway: "Gateway") -> RuleFiles:
    """The files of rules, taken over as by a reload and noted in the audit chain."""

    async def note(
        action: str, name: str, by: str, detail: Mapping[str, Detail], refused: str = ""
    ) -> None:
        gateway.audit.record(action, name, by=by, detail=detail, refused=refused)
        try:
            async with asyncio.timeout(NOTE_DEADLINE_S):
                await gateway.store.log.durable()
        except TimeoutError:
            raise StoreError("it cannot be entered into the audit chain") from None

    return RuleFiles(gateway.configuration, gateway.reloading.ask, note)
