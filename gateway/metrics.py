"""What `/metrics` tells of the buses' recovery ladders, of contacts and of the event loop."""

from collections.abc import Iterator

from gateway.equipment import Equipment
from gateway.lag import LagProbe
from gateway.web.kitchen import Metric


def of_devices(equipment: Equipment) -> Iterator[Metric]:
    """How often each step was taken, by device and by bus; and what debouncing has spared."""
    states = equipment.states.values()
    for state in states:
        text = "Reads tried again in the same tick."
        yield _count("device_retries", text, state.retries, device=state.id)
    for state in states:
        text = "Reads with a driver made anew, which identifies its device again."
        yield _count("device_reinitialised", text, state.reinitialised, device=state.id)
    for state in states:
        text = "1 while a device is tried only now and then."
        yield _gauge("device_down", text, float(state.down), device=state.id)
    for state in states:
        text = "Bursts of edges of a contact that ended as one change, or as none."
        yield _count("device_bounces", text, state.bounces, device=state.id)
    for name, bus in equipment.ladders.items():
        text = "Times a bus on which nothing answered was opened again."
        yield _count("bus_reopened", text, bus.reopened, bus=name)


def of_loop(lag: LagProbe) -> Iterator[Metric]:
    """How often the loop was late, and what had held it up."""
    yield _count("loop_late", "Times the loop woke 100 ms late or more.", lag.late)
    for where, culprit in lag.culprits.items():
        text = "Of them, times it was held up by this function."
        yield _count("loop_held", text, culprit.times, where=where)
    for where, culprit in lag.culprits.items():
        text = "Seconds for which it was held up by this function."
        yield _count("loop_held_seconds", text, culprit.total_ms / 1000, where=where)


def _count(name: str, text: str, value: float, **labels: str) -> Metric:
    return Metric(
        name=f"kitchen_{name}_total", help=text, kind="counter", value=value, labels=labels
    )


def _gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    return Metric(name=f"kitchen_{name}", help=text, kind="gauge", value=value, labels=labels)
