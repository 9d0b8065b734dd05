"""From one configuration to another in a running gateway: proven first, then exchanged, or not.

What stands in both is not touched. The exchange itself is one turn of the loop; when it fails, the
one before is built again and everything else is as if nobody had asked.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gateway.config import schema
from gateway.config.load import Loaded
from gateway.config.problem import Problem
from gateway.config.schema import Config
from gateway.configuration import Candidate, whole
from gateway.effects import Actuator
from gateway.loading import in_thread
from gateway.points import points_of
from gateway.reading import Point, Quality, Reading
from gateway.reloading import Outcome
from gateway.store.errors import StoreError
from gateway.store.state import JudgedInput, JudgedReading
from rules.judge import Judge

if TYPE_CHECKING:
    from gateway.app import Gateway

logger = logging.getLogger(__name__)


def judge_of(config: Config) -> Judge:
    """The rules and contracts of a configuration."""
    contracts = {name: thing.contract() for name, thing in config.actuators.items()}
    ladders = {name: entry.ladder() for name, entry in config.escalations.items()}
    return Judge(config.rules, contracts, ZoneInfo(config.site.zone), ladders=ladders)


class Changeover:
    """From nothing to a configuration at the start, and from one to the file's later."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    def begin(self, loaded: Loaded) -> None:
        """Build the file's configuration, else the last good one, else only what the page needs.

        Raises StoreError; what a configuration cannot be built for becomes one of its problems.
        """
        gateway, configuration = self._gateway, self._gateway.configuration
        for candidate in configuration.candidates(loaded, gateway.store.generations):
            config = candidate.loaded.config
            assert config is not None  # noqa: S101 - else it would be no candidate
            try:
                gateway.fitout.fit(config, gateway.store.register(points_of(config)))
            except StoreError:
                raise
            except Exception as error:
                logger.exception("config: the one of %s cannot be built", candidate.source)
                if candidate.source == "file":
                    why = (whole(loaded.file, _cannot_be_built(error)), *loaded.problems)
                    configuration.refuse(loaded, why)
            else:
                configuration.accept(candidate, loaded)
                self._record_start(candidate)
                break
        else:
            nothing = schema.nothing(loaded.file.parent, loaded.web)
            gateway.fitout.fit(nothing, gateway.store.register(points_of(nothing)))
            configuration.refuse(loaded, configuration.why or loaded.problems)
        if configuration.refused is not None:
            logger.error("config: the file is not used: %s", configuration.instead())

    def _record_start(self, candidate: Candidate) -> None:
        """A file that was changed while nothing ran is taken over as well."""
        gateway, loaded = self._gateway, candidate.loaded
        current = gateway.store.generations.current
        if candidate.source == "file" and (current is None or current.text != loaded.text):
            detail = {"cfg": loaded.content_hash[:12]}
            gateway.audit.record("config_applied", by="start", detail=detail)

    async def reload(self, by: str) -> Outcome:
        """Read, prove and exchange; whatever the outcome, the log and the page tell of it."""
        configuration = self._gateway.configuration
        loaded = await in_thread(configuration.read, "config-load")
        if configuration.stands_for(loaded):
            logger.info("config: asked by %s: nothing has changed", by)
            return Outcome(result="unchanged", problems=loaded.problems)
        if loaded.config is None:
            return self._refused(loaded, by, loaded.problems)
        try:
            await self._exchange(loaded.config)
        except StoreError as error:
            why = f"the new points cannot be stored: {error}"
        except Exception as error:
            logger.exception("config: the new one cannot be built")
            why = _cannot_be_built(error)
        else:
            return await self._applied(loaded, by)
        await self._gateway.follow_configuration()
        return self._refused(loaded, by, (whole(loaded.file, why), *loaded.problems))

    async def _exchange(self, config: Config) -> None:
        """Everything or nothing; raises what went wrong, with the one before built again."""
        gateway, fitout = self._gateway, self._gateway.fitout
        judge, judge_before = judge_of(config), gateway.judging.judge
        config_before, points_before = fitout.config, fitout.points
        points = await gateway.store.register_also(points_of(config))
        past = await gateway.past(judge)
        changes = fitout.changes(config)
        going = changes.devices
        await fitout.retire(going)
        # Nothing more may come of them: a message with nobody to hear it would be acknowledged.
        await gateway.tasks.end(
            [*(f"sample {name}" for name in going), *(f"bus {name}" for name in changes.buses)]
        )
        kept = {name: it for name, it in fitout.effects.actuators.items() if name not in going}
        ending = [point for name, point in points_before.items() if name not in points]
        try:
            fitout.fit(config, points)
        except Exception:
            fitout.fit(config_before, points_before)
            if gateway.configuration.live is not None:
                self._judge_by(judge_before, kept)
            raise
        self._judge_by(judge, kept, past)
        gateway.modes.tell(config.modes, points, gateway.judging.state.entries)
        self._end(ending)

    def _end(self, ending: Iterable[Point]) -> None:
        """The last word of points that are gone: without it a door would stay shut in the history.

        No rule looks at them any more, and nobody is shown them.
        """
        hub, now = self._gateway.hub, self._gateway.clock.now()
        for point in ending:
            hub.publish(Reading(point, None, Quality.NOT_STARTED, now))
            hub.forget(point.id)

    def _judge_by(
        self,
        judge: Judge,
        kept: Mapping[str, Actuator],
        past: Iterable[JudgedReading | JudgedInput] = (),
    ) -> None:
        """The rules of what stands now; outputs that were not let go of are not driven again."""
        gateway = self._gateway
        there = gateway.fitout.effects.actuators
        known = {name for name, actuator in kept.items() if there.get(name) is actuator}
        gateway.notifying.use(gateway.config, gateway.points)
        gateway.judging.adopt(judge, gateway.clock.now(), known, past=past)
        gateway.begin_to_hear()

    async def _applied(self, loaded: Loaded, by: str) -> Outcome:
        gateway = self._gateway
        gateway.configuration.accept(Candidate("file", loaded), loaded)
        logger.info("config: taken over (asked by %s): %d points", by, len(gateway.points))
        data = {"code": "config_applied", "by": by, "cfg": loaded.content_hash[:12]}
        gateway.store.log.event("system", data, gateway.clock.now())
        gateway.audit.record("config_applied", by=by, detail={"cfg": data["cfg"]})
        await gateway.follow_configuration()
        await self.keep()
        return Outcome(result="applied", problems=loaded.problems)

    async def keep(self) -> None:
        """Keep what is in force for a start that cannot use the file; only what is wholly good."""
        gateway, configuration = self._gateway, self._gateway.configuration
        live = configuration.live
        if live is None or not live.good or configuration.source != "file":
            return
        try:
            await gateway.store.keep_generation(live.text, gateway.clock.wall())
        except StoreError as error:
            logger.error("config: cannot be kept as the last good one: %s", error)

    def _refused(self, loaded: Loaded, by: str, why: tuple[Problem, ...]) -> Outcome:
        gateway, configuration = self._gateway, self._gateway.configuration
        configuration.refuse(loaded, why)
        logger.error("config: refused (asked by %s): %s", by, configuration.instead())
        data = {"code": "config_refused", "by": by, "problems": len(why)}
        gateway.store.log.event("system", data, gateway.clock.now())
        gateway.audit.record("config_refused", by=by, detail={"problems": len(why)})
        gateway.tell_of_configuration()
        return Outcome(result="refused", problems=why, instead=configuration.instead())


def _cannot_be_built(error: Exception) -> str:
    return f"it cannot be built: {type(error).__name__}: {error}; see the log"
