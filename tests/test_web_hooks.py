"""Orders and sales from other systems: signed, new, once, and a row that goes to the cloud."""

import hashlib
import hmac
import json
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.store.log import unpacked
from tests.patience import PATIENCE_S
from tests.processes import Daemon

CONFIG = """
site: {label: Hooks, zone: UTC}
web: {listen: 127.0.0.1, hooks: {pos: {secret: pos_hook}}}
emulation: {seed: 1, scenario: normal}
"""
SECRET = "a shared secret"
ORDER = {"id": "order-1", "kind": "order", "at": 1_795_226_400_000, "data": {"items": ["bibimbap"]}}


def signed(body: bytes, at: int, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.new(secret.encode(), str(at).encode() + b"." + body, hashlib.sha256)
    return {
        "X-Kitchen-Timestamp": str(at),
        "X-Kitchen-Signature": f"sha256={mac.hexdigest()}",
    }


class Sender:
    """Another system on the LAN."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def send(
        self, event: object, *, name: str = "pos", headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        given = signed(body, int(time.time())) if headers is None else headers
        url = f"http://127.0.0.1:{self.daemon.port}/api/v1/hooks/{name}"
        request = urllib.request.Request(url, data=body, headers=given, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


def rows(daemon: Daemon) -> list[Any]:
    """The events of hooks in the log."""
    with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as connection:
        stored = connection.execute("SELECT body FROM ev ORDER BY s").fetchall()
    events = [json.loads(unpacked(body)) for (body,) in stored]
    return [event["d"] for event in events if event["k"] == "hook"]


def test_an_event_is_a_row_once_and_only_when_it_is_signed_and_new(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "pos_hook").write_text(SECRET)
    (folder / "pos_hook").chmod(0o600)
    with Daemon(tmp_path, CONFIG) as daemon:
        sender = Sender(daemon)
        body, now = json.dumps(ORDER).encode(), int(time.time())
        assert sender.send(ORDER) == (201, {"id": "order-1", "new": True})
        assert sender.send(ORDER) == (200, {"id": "order-1", "new": False})
        unsigned: list[dict[str, str]] = [
            {},
            signed(body, now, "another secret"),
            signed(body, now - 301),
            signed(body, now + 301),
            {**signed(body, now), "X-Kitchen-Timestamp": str(now - 1)},
            {**signed(body, now), "X-Kitchen-Timestamp": "soon"},
            {**signed(body, now), "X-Kitchen-Signature": "sha256=é".encode().decode("latin-1")},
        ]
        for headers in unsigned:
            assert sender.send(body, headers=headers)[0] == 401, headers
        assert sender.send(ORDER, name="other")[0] == 401
        assert sender.send(b"{}")[0] == 400
        assert sender.send(ORDER | {"kind": "gossip"})[0] == 400
        assert sender.send(ORDER | {"id": "x", "data": {"x": "y" * 9_000}})[0] == 413
        daemon.kill()
        daemon.start()
        assert sender.send(ORDER) == (200, {"id": "order-1", "new": False})
        assert sender.send(ORDER | {"id": "order-2", "kind": "sale"})[0] == 201
        told = rows(daemon)
        assert [(row["id"], row["kind"], row["hook"]) for row in told] == [
            ("order-1", "order", "pos"),
            ("order-2", "sale", "pos"),
        ]
        assert told[0]["data"] == ORDER["data"]
