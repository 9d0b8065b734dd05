"""What may not come about as things stand today: a sun that does not set, unknown holidays."""

from collections.abc import Iterator, Mapping

from gateway.config.analysis.base import Finding, Kitchen
from gateway.config.doubts import doubts

_WAY_OUT: Mapping[str, str] = {
    "polar": "nothing is due on such days: add a time of the clock",
    "holidays": "only those of site.holidays count: reload once they can be looked up",
}


def find(kitchen: Kitchen) -> Iterator[Finding]:
    """The doubts that the status page tells too; none where no day is looked at."""
    if kitchen.utc_ms is None:
        return
    for reason, rule, detail in doubts(kitchen.doubts, kitchen.rules, kitchen.utc_ms):
        path = ("rules", rule, "when") if rule else ("site", "country")
        yield kitchen.warning(path, detail, _WAY_OUT[reason])
