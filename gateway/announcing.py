"""How the gateway is found by name on the LAN: it keeps a service file of Avahi's (`docs/tls.md`).

Avahi, which Raspberry Pi OS runs anyway, announces what the file says (avahi.service(5), DNS-SD of
RFC 6763) beside the host's own `.local` name, and reads it again whenever it was written.
"""

import logging
import socket
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gateway import __version__

logger = logging.getLogger(__name__)

NAME_MAX = 63  # bytes of a service's name (RFC 6763, 4.1.1)
_HEAD = (
    "<?xml version='1.0' encoding='utf-8' standalone='no'?>\n"
    '<!DOCTYPE service-group SYSTEM "avahi-service.dtd">\n'
    "<!-- Written by kitchen-gateway at each start; changes are lost. -->\n"
)


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What can be opened: the page's port, and of the authority's its port and fingerprint."""

    port: int
    secure: bool = False
    plain_port: int | None = None
    fingerprint: str | None = None  # SHA-256 of the gateway's own authority


class Announcer:
    """Keeps `file` as the gateway is; without one nobody is told. What fails is said once."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._trouble = ""

    def tell(self, label: str, offered: Offered) -> None:
        """The kitchen of this name can be opened there."""
        self._write(service_file(label, socket.gethostname(), offered))

    def withdraw(self) -> None:
        """There is nothing to open here."""
        self._write(service_file("", socket.gethostname(), None))

    def _write(self, text: str) -> None:
        """In place: only the file is ours, not its folder, and Avahi reads it when it is closed."""
        if self._file is None:
            return
        try:
            if not self._file.is_file() or self._file.read_text("utf-8") != text:
                self._file.write_text(text, "utf-8")
        except (OSError, UnicodeDecodeError) as error:
            trouble = getattr(error, "strerror", None) or str(error)
            if trouble != self._trouble:
                way = "run systemd-tmpfiles --create, see docs/install.md"
                logger.warning("not announced on the LAN: %s: %s; %s", self._file, trouble, way)
            self._trouble = trouble
        else:
            self._trouble = ""


def service_file(label: str, host: str, offered: Offered | None) -> str:
    """The file for a kitchen of this label on this host; None: nothing is offered."""
    services = [] if offered is None else _services(offered)
    name = escape(service_name(label, host), quote=False)
    return f"{_HEAD}<service-group>\n<name>{name}</name>\n{''.join(services)}</service-group>\n"


def service_name(label: str, host: str) -> str:
    """`마포점 (kitchen)`, cut to what a service may be called."""
    short = "".join(each for each in host.partition(".")[0] if each.isprintable())
    end = f" ({short})" if short else ""
    begin = "".join(each for each in label if each.isprintable()).strip() or "Kitchen Gateway"
    room = NAME_MAX - len(end.encode())
    if room <= 0:
        begin, end, room = short, "", NAME_MAX
    return begin.encode()[:room].decode(errors="ignore") + end


def _services(offered: Offered) -> list[str]:
    version, trust = f"version={__version__}", f"sha256={offered.fingerprint or ''}"
    page = ["path=/", version, *([trust] if offered.fingerprint else [])]
    found = [_service("_https._tcp" if offered.secure else "_http._tcp", offered.port, page)]
    if offered.secure and offered.plain_port:
        path = "path=/install" if offered.fingerprint else "path=/"
        found.append(_service("_http._tcp", offered.plain_port, [path, *page[1:]]))
    return found


def _service(kind: str, port: int, told: list[str]) -> str:
    records = "".join(f"<txt-record>{escape(each, quote=False)}</txt-record>\n" for each in told)
    return f"<service>\n<type>{kind}</type>\n<port>{port}</port>\n{records}</service>\n"
