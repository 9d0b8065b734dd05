"""`/api/v1/rules/files`: the texts of `rules.d`, checked while they are edited, and saved."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import msgspec
from aiohttp import web

from gateway import rule_texts
from gateway.access import Role
from gateway.config.problem import Problem as Wrong
from gateway.config.written import rules_of
from gateway.documents import tag_of
from gateway.loading import in_thread
from gateway.reloading import Busy
from gateway.rule_files import (
    ChangedMeanwhile,
    ForAnEditor,
    NotWritten,
    TagNeeded,
    Unfit,
    UnknownFile,
    WrongName,
)
from gateway.store.errors import StoreError
from gateway.web import record
from gateway.web.configuration import RELOAD_DEADLINE_S
from gateway.web.configuration_shapes import ProblemView
from gateway.web.problem_view import problem_view
from gateway.web.reach import check_everywhere
from gateway.web.refusals import body_of
from gateway.web.route import KITCHEN, USER, Problem, Route, json_response
from gateway.web.tagged import known, tag_given, tagged_json

PROBLEMS_MAX = 50  # in one answer


class RuleFile(msgspec.Struct, frozen=True):
    """One file; `tag` changes with its text, and is its ETag without the quotes."""

    name: str
    bytes: int
    tag: str
    editable: bool  # False: by its name, size or encoding it is for an editor on the gateway


class RuleFileList(msgspec.Struct, frozen=True):
    """All of them by name; `config` are the rules of `config.yaml` as YAML, to be read only."""

    files: Sequence[RuleFile]
    config: str


class RuleText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a file of rules: YAML, 48 kB at most."""

    text: str


class NamedText(msgspec.Struct, frozen=True):
    """One file."""

    name: str
    text: str
    tag: str


class Checked(msgspec.Struct, frozen=True):
    """What would be wrong with the files of rules as a whole; nothing: it may be saved."""

    problems: Sequence[ProblemView]
    more: int  # problems beside these


class SavedRules(msgspec.Struct, frozen=True):
    """What became of a change; `tag` is null where the file is gone."""

    name: str
    result: Literal["applied", "unchanged", "refused"]
    tag: str | None


async def files(request: web.Request) -> web.Response:
    """Every file of rules, and the rules that stand in the configuration itself."""
    with _refusals():
        found = await request.app[KITCHEN].rule_files().all()
    listed = [
        RuleFile(name, len(part.data), tag_of(part.data), _editable(name, part.data))
        for part in found.parts
        for name in [rule_texts.name_of(part)]
    ]
    config = await in_thread(lambda: rules_of(found.main), "rules of the config")
    return tagged_json(request, RuleFileList(listed, config))


async def read(request: web.Request) -> web.Response:
    """One file with its text."""
    name = request.match_info["name"]
    with _refusals():
        text, tag = await request.app[KITCHEN].rule_files().read(name)
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    if known(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    answer = json_response(NamedText(name, text, tag))
    answer.headers.update(headers)
    return answer


async def check(request: web.Request) -> web.Response:
    """What would be wrong if that text were saved; nothing is written."""
    body = await body_of(request, RuleText)
    record.no_entry()  # it comes with every pause in writing
    with _refusals():
        wrong = await request.app[KITCHEN].rule_files().check(request.match_info["name"], body.text)
    return json_response(_shown(wrong))


async def save(request: web.Request) -> web.Response:
    """Save a text and have it taken over; once both is done. `If-Match` names what was read."""
    body = await body_of(request, RuleText)
    return await _changed(request, body.text)


async def remove(request: web.Request) -> web.Response:
    """Take a file out and have that taken over."""
    return await _changed(request, None)


async def _changed(request: web.Request, text: str | None) -> web.Response:
    name, by = request.match_info["name"], request[USER].name
    check_everywhere(request, name)
    with _refusals():
        async with asyncio.timeout(RELOAD_DEADLINE_S):
            saved = await request.app[KITCHEN].rule_files().save(name, text, tag_given(request), by)
    answer = json_response(SavedRules(name, saved.outcome.result, saved.tag))
    if saved.tag is not None:
        answer.headers["ETag"] = f'"{saved.tag}"'
    return answer


def _editable(name: str, data: bytes) -> bool:
    return rule_texts.is_name(name) and rule_texts.text_of(data) is not None


def _shown(wrong: Sequence[Wrong]) -> Checked:
    problems = [problem_view(each) for each in wrong[:PROBLEMS_MAX]]
    return Checked(problems, max(0, len(wrong) - PROBLEMS_MAX))


@contextmanager
def _refusals() -> Iterator[None]:  # noqa: C901 - one line for each thing that can be wrong
    """Turn what the files of rules raise into an answer; whatever it is, nothing has changed."""
    try:
        yield
    except WrongName:
        raise Problem(400, "bad-name", f"A file of rules has {rule_texts.NAMED}.") from None
    except UnicodeEncodeError:
        raise Problem(400, "bad-body", "The text holds half a character.") from None
    except UnknownFile:
        raise Problem(404, "unknown-file", "There is no such file in rules.d.") from None
    except ForAnEditor:
        detail = "It is too large for the page or no UTF-8; use an editor on the gateway."
        raise Problem(409, "for-an-editor", detail) from None
    except TagNeeded:
        detail = "There is such a file: send the ETag of what you have read as If-Match."
        raise Problem(428, "tag-needed", detail) from None
    except ChangedMeanwhile:
        detail = "Somebody has changed this file since you read it; look at it anew, then save."
        raise Problem(412, "changed-meanwhile", detail) from None
    except rule_texts.TooMuch as error:
        raise Problem(413, "too-large", f"No room: {error}.") from None
    except Unfit as error:
        members = msgspec.to_builtins(_shown(error.problems))
        detail = "These rules cannot be used, and nothing was changed; mend what `problems` says."
        raise Problem(422, "bad-rules", detail, members=members) from None
    except Busy as error:
        raise Problem(409, "busy", f"Not now: {error}. Try again.", {"Retry-After": "1"}) from None
    except TimeoutError:
        detail = "It takes long and goes on; look at the file again for what becomes of it."
        raise Problem(503, "slow", detail) from None
    except NotWritten as error:
        raise Problem(503, "not-written", f"Not saved: {error}.") from None
    except (StoreError, OSError) as error:
        detail = f"Not now: {error}. Nothing was changed; have the installer look at the disk."
        raise Problem(503, "not-stored", detail, {"Retry-After": "5"}) from None


_PATH = "/api/v1/rules/files"
_FILE = f"{_PATH}/{{name}}"
ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=files,
        role=Role.MANAGER,
        answer=RuleFileList,
        statuses=(200, 304),
    ),
    Route(
        method="GET",
        path=_FILE,
        handler=read,
        role=Role.MANAGER,
        answer=NamedText,
        statuses=(200, 304),
    ),
    Route(
        method="POST",
        path=f"{_FILE}/check",
        handler=check,
        role=Role.MANAGER,
        body=RuleText,
        answer=Checked,
    ),
    Route(
        method="PUT",
        path=_FILE,
        handler=save,
        role=Role.MANAGER,
        proof=True,
        matched=True,
        body=RuleText,
        answer=SavedRules,
    ),
    Route(
        method="DELETE",
        path=_FILE,
        handler=remove,
        role=Role.MANAGER,
        proof=True,
        matched=True,
        answer=SavedRules,
    ),
)
