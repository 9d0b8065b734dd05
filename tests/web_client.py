"""The web app on a loopback port for tests, with a client that speaks plain HTTP to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from gateway.access import Access, Role
from gateway.web import build_app
from gateway.web.live import LIVE, Live
from gateway.web.route import Settings
from tests.fakes import ManualClock
from tests.kitchen_fake import KitchenInMemory, TokensInMemory, small_kitchen


@dataclass
class Web:
    """What a test of the web holds in its hands."""

    kitchen: KitchenInMemory
    clock: ManualClock
    access: Access
    client: TestClient[Request, Application]

    @property
    def live(self) -> Live:
        return self.client.app[LIVE]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.client.port}"

    async def headers(self, role: Role) -> dict[str, str]:
        """The Authorization of somebody with that role."""
        return {"Authorization": f"Bearer {await self.access.create_token(role, role)}"}


@asynccontextmanager
async def web(*, demo: bool = False, kitchen: KitchenInMemory | None = None) -> AsyncIterator[Web]:
    """The app of a small kitchen, listening."""
    clock = ManualClock()
    found = kitchen or small_kitchen()
    access = Access(TokensInMemory(), clock, demo=demo)
    app = build_app(found, access, clock, Settings(names=("kitchen.example",)))
    client = TestClient(TestServer(app), cookie_jar=DummyCookieJar())
    async with client:
        yield Web(found, clock, access, client)
