"""Fixtures and hooks every test may count on."""

import os
from collections.abc import AsyncIterator, Callable, Collection, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from tests import parts
from tests.broker import Broker, Settings

if TYPE_CHECKING:
    from playwright.async_api import Browser

pytest_plugins = ["pytester"]

# What an example does is judged, not how long it takes: this machine may be busy with others. On CI
# the examples are the same each time: at home each run looks for new ones.
_ON_CI = os.environ.get("CI") == "true"
settings.register_profile(
    "unhurried",
    settings.get_profile("ci" if _ON_CI else "default"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")

# Asking for one of these fixtures is what makes a test need the part.
_PART_OF_FIXTURE = {
    "mosquitto": parts.MOSQUITTO,
    "chromium_path": parts.CHROMIUM,
    "systemd_analyze": parts.SYSTEMD_ANALYZE,
    "nginx": parts.NGINX,
    "avahi": parts.AVAHI,
    "axe": parts.AXE,
}
_LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()
_STOOD_IN = pytest.StashKey[list[str]]()

BrokerFactory = Callable[..., Broker]
Left = Callable[[str], None]


class Worker(Protocol):
    """What of a pytest-xdist worker is used here."""

    config: pytest.Config


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[BrokerFactory]:
    """Return a function that starts a private broker; all of them end with the test."""
    found = parts.find(parts.MOSQUITTO)
    assert found is not None
    brokers: list[Broker] = []

    def start(settings: Settings | None = None) -> Broker:
        folder = tmp_path / f"broker-{len(brokers)}"
        brokers.append(Broker(found.path, folder, settings))
        return brokers[-1].start()

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def left_out(request: pytest.FixtureRequest) -> Left:
    """Return a function that says in the summary what something else had to stand in for."""

    def say(what: str) -> None:
        request.config.stash.setdefault(_STOOD_IN, []).append(f"{request.node.nodeid}: {what}")

    return say


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return the browser's path, for playwright's `executable_path`."""
    found = parts.find(parts.CHROMIUM)
    assert found is not None
    return found.path


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium(chromium_path: Path) -> AsyncIterator["Browser"]:
    """One browser for all tests of a worker: starting it takes longer than most of them."""
    from tests import browser as browsing  # most runs of one file need none

    async with browsing.browser(chromium_path) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium: "Browser") -> AsyncIterator["Browser"]:
    """That browser; its windows are closed after the test."""
    yield chromium
    for context in chromium.contexts:
        await context.close()


@pytest.fixture(scope="session")
def systemd_analyze() -> Path:
    """Return the path of what checks units."""
    found = parts.find(parts.SYSTEMD_ANALYZE)
    assert found is not None
    return found.path


@pytest.fixture(scope="session")
def nginx() -> Path:
    """Return the path of the proxy."""
    found = parts.find(parts.NGINX)
    assert found is not None
    return found.path


@pytest.fixture(scope="session")
def avahi() -> Path:
    """Return the path of what answers for names on the LAN."""
    found = parts.find(parts.AVAHI)
    assert found is not None
    return found.path


@pytest.fixture(scope="session")
def axe() -> str:
    """Return the script that finds what keeps people from using a page."""
    found = parts.find(parts.AXE)
    assert found is not None
    return found.path.read_text("utf-8")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests whose part is missing, and remember them; begin with the slowest."""
    left_out = config.stash.setdefault(_LEFT_OUT, {})
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if _runs_processes(item, fixtures):
            item.add_marker(pytest.mark.process)
        for fixture, part in _PART_OF_FIXTURE.items():
            if fixture in fixtures and parts.find(part) is None:
                left_out.setdefault(part.name, []).append(item.nodeid)
                item.add_marker(pytest.mark.skip(reason=f"{part.name} is missing"))
    items.sort(key=_seconds_allowed, reverse=True)


def _runs_processes(item: pytest.Item, fixtures: Collection[str]) -> bool:
    """Whether it waits for other programs: these take most of the time, on each Python again."""
    module = getattr(item, "module", None)
    starts = any(hasattr(module, name) for name in ("Daemon", "subprocess"))
    return starts or not _PART_OF_FIXTURE.keys().isdisjoint(fixtures)


def _seconds_allowed(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 0.0


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """End with 1 on CI when something could not be run; at home a missing part is no failure."""
    yield
    left_out = session.config.stash.get(_LEFT_OUT, {})
    stood_in = session.config.stash.get(_STOOD_IN, [])
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput.update(left_out=left_out, stood_in=stood_in)
    elif left_out and _ON_CI and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Worker) -> None:
    """Gather what a worker left out; each of them saw the same tests, and ran a part."""
    told = getattr(node, "workeroutput", {})
    node.config.stash.setdefault(_LEFT_OUT, {}).update(told.get("left_out", {}))
    node.config.stash.setdefault(_STOOD_IN, []).extend(told.get("stood_in", []))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """List what was not run, where nobody can overlook it."""
    left_out = config.stash.get(_LEFT_OUT, {})
    if left_out:
        terminalreporter.section("NOT RUN", red=True)
        for line in parts.not_run(left_out):
            terminalreporter.write_line(line)
    stood_in = config.stash.get(_STOOD_IN, [])
    if stood_in:
        terminalreporter.section("STOOD IN FOR", red=True)
        for line in stood_in:
            terminalreporter.write_line(line)
