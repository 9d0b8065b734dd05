"""One machine with many addresses counts as one, wherever so many of an address are let in."""

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Access, Overrun, Refused, Role, TooManyTries, place_of
from gateway.access.turns import PLACE_MAX
from gateway.web.crowd import Crowd, Member
from gateway.web.health import ROUTES as HEALTH
from gateway.web.live import STREAMS_PER_ADDRESS, Live, TooManyStreams
from gateway.web.pace import ADDRESS, Pace
from gateway.web.proxy import _is_one_of, networks
from gateway.web.route import Problem
from tests.fakes import ManualClock
from tests.kitchen_fake import PeopleInMemory, TokensInMemory, small_kitchen
from tests.web_client import OWNER, PASSWORD

HOSTS = st.integers(0, 2**64 - 1)
NETWORKS = st.integers(1, 2**64 - 1)  # of 0 are loopback, and addresses of IPv4
V4 = st.integers(0, 2**32 - 1).map(IPv4Address)


def v6(network: int, host: int) -> str:
    return str(IPv6Address(network << 64 | host))


@given(NETWORKS, HOSTS, HOSTS)
def test_all_addresses_of_a_network_are_one_place(network: int, one: int, other: int) -> None:
    assert place_of(v6(network, one)) == place_of(v6(network, other))
    assert place_of(v6(network, one).upper()) == place_of(f"{v6(network, one)}%eth0")


@given(NETWORKS, NETWORKS, HOSTS)
def test_those_of_two_networks_are_two(one: int, other: int, host: int) -> None:
    assert (place_of(v6(one, host)) == place_of(v6(other, host))) == (one == other)


@given(V4, V4)
def test_an_address_of_ipv4_is_itself_however_it_is_written(
    one: IPv4Address, two: IPv4Address
) -> None:
    assert place_of(str(one)) == place_of(f"::ffff:{one}") == str(one)
    assert (place_of(f"::ffff:{one}") == place_of(f"::ffff:{two}")) == (one == two)


@given(st.one_of(st.text(max_size=50), st.ip_addresses().map(str)))
def test_whatever_it_is_it_has_one_place_and_that_is_its_own(peer: str) -> None:
    assert place_of(place_of(peer)) == place_of(peer)


def test_this_machine_is_itself() -> None:
    assert place_of("::1") == "::1"
    assert place_of("::ffff:127.0.0.1") == "127.0.0.1"
    assert place_of("") == ""


def mine(number: int) -> str:
    """One of the addresses that a machine takes for itself."""
    return f"2001:db8:0:1::{number:x}"


async def test_wrong_logins_from_many_addresses_of_a_machine_are_those_of_one() -> None:
    access = Access(TokensInMemory(), ManualClock(), people=PeopleInMemory())
    for number in range(10):
        with pytest.raises(Refused):
            await access.log_in("wrong", mine(number))
    with pytest.raises(TooManyTries):
        await access.log_in("wrong", mine(99))
    with pytest.raises(TooManyTries):
        await access.log_in_by_password("kim", PASSWORD, mine(100))
    with pytest.raises(Refused):
        await access.log_in("wrong", "2001:db8:0:2::1")


async def test_a_machine_with_many_addresses_takes_few_of_the_places_of_those_who_wait() -> None:
    access = Access(TokensInMemory(), ManualClock(), people=PeopleInMemory())
    await access.people.add(OWNER, "kim", "Kim", Role.STAFF, password=PASSWORD)
    turns = access.people.passwords.turns

    def log_in(peer: str) -> asyncio.Task[object]:
        return asyncio.create_task(access.log_in_by_password("kim", PASSWORD, peer))

    async with turns.take("first"):
        waiting = [log_in(mine(number)) for number in range(PLACE_MAX)]
        one_more, neighbour = log_in(mine(99)), log_in("2001:db8:0:2::1")
        with pytest.raises(Overrun):
            await one_more
    await asyncio.gather(*waiting, neighbour)
    assert turns.overruns == 1


class Silent:
    """A connection that never asks anything."""

    transport: asyncio.Transport | None = None


def as_member() -> Member:
    return Silent()


def of_crowd() -> Callable[[str], bool]:
    crowd = Crowd(100, 5)

    def come(peer: str) -> bool:
        if not crowd.has_room(peer):
            return False
        crowd.joined(as_member(), peer)
        return True

    return come


def of_live() -> Callable[[str], bool]:
    live = Live(small_kitchen(), ManualClock())

    def come(peer: str) -> bool:
        try:
            live.join(peer)
        except TooManyStreams:
            return False
        return True

    return come


def of_pace() -> Callable[[str], bool]:
    pace = Pace(ManualClock())

    def come(peer: str) -> bool:
        try:
            pace.check_address(HEALTH[0], peer)
        except Problem:
            return False
        return True

    return come


@pytest.mark.parametrize(
    ("table", "most"),
    [(of_crowd, 5), (of_live, STREAMS_PER_ADDRESS), (of_pace, int(ADDRESS.burst))],
    ids=["connections", "live pages", "requests"],
)
def test_each_bound_of_an_address_is_one_of_the_machine(
    table: Callable[[], Callable[[str], bool]], most: int
) -> None:
    come = table()
    assert all(come(mine(number)) for number in range(most))
    assert not come(mine(most))
    assert come("2001:db8:0:2::1")
    assert come("192.168.0.9")
    other = table()
    written = [f"{prefix}192.168.0.7" for prefix in ("", "::ffff:")]
    assert all(other(written[number % 2]) for number in range(most))
    assert not any(other(each) for each in written)


def test_a_trusted_proxy_may_be_seen_as_ipv6() -> None:
    trusted = networks(["192.168.0.2/32", "2001:db8::/48"])
    assert _is_one_of("::ffff:192.168.0.2", trusted)
    assert _is_one_of("2001:db8::7", trusted)
    assert not _is_one_of("::ffff:192.168.0.3", trusted)
