"""The kinds of channel: one line each, and the module that knows everything else about it."""

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast

from gateway.notify.channel import Channel, Means

MODULES: Mapping[str, str] = {
    "email": "gateway.notify.mail",
    "webhook": "gateway.notify.webhook",
    "slack": "gateway.notify.slack",
    "sms": "gateway.notify.sms",
    "webpush": "gateway.notify.webpush",
}
TENDED = frozenset({"sms"})  # their channels are `gateway.notify.channel.Tended`


class Kind(Protocol):
    """What the module of a kind has; importing it must cost little, its library is loaded later.

    `Options` are the keys of the configuration. `ADDRESS` is the key of a person by which it
    reaches them ("email", "phone"), "id" where it keeps addresses itself, and "" where the channel
    is the destination.
    """

    Options: type[object]
    ADDRESS: str

    def open_channel(self, options: Any, means: Means) -> Channel:  # noqa: ANN401 - its own Options
        """The channel; called in a thread, and it must not connect yet."""


def kind(name: str) -> Kind:
    """The kind of that name; raises KeyError."""
    return cast("Kind", importlib.import_module(MODULES[name]))
