"""What a browser is told when somebody is not let in, or something about people is not done."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.access import Locked, NotAllowed, Overrun, Refused, TooManyTries, TooOften, Unfit
from gateway.store.errors import StoreError
from gateway.web.record import TOO_FAST
from gateway.web.route import Problem

Body = TypeVar("Body")
_MINUTE_S = 60


async def body_of(request: web.Request, shape: type[Body]) -> Body:
    """The body in that shape; raises Problem."""
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.DecodeError as error:
        raise Problem(400, "bad-body", f"{error}.") from None


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what `gateway.access` raises into an answer."""
    try:
        yield
    except Refused:
        raise Problem(401, "refused", "That is wrong, used up or expired.") from None
    except TooManyTries:
        raise _later(429, "too-many-tries", "Too many wrong tries from here.", _MINUTE_S) from None
    except Locked as error:
        wait_s = math.ceil(error.wait_s)
        raise _later(429, "locked", "Locked after wrong tries.", wait_s) from None
    except TooOften as error:
        raise too_often(error) from None
    except Overrun:
        detail = "Too many people log in at once; try again in a moment."
        raise _later(503, "busy", detail, 10) from None
    except NotAllowed as error:
        raise _refused(403, "not-allowed", error) from None
    except Unfit as error:
        raise _refused(422, "unfit", error) from None
    except KeyError as error:
        raise Problem(404, "unknown-person", f"There is nobody called {error.args[0]}.") from None
    except StoreError as error:
        detail = f"It could not be stored, so it does not count: {error}."
        raise _later(503, "not-stored", detail, 10) from None


def too_often(error: TooOften) -> Problem:
    """No redirect and no entry: there would be as many as somebody likes."""
    wait_s = math.ceil(error.wait_s)
    return _later(429, TOO_FAST, "Logged in too often; log in later.", wait_s)


def _later(status: int, kind: str, detail: str, wait_s: int) -> Problem:
    return Problem(status, kind, detail, {"Retry-After": str(wait_s)}, members={"wait_s": wait_s})


def _refused(status: int, kind: str, error: Unfit | NotAllowed) -> Problem:
    """The sentence for people and programs, and the word by which the page finds its own."""
    text = str(error)
    members = {"why": error.why} if error.why else {}
    return Problem(status, kind, f"{text[:1].upper()}{text[1:]}.", members=members)
