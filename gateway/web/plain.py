"""The plain port beside HTTPS: sends everybody there, and hands out what browsers have to trust."""

import asyncio
import html
import json
import logging
import ssl
from functools import cache
from pathlib import Path

from aiohttp import web

from gateway.clock import Clock
from gateway.tls.certificate import AUTHORITY, fingerprint
from gateway.tls.code import Pictures, address
from gateway.web.address import as_svg
from gateway.web.crowd import Crowd
from gateway.web.door import ACCEPT_TURN, Door, Doors, let_more_wait
from gateway.web.guard import allowed_names, checked_host
from gateway.web.headers import SECURITY_HEADERS
from gateway.web.route import Problem, Settings, problem_response

logger = logging.getLogger(__name__)

CONNECTIONS_MAX = 64
CONNECTIONS_PER_ADDRESS = 16
_FOLDER = Path(__file__).parent / "install"
_LANGUAGES = ("ko", "en")
_STOP_S = 0.5


class Plain:
    """Listens until it is stopped; `folder` holds the authority, None where it is not ours."""

    def __init__(
        self, settings: Settings, folder: Path | None, secure_port: int, clock: Clock
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._secure_port = secure_port
        self._names = allowed_names(settings.names)
        self._pictures = Pictures()
        self._server = web.Server(self._answer, access_log=None)
        crowd = Crowd(CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS)
        self._doors = Doors(crowd, clock, settings.header_deadline_s)
        self._sweeping: asyncio.Task[None] | None = None
        self._listener: asyncio.Server | None = None
        self.port = settings.plain_port or 0

    async def start(self) -> None:
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        host, port = self._settings.host, self._settings.plain_port
        self._listener = await loop.create_server(self._accept, host, port, backlog=ACCEPT_TURN)
        let_more_wait(self._listener)
        self._sweeping = asyncio.create_task(self._doors.run(), name="web.plain.doors")
        self.port = self._listener.sockets[0].getsockname()[1]
        logger.info("redirects and the authority on http port %d", self.port)

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._server.shutdown(_STOP_S)

    def _accept(self) -> asyncio.BaseProtocol:
        return Door(self._server, self._doors)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await self._of(request)
        except Problem as problem:
            response = problem_response(problem, request.path)
        response.headers.update(SECURITY_HEADERS)
        response.headers["Cache-Control"] = "no-store"
        response.force_close()
        return response

    async def _of(self, request: web.BaseRequest) -> web.Response:
        host = checked_host(request, self._names)
        if request.method not in ("GET", "HEAD"):
            detail = f"Nothing is taken over plain HTTP; use https, port {self._secure_port}."
            raise Problem(403, "plain", detail)
        if self._folder is not None:
            pem = (self._folder / AUTHORITY).read_bytes()
            match request.path:
                case "/ca.pem":
                    return web.Response(body=pem, content_type="application/x-pem-file")
                case "/ca.crt":
                    der = ssl.PEM_cert_to_DER_cert(pem.decode("ascii"))
                    return web.Response(body=der, content_type="application/x-x509-ca-cert")
                case "/install":
                    return self._page(host, pem)
                case "/code.svg":
                    text = address(host, self.port, fingerprint(pem))
                    return await as_svg(self._pictures, text)
                case _:
                    pass
        place = f"https://{host}:{self._secure_port}{request.rel_url}"
        return web.Response(status=307, headers={"Location": place})

    def _page(self, host: str, pem: bytes) -> web.Response:
        secure = f"https://{host}:{self._secure_port}/"
        parts = "".join(_part(language) for language in _LANGUAGES)
        page = (_FOLDER / "page.html").read_text(encoding="utf-8")
        shown = {"parts": parts, "fingerprint": fingerprint(pem), "secure": html.escape(secure)}
        for name, value in shown.items():
            page = page.replace(f"{{{name}}}", value)
        return web.Response(text=page, content_type="text/html")


@cache
def _part(language: str) -> str:
    texts = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    lines = "".join(f"<li>{html.escape(texts[key])}</li>" for key in sorted(texts) if "step" in key)
    title, why, get = (html.escape(texts[key]) for key in ("title", "why", "get"))
    return (
        f'<section lang="{language}"><h1>{title}</h1><p>{why}</p>'
        f'<p><a href="/ca.crt">{get}</a></p><ol>{lines}</ol></section>'
    )
