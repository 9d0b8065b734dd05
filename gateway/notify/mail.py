"""E-mail by the owner's own mail server: SMTP with STARTTLS or TLS (RFC 5321, RFC 3207, RFC 8314).

`Message-ID` comes from the notice, so that a repeat is the same mail.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from gateway.config.secret import Secret
from gateway.notify import dial
from gateway.notify.channel import Channel, Means, Recipient, Refused, Unreachable
from gateway.notify.notice import Notice
from gateway.notify.webhook import read
from rules.base import Priority

if TYPE_CHECKING:
    import aiosmtplib

ADDRESS = "email"
CONNECT_S, ANSWER_S = 10.0, 20.0
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_PERMANENT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Keys of `kind: email`."""

    host: str
    port: Annotated[int, "1..65535"] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: Secret | None = None
    sender: Annotated[str, "email"]
    ca_file: Annotated[Path, "file"] | None = None

    def __post_init__(self) -> None:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.security == "none" and (self.password or self.ca_file):
            raise ValueError("security must be starttls or tls for a password or ca_file")


def open_channel(options: Options, means: Means) -> Channel:  # noqa: ARG001
    import aiosmtplib  # noqa: F401 - loaded here, off the loop

    ca_file = None if options.ca_file is None else str(options.ca_file)
    try:
        trusted = None if options.security == "none" else ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise Unreachable(f"ca_file cannot be used: {error}") from None
    return Mail(options, trusted)


class Mail:
    """A connection for each message: alarms are rare, and servers hang up on who idles."""

    def __init__(self, options: Options, trusted: ssl.SSLContext | None) -> None:
        self._options = options
        self._trusted = trusted

    async def hand_over(self, notice: Notice, recipient: Recipient) -> None:
        import aiosmtplib

        host = self._options.host
        message = written(notice, self._options.sender, recipient.address)
        try:
            await self._send(message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _meaning(
                error.recipients[0], f"{host} does not take {recipient.address}"
            ) from None
        except aiosmtplib.SMTPAuthenticationError as error:
            raise Unreachable(f"{host} refuses the login: {error.message}; correct username and "
                              "secret") from None  # fmt: skip
        except aiosmtplib.SMTPConnectResponseError as error:
            raise Unreachable(f"{host} is not ready: {error.code} {error.message}") from None
        except aiosmtplib.SMTPResponseException as error:
            raise _meaning(error, f"{host} does not take the message") from None
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or error
            raise Unreachable(f"{host} is not who it should be: {why}; correct host, security or "
                              "ca_file") from None  # fmt: skip
        except aiosmtplib.SMTPException as error:
            raise Unreachable(f"{host}: {error.message}") from None
        except TimeoutError:
            raise Unreachable(f"{host} does not answer") from None
        except OSError as error:
            raise Unreachable(f"{host} cannot be reached: {dial.why(error)}") from None

    async def close(self) -> None:
        """No connection outlives its message."""

    async def _send(self, message: EmailMessage) -> None:
        import aiosmtplib

        options = self._options
        port = options.port or _PORTS[options.security]
        async with asyncio.timeout(CONNECT_S):
            connection = await dial.dial(options.host, port)
        client = aiosmtplib.SMTP(
            hostname=options.host,
            sock=connection,
            local_hostname=_domain(options.sender),
            timeout=ANSWER_S,
            use_tls=options.security == "tls",
            start_tls=options.security == "starttls",
            tls_context=self._trusted,
        )
        try:
            await client.connect()
            if options.username is not None and options.password is not None:
                await client.login(options.username, read(options.password))
            await client.send_message(message)
            with contextlib.suppress(aiosmtplib.SMTPException):  # it has been taken already
                await client.execute_command(b"QUIT")
        finally:
            if isinstance(client.transport, asyncio.WriteTransport):
                client.transport.abort()  # a farewell of TLS would wait for the other side
            client.close()


def written(notice: Notice, sender: str, address: str) -> EmailMessage:
    """The mail; marked as automatic (RFC 3834), so that no absence notice answers it."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = address
    message["Subject"] = notice.title
    message["Date"] = format_datetime(datetime.fromtimestamp(notice.at / 1000, UTC))
    message["Message-ID"] = f"<{notice.id}@{_domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    if notice.priority in (Priority.LIFE, Priority.HIGH):
        message["Importance"] = "high"
    message.set_content(notice.text)
    return message


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _meaning(error: "aiosmtplib.SMTPResponseException", what: str) -> Refused | Unreachable:
    """5yz is for good, 4yz for now (RFC 5321 4.2.1)."""
    message = f"{what}: {error.code} {error.message}"
    return Refused(message) if error.code >= _PERMANENT else Unreachable(message)
