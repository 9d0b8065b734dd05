"""A switch on the network that does as it is told, and says so where it is asked to."""

import json
from collections.abc import Callable
from typing import Protocol

from drivers.emulated.base import Faults


class Options(Protocol):
    """What of the actuator's settings is the device's own."""

    @property
    def topic(self) -> str: ...
    @property
    def on(self) -> str: ...
    @property
    def off(self) -> str: ...
    @property
    def state_topic(self) -> str | None: ...
    @property
    def state_key(self) -> str | None: ...
    @property
    def state_on(self) -> str | None: ...
    @property
    def state_off(self) -> str | None: ...


class Chip:
    """One switch, off at first; `closed` is what the load behind it gets."""

    def __init__(
        self,
        options: Options,
        take: Callable[[str, Callable[[bytes], None]], None],
        post: Callable[[str, bytes], None],
    ) -> None:
        self.faults = Faults()  # silent: out of the network; stuck: hears, and does nothing
        self.closed = False
        self._options = options
        self._post = post
        take(options.topic, self._told)

    def press(self, *, closed: bool) -> None:
        """Somebody uses the button on it."""
        self.closed = closed
        self._tell()

    def _told(self, payload: bytes) -> None:
        words = {self._options.on.encode(): True, self._options.off.encode(): False}
        if self.faults.silent or payload not in words:
            return
        if not self.faults.stuck:
            self.closed = words[payload]
        self._tell()

    def _tell(self) -> None:
        options = self._options
        if options.state_topic is None or self.faults.silent:
            return
        on, off = options.state_on or options.on, options.state_off or options.off
        word = on if self.closed else off
        payload = word if options.state_key is None else json.dumps({options.state_key: word})
        self._post(options.state_topic, payload.encode())
