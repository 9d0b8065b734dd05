"""`/api/v1/rules/test`: what the rules in force, or edited ones, would have done in the past."""

import msgspec
from aiohttp import web

from gateway import instant
from gateway.access import Role
from gateway.rule_texts import NAMED, is_name
from gateway.web import record
from gateway.web.kitchen_errors import BadRules, Busy, NoHistory
from gateway.web.moment import Span
from gateway.web.route import KITCHEN, Problem, Route, json_response


class EditedRules(msgspec.Struct, forbid_unknown_fields=True):
    """Rules as YAML, and the time to try them on."""

    rules: str
    file: str | None = None  # of rules.d, which these would be beside all others
    start: str | int | None = msgspec.field(name="from", default=None)
    end: str | int | None = msgspec.field(name="to", default=None)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial found, as `docs/rules-test.md` describes it; more stands beside these."""

    start: int = msgspec.field(name="from")
    end: int = msgspec.field(name="to")
    until: int


async def in_force(request: web.Request) -> web.Response:
    """What those in force would have done from `from` up to `to`; the last week by default."""
    query = request.query
    return await _tried(request, query.get("from"), query.get("to"), None, None)


async def edited(request: web.Request) -> web.Response:
    """What `rules`, as YAML, would have done differently."""
    try:
        body = msgspec.json.decode(await request.read(), type=EditedRules)
    except msgspec.DecodeError as error:
        detail = f"Send JSON with rules, and from and to where wanted: {error}."
        raise Problem(400, "bad-body", detail) from None
    if body.file is not None and not is_name(body.file):
        raise Problem(400, "bad-name", f"A file of rules has {NAMED}.")
    record.no_entry()
    return await _tried(request, body.start, body.end, body.rules, body.file)


async def _tried(
    request: web.Request,
    start: str | int | None,
    end: str | int | None,
    rules: str | None,
    part: str | None,
) -> web.Response:
    begins, ends = _moment(start, "from"), _moment(end, "to")
    if begins is not None and ends is not None and begins >= ends:
        raise Problem(400, "bad-time", "`from` must be before `to`.")
    try:
        report = await request.app[KITCHEN].try_rules(begins, ends, rules, part)
    except BadRules as error:
        members = {"problems": msgspec.to_builtins(error.problems)}
        detail = "These rules cannot be used; mend what `problems` says."
        raise Problem(422, "bad-rules", detail, members=members) from None
    except Busy as error:
        raise Problem(409, "trial-busy", f"Not now: {error}.", {"Retry-After": "10"}) from None
    except NoHistory as error:
        raise Problem(404, "no-history", f"Nothing was tried: {error}.") from None
    except TimeoutError:
        raise Problem(503, "trial-slow", "It takes too long; ask for a shorter time.") from None
    return json_response(report)


def _moment(text: str | int | None, name: str) -> int | None:
    try:
        return None if text is None else instant.parse(str(text))
    except ValueError as error:
        raise Problem(400, "bad-time", f"`{name}`: {error}.") from None


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/rules/test",
        handler=in_force,
        role=Role.MANAGER,
        query=Span,
        answer=Report,
    ),
    Route(
        method="POST",
        path="/api/v1/rules/test",
        handler=edited,
        role=Role.MANAGER,
        body=EditedRules,
        answer=Report,
    ),
)
