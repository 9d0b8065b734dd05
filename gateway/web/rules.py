"""`/api/v1/rules` and `/api/v1/modes`: how rules stand, a run on request, and another mode."""

import asyncio
from collections.abc import Sequence

import msgspec
from aiohttp import web

from gateway.access import Role
from gateway.web.kitchen_errors import UnknownMode, UnknownRule
from gateway.web.reach import check_everywhere
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response
from gateway.web.rule_shapes import ModeView, RuleView

COMMIT_DEADLINE_S = 5.0


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a change of mode."""

    value: str


class Rules(msgspec.Struct, frozen=True):
    """Every rule as it stands."""

    rules: Sequence[RuleView]


class Modes(msgspec.Struct, frozen=True):
    """Every mode of the kitchen."""

    modes: Sequence[ModeView]


async def rules(request: web.Request) -> web.Response:
    """How every rule stands."""
    return json_response(Rules(request.app[KITCHEN].rules()))


async def run(request: web.Request) -> web.Response:
    """Run a rule; it, as it stands once the request is stored."""
    rule_id = request.match_info["id"]
    check_everywhere(request, rule_id)
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            rule = await request.app[KITCHEN].run_rule(rule_id, request[USER].name)
    except UnknownRule:
        detail = f"There is no rule {rule_id} with `called` under `when`."
        raise Problem(404, "unknown-rule", detail) from None
    except TimeoutError:
        raise _not_stored() from None
    return json_response(rule)


async def modes(request: web.Request) -> web.Response:
    """What every mode is set to."""
    return json_response(Modes(request.app[KITCHEN].modes()))


async def switch(request: web.Request) -> web.Response:
    """Set a mode; it, as it stands once the change is stored."""
    try:
        body = msgspec.json.decode(await request.read(), type=Switch)
    except msgspec.MsgspecError as error:
        raise Problem(400, "bad-body", f'Expected {{"value": "closed"}}: {error}.') from None
    name = request.match_info["id"]
    check_everywhere(request, name)
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            mode = await request.app[KITCHEN].switch_mode(name, body.value, request[USER].name)
    except UnknownMode as error:
        words = ", ".join(error.words)
        detail = f"{name} may be {words}." if words else f"There is no mode {name}."
        raise Problem(422 if words else 404, "unknown-mode", detail) from None
    except TimeoutError:
        raise _not_stored() from None
    return json_response(mode)


def _not_stored() -> Problem:
    detail = "It could not be stored in time; look whether it has happened, and repeat."
    return Problem(503, "not-stored", detail)


ROUTES = (
    Route(method="GET", path="/api/v1/rules", handler=rules, role=Role.VIEWER, answer=Rules),
    Route(
        method="POST", path="/api/v1/rules/{id}/run", handler=run, role=Role.STAFF, answer=RuleView
    ),
    Route(method="GET", path="/api/v1/modes", handler=modes, role=Role.VIEWER, answer=Modes),
    Route(
        method="POST",
        path="/api/v1/modes/{id}",
        handler=switch,
        role=Role.STAFF,
        body=Switch,
        answer=ModeView,
    ),
)
