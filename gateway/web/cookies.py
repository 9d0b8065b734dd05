"""The two cookies: whose session a browser holds, and that it is a paired tablet.

Over HTTPS their names begin with `__Host-`: a browser then takes them from this very host alone,
and sends them over HTTPS alone. Plain HTTP cannot have that, so there the names are plain.
"""

from aiohttp import web

SESSION = "kg_session"
TABLET = "kg_tablet"
_LIFE_S = 34_560_000  # the longest a browser keeps; the session itself ends on the gateway


def read(request: web.Request, name: str) -> str | None:
    """What the browser sent; a plain one does not count over HTTPS."""
    return request.cookies.get(_called(request, name))


def give(request: web.Request, response: web.Response, name: str, secret: str) -> None:
    """Have the browser keep `secret`; no script of the page can read it."""
    response.set_cookie(
        _called(request, name),
        secret,
        max_age=_LIFE_S,
        path="/",
        secure=request.secure,
        httponly=True,
        samesite="Strict",
    )


def take_back(request: web.Request, response: web.Response, name: str) -> None:
    """Have the browser forget it."""
    response.del_cookie(
        _called(request, name), path="/", secure=request.secure, httponly=True, samesite="Strict"
    )


def _called(request: web.Request, name: str) -> str:
    return f"__Host-{name}" if request.secure else name
