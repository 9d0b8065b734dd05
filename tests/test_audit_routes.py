"""Every route that writes, done for real once: the record says what was done to what, by whom."""

import hashlib
import hmac
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.web import PARTS, cookies, declared
from gateway.web.guard import WRITING
from gateway.web.hooks import SIGNATURE, TIMESTAMP
from gateway.web.static import FOLDER
from tests.patience import PATIENCE_S
from tests.processes import Daemon
from tests.test_webpush import Browser
from tests.web_client import PASSWORD, PIN

KITCHEN = """
site: {label: Test, zone: UTC}
buses: {i2c: {kind: i2c, path: /dev/i2c-1}, pins: {kind: gpio, chip: pinctrl-bcm2711}}
devices: {walk_in: {driver: sht3x, bus: i2c, every: 1s}}
actuators:
  siren:
    driver: relay
    bus: pins
    pin: 24
    fail_safe: {safe: off, on_sensor_loss: hold, max_on: 10min}
modes: {kitchen: [open, closed]}
rules:
  shut:
    when: mode/kitchen == "closed"
    on_bad: hold
    then: [{alarm: {priority: high, latch: true}}]
  bell: {when: [called], priority: low, then: [{record: rung}]}
shifts: {roles: {cook: [{person: kim}]}}
notifications:
  channels:
    browsers: {kind: webpush, contact: "mailto:owner@example.com"}
    box: {kind: webhook, url: "http://127.0.0.1:9/", addresses: [127.0.0.1/32]}
  people: {kim: {role: cook}}
  routes: [{to: [cook], by: [browsers, box], verbs: [raise]}]
web: {listen: 127.0.0.1, hooks: {pos: {secret: pos_hook}}}
emulation: {seed: 1}
"""
ROUTES = declared(route for part in PARTS for route in part.ROUTES)
WRITES = {key for key in ROUTES if key[0] != "GET"}
HOOK_SECRET = "0123456789abcdef"
RULES = "rules:\n  night: {when: [called], priority: low, then: [{record: night}]}\n"
BROWSER = Browser("https://push.example/secret-address")
SUBSCRIPTION = {
    "endpoint": BROWSER.subscription.endpoint,
    "keys": {"p256dh": BROWSER.subscription.public, "auth": BROWSER.subscription.secret},
}
SECRETS = (PASSWORD, PIN, HOOK_SECRET, BROWSER.subscription.endpoint, "kg_")


class Step(NamedTuple):
    """One request, and the entries it must leave: action, about, and some of what is beside it.

    `{…}` in the path is taken from what earlier answers were kept as.
    """

    route: tuple[str, str]
    path: str
    body: object = None
    left: tuple[tuple[str, str], ...] = ()
    told: Mapping[str, object] = {}
    keep: str = ""  # the answer, under that name


ALARM = "/api/v1/alarms/shut/"
STEPS = (
    Step(("POST", "/api/v1/modes/{id}"), "/api/v1/modes/kitchen", {"value": "closed"},
         (("switch_mode", "kitchen"),), {"value": "closed"}),
    Step(("POST", "/api/v1/alarms/{id}/shelve"), f"{ALARM}shelve", {"reason": "test", "for_s": 60},
         (("shelve", "shut"),), {"reason": "test", "for_s": 60}),
    Step(("POST", "/api/v1/alarms/{id}/unshelve"), f"{ALARM}unshelve", None,
         (("unshelve", "shut"),)),
    Step(("POST", "/api/v1/alarms/{id}/acknowledge"), f"{ALARM}acknowledge", None,
         (("acknowledge", "shut"),)),
    Step(("POST", "/api/v1/modes/{id}"), "/api/v1/modes/kitchen", {"value": "open"},
         (("switch_mode", "kitchen"),), {"value": "open"}),
    Step(("POST", "/api/v1/alarms/{id}/reset"), f"{ALARM}reset", None, (("reset", "shut"),)),
    Step(("POST", "/api/v1/alarms/{id}/out-of-service"), f"{ALARM}out-of-service",
         {"reason": "broken"}, (("out_of_service", "shut"),), {"reason": "broken"}),
    Step(("POST", "/api/v1/alarms/{id}/in-service"), f"{ALARM}in-service", None,
         (("in_service", "shut"),)),
    Step(("POST", "/api/v1/rules/{id}/run"), "/api/v1/rules/bell/run", None,
         (("run_rule", "bell"),)),
    Step(("POST", "/api/v1/duty/{role}"), "/api/v1/duty/cook", {"person": "kim", "for_s": 60},
         (("hand_over", "cook"),), {"to": "kim", "for_s": 60}),
    Step(("POST", "/api/v1/commands"), "/api/v1/commands",
         {"actuator": "siren", "value": True, "for": 60, "id": "order-0001"},
         (("override", "siren"),), {"value": True, "id": "order-0001"}),
    Step(("POST", "/api/v1/commands"), "/api/v1/commands",
         {"actuator": "siren", "value": True, "for": 60, "id": "order-0001"}),
    Step(("DELETE", "/api/v1/commands/{actuator}"), "/api/v1/commands/siren", None,
         (("release", "siren"),)),
    Step(("POST", "/api/v1/config/reload"), "/api/v1/config/reload", None, (("reload", ""),)),
    Step(("POST", "/api/v1/devices/{id}/read"), "/api/v1/devices/walk_in/read", None,
         (("read_device", "walk_in"),)),
    Step(("POST", "/api/v1/notifications/test"), "/api/v1/notifications/test", {"channel": "box"},
         (("test_channel", "box"),)),
    Step(("POST", "/api/v1/timers"), "/api/v1/timers", {"label": "Fries", "for_s": 90, "id": "a"},
         (("start_timer", "Fries"),), {"id": "a", "for_s": 90}),
    Step(("DELETE", "/api/v1/timers/{id}"), "/api/v1/timers/a", None, (("stop_timer", "Fries"),),
         {"id": "a"}),
    Step(("POST", "/api/v1/timers"), "/api/v1/timers", {"label": "Egg", "for_s": 1, "id": "b"},
         (("start_timer", "Egg"),)),
    Step(("POST", "/api/v1/timers/{id}/acknowledge"), "/api/v1/timers/b/acknowledge", None,
         (("see_timer", "Egg"),), {"id": "b"}),
    Step(("PUT", "/api/v1/timers/presets"), "/api/v1/timers/presets",
         {"presets": [{"label": "Rice", "for_s": 720}]}, (("save_presets", "timers"),),
         {"presets": "Rice 720 s"}),
    Step(("PUT", "/api/v1/views/{name}"), "/api/v1/views/cold", {"content": {}},
         (("save_view", "cold"),)),
    Step(("DELETE", "/api/v1/views/{name}"), "/api/v1/views/cold", None,
         (("remove_view", "cold"),)),
    Step(("PUT", "/api/v1/layouts/{name}"), "/api/v1/layouts/wall", {"content": {}},
         (("save_layout", "wall"),)),
    Step(("DELETE", "/api/v1/layouts/{name}"), "/api/v1/layouts/wall", None,
         (("remove_layout", "wall"),)),
    Step(("POST", "/api/v1/push/subscriptions"), "/api/v1/push/subscriptions",
         {"person": "kim", "subscription": SUBSCRIPTION}, (("subscribe_browser", "kim"),),
         {"service": "push.example"}, "browser"),
    Step(("DELETE", "/api/v1/push/subscriptions/{id}"),
         "/api/v1/push/subscriptions/{browser}", None, (("unsubscribe_browser", "kim"),),
         {"service": "push.example"}),
    Step(("POST", "/api/v1/push/subscriptions"), "/api/v1/push/subscriptions",
         {"person": "kim", "subscription": SUBSCRIPTION}, (("subscribe_browser", "kim"),)),
    Step(("DELETE", "/api/v1/push/subscriptions"), "/api/v1/push/subscriptions",
         {"endpoint": BROWSER.subscription.endpoint}, (("unsubscribe_browser", "kim"),)),
    Step(("POST", "/api/v1/rules/files/{name}/check"), "/api/v1/rules/files/night.yaml/check",
         {"text": RULES}),
    Step(("PUT", "/api/v1/rules/files/{name}"), "/api/v1/rules/files/night.yaml",
         {"text": RULES}, (("save_rules", "night.yaml"),)),
    Step(("DELETE", "/api/v1/rules/files/{name}"), "/api/v1/rules/files/night.yaml", None,
         (("remove_rules", "night.yaml"),)),
    Step(("POST", "/api/v1/rules/test"), "/api/v1/rules/test", {"rules": RULES}),
    Step(("POST", "/api/v1/people"), "/api/v1/people",
         {"id": "kim", "label": "Kim", "role": "staff", "password": PASSWORD, "pin": PIN},
         (("add_person", "kim"),), {"role": "staff"}),
    Step(("PUT", "/api/v1/people/{id}"), "/api/v1/people/kim", {"role": "manager"},
         (("change_person", "kim"),), {"role": "manager", "role_before": "staff"}),
    Step(("POST", "/api/v1/people/{id}/unlock"), "/api/v1/people/kim/unlock", None,
         (("unlock", "kim"),)),
    Step(("POST", "/api/v1/people/{id}/log-out"), "/api/v1/people/kim/log-out", None,
         (("log_out_everywhere", "kim"),), {"ended": 0}),
    Step(("DELETE", "/api/v1/people/{id}"), "/api/v1/people/kim", None,
         (("remove_person", "kim"),)),
    Step(("POST", "/api/v1/tokens"), "/api/v1/tokens", {"name": "pos", "role": "viewer"},
         (("create_token", "pos"),), {"role": "viewer"}),
    Step(("DELETE", "/api/v1/tokens/{id}"), "/api/v1/tokens/{token}", None,
         (("withdraw_token", "pos"),)),
    Step(("POST", "/api/v1/session/proof"), "/api/v1/session/proof", {"password": PASSWORD},
         (("prove", ""),)),
    Step(("POST", "/api/v1/session/password"), "/api/v1/session/password",
         {"old": PASSWORD, "new": f"{PASSWORD} again"}, (("change_person", "boss"),),
         {"password": "new"}),
    Step(("POST", "/api/v1/session/end-all"), "/api/v1/session/end-all", None,
         (("log_out_everywhere", "boss"),), {"ended": 0}),
    Step(("POST", "/api/v1/tablets"), "/api/v1/tablets", {"label": "Wall"},
         (("pair_tablet", "Wall"),), {}, "paired"),
    Step(("POST", "/api/v1/tablets/{id}/unlock"), "/api/v1/tablets/{tablet}/unlock", None,
         (("unlock_tablet", "Wall"),)),
    Step(("DELETE", "/api/v1/tablets/{id}"), "/api/v1/tablets/{tablet}", None,
         (("take_back_tablet", "Wall"),)),
    Step(("POST", "/logout"), "/logout", None, (("log_out", ""),)),
)  # fmt: skip
# What lets somebody in, and what no person does: each has a test of its own below.
ELSEWHERE = {
    ("POST", "/login"),
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/pairing"),
    ("POST", "/api/v1/hooks/{name}"),
}


class Asking:
    """The first admin of a running kitchen, on a page."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.cookie = ""
        self.kept: dict[str, str] = {}
        code = daemon.wait_until(lambda: _code(daemon))
        new = {"code": code, "id": "boss", "label": "Boss", "password": PASSWORD}
        assert self.ask("POST", "/api/v1/pairing", new)[0] == 200

    def ask(self, method: str, path: str, body: object = None, **more: str) -> tuple[int, Any]:
        origin = f"http://127.0.0.1:{self.daemon.port}"
        headers = {"Origin": origin, WRITING: "1", **more}
        if self.cookie:
            headers["Cookie"] = f"{cookies.SESSION}={self.cookie}"
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        raw = data.encode() if isinstance(data, str) else data
        request = urllib.request.Request(f"{origin}{path}", raw, headers, method=method)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=PATIENCE_S) as answer:
                self._remember(answer.headers.get_all("Set-Cookie") or [])
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def entries(self) -> list[dict[str, Any]]:
        """What is in the record, the oldest first."""

        def asked() -> dict[str, Any] | None:
            status, body = self.ask("GET", "/api/v1/audit?limit=200")
            assert status in {200, 429}, body  # who looks too often looks again
            return body if status == 200 else None

        body = self.daemon.wait_until(asked)
        return [row["entry"] for row in reversed(body["entries"])]

    def _remember(self, given: list[str]) -> None:
        for each in given:
            name, _, value = each.partition(";")[0].partition("=")
            if name == cookies.SESSION and value:
                self.cookie = value


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _code(daemon: Daemon) -> str | None:
    found = re.search(r"pairing code (\S+(?: \S+)??), once", daemon.log)
    return found and found[1]


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder: Path = tmp_path_factory.mktemp("kitchen")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "pos_hook").write_text(HOOK_SECRET)
    (folder / "secrets" / "pos_hook").chmod(0o600)
    (folder / "rules.d").mkdir()
    with Daemon(folder, KITCHEN) as daemon:
        yield Asking(daemon)


def test_every_route_that_writes_is_done_here() -> None:
    assert {step.route for step in STEPS} | ELSEWHERE == WRITES


def test_every_write_says_what_was_done_to_what(asking: Asking) -> None:
    for step in STEPS:
        before = len(asking.entries())
        _do(asking, step)
        look = partial(_left, asking, before, step)
        left = asking.daemon.wait_until(look)
        for entry in left[1:]:
            if _named(entry) in step.left:
                assert (entry["by"], entry["role"]) == ("boss", "admin"), (step, entry)
                told = entry.get("detail", {})
                assert {name: told.get(name) for name in step.told} == step.told, (step, entry)
    _log_in(asking)
    found = asking.entries()
    done = [entry for entry in found if not entry.get("refused")]
    assert [entry for entry in done if entry["action"] == "request"] == []
    kept = json.dumps(found)
    assert [secret for secret in SECRETS if secret in kept] == []


def _left(asking: Asking, before: int, step: Step) -> tuple[dict[str, Any], ...] | None:
    """What it left and what was last before, once all that is due is there."""
    found = asking.entries()[before - 1 :]
    return tuple(found) if set(step.left) <= {_named(entry) for entry in found[1:]} else None


def _named(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["action"], entry.get("about", "")


def _do(asking: Asking, step: Step) -> None:
    if step.route[1].endswith("timers/{id}/acknowledge"):
        asking.daemon.wait_until(lambda: _elapsed(asking))
    path = step.path.format(**asking.kept)
    more = {"If-Match": "*"} if step.route == ("DELETE", "/api/v1/rules/files/{name}") else {}
    status, body = asking.ask(step.route[0], path, step.body, **more)
    assert status in {200, 201, 202, 303, 404}, (step, status, body)
    assert status != 404 or step.route[1] == "/api/v1/rules/test", (step, body)  # no history yet
    if step.route == ("POST", "/api/v1/tokens"):
        asking.kept["token"] = asking.ask("GET", "/api/v1/tokens")[1]["tokens"][0]["id"]
    if step.keep == "browser":
        asking.kept["browser"] = body["subscriptions"][0]["id"]
    if step.keep == "paired":
        asking.kept["tablet"] = body["tablets"][0]["id"]
    if step.keep == "paired" or step.path == "/logout":
        _log_in(asking)


def _log_in(asking: Asking) -> None:
    body = {"name": "boss", "password": f"{PASSWORD} again"}
    assert asking.ask("POST", "/api/v1/session", body)[0] == 200


def _elapsed(asking: Asking) -> bool:
    timers = asking.ask("GET", "/api/v1/timers")[1]["timers"]
    return any(timer["state"] == "elapsed" for timer in timers)


def test_what_lets_somebody_in_says_who(asking: Asking) -> None:
    assert asking.ask("POST", "/api/v1/session", {"name": "boss", "password": "wrong"})[0] == 401
    wrong = _refused(asking, "refused")
    assert (wrong["action"], wrong["about"]) == ("log_in", "boss")
    first = next(entry for entry in asking.entries() if entry["action"] == "pair")
    assert (first["by"], first["about"]) == ("boss", "boss")


def test_orders_and_sales_are_events_and_push_nothing_out_of_the_record(asking: Asking) -> None:
    event = {"id": "1", "kind": "sale", "at": 1_795_226_400_000, "data": {}}
    body, at = json.dumps(event).encode(), str(int(time.time()))
    signed = hmac.new(HOOK_SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    before = len(asking.entries())
    status, _ = asking.ask(
        "POST", "/api/v1/hooks/pos", body, **{TIMESTAMP: at, SIGNATURE: f"sha256={signed}"}
    )
    assert status == 201
    assert asking.ask("POST", "/api/v1/hooks/pos", body)[0] == 401
    assert _refused(asking, "bad-signature")["about"] == "POST /api/v1/hooks/pos"
    assert [entry for entry in asking.entries()[before:] if not entry.get("refused")] == []


def _refused(asking: Asking, why: str) -> dict[str, Any]:
    """The first entry refused for that, once it is there."""
    return asking.daemon.wait_until(
        lambda: next((it for it in asking.entries() if it.get("refused") == why), None)
    )


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_has_a_word_for_each_of_these(language: str) -> None:
    words = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    actions = {action for step in STEPS for action, _ in step.left}
    assert {action for action in actions if f"audit.action.{action}" not in words} == set()
