"""Slack's incoming webhooks, and what speaks like them (Mattermost, Rocket.Chat).

The address is a secret: whoever knows it can post. Escaping: Slack, "Formatting text for app
surfaces": only &, < and > are special.
"""

from dataclasses import dataclass
from typing import Annotated

from gateway.config.secret import Secret
from gateway.notify.channel import Channel, Means
from gateway.notify.notice import Notice
from gateway.notify.webhook import Hook, filled, read

ADDRESS = ""
_TEMPLATE = {"text": "*{title}*\n{text}"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Keys of `kind: slack`."""

    url: Secret
    addresses: tuple[Annotated[str, "network"], ...] = ()


def open_channel(options: Options, means: Means) -> Channel:
    import aiohttp  # noqa: F401 - loaded here, off the loop

    def url() -> str:
        return read(options.url)

    return Hook(means.outbound, url, message, dict, options.addresses)


def message(notice: Notice) -> dict[str, str]:
    """The body; danger to people calls the whole channel."""
    said = filled(_TEMPLATE, notice)["text"]
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        said = said.replace(sign, entity)
    return {"text": f"<!channel> {said}" if notice.life and notice.verb == "raise" else said}
