"""The outbound client: bounded, patient to a point, and never sent where it was not meant to go."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from random import Random

import pytest

from gateway.notify import outbound
from gateway.notify.addresses import networks, why_not
from gateway.notify.channel import Refused, Unreachable
from gateway.notify.dial import Found, resolve
from gateway.notify.outbound import Outbound
from tests.fakes import ManualClock
from tests.post_office import PostOffice
from tests.store_files import until

HERE = networks(["127.0.0.1"])

# Where a hostile name, or an address in whatever dress, must not lead.
HOSTILE = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::1]/",
    "https://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://[::ffff:192.168.1.1]/",
    "https://[fd12:3456:789a::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://168.63.129.16/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://192.0.2.1/",
    "https://203.0.113.7/",
    "https://[2001:db8::1]/",
    "https://224.0.0.1/",
    "https://[ff02::1]/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://user:secret@93.184.215.14/",
    "https://hooks.example@127.0.0.1/",
    "https://127.0.0.1:443#@hooks.example/",
    "http://93.184.215.14/",
    "http://hooks.example/",
    "ftp://93.184.215.14/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:11211/",
    "unix:///run/mosquitto.sock",
    "//127.0.0.1/",
    "https:///",
    "https://",
    "javascript:0",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost.localdomain/",
    "https://inside.hostile.example/",
    "https://mapped.hostile.example/",
    "https://metadata.hostile.example/",
    "https://both.hostile.example/",
]

# What a hostile name server says.
LIES = {
    "inside.hostile.example": ["192.168.1.1"],
    "mapped.hostile.example": ["::ffff:10.0.0.1"],
    "metadata.hostile.example": ["169.254.169.254"],
    "both.hostile.example": ["127.0.0.1", "fe80::1"],
    "localhost.localdomain": ["127.0.0.1"],
    "hooks.example": ["93.184.215.14"],
}


def found(address: str, port: int) -> Found:
    if ":" in address:
        return Found(socket.AF_INET6, address, port, (address, port, 0, 0))
    return Found(socket.AF_INET, address, port, (address, port))


class Names:
    """A name server that may say something else each time."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = {name.replace("_", "."): said for name, said in answers.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> list[Found]:
        self.asked.append(host)
        if host in self.answers:
            said = self.answers[host]
        elif host in LIES:
            said = LIES[host]
        else:
            return await resolve(host, port)  # numbers in other dress: as the C library reads them
        return [found(address, port) for address in said]


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as opened:
        yield opened


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def client(clock: ManualClock) -> AsyncIterator[Outbound]:
    opened = Outbound(clock, Random(1), Names().resolve)
    yield opened
    await opened.close()


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every socket the client opens; the table above must not bring it to open any."""
    opened: list[object] = []
    make = Outbound._socket

    def count(client: Outbound, info: object) -> socket.socket:
        made = make(client, info)
        opened.append(info)
        return made

    monkeypatch.setattr(Outbound, "_socket", count)
    return opened


async def patiently(clock: ManualClock, task: "asyncio.Future[None]") -> None:
    """Let kitchen time pass until it has ended; raises what it raised."""
    while not task.done():
        await clock.advance(250)
        await asyncio.sleep(0.001)
    task.result()


def test_the_table_of_hostile_addresses_is_long_enough() -> None:
    assert len(HOSTILE) == len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("url", HOSTILE)
async def test_a_hostile_address_is_never_asked(
    url: str, client: Outbound, sockets: list[object]
) -> None:
    with pytest.raises(Refused, match="not asked"):
        await client.post(url, b"{}", {})
    assert client.counters.blocked == 1
    assert sockets == []


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_the_outside_may_be_asked(address: str) -> None:
    assert why_not(address, ()) is None


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1"])  # noqa: S104
def test_what_is_never_asked_cannot_be_declared_either(address: str) -> None:
    assert why_not(address, networks([address])) is not None


async def test_a_name_that_changes_its_mind_is_caught_at_every_look(clock: ManualClock) -> None:
    names = Names(rebinding_example=["93.184.215.14"])
    client = Outbound(clock, Random(1), names.resolve)
    allowed = await client._allowed("rebinding.example", 443)
    assert [each.address for each in allowed] == ["93.184.215.14"]
    names.answers["rebinding.example"] = ["127.0.0.1"]
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        await client.post("https://rebinding.example/", b"{}", {})
    await client.close()


async def test_the_connection_goes_to_the_address_that_was_checked(
    office: PostOffice, clock: ManualClock
) -> None:
    """A resolver that answers rightly once and wrongly ever after is asked once."""
    names = Names(hook_example=["127.0.0.1"])
    client = Outbound(clock, Random(1), names.resolve)
    for _ in range(3):
        await client.post(f"http://hook.example:{office.hook_port}/", b"{}", {}, inside=HERE)
        names.answers["hook.example"] = ["192.168.1.1"]
    assert names.asked == ["hook.example"]
    assert len(office.posted) == 3
    await client.close()


async def test_the_last_look_is_at_the_socket(client: Outbound) -> None:
    with pytest.raises(OSError, match="not under"):
        client._socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443)))


async def test_what_is_declared_of_the_inside_may_be_asked_with_http(
    office: PostOffice, client: Outbound
) -> None:
    await client.post(f"{office.hook_url}/in", b'{"a":1}', {"Idempotency-Key": "x"}, inside=HERE)
    assert (office.posted[0].body, office.posted[0].notice) == ({"a": 1}, "x")
    with pytest.raises(Refused, match="only for what"):
        await client.post(f"{office.hook_url}/in", b"{}", {}, inside=networks(["10.0.0.0/8"]))


async def test_one_name_among_forbidden_addresses_is_used_alone(
    office: PostOffice, clock: ManualClock
) -> None:
    names = Names(mixed_example=["169.254.169.254", "10.0.0.1", "127.0.0.1"])
    client = Outbound(clock, Random(1), names.resolve)
    await client.post(f"http://mixed.example:{office.hook_port}/", b"{}", {}, inside=HERE)
    assert len(office.posted) == 1
    await client.close()


async def test_no_redirect_is_followed(office: PostOffice, client: Outbound) -> None:
    office.hook_answer = lambda path: 307
    office.hook_headers = {"Location": f"{office.hook_url}/elsewhere"}
    with pytest.raises(Refused, match="307: it has moved"):
        await client.post(f"{office.hook_url}/here", b"{}", {}, inside=HERE)
    assert [each.path for each in office.posted] == ["/here"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
async def test_a_no_is_final(status: int, office: PostOffice, client: Outbound) -> None:
    office.hook_answer = lambda path: status
    office.hook_body = "no such\nhook"
    with pytest.raises(Refused, match=f"{status}: no such hook"):
        await client.post(office.hook_url, b"{}", {}, inside=HERE)
    assert len(office.posted) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 503, 0])
async def test_what_may_pass_is_tried_three_times(
    status: int, office: PostOffice, client: Outbound, clock: ManualClock
) -> None:
    office.hook_answer = lambda path: status
    task = asyncio.ensure_future(client.post(office.hook_url, b"{}", {}, inside=HERE))
    with pytest.raises(Unreachable):
        await patiently(clock, task)
    assert len(office.posted) == 3
    assert (client.counters.requests, client.counters.retries) == (3, 2)


async def test_a_second_try_is_enough(
    office: PostOffice, client: Outbound, clock: ManualClock
) -> None:
    office.hook_answer = lambda path: 503 if not office.posted else 200
    await patiently(
        clock, asyncio.ensure_future(client.post(office.hook_url, b"{}", {}, inside=HERE))
    )
    assert [each.status for each in office.posted] == [503, 200]


async def test_who_says_when_is_not_asked_before(office: PostOffice, client: Outbound) -> None:
    office.hook_answer = lambda path: 429
    office.hook_headers = {"Retry-After": "120"}
    with pytest.raises(Unreachable) as caught:
        await client.post(office.hook_url, b"{}", {}, inside=HERE)
    assert caught.value.after_s == 120.0
    assert len(office.posted) == 1


async def test_a_host_that_does_not_answer_is_left_alone_but_for_danger(
    office: PostOffice, client: Outbound, clock: ManualClock
) -> None:
    office.close_hook()
    for _ in range(3):
        with pytest.raises(Unreachable, match="cannot be reached"):
            await patiently(
                clock, asyncio.ensure_future(client.post(office.hook_url, b"{}", {}, inside=HERE))
            )
    tried = client.counters.requests
    with pytest.raises(Unreachable, match="not answered of late"):
        await client.post(office.hook_url, b"{}", {}, inside=HERE)
    assert client.counters.requests == tried
    office.open_hook()
    await client.post(office.hook_url, b"{}", {}, inside=HERE, urgent=True)
    await client.post(office.hook_url, b"{}", {}, inside=HERE)
    assert len(office.posted) == 2


async def test_an_endless_answer_is_not_read_to_its_end(
    office: PostOffice, client: Outbound
) -> None:
    office.hook_body = "x" * 5_000_000
    await client.post(office.hook_url, b"{}", {}, inside=HERE)
    assert len(office.posted) == 1


async def test_too_many_at_once_wait_and_too_many_that_wait_are_refused(
    office: PostOffice, client: Outbound
) -> None:
    office.hold()

    def post(*, urgent: bool = False) -> "asyncio.Future[None]":
        return asyncio.ensure_future(
            client.post(office.hook_url, b"{}", {}, inside=HERE, urgent=urgent)
        )

    tasks = [post() for _ in range(outbound.WAITING_MAX)]
    await until(lambda: office.held == outbound.AT_ONCE)
    with pytest.raises(Unreachable, match="wait already"):
        await post()
    tasks.append(post(urgent=True))
    await until(lambda: office.held == outbound.AT_ONCE + 1)
    office.let_go()
    await asyncio.gather(*tasks)
    assert len(office.posted) == outbound.WAITING_MAX + 1
    assert client.counters.overflowed == 1
