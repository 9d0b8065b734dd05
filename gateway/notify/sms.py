"""Notices as text messages, through a modem on a serial line: the way out that needs no internet.

One message goes at a time. Between the parts of a long one, danger to people goes first. What the
network has taken of a text is not sent again at the next attempt; where a modem fell silent after
it had been given a part, nobody knows, and that part is sent again: twice is better than never.
"""

import asyncio
import contextlib
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from drivers.base import BusError, DriverError
from drivers.framing.at import Commands, Silent
from drivers.framing.modem import Rejected, Standing, send, standing
from drivers.framing.sms_pdu import Submit, is_number, submits
from gateway.buses.kinds import Mount
from gateway.buses.serial import EmulatedSerial, SerialPort
from gateway.buses.worker import BusWorker
from gateway.clock import Clock
from gateway.notify.allowance import Allowance
from gateway.notify.channel import Means, Recipient, Refused, Unreachable
from gateway.notify.notice import Notice

logger = logging.getLogger(__name__)

ADDRESS = "phone"
DEADLINE_S = 28.0  # of one part; who waits for us gives up after 30 s
VALIDITY_MIN = {
    True: 24 * 60,
    False: 4 * 60,
}  # life safety, all else; later it tells nobody anything
_BEGUN_MAX = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The keys of a channel of kind `sms`; `per_hour` bounds the messages to one telephone."""

    path: str
    baud: Literal[9600, 19200, 38400, 57600, 115200] = 115200
    per_hour: Annotated[int, "1..600"] = 20


@dataclass(slots=True)
class Figures:
    """How the modem is doing, for the page and the metrics."""

    standing: Standing | None = None  # None while it cannot send
    trouble: str | None = None  # why, and who must act
    sent: int = 0  # messages; a long text is several
    withheld: int = 0  # texts not sent because their telephone had its share
    over_share: int = 0  # messages for life safety beyond that share


class Sms:
    """One modem."""

    def __init__(self, line: SerialPort, options: Options, clock: Clock) -> None:
        self.figures = Figures()
        self.line = line
        self._worker = BusWorker(options.path)
        self._commands = Commands(line)
        self._allowance = Allowance(options.per_hour)
        self._clock = clock
        self._turn = asyncio.Lock()  # first come, first served
        self._begun: dict[tuple[str, str], int] = {}  # notice and number -> parts taken so far

    @property
    def trouble(self) -> str | None:
        """Why nothing can be sent, and who must act; as of the last look or message."""
        return self.figures.trouble

    @property
    def noise(self) -> int:
        """Lines from the modem that were none: a bad wire, or a wrong baud rate."""
        return self._commands.noise

    async def hand_over(self, notice: Notice, recipient: Recipient) -> None:
        """Return once the network has taken all parts; raises Refused or Unreachable."""
        number = recipient.address
        if not is_number(number):
            raise Refused(f"{number!r} is no telephone number: write it such as +821012345678")
        parts = submits(
            number,
            written(notice),
            reference=zlib.crc32(notice.id.encode()),
            validity_min=VALIDITY_MIN[notice.life],
        )
        key = (notice.id, number)
        left = parts[self._begun.get(key, 0) :]
        self._check_share(number, len(left), life=notice.life)
        if notice.life:
            async with self._turn:
                for part in left:
                    await self._send(part, key)
        else:
            for part in left:
                async with self._turn:
                    await self._send(part, key)
        self._begun.pop(key, None)

    async def look(self) -> None:
        """Ask the modem how it is, unless it is at work; what is wrong shows in `figures`."""
        if self._turn.locked():
            return
        async with self._turn:
            with contextlib.suppress(Unreachable):
                await self._call(None)

    async def close(self) -> None:
        """Let go of the port; waits no longer than the modem may take."""
        with contextlib.suppress(BusError):
            await self._worker.call(self.line.close, 1.0)
        self._worker.close()

    def _check_share(self, number: str, parts: int, *, life: bool) -> None:
        missing = parts - max(0, self._allowance.left(number, self._clock.now()))
        if missing <= 0:
            return
        if life:
            self.figures.over_share += missing
            return
        self.figures.withheld += 1
        raise Refused(
            f"{number} has had its {self._allowance.per_hour} messages of this hour: look at the "
            "page, and raise per_hour if that is too few"
        )

    async def _send(self, part: Submit, key: tuple[str, str]) -> None:
        await self._call(part)
        self.figures.sent += 1
        self._allowance.spend(key[1], self._clock.now())
        self._begun[key] = self._begun.pop(key, 0) + 1
        if len(self._begun) > _BEGUN_MAX:
            del self._begun[next(iter(self._begun))]

    async def _call(self, part: Submit | None) -> None:
        """Ask how the modem is, and have it send a part; raises Refused or Unreachable."""
        try:
            found = await self._worker.call(lambda: self._converse(part), DEADLINE_S)
        except Rejected as error:
            raise Refused(str(error)) from error
        except DriverError as error:
            self._troubled(str(error))
            raise Unreachable(str(error)) from error
        if self.figures.trouble is not None:
            logger.info("the modem can send again")
        self.figures.standing, self.figures.trouble = found, None

    def _converse(self, part: Submit | None) -> Standing:
        """In the thread of the bus."""
        with self._reopening():
            found = standing(self._commands)
            if part is not None:
                send(self._commands, part)
        return found

    @contextlib.contextmanager
    def _reopening(self) -> Iterator[None]:
        """An adapter may have come back under the same name while its old port stays silent."""
        try:
            yield
        except Silent:
            self.line.recover()
            raise

    def _troubled(self, why: str) -> None:
        if self.figures.trouble is None:
            logger.warning("the modem cannot send: %s", why)
        self.figures.standing, self.figures.trouble = None, why


def written(notice: Notice) -> str:
    """What the telephone shows: the title, and the text unless it begins by repeating that."""
    first, _, rest = notice.text.partition("\n")
    return f"{notice.title}\n{rest if notice.title.endswith(first) else notice.text}".rstrip()


def open_channel(options: Options, means: Means) -> Sms:
    """The modem of this machine, or its twin; the port is opened at its first message."""
    if not means.emulated:
        return Sms(SerialPort(options.path, options.baud), options, means.clock)
    from drivers.emulated.modem import Chip

    line = EmulatedSerial(means.clock.now)
    line.mount(Chip, Mount(options, lambda quantity: 0.0, seed=zlib.crc32(options.path.encode())))
    return Sms(line, options, means.clock)
