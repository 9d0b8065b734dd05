"""A code for phones to read, with where to trust this kitchen; loads `segno` when asked.

`python -m gateway.tls.code TEXT` draws one as SVG, so that the daemon need not: loading and drawing
would hold the loop of a small board for a second or more.
"""

import asyncio
import io
import sys

KEPT_MAX = 8  # pictures
DEADLINE_S = 30.0


class Pictures:
    """Codes as SVG, drawn one at a time in a process of its own; the last few are kept."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._drawing = asyncio.Lock()

    async def of(self, text: str) -> bytes:
        """Raises TimeoutError, and OSError where no process can be had."""
        async with self._drawing:
            found = self._kept.pop(text, None) or await _drawn_apart(text)
            if len(self._kept) >= KEPT_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[text] = found
        return found


def address(host: str, plain_port: int, fingerprint: str) -> str:
    """Where the authority can be had, with its fingerprint for comparing."""
    return f"http://{host}:{plain_port}/install#sha256={fingerprint.replace(':', '')}"


def as_picture(text: str) -> bytes:
    """The code as SVG."""
    import segno

    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="svg", scale=4, border=4)
    return picture.getvalue()


def as_text(text: str) -> str:
    """The code for a terminal."""
    import segno

    drawn = io.StringIO()
    segno.make(text, error="m").terminal(drawn, compact=True, border=2)
    return drawn.getvalue()


async def _drawn_apart(text: str) -> bytes:
    command = (sys.executable, "-m", "gateway.tls.code", text)
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(DEADLINE_S):
            drawn, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await asyncio.shield(child.wait())
    if not drawn:
        raise OSError(f"the code could not be drawn: exit {child.returncode}")
    return drawn


if __name__ == "__main__":
    sys.stdout.buffer.write(as_picture(sys.argv[1]))
