"""The public holidays of a country, looked up by a child process.

The library that knows them all takes 17 MB and a third of a second, more than everything else a
configuration needs; a process of its own gives both back. The answer is kept for as long as ours.
"""

import functools
import subprocess
import sys

import msgspec

YEARS = range(2020, 2061)
TIMEOUT_S = 60.0  # a small board beside other work


class LookupFailed(Exception):
    """Nobody could be asked; the message says why."""


class Found(msgspec.Struct, frozen=True):
    """Holidays by ISO date, the weekend (0 is Monday), and for an unknown country those there are.

    A region is a country's too: `DE-BY`.
    """

    holidays: dict[str, str] = {}
    weekend: tuple[int, ...] = ()
    known: tuple[str, ...] = ()


@functools.cache
def look_up(country: str) -> Found:
    """The holidays of a country such as KR, or of a region of one; raises LookupFailed."""
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "gateway.config.holidays", country],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
        return msgspec.json.decode(done.stdout, type=Found)
    except subprocess.TimeoutExpired:
        raise LookupFailed(f"no answer within {TIMEOUT_S:.0f} s") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise LookupFailed(last or f"exit {error.returncode}") from None
    except (OSError, msgspec.DecodeError) as error:
        raise LookupFailed(str(error)) from None


def _answer(country: str) -> Found:
    # Here only: this is the child.
    import holidays

    regions = {  # the others are the same countries in three letters
        code: names
        for code, names in holidays.list_supported_countries().items()
        if len(code) == 2  # noqa: PLR2004
    }
    name, _, region = country.partition("-")
    if name not in regions or (region and region not in regions[name]):
        return Found(known=tuple([f"{name}-{one}" for one in regions.get(name, ())] or regions))
    found = holidays.country_holidays(name, subdiv=region or None, years=YEARS)
    dates = {day.isoformat(): found[day] for day in sorted(found)}
    return Found(holidays=dates, weekend=tuple(sorted(found.weekend)))


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_answer(sys.argv[1])))
