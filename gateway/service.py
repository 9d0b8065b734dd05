"""What systemd is told: ready, stopping, and a sign of life only while there is life."""

import contextlib
import os
import socket
from collections.abc import Callable

from gateway.clock import Clock


class Service:
    """One datagram socket to $NOTIFY_SOCKET; without it every call does nothing (sd_notify(3))."""

    def __init__(self, environment: "os._Environ[str] | dict[str, str]" = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        watched = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.watchdog_s = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 if watched else 0.0
        self._socket: socket.socket | None = None
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    def tell(self, message: str) -> None:
        """Send one state such as `READY=1`; a full or vanished socket is nobody's problem here."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(message.encode(), self._address)

    def close(self) -> None:
        """Say no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def feed(self, clock: Clock, alive: Callable[[], bool]) -> None:
        """Ping at a third of the watchdog's time, but only while loop and store make progress."""
        if not self.watchdog_s:
            return
        while True:
            if alive():
                self.tell("WATCHDOG=1")
            await clock.sleep(self.watchdog_s / 3 * clock.speed)
