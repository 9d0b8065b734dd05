"""`/api/v1/hooks/{name}`: orders and sales data from other systems, signed with a shared secret."""

import asyncio

import msgspec
from aiohttp import web

from gateway.config.secret import SecretError
from gateway.store.errors import StoreError
from gateway.web import record
from gateway.web.hook_shapes import BadSignature, Incoming, Taken, UnknownHook
from gateway.web.pace import PACE
from gateway.web.route import CLOCK, KITCHEN, Problem, Route, json_response

TIMESTAMP, SIGNATURE = "X-Kitchen-Timestamp", "X-Kitchen-Signature"
WINDOW_S = 300
DATA_MAX = 8_192  # bytes of JSON: the event is a row of the log, and goes to the cloud as one
COMMIT_DEADLINE_S = 5.0
_DIGITS_MAX = 12


async def take(request: web.Request) -> web.Response:
    """Take an order or a sale once; answers when it is a row."""
    name, body = request.match_info["name"], await request.read()
    _check_signature(request, name, body)
    request.app[PACE].check_hook(name)
    record.no_entry()  # each is an event of its own; a till's would push out what people did
    try:
        event = msgspec.json.decode(body, type=Incoming)
    except msgspec.DecodeError as error:
        raise Problem(400, "bad-body", f"{error}.") from None
    if len(msgspec.json.encode(event.data)) > DATA_MAX:
        raise Problem(413, "too-large", f"`data` may have {DATA_MAX} bytes at most.")
    try:
        async with asyncio.timeout(COMMIT_DEADLINE_S):
            new = await request.app[KITCHEN].hook(name, event)
    except (StoreError, TimeoutError):
        detail = "It could not be stored in time: send the same again."
        raise Problem(503, "not-stored", detail, {"Retry-After": "5"}) from None
    return json_response(Taken(event.id, new), 201 if new else 200)


def _check_signature(request: web.Request, name: str, body: bytes) -> None:
    kitchen = request.app[KITCHEN]
    if kitchen.site().clock == "unsynced" and not kitchen.site().simulated:
        detail = "The gateway's clock is not set, so it cannot tell new from old: send it later."
        raise Problem(503, "no-clock", detail, {"Retry-After": "60"})
    said = request.headers.get(TIMESTAMP, "")
    if not said.isascii() or not said.isdigit() or len(said) > _DIGITS_MAX:
        raise Problem(401, "bad-signature", f"{TIMESTAMP} is the time in seconds since 1970.")
    if abs(int(said) - request.app[CLOCK].wall() / 1000) > WINDOW_S:
        detail = f"{TIMESTAMP} is more than {WINDOW_S} s from the gateway's time: set the clock."
        raise Problem(401, "bad-signature", detail)
    signature = request.headers.get(SIGNATURE, "").removeprefix("sha256=")
    try:
        kitchen.check_hook(name, said.encode() + b"." + body, signature)
    except (UnknownHook, BadSignature):  # nobody is told which names there are
        detail = f"Sign `timestamp.body` with the secret of web.hooks, as {SIGNATURE}: sha256=…"
        raise Problem(401, "bad-signature", detail) from None
    except SecretError as error:
        raise Problem(503, "no-secret", f"{error}; whoever runs the gateway must mend it") from None


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/hooks/{name}",
        handler=take,
        role="anyone",
        signed=True,
        body=Incoming,
        answer=Taken,
        statuses=(200, 201),
    ),
)
