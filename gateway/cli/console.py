"""Asking the gateway that runs on this machine, through the socket in its data folder."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

import click

from gateway.console import NAME

_DEADLINE_S = 15.0
_OK = 200


class NotRunning(Exception):
    """No gateway runs on this data folder, or it does not serve commands yet."""


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_DEADLINE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_DEADLINE_S)
        self.sock.connect(str(self._path))


def ask(data: Path, method: str, path: str) -> Any:  # noqa: ANN401 - JSON
    """The JSON of an answer; raises NotRunning, and ClickException with what went wrong."""
    connection = _Connection(data / NAME)
    try:
        connection.request(method, path, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunning from error
    except PermissionError as error:
        message = f"{data}: not allowed; use the login the gateway runs under, or sudo"
        raise click.ClickException(message) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise click.ClickException(f"the gateway does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != _OK:
        raise click.ClickException(str(body.get("detail", answer.reason)))
    return body
