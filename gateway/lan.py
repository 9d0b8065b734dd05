"""Devices and actuators on the site's MQTT broker, from the configuration to living things.

paho is imported when the first real broker is opened.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.buses.site import Commits, Site
from gateway.clock import Clock
from gateway.config import registry
from gateway.config.schema import Actuator, Bus
from gateway.effects import Actuator as Driven
from gateway.listening import Listener
from gateway.sampling import DeviceState, Intake

if TYPE_CHECKING:
    from gateway.buses.mqtt_site import SiteBroker


def open_site(name: str, bus: Bus, clock: Clock) -> "SiteBroker":
    """The broker of a bus of kind mqtt; nothing is connected yet."""
    from gateway.buses.mqtt_dial import Broker
    from gateway.buses.mqtt_site import SiteBroker

    assert bus.url is not None  # noqa: S101 - the schema saw to it
    broker = Broker.from_url(
        bus.url,
        username=bus.username,
        ca_file=str(bus.ca_file) if bus.ca_file else None,
        certificate_file=str(bus.certificate_file) if bus.certificate_file else None,
        key_file=str(bus.key_file) if bus.key_file else None,
    )
    return SiteBroker(name, broker, bus.password_file, clock)


def switched(
    actuator: Actuator, site: Site, state: DeviceState, intake: Intake, clock: Clock
) -> tuple[Driven, Callable[[], None] | None]:
    """An actuator that takes its commands from the broker, and what has its state heard."""
    options: Any = actuator.options
    driver = registry.driver(actuator.driver).Driver(site, options)
    driven = Driven(
        state=state,
        driver=driver,
        metrics=actuator.metrics,
        worker=None,
        intake=intake,
        deadline_s=actuator.fail_safe.deadline_s,
        safe=actuator.fail_safe.safe,
        ready=lambda: site.tried,
    )
    topic = getattr(options, "state_topic", None)
    if topic is None:
        return driven, None
    listener = Listener(state, driver, actuator.metrics, intake, clock)
    return driven, lambda: site.listen(topic, listener)


def join(
    sites: Mapping[str, Site],
    commits: Commits,
    install: str,
    on_bus: Callable[[str], Iterable[str]],
    renew: Callable[[Iterable[str]], None],
) -> None:
    """Tie the brokers to the log, and their actuators to each new connection.

    `on_bus` gives the actuators of a bus; the client id is the installation's own, so that the
    broker knows the session again.
    """
    for name, site in sites.items():
        site.join(commits, f"kg-{install}-{name}")
        site.on_up = partial(renew, tuple(on_bus(name)))
