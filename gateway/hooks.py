"""What other systems tell the kitchen (orders, sales): signed, once, and a row for the cloud.

The id of an event is claimed first, the row is committed, and then the id is marked as done. A kill
between the two makes a second row with the same id when the sender repeats it, and never none.
"""

import hashlib
import hmac
from typing import TYPE_CHECKING

from gateway.config.secret import SecretError
from gateway.documents import Document
from gateway.web.hook_shapes import BadSignature, Incoming, UnknownHook

if TYPE_CHECKING:
    from gateway.app import Gateway

KEPT_MAX = 5_000  # ids of one hook; one repeated later than so many others is a row again
KEPT_MS = 7 * 86_400_000
_BEGUN, _DONE = b"0", b"1"


async def take(gateway: "Gateway", name: str, event: Incoming) -> bool:
    """Whether it was new; returns once it is a row. Raises StoreError."""
    documents, now = gateway.store.documents, gateway.clock.now()
    kind, key = f"hook/{name}", hashlib.sha256(event.id.encode()).hexdigest()
    found = await documents.claim(kind, Document(key, now, _BEGUN), KEPT_MAX, now - KEPT_MS)
    if found is not None and found.body == _DONE:
        return False
    data = {"hook": name, "id": event.id, "kind": event.kind, "at": event.at, "data": event.data}
    gateway.store.log.event("hook", data, now)
    await gateway.store.log.durable()
    await documents.put(kind, Document(key, now, _DONE), KEPT_MAX + 1)
    return True


def check(gateway: "Gateway", name: str, signed: bytes, signature: str) -> None:
    """Raises UnknownHook, BadSignature, or SecretError where the secret cannot be read."""
    secret = gateway.config.web.hooks.get(name)
    if secret is None:
        raise UnknownHook
    key = secret.read().encode()
    if not key:
        raise SecretError(f"the secret {secret.file} is empty")
    expected = hmac.new(key, signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise BadSignature
