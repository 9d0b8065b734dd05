"""What people see of notifications: each channel, and each message with what became of it."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from gateway.config.schema import Config
from gateway.notify.delivery import Delivery, Status
from gateway.notify.lane import Lane
from gateway.notify.notifying import Nobody, NoSuchChannel, Notifying
from gateway.web.kitchen_errors import NobodyReached, UnknownChannel
from gateway.web.notice_shapes import ChannelView, NoticeView, NotificationsView

SHOWN_MAX = 500
TRY_S = 10.0
Utc = Callable[[int], int]  # of kitchen time


def view(notifying: Notifying, config: Config, utc: Utc) -> NotificationsView:
    """Everything, the newest message first."""
    ledger = notifying.ledger
    channels = config.notifications.channels if config.notifications else {}
    lanes = [(lane, channels[name]) for name, lane in ledger.lanes.items() if name in channels]
    newest = sorted(ledger.all(), key=lambda it: it.notice.at, reverse=True)
    return NotificationsView(
        channels=[_channel(lane, settings.kind, settings.label) for lane, settings in lanes],
        notices=[_notice(delivery, utc) for delivery in newest[:SHOWN_MAX]],
        not_told=ledger.lost,
    )


async def try_out(
    notifying: Notifying, channel: str, to: Sequence[str], by: str, utc: Utc
) -> list[NoticeView]:
    """The test message as it stands after its first attempt, or after some seconds without one."""
    try:
        keys = notifying.begin_test(channel, to, by)
    except NoSuchChannel:
        raise UnknownChannel(channel) from None
    except Nobody:
        raise NobodyReached(channel) from None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(TRY_S):
            await notifying.tried(keys)
    found = (notifying.ledger.find(key) for key in keys)
    return [_notice(delivery, utc) for delivery in found if delivery is not None]


def _channel(lane: Lane, kind: str, label: str) -> ChannelView:
    counted = lane.counters
    well = lane.breaker.opened_at is None
    return ChannelView(
        id=lane.channel,
        kind=kind,
        label=label,
        state=("ok" if counted.attempts else "unused") if well else "down",
        error=lane.error,
        handed_over_at=lane.handed_over_at,
        waiting=len(lane.waiting),
        attempts=counted.attempts,
        handed_over=counted.handed_over,
        unreachable=counted.unreachable,
        failed=counted.failed,
        given_up=counted.given_up,
        passed_on=counted.passed_on,
        dropped=counted.dropped,
    )


def _notice(delivery: Delivery, utc: Utc) -> NoticeView:
    notice, waits = delivery.notice, delivery.status is Status.WAITING
    return NoticeView(
        notice=notice.id,
        alarm=notice.alarm,
        verb=notice.verb,
        priority=notice.priority.value,
        title=notice.title,
        at=notice.at,
        channel=delivery.channel,
        people=delivery.people,
        state=delivery.status.value,
        attempts=delivery.attempts,
        next_at=utc(delivery.due) if waits else None,
        ended=None if delivery.ended is None else utc(delivery.ended),
        error=delivery.error,
    )
