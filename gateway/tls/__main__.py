"""`python -m gateway.tls`: makes the page's certificate, so that the daemon need not load how."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.tls.asking import Answer, Asked


def main() -> None:
    """Read what is asked, write the answer."""
    from gateway.tls import authority

    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    folder = Path(asked.folder)
    try:
        authority.ensure(folder, asked.host, asked.names)
        now = datetime.fromtimestamp(asked.now / 1000, UTC)
        ends, left_out = authority.issue(folder, asked.names, now)
        answer = Answer(expires=round(ends.timestamp() * 1000), left_out=left_out)
    except OSError as error:
        answer = Answer(failed=f"{folder}: {error.strerror or error}")
    except (TypeError, ValueError) as error:
        way_out = "take it from a backup, or delete the folder and have every device trust anew"
        answer = Answer(failed=f"{folder} is damaged ({error}): {way_out}")
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
