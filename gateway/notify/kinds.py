"""The kinds of channel: one line each, and the module that knows everything else about it."""

import functools
import importlib
from collections.abc import Callable
from typing import Protocol, cast

from gateway.notify.channel import Channel, Means

MODULES = {
    "email": "gateway.notify.mail",
    "webhook": "gateway.notify.webhook",
    "slack": "gateway.notify.slack",
    "sms": "gateway.notify.sms",
}


class Kind(Protocol):
    """What the module of a kind has; importing it must cost little, its library is loaded later."""

    Options: type[object]
    ADDRESS: str
    open_channel: Callable[[str, object, Means], Channel]


@functools.cache
def kind(name: str) -> Kind:
    """The module of a kind in MODULES."""
    return cast("Kind", importlib.import_module(MODULES[name]))
