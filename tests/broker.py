"""A private mosquitto on an ephemeral loopback port, which can be stopped, killed and frozen."""

import base64
import hashlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.patience import PATIENCE_S
from tests.ports import reserved_port

_STOP_S = 30.0
_PASSWORD_ROUNDS = 101  # what mosquitto_passwd 2.0 uses; `$7$` is its mark for PBKDF2-SHA512
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Tls:
    """PEM files of a server; clients must trust `authority`."""

    certificate: Path
    key: Path
    authority: Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the broker is to behave."""

    persistence: bool = True
    users: Mapping[str, str] = field(default_factory=dict)  # without any, everyone may connect
    tls: Tls | None = None
    extra: tuple[str, ...] = ()  # further lines of mosquitto.conf


class BrokerError(Exception):
    """The broker did not come up; the message ends with its own log."""


class Broker:
    """One broker; its port, folder and log stay the same over stop and start."""

    def __init__(self, program: Path, folder: Path, settings: Settings | None = None) -> None:
        self.host = _LOOPBACK
        self.port = reserved_port()
        self.settings = settings or Settings()
        self._program = program
        self._folder = folder
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As `cloud.url` wants it."""
        scheme = "mqtts" if self.settings.tls else "mqtt"
        return f"{scheme}://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id; raises BrokerError while stopped."""
        return self._running().pid

    @property
    def log(self) -> str:
        """What the broker has said so far."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> Self:
        """Start, and return once it accepts connections; does nothing while it runs."""
        if self._process is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            config = self._folder / "mosquitto.conf"
            config.write_text("\n".join(self._config()) + "\n")
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    [self._program, "-c", config],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            self._wait_until_ready(self._process)
        return self

    def stop(self) -> None:
        """Stop in order: what persists is saved. Does nothing while stopped."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_S)
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        process = self._running()
        process.kill()
        process.wait(_STOP_S)
        self._process = None

    def freeze(self) -> None:
        """Stop it in its tracks; its connections stay open and silent."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def forget(self) -> None:
        """Throw away what it kept on disk; only while stopped."""
        if self._process is not None:
            raise BrokerError("stop the broker first")
        (self._folder / "mosquitto.db").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _config(self) -> list[str]:
        settings = self.settings
        lines = [
            "per_listener_settings false",
            f"persistence {str(settings.persistence).lower()}",
            f"persistence_location {self._folder}/",
            "log_type all",
            "log_dest stderr",
            f"listener {self.port} {self.host}",
            f"allow_anonymous {str(not settings.users).lower()}",
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # else it drops to a user that cannot write the folder
        if settings.users:
            lines.append(f"password_file {self._password_file()}")
        if settings.tls:
            lines += [f"certfile {settings.tls.certificate}", f"keyfile {settings.tls.key}"]
        return [*lines, *settings.extra]

    def _password_file(self) -> Path:
        path = self._folder / "passwords"
        path.touch(mode=0o600)
        path.write_text("".join(_password_line(*user) for user in self.settings.users.items()))
        return path

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((self.host, self.port), timeout=1.0).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        process.kill()
        process.wait(_STOP_S)
        self._process = None
        raise BrokerError(f"mosquitto did not come up on port {self.port}:\n{self.log}")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BrokerError("the broker is not running")
        return self._process


def _password_line(name: str, password: str) -> str:
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PASSWORD_ROUNDS)
    salt_text, digest_text = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"{name}:$7${_PASSWORD_ROUNDS}${salt_text}${digest_text}\n"
