"""A code for phones to read, with where to trust this kitchen; loads `segno` when asked."""

import io


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
