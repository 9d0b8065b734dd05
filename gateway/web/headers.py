"""The headers that every answer carries."""

from aiohttp import web

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With "no-referrer" a browser sends `Origin: null` when the login form is posted.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "kitchen-gateway",
}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer carries; nothing but the static files may be kept by a browser."""
    response.headers.update(SECURITY_HEADERS)
    if not request.path.startswith("/static/") and "ETag" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
