"""What a text in the configuration must look like, by the name its schema marks it with.

Each check returns the text as it is kept, or raises ValueError: what it got, what is expected.
"""

import ipaddress
import re
import stat
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from gateway.config.problem import shown
from gateway.sync.commands import public_key
from gateway.sync.protocol import NAME
from rules.shift import ON_DUTY

MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")  # HTML
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
ID = re.compile(r"[a-z0-9_]{1,36}")

_POINT = re.compile(r"[a-z0-9_]{1,36}/[a-z0-9_]{1,36}")
_COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_TEXT_MAX = 500
_KEY_FILE_MAX = 4_096


def text(value: str) -> str:
    """Any text for people: printable, lines allowed, at most 500 characters."""
    if len(value) > _TEXT_MAX:
        raise ValueError(f"got {len(value)} characters, expected at most {_TEXT_MAX}")
    if not all(line.isprintable() for line in value.split("\n")):
        raise ValueError("got control characters, expected printable text")
    return value.rstrip("\n")


def identifier(value: str) -> str:
    if not ID.fullmatch(value):
        near = re.sub(r"[^a-z0-9_]+", "_", value.lower()).strip("_")[:36]
        hint = f'; did you mean "{near}"?' if near else ""
        raise ValueError(
            f'got "{shown(value)}", expected an id of a-z, 0-9 and _, at most 36{hint}'
        )
    return value


def point(value: str) -> str:
    if not _POINT.fullmatch(value):
        raise ValueError(f'got "{value}", expected a point such as "walk_in/temperature"')
    return value


def recipient(value: str) -> str:
    role = value.removeprefix(ON_DUTY)
    if not ID.fullmatch(role):
        raise ValueError(f'got "{value}", expected a role such as "manager" or "on_duty cook"')
    return value


def protocol_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f'got "{value}", expected letters, digits, _ and -, at most 36')
    return value


def time_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'got "{value}", expected a time zone such as "Asia/Seoul"') from None
    return value


def country(value: str) -> str:
    if not _COUNTRY.fullmatch(value):
        near = f'; did you mean "{value.upper()}"?' if _COUNTRY.fullmatch(value.upper()) else ""
        raise ValueError(
            f'got "{shown(value)}", expected a country such as KR, or a region such as DE-BY{near}'
        )
    return value


def iso_date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError(f'got "{shown(value)}", expected a date such as 2026-10-05') from None


def listen_address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(
            f'got "{value}", expected an address: 0.0.0.0 (everyone on the LAN) or 127.0.0.1'
        ) from None


def origin(value: str) -> str:
    parts = _url(value)
    if parts is None or parts[0] not in {"http", "https"} or parts[2]:
        raise ValueError(
            f'got {_shown_url(value)}, expected an origin such as "https://kitchen.example:8443"'
        )
    return value.lower().removesuffix("/")


def broker(value: str) -> str:
    parts = _url(value)
    if "@" in value:
        raise ValueError(
            "got a login in the address, expected none: use username and password: {secret: mqtt}"
        )
    if parts is None or parts[0] not in {"mqtt", "mqtts"} or parts[2]:
        raise ValueError(
            f'got {_shown_url(value)}, expected "mqtt://host:1883" or "mqtts://host:8883"'
        )
    return value.removesuffix("/")


def web_address(value: str) -> str:
    parts = _url(value)
    if parts is None or parts[0] not in {"http", "https"} or "@" in value:
        raise ValueError(
            f'got {_shown_url(value)}, expected an address such as "https://hooks.example/kitchen"'
        )
    return value


def network(value: str) -> str:
    try:
        inside = ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(
            f'got "{shown(value)}", expected an address or network such as "192.168.1.20"'
        ) from None
    if inside.is_link_local or inside.is_multicast or inside.is_unspecified or not inside.prefixlen:
        raise ValueError(f'got "{value}", which is no address a channel may ever reach')
    return str(inside)


def email(value: str) -> str:
    if not MAIL_ADDRESS.fullmatch(value):
        raise ValueError(f'got "{shown(value)}", expected an address such as "kim@example.com"')
    return value


def phone(value: str) -> str:
    number = re.sub(r"[ ().-]", "", value)
    if not _PHONE.fullmatch(number):
        raise ValueError(
            f'got "{shown(value)}", expected a number with its country, such as "+82 10 1234 5678"'
        )
    return number


def time_of_day(value: str) -> str:
    if not _TIME_OF_DAY.fullmatch(value):
        raise ValueError(f'got "{shown(value)}", expected a time of day such as "22:00"')
    return value


def _url(value: str) -> tuple[str, str, str] | None:
    """Scheme, host and whatever follows of a well-formed address."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or port == 0 or not value.isascii() or " " in value:
        return None
    rest = parts.path.removesuffix("/") + parts.query + parts.fragment + (parts.username or "")
    return parts.scheme, parts.hostname, rest


def _shown_url(value: str) -> str:
    """The address without what may be a login in it."""
    return "an address with a login in it" if "@" in value else f'"{shown(value)}"'


def readable_file(path: Path) -> None:
    """Raises ValueError unless a regular file is there."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ValueError(f"cannot use {path}: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise ValueError(f"got {path}, which is something else, expected a file")


def ed25519_key(value: str) -> str:
    try:
        public_key(value)
    except ValueError as error:
        raise ValueError(f'got "{shown(value)}", {error}') from None
    return value


def ed25519_file(path: Path) -> None:
    """Raises ValueError unless an Ed25519 public key is in the file."""
    readable_file(path)
    try:
        with path.open() as file:
            public_key(file.read(_KEY_FILE_MAX))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"cannot use {path}: {error}") from None


class Login(Protocol):
    """How to reach a broker and log in there."""

    @property
    def url(self) -> str: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> object: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def certificate_file(self) -> Path | None: ...
    @property
    def key(self) -> object: ...


def login(broker: Login) -> None:
    """Raises ValueError for what does not go together."""
    if broker.password is not None and broker.username is None:
        raise ValueError('password needs "username" beside it')
    if (broker.certificate_file is None) != (broker.key is None):
        raise ValueError("certificate_file and key belong together")
    if not broker.url.startswith("mqtts:") and (broker.ca_file or broker.certificate_file):
        raise ValueError("url must begin with mqtts: for certificates to be used")


TEXTS: Mapping[str, Callable[[str], str]] = {
    "id": identifier,
    "point": point,
    "recipient": recipient,
    "protocol_name": protocol_name,
    "time_zone": time_zone,
    "country": country,
    "date": iso_date,
    "listen_address": listen_address,
    "origin": origin,
    "broker": broker,
    "ed25519_key": ed25519_key,
    "web_address": web_address,
    "network": network,
    "email": email,
    "phone": phone,
    "time_of_day": time_of_day,
}
FILES: Mapping[str, Callable[[Path], None]] = {
    "file": readable_file,
    "ed25519_file": ed25519_file,
}
