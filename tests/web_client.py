"""The web app on a loopback port for tests, with a client that speaks plain HTTP to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from gateway.access import Access, Role, User
from gateway.web import build_app, cookies, guard
from gateway.web.live import LIVE, Live
from gateway.web.route import Settings
from tests.fakes import ManualClock
from tests.kitchen_fake import KitchenInMemory, PeopleInMemory, TokensInMemory, small_kitchen

PASSWORD = "correct horse battery"
PIN = "280519"
OWNER = User("console", Role.ADMIN, "console")


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

    async def headers_of(self, person_id: str, role: Role) -> dict[str, str]:
        """What the page sends of that person, who has logged in with a password."""
        await self.access.people.add(OWNER, person_id, person_id, role, password=PASSWORD, pin=PIN)
        secret, _ = await self.access.log_in_by_password(person_id, PASSWORD, "192.168.0.7")
        return self.page(f"{cookies.SESSION}={secret}")

    def page(self, cookie: str) -> dict[str, str]:
        """What the page sends with a change."""
        return {"Origin": f"http://{self.host}", guard.WRITING: "1", "Cookie": cookie}


@asynccontextmanager
async def web(*, demo: bool = False, kitchen: KitchenInMemory | None = None) -> AsyncIterator[Web]:
    """The app of a small kitchen, listening."""
    clock = ManualClock()
    found = kitchen or small_kitchen()
    access = Access(TokensInMemory(), clock, people=PeopleInMemory(), demo=demo)
    settings = Settings(host="127.0.0.1", names=("kitchen.example",))
    app = build_app(found, access, clock, settings)
    client = TestClient(TestServer(app), cookie_jar=DummyCookieJar())
    async with client:
        yield Web(found, clock, access, client)
