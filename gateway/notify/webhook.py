"""A webhook: one POST of JSON to an address of the owner's choosing.

The id of the notice goes along as `Idempotency-Key`, so that a repeat can be told from news.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from gateway.config.secret import Secret, SecretError
from gateway.notify.addresses import networks
from gateway.notify.channel import Channel, Means, Recipient, Unreachable
from gateway.notify.notice import Notice
from gateway.notify.outbound import Outbound

ADDRESS = ""
FIELDS = Notice.__struct_fields__
_PLACE = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Keys of `kind: webhook`; `addresses` are those inside that it may reach."""

    url: Annotated[str, "web_address"]
    token: Secret | None = None
    addresses: tuple[Annotated[str, "network"], ...] = ()
    template: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.url.startswith("http:") and not self.addresses:
            raise ValueError(
                "url must begin with https:, or addresses must name what inside it may reach"
            )
        for text in self.template.values():
            for name in _PLACE.findall(text):
                if name not in FIELDS:
                    known = ", ".join(FIELDS)
                    raise ValueError(f"template: {{{name}}} is unknown, expected one of {known}")


def open_channel(options: Options, means: Means) -> Channel:
    import aiohttp  # noqa: F401 - loaded here, off the loop

    def headers() -> dict[str, str]:
        return {} if options.token is None else {"Authorization": f"Bearer {read(options.token)}"}

    def body(notice: Notice) -> object:
        return filled(options.template, notice) if options.template else notice

    return Hook(means.outbound, lambda: options.url, body, headers, options.addresses)


class Hook:
    """Posts what `body` makes of a notice; shared by all channels that are a POST of JSON."""

    def __init__(
        self,
        outbound: Outbound,
        url: Callable[[], str],
        body: Callable[[Notice], object],
        headers: Callable[[], Mapping[str, str]],
        addresses: tuple[str, ...],
    ) -> None:
        self._outbound = outbound
        self._url = url
        self._body = body
        self._headers = headers
        self._inside = networks(addresses)

    async def hand_over(self, notice: Notice, recipient: Recipient) -> None:  # noqa: ARG002
        headers = {"Content-Type": "application/json", "Idempotency-Key": notice.id}
        await self._outbound.post(
            self._url(),
            msgspec.json.encode(self._body(notice)),
            {**headers, **self._headers()},
            inside=self._inside,
            urgent=notice.life,
        )

    async def close(self) -> None:
        """The client is everybody's."""


def read(secret: Secret) -> str:
    """What a secret holds; raises Unreachable: it can be put right while the notice waits."""
    try:
        return secret.read()
    except SecretError as error:
        raise Unreachable(str(error)) from None


def filled(template: Mapping[str, str], notice: Notice) -> dict[str, str]:
    """The template with the fields of a notice in their places."""

    def field_of(match: re.Match[str]) -> str:
        value = getattr(notice, match[1])
        return "" if value is None else str(value)

    return {name: _PLACE.sub(field_of, text) for name, text in template.items()}
