"""`python -m bench.peers.cloud PORT`: what our cloud does, told in the harness's own words.

Acknowledges our rows as `docs/protocol.md` says, and publishes the `seq` in them as `up/pack`: that
is how the harness counts what has arrived.
"""

import json
import sys
import time
from typing import Any

from bench.peers import harness
from gateway.sync.protocol import document, unpack

_BASE = "kg/v1/bench/gw/peer/"


class Cloud:
    """One connection to the cloud's broker."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - the harness's own client
        self.client = client
        self._named: set[int] = set()

    def heard(self, topic: str, payload: bytes) -> None:
        """A dictionary, or rows."""
        leaf = topic.removeprefix(_BASE)
        body = json.loads(unpack(payload))
        if leaf == "md":
            self._named = {entry["i"] for entry in body["ch"] if entry["name"] == "seq"}
        elif leaf in {"tm", "ev"}:
            self._take(leaf, body)

    def _take(self, leaf: str, body: dict[str, Any]) -> None:
        if leaf == "tm":
            found = [
                value
                for row in body["rows"]
                for index, value in zip(row["c"], row["x"], strict=True)
                if index in self._named and value is not None
            ]
            if found:
                self.client.publish("up/pack", json.dumps(found).encode(), 0)
        ranges = [[row["s"], row["s"]] for row in body["rows"]]
        self.client.publish(f"{_BASE}ack", document({"in": body["in"], leaf: ranges}), 1)


def main() -> None:
    """Serve until killed; the broker comes and goes."""
    bench = harness.folder()
    assert bench is not None, "no harness"  # noqa: S101
    sys.path.insert(0, str(bench))
    mq: Any = __import__("mq")
    while True:
        cloud = Cloud(None)
        try:
            cloud.client = mq.Client(int(sys.argv[1]), "cloud", cloud.heard, timeout=600)
            for leaf in ("md", "tm", "ev"):
                cloud.client.subscribe(_BASE + leaf, 1)
            while not cloud.client.dead:
                time.sleep(0.05)
        except (OSError, RuntimeError):
            time.sleep(0.05)


if __name__ == "__main__":
    main()
