"""Goes through a chain and says what is wrong with it, entry by entry; changes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from gateway.audit import key as keys
from gateway.audit.chain import HASH_BYTES, Checkpoint, Head, genesis, link, seal
from gateway.audit.key import Key

SHOWN_MAX = 50  # findings; one cut can make thousands


class Finding(NamedTuple):
    """What is wrong, and with which entry; None where it is about the whole."""

    n: int | None
    what: str


class Known(NamedTuple):
    """What somebody else remembers: entry `n` had this hash (hex)."""

    n: int
    hash: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A chain as it was found; what a stored column holds may be anything."""

    install: str
    head: tuple[Head, bytes] | None
    entries: Iterable[tuple[int, object, object]]  # n, body, hash; by n
    checkpoints: Sequence[tuple[int, object, object]]  # c, body, signature; by c
    known: Sequence[Known] = ()


@dataclass(kw_only=True)
class Report:
    """What came of it; sound without findings."""

    findings: list[Finding] = field(default_factory=list)
    more: int = 0  # findings that are not listed
    entries: int = 0
    last: int = 0
    checkpoints: int = 0
    key: str | None = None

    def add(self, n: int | None, what: str) -> None:
        if len(self.findings) < SHOWN_MAX:
            self.findings.append(Finding(n, what))
        else:
            self.more += 1


def verify(stored: Stored, key: Key | None, trusted: Iterable[bytes] = ()) -> Report:
    """Everything that does not fit; `trusted` are public keys besides the one of the folder."""
    report = Report()
    publics = {keys.fingerprint(public): public for public in trusted}
    if key is not None:
        report.key = keys.fingerprint(key.public)
        publics[report.key] = key.public
    head = _head(stored, key, report)
    checkpoints = list(_checkpoints(stored, head, publics, report))
    start = max(
        (each for each in checkpoints if each.kind == "carries"),
        key=lambda each: each.n,
        default=None,
    )
    wanted: dict[int, list[Known]] = {}
    for each in checkpoints:
        said = Known(each.n, each.hash, f"checkpoint {each.c}")
        wanted.setdefault(each.n, []).append(said)
    for known in stored.known:
        wanted.setdefault(known.n, []).append(known)
    before = genesis(stored.install) if start is None else bytes.fromhex(start.hash)
    carried = 0 if start is None else start.n
    walk = _Walk(before, carried, None if head is None else head.n, wanted, report)
    for n, body, digest in stored.entries:
        report.entries += 1
        walk.step(n, body, digest)
    walk.end(head)
    return report


def _head(stored: Stored, key: Key | None, report: Report) -> Head | None:
    if stored.head is None:
        report.add(None, "the head of the chain is gone, or nonsense")
        return None
    head, sealed = stored.head
    if key is None:
        report.add(None, f"{keys.NAME} is not there, so the seal of the head cannot be checked")
    elif seal(key.secret, head, stored.install) != sealed:
        report.add(head.n, "the head of the chain was altered, or sealed with another key")
    if head.amiss is not None:
        report.add(head.amiss, "here the gateway itself found the head of the chain altered")
    return head


def _checkpoints(
    stored: Stored, head: Head | None, publics: Mapping[str, bytes], report: Report
) -> Iterator[Checkpoint]:
    """Those that are signed; says what is wrong with the others, and which are missing."""
    found = [_checkpoint(c, body, signature, publics, report, stored.install)
             for c, body, signature in stored.checkpoints]  # fmt: skip
    proven = [each for each in found if each is not None]
    report.checkpoints = len(proven)
    first = max((each.first for each in proven), default=1)
    last = 0 if head is None else head.checkpoints
    there = {c for c, _, _ in stored.checkpoints}
    for low, high in _runs(first, last, there):
        report.add(None, f"{_named('checkpoint', low, high)} missing")
    for c in sorted(there):
        if head is not None and not first <= c <= last:
            report.add(None, f"checkpoint {c} was added, or belongs to those let go of")
    yield from proven


def _checkpoint(
    c: int,
    body: object,
    signature: object,
    publics: Mapping[str, bytes],
    report: Report,
    install: str,
) -> Checkpoint | None:
    if not (isinstance(body, bytes) and isinstance(signature, bytes)):
        report.add(None, f"checkpoint {c} was altered")
        return None
    try:
        said = msgspec.json.decode(body, type=Checkpoint)
    except (msgspec.MsgspecError, ValueError):
        report.add(None, f"checkpoint {c} was altered")
        return None
    public = publics.get(said.key)
    if public is None:
        report.add(None, f"checkpoint {c} is signed with the key {said.key}, which is not trusted")
    elif not keys.is_signed(public, body, signature):
        report.add(None, f"checkpoint {c} was altered")
    elif (said.c, said.install) != (c, install):
        report.add(None, f"checkpoint {c} belongs elsewhere: it is {said.c} of {said.install}")
    else:
        return said
    return None


class _Walk:
    """Goes along the entries, from the first that must be there to the head."""

    def __init__(
        self,
        before: bytes,
        carried: int,
        last: int | None,
        wanted: Mapping[int, Sequence[Known]],
        report: Report,
    ) -> None:
        self._before = before  # hash of the entry before
        self._carried = carried
        self._last = last  # as the head has it
        self._wanted = wanted
        self._report = report
        self._number = carried

    def step(self, n: int, body: object, digest: object) -> None:
        """Look at one entry."""
        report = self._report
        if n <= self._carried:
            report.add(n, "was put back: it is older than what was let go of")
        elif self._last is not None and n > self._last:
            report.add(n, "was added: the chain's head has not come so far")
        else:
            follows = n == self._number + 1
            if not follows:
                self._miss(n - 1, "missing")
            if follows and not _fits(self._before, n, body, digest):
                report.add(n, "was altered, or is not in its place, or the one before it is not")
            self._number, self._before = n, digest if isinstance(digest, bytes) else b""
            for known in self._wanted.get(n, ()):
                if self._before.hex() != known.hash:
                    report.add(n, f"is not the one {known.where} knows: the chain was written anew")

    def end(self, head: Head | None) -> None:
        """See that nothing is cut off."""
        report, last = self._report, self._last
        if last is not None and self._number < last:
            self._miss(last, "cut off at the end")
        elif head is not None and self._before != head.hash:
            report.add(self._number, "is not the one the head of the chain was sealed with")
        report.last = self._number
        end = self._number if last is None else max(last, self._number)
        for n in sorted(n for n in self._wanted if n > end):
            report.add(n, f"is known to {_who(self._wanted[n])}, but the chain ends at {end}")

    def _miss(self, until: int, how: str) -> None:
        first = self._number + 1
        self._report.add(first, f"{_named('entry', first, until)} {how}")
        for n in sorted(n for n in self._wanted if first <= n <= until):
            self._report.add(n, f"is gone, though {_who(self._wanted[n])} knows it")


def _fits(before: bytes, n: int, body: object, digest: object) -> bool:
    whole = isinstance(body, bytes) and isinstance(digest, bytes) and len(digest) == HASH_BYTES
    return whole and isinstance(body, bytes) and link(before, n, body) == digest


def _who(known: Sequence[Known]) -> str:
    return ", ".join(each.where for each in known)


def _runs(first: int, last: int, there: Iterable[int]) -> Iterator[tuple[int, int]]:
    """What is missing between two numbers, as runs; cheap whatever the last claims to be."""
    at = first
    for number in sorted(each for each in there if first <= each <= last):
        if number > at:
            yield at, number - 1
        at = number + 1
    if at <= last:
        yield at, last


def _named(what: str, low: int, high: int) -> str:
    if low == high:
        return f"{what} {low} is"
    plural = "entries" if what == "entry" else f"{what}s"
    return f"{plural} {low} to {high} are"
