"""`/metrics`: Prometheus text format 0.0.4, of the daemon and of the web itself."""

import math
from collections.abc import Iterable

from aiohttp import web

from gateway.access import Role
from gateway.web.crowd import CROWD
from gateway.web.live import LIVE
from gateway.web.pace import PACE
from gateway.web.route import ACCESS, COUNTERS, KITCHEN, Route
from gateway.web.status_shapes import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(request: web.Request) -> web.Response:
    """Figures of the daemon and of the web itself, for Prometheus."""
    app = request.app
    refused = Metric(
        name="kitchen_logins_refused_total",
        help="Logins with a wrong, expired or used-up secret.",
        kind="counter",
        value=app[ACCESS].refused,
    )
    overrun = Metric(
        name="kitchen_logins_overrun_total",
        help="Logins turned away because too many waited for their turn.",
        kind="counter",
        value=app[ACCESS].people.passwords.turns.overruns,
    )
    hurried = Metric(
        name="kitchen_http_requests_refused_total",
        help="Requests refused because they came too fast.",
        kind="counter",
        value=app[PACE].refused,
    )
    own = [
        overrun,
        hurried,
        *app[COUNTERS].metrics(),
        *app[CROWD].metrics(),
        *app[LIVE].metrics(),
        refused,
    ]
    body = render([*app[KITCHEN].metrics(), *own]).encode()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})


def render(metrics: Iterable[Metric]) -> str:
    """The text of these samples; those of one name are brought together."""
    families: dict[str, list[Metric]] = {}
    for metric in metrics:
        families.setdefault(metric.name, []).append(metric)
    lines: list[str] = []
    for name, samples in families.items():
        lines.append(f"# HELP {name} {_escape(samples[0].help)}")
        lines.append(f"# TYPE {name} {samples[0].kind}")
        lines.extend(f"{name}{_labels(sample)} {_number(sample.value)}" for sample in samples)
    return "\n".join(lines) + "\n"


def _labels(metric: Metric) -> str:
    pairs = ",".join(
        f'{key}="{_escape(text).replace(chr(34), chr(92) + chr(34))}"'
        for key, text in metric.labels.items()
    )
    return f"{{{pairs}}}" if pairs else ""


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


ROUTES = (
    Route(method="GET", path="/metrics", handler=metrics, role=Role.VIEWER, media="text/plain"),
)
