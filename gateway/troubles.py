"""What keeps the gateway from being whole: in words for /health, and as alarms for the wall."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.app import Gateway

TOLD_MAX = 500  # characters of a trouble in an alarm


class Troubles:
    """Gathers what the parts say of themselves; keeps nothing."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway

    def now(self) -> list[str]:
        """Each in a few words; empty while all is well."""
        gateway = self._gateway
        down, loose = gateway.supervision.down, gateway.supervision.loose
        troubles = [f"task {name}: {why}" for name, why in down.items()]
        if loose:
            troubles.append(f"unexpected errors: {loose}; see the log")
        troubles += gateway.fitout.troubles()
        troubles += gateway.configuration.troubles()
        if gateway.store.log.failing:
            troubles.append(f"store: {gateway.store.log.failing}")
        if gateway.history is not None and gateway.history.failing:
            troubles.append(f"history: {gateway.history.failing}")
        troubles += gateway.notifying.troubles()
        late = gateway.lag.trouble()
        if late:
            troubles.append(f"loop: {late}")
        if gateway.page_trouble:
            troubles.append(f"page: {gateway.page_trouble}")
        return troubles

    def raise_alarms(self) -> None:
        """What is not guarded, or not running, is an alarm for as long as that lasts."""
        gateway = self._gateway
        judging, now = gateway.judging, gateway.clock.now()
        standing = gateway.configuration.alarms()
        standing |= {_of_task(name): why for name, why in gateway.supervision.down.items()}
        for name, said in judging.troubles().items():
            if standing.get(name, "")[:TOLD_MAX] != said:
                judging.trouble(name, "", now, standing=False)
        for name, what in standing.items():
            judging.trouble(name, what[:TOLD_MAX], now)

    def task_down(self, name: str, error: str) -> None:
        """A task has failed too often."""
        gateway, now = self._gateway, self._gateway.clock.now()
        data = {"code": "task_down", "task": name, "error": error[:TOLD_MAX]}
        gateway.store.log.event("system", data, now)
        gateway.judging.trouble(_of_task(name), error[:TOLD_MAX], now)


def _of_task(name: str) -> str:
    return f"task_down.{name.replace(' ', '_')}"
