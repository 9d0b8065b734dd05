"""Waits for edges on the file descriptors of all watched lines, in one thread."""

import os
import select
import threading
from typing import Protocol


class Watched(Protocol):
    """A line whose edges somebody wants; both are called in the thread of the edges."""

    def told(self) -> None:
        """Read the edges that wait, and tell them; raises OSError for a line that is gone."""

    def lost(self, error: OSError) -> None:
        """The line can no longer be read."""


class Edges:
    """Waits for all lines that are watched, in one daemon thread that starts with the first."""

    def __init__(self) -> None:
        self._pins: dict[int, Watched] = {}  # by file descriptor
        self._poll = select.epoll()
        self._closing = os.eventfd(0)
        self._poll.register(self._closing, select.EPOLLIN)
        self._thread = threading.Thread(target=self._run, name="gpio-edges", daemon=True)

    def add(self, fd: int, pin: Watched) -> None:
        self._pins[fd] = pin
        self._poll.register(fd, select.EPOLLIN)
        if not self._thread.is_alive():
            self._thread.start()

    def remove(self, fd: int) -> None:
        if self._pins.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def close(self) -> None:
        if self._poll.closed:
            return
        if self._thread.is_alive():
            os.eventfd_write(self._closing, 1)
            self._thread.join()
        self._poll.close()
        os.close(self._closing)

    def _run(self) -> None:
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._closing:
                    return
                pin = self._pins.get(fd)
                if pin is not None:
                    self._tell(fd, pin)

    def _tell(self, fd: int, pin: Watched) -> None:
        try:
            pin.told()
        except OSError as error:
            self.remove(fd)
            pin.lost(error)
