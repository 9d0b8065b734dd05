"""A kind of channel with a bug in it; a test puts it among the kinds."""

from dataclasses import dataclass

from gateway.notify.channel import Channel, Means, Recipient
from gateway.notify.notice import Notice

ADDRESS = ""


@dataclass(frozen=True, kw_only=True)
class Options:
    """No keys of its own."""


def open_channel(options: Options, means: Means) -> Channel:
    del options, means
    return Broken()


class Broken:
    """Falls over at every message."""

    async def hand_over(self, notice: Notice, recipient: Recipient) -> None:
        raise KeyError(notice.id, recipient.id)

    async def close(self) -> None:
        """Nothing is held."""
