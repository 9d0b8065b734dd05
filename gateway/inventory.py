"""The things of a kitchen as people look for them: where each is wired, and how it is doing."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from gateway.config import describe
from gateway.config.problem import Problem
from gateway.config.schema import Actuator, Device
from gateway.sampling import DeviceState
from gateway.web.device_shapes import DeviceView

if TYPE_CHECKING:
    from gateway.app import Gateway

State = Literal["ok", "lost", "waiting", "left_out"]


def things(gateway: "Gateway") -> list[DeviceView]:
    """Devices and actuators in the order of the file, then those an error has left out."""
    config, live = gateway.config, gateway.configuration.live
    known: list[Device | Actuator] = [*config.devices.values(), *config.actuators.values()]
    simulated = config.emulation is not None
    shown = [_built(thing, gateway, simulated=simulated) for thing in known]
    return shown + _left_out(live.disabled if live is not None else {})


def wire(thing: Device | Actuator) -> str:
    """Where it hangs, as written on a label: `i2c 0x44`, `pins GPIO 17`, `lan k/1/r`."""
    address, pin = (getattr(thing.options, name, None) for name in ("address", "pin"))
    if isinstance(address, int):
        return f"{thing.bus} 0x{address:02x}"
    topic = getattr(thing.options, "topic", None)
    if isinstance(topic, str):
        return f"{thing.bus} {topic}"
    return thing.bus if pin is None else f"{thing.bus} GPIO {pin}"


def _built(thing: Device | Actuator, gateway: "Gateway", *, simulated: bool) -> DeviceView:
    state = gateway.fitout.equipment.states.get(thing.id, DeviceState(thing.id))
    return DeviceView(
        id=thing.id,
        label=thing.label,
        zone=thing.zone,
        driver=thing.driver,
        wire=wire(thing),
        role=thing.role if isinstance(thing, Device) else "acting",
        period_s=thing.every_s if isinstance(thing, Device) else 0.0,
        state=_word(state),
        trouble=state.trouble,
        reads=state.reads,
        failures=state.failures,
        skipped_ticks=state.skipped_ticks,
        points=tuple(f"{thing.id}/{metric.name}" for metric in thing.metrics),
        simulated=simulated,
    )


def _word(state: DeviceState) -> State:
    if state.trouble is not None:
        return "lost"
    return "ok" if state.reads else "waiting"


def _left_out(disabled: Mapping[str, Problem]) -> list[DeviceView]:
    return [
        DeviceView(
            id=name,
            label=name,
            driver="",
            wire="",
            role="",
            state="left_out",
            trouble=describe.problem(problem),
        )
        for name, problem in disabled.items()
    ]
