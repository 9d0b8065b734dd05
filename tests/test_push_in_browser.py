"""Messages of alarms to this browser: the page says what the gateway knows, not what once was."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gateway.clock import SystemClock
from gateway.notify.subscribing import Subscribing
from tests import test_webpush as push
from tests.browser import open_page
from tests.served import kitchen_of, serving
from tests.store_files import open_store

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A browser without a push service of its own has subscribed once, with this key.
_SUBSCRIBED = """navigator.serviceWorker.getRegistration = async () => ({
  pushManager: { getSubscription: async () => ({ toJSON: () => ({ keys: { p256dh: %s } }) }) },
})"""


async def test_a_browser_that_was_taken_away_is_offered_to_subscribe_anew(
    browser: Browser, tmp_path: Path
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        store = open_store(tmp_path, clock=site.clock)
        kitchen.browsers = Subscribing(store.push_subscriptions, tmp_path, site.clock)
        kitchen.browsers.people = ("demo",)
        own = push.Browser("https://push.example/a", "demo").subscription
        stored, _ = await kitchen.browsers.subscribe("demo", own.endpoint, own.public, own.secret)
        opened = await open_page(browser, site.url, language="en")
        await opened.page.add_init_script(_SUBSCRIBED % json.dumps(own.public))
        await opened.page.goto(f"{site.url}#more")
        await opened.page.reload()
        begin = opened.page.get_by_role("button", name="Send them here", exact=True)
        end = opened.page.get_by_role("button", name="No longer send them here")
        await expect(end).to_be_visible()
        assert await kitchen.browsers.unsubscribe(stored)
        await opened.page.reload()
        await expect(begin).to_be_visible()
        assert opened.complaints == []
        store.close()
