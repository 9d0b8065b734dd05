"""Ties the site's brokers to the rest of a running gateway: to the log and to the actuators."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from gateway.buses.site import Commits, Site


def join(
    sites: Mapping[str, Site],
    commits: Commits,
    install: str,
    actuators_of: Callable[[str], Iterable[str]],
    renew: Callable[[Iterable[str]], None],
) -> None:
    """Have messages acknowledged with their commit, and actuators renewed at each connection.

    The client id is the installation's own, so that the broker knows the session again.
    """
    for name, site in sites.items():
        site.join(commits, f"kg-{install}-{name}", name)
        site.on_up = partial(renew, tuple(actuators_of(name)))
