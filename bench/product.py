"""Hops 3 to 6 of the product in this process: no bus, no broker, everything between them real."""

from collections.abc import Sequence
from pathlib import Path

from bench.floor import Threshold
from bench.readings import Batch, Shape
from gateway.clock import SystemClock
from gateway.conditioning import Conditioner, Treatment
from gateway.hub import Hub
from gateway.judging import Judging
from gateway.reading import Point
from gateway.sampling import Intake
from gateway.store.log import Row
from gateway.store.opening import Store
from gateway.sync.outbox import Outbox, outbox_of
from gateway.sync.protocol import Stream, envelope
from rules.base import Command, OnBad, Priority, Rule
from rules.events import Drive
from rules.judge import Judge
from rules.limit import Condition, Options
from rules.slots import Contract, OnSensorLoss

RULES = 200
LIMITS = ((8.0, 6.0), (20.0, 18.0))  # the second ones are never reached
_SIREN = Contract(
    safe=False, on_sensor_loss=OnSensorLoss.HOLD, max_on_ms=0, min_on_ms=0, min_off_ms=0
)


class Delivery:
    """Hop 6 as the uplink does it, to a cloud that acknowledges at once."""

    def __init__(self, store: Store) -> None:
        self.messages: dict[Stream, int] = {"tm": 0, "ev": 0}
        self.bytes: dict[Stream, int] = {"tm": 0, "ev": 0}
        self._store = store
        self._outbox: Outbox = outbox_of(store.found.passed, store.found.following)
        store.log.on_committed = self._send

    def _send(self, rows: list[Row]) -> None:
        outbox, log = self._outbox, self._store.log
        outbox.committed(rows, linked=True)
        for stream, lane in outbox.lanes.items():
            while lane.fresh:
                row = lane.fresh.popleft()
                payload = envelope(self._store.identity.install, [row.body], historical=False)
                outbox.send(stream, [row.s], row.t0)
                self.messages[stream] += 1
                self.bytes[stream] += len(payload)
                outbox.acknowledge(stream, [(row.s, row.s)])
        log.move_cursors(outbox.cursors())


class Product:
    """Conditioning, hub, judging with 200 limits or these rules, log, commit, outbox, envelope."""

    def __init__(self, folder: Path, shape: Shape, rules: Sequence[Rule] | None = None) -> None:
        clock = SystemClock()
        self.store = Store(folder, clock)
        self.log = self.store.log
        self.hub = Hub(clock.now())
        self.commands = 0
        points = self.store.register(_point(name) for name in shape.points)
        judge = Judge(_rules(shape) if rules is None else rules, {"siren": _SIREN})
        self.judging = Judging(judge, self.store.found.entries, self.log, self.hub)
        self.judging.drive = self._drive
        self.hub.judge = self.judging.observe
        self.hub.store = self.log.append
        self.judging.start(clock.now())
        self.delivery = Delivery(self.store)
        self.intakes = [
            _intake(self.hub, points, device, clock.now()) for device in range(shape.devices)
        ]

    def take(self, batch: Batch) -> None:
        """Hops 3 and 4, and the batch of the log."""
        intakes = self.intakes
        for device, at, samples in batch:
            intakes[device].take(samples, at)

    def close(self) -> None:
        """Let the data folder go."""
        self.store.close()

    def _drive(self, drive: Drive) -> None:
        del drive
        self.commands += 1


def _point(name: str) -> Point:
    return Point(-1, name, name, "Cel", "number", -40.0, 125.0)


def _intake(hub: Hub, points: dict[str, Point], device: int, now: int) -> Intake:
    return Intake(
        hub,
        {
            name.partition("/")[2]: Conditioner(point, Treatment(), now)
            for name, point in points.items()
            if point.device == f"d{device}"
        },
    )


def thresholds(shape: Shape) -> list[list[Threshold]]:
    """The same rules as the floor takes them."""
    by_point: list[list[Threshold]] = [[] for _ in shape.points]
    for point, high, low in _limits(shape):
        by_point[point].append([high, low, 0])
    return by_point


def _limits(shape: Shape) -> list[tuple[int, float, float]]:
    """Point index, raising and clearing limit of each rule."""
    points = len(shape.points)
    return [(number % points, *LIMITS[min(number // points, 1)]) for number in range(RULES)]


def _rules(shape: Shape) -> list[Rule]:
    points = shape.points
    return [
        Rule(
            id=f"r{number}",
            label="",
            point=points[point],
            condition=Condition(Options(raise_above=high, clear_below=low)),
            for_ms=0,
            on_bad=OnBad.HOLD,
            priority=Priority.HIGH,
            alarm=True,
            commands=(Command(actuator="siren", value=True, slot=10),),
        )
        for number, (point, high, low) in enumerate(_limits(shape))
    ]
