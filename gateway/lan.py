"""Ties the site's brokers to the rest of a running gateway: to the log and to the actuators."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from gateway.buses.site import Commits, Site


class Lan:
    """Has messages acknowledged with their commit, and actuators renewed at each connection.

    The client id is the installation's own, so that the broker knows the session again.
    """

    def __init__(
        self, commits: Commits, install: str, renew: Callable[[Iterable[str]], None]
    ) -> None:
        self._commits = commits
        self._install = install
        self._renew = renew
        self._tied: dict[str, Site] = {}

    def tie(self, sites: Mapping[str, Site], actuators_of: Callable[[str], Iterable[str]]) -> None:
        """Tie what is new, and tell all of them which actuators they have now."""
        for name, site in sites.items():
            if self._tied.get(name) is not site:
                site.join(self._commits, f"kg-{self._install}-{name}", name)
            site.on_up = partial(self._renew, tuple(actuators_of(name)))
        self._tied = dict(sites)
