"""gpiozero's pins over the kernel's character device, by libgpiod 2 (package `gpiod`).

The chip is found by its label, since its number differs between boards and kernels. A line is
requested once and then only reconfigured, so that no other program gets in between. Edges are read
from the lines' file descriptors in one thread. The kernel drops edges that come faster than they
are read: the gaps in its numbering are counted, and after each batch the level itself is read.

Not tried yet on kernel GPIO, of which there is none on a PC: the tests play the kernel at the edge
of `gpiod`. The hardware tests come with the guest that has `gpio-sim`.
"""

import errno
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import gpiod
from gpiod.line import Bias, Direction, Edge, Value
from gpiozero import Factory, Pin, PinInfo
from gpiozero.exc import GPIOPinInUse, PinFixedPull, PinInvalidPin

from drivers.base import BusError, WrongDevice
from gateway.buses.gpiod_edges import Edges

if TYPE_CHECKING:
    from gpiod import LineSettings

logger = logging.getLogger(__name__)

CONSUMER = "kitchen-gateway"
EVENTS_MAX = 256  # edges of one line that wait in the kernel; more are lost, and counted
_BIASES = {"up": Bias.PULL_UP, "down": Bias.PULL_DOWN, "floating": Bias.DISABLED}
_PI_LABELS = ("pinctrl-bcm", "pinctrl-rp1")
_PI_PULLED_UP = {2, 3}  # 1.8 kOhm on the board, for I2C
_SHOWN_MAX = 6

Changed = Callable[[float, int], None]  # gpiozero's ticks, level


class Chip(Protocol):
    """What of `gpiod.Chip` is used here."""

    def get_info(self) -> gpiod.ChipInfo: ...
    def request_lines(
        self, config: Mapping[int, "LineSettings"], consumer: str, event_buffer_size: int
    ) -> "Request": ...
    def close(self) -> None: ...


class Request(Protocol):
    """What of `gpiod.LineRequest` is used here."""

    @property
    def fd(self) -> int: ...
    def get_value(self, line: int) -> Value: ...
    def set_value(self, line: int, value: Value) -> None: ...
    def reconfigure_lines(self, config: Mapping[int, "LineSettings"]) -> None: ...
    def read_edge_events(self) -> list[gpiod.EdgeEvent]: ...
    def release(self) -> None: ...


OpenChip = Callable[[str], Chip]


class GpiodFactory(Factory):
    """The lines of one chip as gpiozero's pins; raises BusError or WrongDevice without one."""

    def __init__(
        self,
        label: str,
        now_ms: Callable[[], int],
        open_chip: OpenChip | None = None,
        devices: Path = Path("/dev"),
    ) -> None:
        super().__init__()
        self.lost_edges = 0  # changes of all lines that came too fast to be read
        self.on_lost: Callable[[int, OSError], None] = lambda number, error: None
        self.edges = Edges()
        self.chip = _find(label, open_chip or cast(OpenChip, gpiod.Chip), devices)
        self._now_ms = now_ms
        self._label = label
        self._lines = self.chip.get_info().num_lines
        self._pins: dict[int, GpiodPin] = {}

    def ticks(self) -> float:
        return self._now_ms() / 1000

    def ticks_diff(self, later: float, earlier: float) -> float:
        return later - earlier

    def pin(self, name: int) -> "GpiodPin":
        """The line of that number; raises PinInvalidPin."""
        if name not in self._pins:
            self._pins[name] = GpiodPin(self, self.info(name))
        return self._pins[name]

    def info(self, number: int) -> PinInfo:
        """What gpiozero wants to know of a line; raises PinInvalidPin."""
        if not 0 <= number < self._lines:
            raise PinInvalidPin(f"{self._label} has lines 0 to {self._lines - 1}")
        pulled = number in _PI_PULLED_UP and self._label.startswith(_PI_LABELS)
        name = f"GPIO{number}"
        pull = "up" if pulled else ""
        return PinInfo(number, name, frozenset({name, number}), pull, 0, 0, frozenset({"gpio"}))

    def close(self) -> None:
        """Give back every line, then the chip."""
        for pin in self._pins.values():
            pin.close()
        self._pins.clear()
        self.edges.close()
        self.chip.close()

    def _get_board_info(self) -> "_Board":
        return _Board(self.info)


class _Board:
    """What of a `gpiozero.BoardInfo` the factory asks for; a chip has no header that we know."""

    def __init__(self, info: Callable[[int], PinInfo]) -> None:
        self._info = info

    def find_pin(self, name: int | str) -> Iterator[tuple[None, PinInfo]]:
        """The line of that number, or of that name of ours (`GPIO17`); raises PinInvalidPin."""
        yield None, self._info(int(name.removeprefix("GPIO")) if isinstance(name, str) else name)


class GpiodPin(Pin):
    """One line; an input without a resistor until told otherwise, and requested from then on."""

    def __init__(self, factory: GpiodFactory, info: PinInfo) -> None:
        super().__init__()
        self._factory = factory
        self._info = info
        self._number = info.number
        self._request: Request | None = None
        self._function = "input"
        self._pull = info.pull or "floating"
        self._edge = Edge.NONE
        self._changed: Changed | None = None
        self._turn = threading.Lock()  # edges are told in a thread of their own
        self._next_seqno = 1

    def close(self) -> None:
        """Give the line back as an input, so that nobody drives it; once is enough."""
        self._set_when_changed(None)
        request, self._request = self._request, None
        if request is not None:
            try:
                settings = gpiod.LineSettings(direction=Direction.INPUT, bias=Bias.AS_IS)
                request.reconfigure_lines({self._number: settings})
            finally:
                request.release()

    def output_with_state(self, state: bool) -> None:
        """Drive the line from its first moment at this level, without a glitch."""
        self._function = "output"
        value = Value.ACTIVE if state else Value.INACTIVE
        self._configure(gpiod.LineSettings(direction=Direction.OUTPUT, output_value=value))

    def lost(self, error: OSError) -> None:
        """The line can no longer be read."""
        self._factory.on_lost(self._number, error)

    def told(self) -> None:
        """Read the edges that wait, and tell them; called in the thread of the edges."""
        with self._turn:
            request, changed = self._request, self._changed
            if request is None or changed is None:
                return
            level = None
            for event in request.read_edge_events():
                self._count_gap(event.line_seqno)
                level = int(event.event_type is gpiod.EdgeEvent.Type.RISING_EDGE)
                changed(event.timestamp_ns / 1e9, level)
            now = int(bool(request.get_value(self._number)))
            if now != level:
                changed(self._factory.ticks(), now)

    def _count_gap(self, seqno: int) -> None:
        lost, self._next_seqno = seqno - self._next_seqno, seqno + 1
        if lost > 0:
            if self._factory.lost_edges == 0:
                logger.warning("%s: changes too fast to be read; the level counts", self._info.name)
            self._factory.lost_edges += lost

    def _configure(self, settings: "LineSettings") -> None:
        config = {self._number: settings}
        if self._request is not None:
            self._request.reconfigure_lines(config)
            return
        try:
            self._request = self._factory.chip.request_lines(config, CONSUMER, EVENTS_MAX)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            message = f"{self._info.name} is held by the kernel or a program (gpioinfo shows which)"
            raise GPIOPinInUse(message) from error

    def _configure_input(self) -> None:
        settings = gpiod.LineSettings(
            direction=Direction.INPUT, bias=_BIASES[self._pull], edge_detection=self._edge
        )
        self._configure(settings)

    def _requested(self) -> Request:
        if self._request is None:
            raise OSError(errno.EBADF, f"{self._info.name} has been given back")
        return self._request

    def _get_info(self) -> PinInfo:
        return self._info

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value == "output":
            self.output_with_state(False)
            return
        self._function = value
        self._configure_input()

    def _get_state(self) -> int:
        return int(bool(self._requested().get_value(self._number)))

    def _set_state(self, value: bool) -> None:
        level = Value.ACTIVE if value else Value.INACTIVE
        self._requested().set_value(self._number, level)

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if self._info.pull not in {"", value}:
            raise PinFixedPull(f"{self._info.name} has a soldered pull-{self._info.pull} resistor")
        self._pull = value
        self._configure_input()

    def _get_edges(self) -> str:
        return "none" if self._edge is Edge.NONE else "both"

    def _set_edges(self, value: str) -> None:
        # Always both or none: what hangs on one edge only is told by the caller's own state.
        self._edge = Edge.NONE if value == "none" else Edge.BOTH
        self._configure_input()

    def _get_when_changed(self) -> Changed | None:
        return self._changed

    def _set_when_changed(self, value: Changed | None) -> None:
        with self._turn:
            before, self._changed = self._changed, value
        if value is not None and before is None:
            self._factory.edges.add(self._requested().fd, self)
        elif value is None and before is not None:
            self._factory.edges.remove(self._requested().fd)


def _find(label: str, open_chip: OpenChip, devices: Path) -> Chip:
    """The first chip of that label, open."""
    seen: list[str] = []
    paths = sorted(devices.glob("gpiochip*"))
    for path in paths:
        try:
            chip = open_chip(str(path))
        except PermissionError as error:
            raise BusError(f"{path}: not allowed: add the gateway's user to group gpio") from error
        except OSError as error:
            seen.append(f"{path.name} ({error.strerror})")
            continue
        found = chip.get_info().label
        if found == label:
            return chip
        chip.close()
        seen.append(found)
    if not paths:
        raise BusError("this machine has no GPIO pins; to try without, add a section `emulation`")
    shown = ", ".join(seen[:_SHOWN_MAX])
    raise WrongDevice(f'no GPIO chip is labelled "{label}": correct `chip`; there are: {shown}')
