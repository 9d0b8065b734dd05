"""Notices to the browsers a person has subscribed with, by way of their makers' push services.

RFC 8030 (the request), RFC 8291 (encryption), RFC 8292 (who we are). A browser that has gone is
forgotten. Who has several is told once one of them has been: repeats carry the same `id`, and
replace each other on a device that was not to be reached.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from gateway.loading import in_thread
from gateway.notify.addresses import networks
from gateway.notify.channel import Gone, Means, Recipient, Refused, Unreachable
from gateway.notify.notice import Notice
from gateway.notify.push_encryption import TEXT_MAX, encrypted, from_text
from gateway.notify.subscription import Subscription, Subscriptions
from gateway.notify.vapid import KeyDamaged, Vapid, own_key
from gateway.store.errors import StoreError

logger = logging.getLogger(__name__)

ADDRESS = "id"
# How long a service keeps it for a device that is off, for life safety and all else.
KEPT_S = {True: 24 * 3_600, False: 4 * 3_600}
_TITLE_MAX, _BODY_OCTETS_MAX = 200, 2_500


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The keys of a channel of kind `webpush`; push services write to `contact` in trouble.

    `addresses` are those inside that it may reach, where a push service is the owner's own.
    """

    contact: str
    addresses: tuple[Annotated[str, "network"], ...] = ()

    def __post_init__(self) -> None:
        if not self.contact.startswith(("mailto:", "https:")):
            raise ValueError(
                "contact must begin with mailto: or https:, such as mailto:owner@example.com"
            )


class WebPush:
    """All push services; which one is asked, the browser's own address tells."""

    def __init__(self, options: Options, means: Means, subscriptions: Subscriptions | None) -> None:
        self.removed = 0  # browsers that had gone
        self._contact = options.contact
        self._inside = networks(options.addresses)
        self._means = means
        self._subscriptions = subscriptions
        self._vapid: Vapid | None = None

    async def hand_over(self, notice: Notice, recipient: Recipient) -> None:
        """Return once a service has taken it; raises Refused or Unreachable."""
        own = self._subscriptions.of(recipient.id) if self._subscriptions else ()
        if own:
            await self._prepare()
        # All at once: a service that hangs must not cost the others their time.
        outcomes = await asyncio.gather(*(self._try(notice, each) for each in own))
        if None not in outcomes:
            raise _worst([it for it in outcomes if it is not None], recipient)

    async def close(self) -> None:
        """The client is everybody's."""

    async def _try(self, notice: Notice, to: Subscription) -> Refused | Unreachable | None:
        """None once it was taken, else why not."""
        try:
            await self._push(notice, to)
        except Gone as error:
            await self._forget(to)
            return error
        except (Refused, Unreachable) as error:
            self._note(to, failed_at=self._means.clock.wall(), error=str(error))
            return error
        self._note(to, handed_over_at=self._means.clock.wall())
        return None

    def _note(self, to: Subscription, **what: int | str) -> None:
        if self._subscriptions is not None:
            before = self._subscriptions.outcome(to.endpoint)
            self._subscriptions.note(to.endpoint, msgspec.structs.replace(before, **what))

    async def _push(self, notice: Notice, to: Subscription) -> None:
        vapid, wall_ms = await self._prepare(), self._means.clock.wall()
        body, authorization = await in_thread(
            lambda: (
                encrypted(shown(notice), from_text(to.public), from_text(to.secret)),
                vapid.authorization(to.endpoint, wall_ms),
            ),
            "push encryption",
        )
        headers = {
            "Authorization": authorization,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_S[notice.life]),
            "Urgency": "high",
            "Topic": notice.id[:32],
        }
        await self._means.outbound.post(
            to.endpoint, body, headers, inside=self._inside, urgent=notice.life
        )

    async def _prepare(self) -> Vapid:
        """Our key, read or made at the first time; raises Unreachable."""
        if self._vapid is None:
            try:
                key = await in_thread(lambda: own_key(self._means.folder), "push key")
            except (KeyDamaged, OSError) as error:
                raise Unreachable(str(error)) from error
            self._vapid = Vapid(key, self._contact)
        return self._vapid

    async def _forget(self, subscription: Subscription) -> None:
        """One that has gone; where the disk refuses it is asked, and forgotten, another time."""
        if self._subscriptions is None:
            return
        self.removed += 1
        logger.info("a browser of %s has unsubscribed", subscription.person)
        try:
            await self._subscriptions.remove(subscription.endpoint)
        except StoreError as error:
            logger.warning("its subscription could not be removed yet: %s", error)


def shown(notice: Notice) -> bytes:
    """What the page's worker gets, as JSON that fits into one message."""
    text = notice.text.encode()[:_BODY_OCTETS_MAX].decode(errors="ignore")
    body = {
        "id": notice.id,
        "alarm": notice.alarm,
        "priority": notice.priority,
        "title": notice.title[:_TITLE_MAX],
        "text": text,
        "at": notice.at,
    }
    encoded = msgspec.json.encode(body)
    if len(encoded) > TEXT_MAX:  # signs that JSON writes longer
        encoded = msgspec.json.encode(body | {"text": ""})
    return encoded


def _worst(failures: Sequence[Refused | Unreachable], recipient: Recipient) -> Exception:
    """What to say when nobody was told: what may pass first, what a person can do next."""
    for error in failures:
        if isinstance(error, Unreachable):
            return error
    for error in failures:
        if not isinstance(error, Gone):
            return error
    who = recipient.label or recipient.id
    return Refused(f"no browser of {who} is subscribed: open the page there and switch push on")


def open_channel(options: Options, means: Means) -> WebPush:
    """The channel; its key is made or read at the first notice."""
    return WebPush(options, means, means.subscriptions)
