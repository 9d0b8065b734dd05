"""Messages of alarms to this browser: the page says what the gateway knows, not what once was."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from gateway.clock import SystemClock
from gateway.notify.subscribing import Subscribing
from gateway.notify.subscription import Subscription
from gateway.store.opening import Store
from tests import test_webpush as push
from tests.browser import open_page
from tests.kitchen_fake import KitchenInMemory
from tests.served import kitchen_of, serving
from tests.store_files import open_store

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A browser without a push service of its own has subscribed once, with this key.
_SUBSCRIBED = """window.ended = false;
navigator.serviceWorker.getRegistration = async () => ({
  pushManager: {
    getSubscription: async () => window.ended ? null : {
      toJSON: () => ({ keys: { p256dh: %s } }),
      unsubscribe: async () => (window.ended = true),
    },
  },
})"""


async def _told(
    kitchen: KitchenInMemory, store: Store, folder: Path, *people: str
) -> list[Subscription]:
    """One browser of each, in that order."""
    kitchen.browsers = Subscribing(store.push_subscriptions, folder, SystemClock())
    kitchen.browsers.people = people
    browsers = [push.Browser(f"https://push.example/{who}", who).subscription for who in people]
    for each in browsers:
        await kitchen.browsers.subscribe(each.person, each.endpoint, each.public, each.secret)
    return browsers


async def test_a_browser_that_was_taken_away_is_offered_to_subscribe_anew(
    browser: Browser, tmp_path: Path
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        store = open_store(tmp_path, clock=site.clock)
        own, _ = await _told(kitchen, store, tmp_path, "demo", "kim")
        opened = await open_page(browser, site.url, language="en")
        await opened.page.add_init_script(_SUBSCRIBED % json.dumps(own.public))
        await opened.page.goto(f"{site.url}#more")
        await opened.page.reload()
        begin = opened.page.get_by_role("button", name="Send them to this one")
        row = opened.page.locator(".row", has_text="this browser")
        await expect(row).to_contain_text("demo")
        await expect(opened.page.get_by_text("kim", exact=True)).to_have_count(0)
        await expect(begin).to_be_hidden()
        await row.get_by_role("button", name="Remove").press("Enter")
        await row.get_by_role("button").press("Enter")
        await expect(begin).to_be_visible()
        assert [each.person for each in store.push_subscriptions.all()] == ["kim"]
        assert await opened.page.evaluate("ended")
        assert opened.complaints == []
        store.close()


async def test_where_no_push_is_possible_browsers_can_still_be_taken_away(
    browser: Browser, tmp_path: Path
) -> None:
    kitchen = kitchen_of("en", now=SystemClock().wall(), alarms=0)
    async with serving(kitchen) as site:
        store = open_store(tmp_path, clock=site.clock)
        await _told(kitchen, store, tmp_path, "demo")
        opened = await open_page(browser, site.url, language="en")
        await opened.page.add_init_script("delete window.PushManager")
        await opened.page.goto(f"{site.url}#more")
        await opened.page.reload()
        row = opened.page.locator(".row", has_text="push.example")
        await expect(row).to_contain_text("demo")
        await expect(opened.page.get_by_role("button", name="Send them to this one")).to_be_hidden()
        await row.get_by_role("button", name="Remove").press("Enter")
        await row.get_by_role("button").press("Enter")
        await expect(row).to_have_count(0)
        assert not store.push_subscriptions.all()
        assert opened.complaints == []
        store.close()
