"""The broker a demonstration makes do with where there is no mosquitto."""

import asyncio
from contextlib import ExitStack

import pytest

from gateway.buses.mqtt import Broker, Link, LinkError, Message
from gateway.cli import demo
from gateway.clock import SystemClock
from tests.processes import wait_for


@pytest.mark.timeout(120)
def test_without_mosquitto_rows_still_have_a_way_to_the_receiver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "_MOSQUITTO", ())
    with ExitStack() as children:
        url = demo._start_broker(children)
        assert url is not None
        heard = wait_for(lambda: asyncio.run(_carried(url)), 60)
    assert heard == b"row"


async def _carried(url: str) -> bytes | None:
    """What one client hears of what another says; None while the broker is not up."""
    clock = SystemClock()
    receiver = Link(Broker.from_url(url), "receiver", clock)
    sender = Link(Broker.from_url(url), "sender", clock)
    heard: asyncio.Queue[Message] = asyncio.Queue()
    receiver.on_message = heard.put_nowait
    try:
        await receiver.connect()
        await receiver.subscribe(["kg/v1/#"])
        await sender.connect()
        sender.publish("kg/v1/demo/gw/one/tm", b"row")
        async with asyncio.timeout(10):
            return (await heard.get()).payload
    except LinkError:
        return None
    finally:
        await receiver.close()
        await sender.close()
