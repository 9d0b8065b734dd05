"""The daemon with a stamp at every hop of a recording's rows; run by `latency.py`.

The gateway is the product's own, whole; only the calls between its parts are wrapped, here.
Stamps are of one monotonic clock in one process. `cloud` is when the receiver's `ack` has come
back, which it sends after its commit: later than the row was there, never earlier.
"""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.recording import LAST
from gateway.app import Gateway, Options
from gateway.buses.recording import Recordings
from gateway.cli.run import live, load_serving, start_logging
from gateway.reading import Reading
from gateway.serving import Serving
from gateway.store.log import Row
from gateway.sync.protocol import Range, Stream

_POINT = f"tape/{LAST}"


class _Row(msgspec.Struct):
    c: list[int]
    x: list[object]


@dataclass
class Stamps:
    """Seconds by number of the recording's row; rows and acknowledgements as they came."""

    wire: dict[int, float] = field(default_factory=dict)
    judged: dict[int, float] = field(default_factory=dict)
    committed: list[tuple[float, list[Row]]] = field(default_factory=list)
    acknowledged: list[tuple[float, list[Range]]] = field(default_factory=list)
    index: int = -1

    def attach(self, gateway: Gateway) -> None:
        """Wrap the calls; the readings before this one are not stamped."""
        self.index = gateway.points[_POINT].index
        buses = gateway.fitout.equipment.buses.values()
        recording = next(bus for bus in buses if isinstance(bus, Recordings)).playing[0]
        post = recording._post  # noqa: SLF001 - where a row leaves the bus thread

        def hand_over(what: Callable[[], None]) -> None:
            self.wire[recording.rows_played] = time.perf_counter()
            post(what)

        recording._post = hand_over  # noqa: SLF001
        self._attach_judging(gateway)
        self._attach_store(gateway)

    def _attach_judging(self, gateway: Gateway) -> None:
        judge = gateway.hub.judge

        def judged(reading: Reading, *, keep: bool) -> bool:
            stirred = judge(reading, keep=keep)
            if reading.point.index == self.index and isinstance(reading.value, (int, float)):
                self.judged[int(reading.value)] = time.perf_counter()
            return stirred

        gateway.hub.judge = judged

    def _attach_store(self, gateway: Gateway) -> None:
        log, outbox = gateway.store.log, gateway.outbox
        on_committed, acknowledge = log.on_committed, outbox.acknowledge

        def committed(rows: list[Row]) -> None:
            self.committed.append((time.perf_counter(), rows))
            on_committed(rows)

        def acknowledged(stream: Stream, ranges: Iterable[Range], now: int | None = None) -> int:
            ranges = list(ranges)
            if stream == "tm":
                self.acknowledged.append((time.perf_counter(), ranges))
            return acknowledge(stream, ranges, now)

        log.on_committed = committed
        outbox.acknowledge = acknowledged  # type: ignore[method-assign]

    def milliseconds(self) -> dict[str, list[float]]:
        """From the wire to each hop, for every row that has passed it; `wire` is when, in seconds.

        The clock is the machine's, so that other processes can tell what they did meanwhile.
        """
        durable, row_of = {}, {}
        for at, rows in self.committed:
            for row in rows:
                for number in self._numbers(row):
                    durable[number], row_of[number] = at, row.s
        proven: dict[int, float] = {}
        for at, ranges in self.acknowledged:
            for start, end in ranges:
                for s in range(start, end + 1):
                    proven.setdefault(s, at)
        cloud = {number: proven[s] for number, s in row_of.items() if s in proven}
        hops = {"judged": self.judged, "durable": durable, "cloud": cloud}
        came = [self.wire[n] for n in self.judged if n in self.wire]
        return {"wire": came} | {
            name: [(at - self.wire[n]) * 1000 for n, at in hop.items() if n in self.wire]
            for name, hop in hops.items()
        }

    def _numbers(self, row: Row) -> list[int]:
        if row.stream != "tm":
            return []
        body = msgspec.json.decode(row.body, type=_Row)
        return [
            int(value)
            for index, value in zip(body.c, body.x, strict=True)
            if index == self.index and isinstance(value, (int, float))
        ]


def main(config: str, data: str, results: str) -> None:
    """Run until SIGTERM, then write the milliseconds of every row."""
    start_logging()
    stamps = Stamps()

    def load() -> Callable[[Gateway, Options], Serving]:
        parts = load_serving()

        def stamped(gateway: Gateway, options: Options) -> Serving:
            serving = parts(gateway, options)
            stamps.attach(gateway)
            return serving

        return stamped

    live(Path(config), Path(data), Options(port=0), load_serving=load)
    Path(results).write_bytes(msgspec.json.encode(stamps.milliseconds()))


if __name__ == "__main__":
    main(*sys.argv[1:])
