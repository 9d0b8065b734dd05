"""Where notifications end: a real SMTP server and a real HTTP server on loopback, in a thread."""

import asyncio
import json
import ssl
import threading
import warnings
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.patience import PATIENCE_S


@dataclass(frozen=True)
class Mail:
    """One mail as it was taken."""

    to: str
    message: EmailMessage

    @property
    def notice(self) -> str:
        """The id of the notice, from its Message-ID."""
        return str(self.message["Message-ID"]).strip("<>").partition("@")[0]

    @property
    def text(self) -> str:
        """The body, with the ends of lines of text and not of the wire."""
        body: str = self.message.get_content()
        return body.replace("\r\n", "\n").strip()


@dataclass(frozen=True)
class Posted:
    """One request as it was answered."""

    path: str
    headers: Mapping[str, str]
    body: Any
    status: int

    @property
    def notice(self) -> str:
        """The id of the notice."""
        return self.headers["Idempotency-Key"]


@dataclass
class PostOffice:
    """Both servers. An address, a path and the id of a notice decide what becomes of a message.

    A mail's answer is an SMTP reply, None for "250 OK"; a hook's is a status, 0 to hang up.
    """

    tls: ssl.SSLContext | None = None
    tls_from_start: bool = False
    login: tuple[str, str] | None = None
    mail_answer: Callable[[str], str | None] = lambda to: None
    hook_answer: Callable[[str], int] = lambda path: 200
    judge_mail: Callable[[str], str | None] = lambda notice: None
    judge_post: Callable[[str], int] = lambda notice: 200
    hook_headers: Mapping[str, str] = field(default_factory=dict)
    hook_body: str = "ok"
    mails: list[Mail] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    held: int = 0  # requests that wait for `let_go`
    mail_port: int = 0
    hook_port: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _going: asyncio.Event = field(default_factory=asyncio.Event)
    _mail: asyncio.Server | None = None
    _hook: web.AppRunner | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.let_go()
        self.open_mail()
        self.open_hook()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close_mail()
        self.close_hook()
        self._do(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join()
        self._loop.close()

    @property
    def hook_url(self) -> str:
        return f"http://127.0.0.1:{self.hook_port}"

    def open_mail(self) -> None:
        """Listen where it listened before."""
        self._do(self._open_mail())

    def close_mail(self) -> None:
        """The mail server is away."""
        self._do(self._close_mail())

    def open_hook(self) -> None:
        """Listen where it listened before."""
        self._do(self._open_hook())

    def close_hook(self) -> None:
        """The web server is away."""
        self._do(self._close_hook())

    def hold(self) -> None:
        """Answer no request from here on."""
        self._loop.call_soon_threadsafe(self._going.clear)

    def let_go(self) -> None:
        """Answer them all."""
        self._loop.call_soon_threadsafe(self._going.set)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002
    ) -> str:
        refusal = self.mail_answer(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        taken = [Mail(to, message) for to in envelope.rcpt_tos]
        refusal = self.judge_mail(taken[0].notice)
        if refusal is None:
            self.mails += taken
        return refusal or "250 OK"

    def _do(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _open_mail(self) -> None:
        implicit = self.tls if self.tls_from_start else None
        self._mail = await self._loop.create_server(
            self._session, "127.0.0.1", self.mail_port, ssl=implicit
        )
        self.mail_port = self._mail.sockets[0].getsockname()[1]

    def _session(self) -> SMTP:
        with warnings.catch_warnings():
            # It does not know that the line is TLS from its start.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return SMTP(
                self,
                hostname="post.example",
                tls_context=None if self.tls_from_start else self.tls,
                require_starttls=self.tls is not None and not self.tls_from_start,
                authenticator=self._authenticate if self.login else None,
                auth_required=self.login is not None,
                auth_require_tls=not self.tls_from_start,
                loop=self._loop,
            )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        del server, session, envelope, mechanism
        assert isinstance(data, LoginPassword)
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False)

    async def _close_mail(self) -> None:
        if self._mail is not None:
            self._mail.close()
            self._mail = None

    async def _open_hook(self) -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._hook = web.AppRunner(app)
        await self._hook.setup()
        site = web.TCPSite(self._hook, "127.0.0.1", self.hook_port)
        await site.start()
        self.hook_port = self._hook.addresses[0][1]

    async def _close_hook(self) -> None:
        if self._hook is not None:
            await self._hook.cleanup()
            self._hook = None

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.held += 1
        await self._going.wait()
        self.held -= 1
        status = self.hook_answer(request.path)
        if status == HTTPStatus.OK:
            status = self.judge_post(request.headers.get("Idempotency-Key", ""))
        found = json.loads(body) if body.startswith(b"{") else body
        self.posted.append(Posted(request.path, dict(request.headers), found, status))
        if not status:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 500, text=self.hook_body, headers=self.hook_headers)

    async def _end_tasks(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
