"""A kitchen with one schedule and a wall clock that anybody may set, for tests."""

from datetime import UTC, datetime

from rules.schedule import Missed, Run, Schedule, State, advance

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000


def utc(text: str) -> int:
    """An ISO time as UTC in ms; without an offset it is UTC already."""
    at = datetime.fromisoformat(text)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)


class WallClock:
    """Kitchen time from 0 on, a wall clock beside it, and what one schedule did."""

    def __init__(self, schedule: Schedule, wall: int, *, trusted: bool = True) -> None:
        self.schedule = schedule
        self.now = 0
        self.ahead = wall
        self.trusted = trusted
        self.state: State | None = None
        self.runs: list[tuple[int, Run]] = []
        self.missed: list[Missed] = []
        self.look()

    @property
    def wall(self) -> int:
        return self.now + self.ahead

    @property
    def run_at(self) -> list[int]:
        """What the runs were planned for."""
        return [run.at for _, run in self.runs]

    def look(self) -> None:
        done = advance(self.schedule, self.state, self.now, self.wall, self.trusted)
        self.state = done.state
        self.runs += [(self.now, run) for run in done.runs]
        self.missed += done.missed

    def go_on(self, ms: int) -> None:
        """Let time pass; the schedule is looked at when it is due, and at no other time."""
        end = self.now + ms
        while self.state is not None and self.state.due is not None and self.state.due <= end:
            self.now = max(self.now, self.state.due)
            self.look()
        self.now = end

    def be_off(self, ms: int) -> None:
        """Let time pass without power."""
        self.now += ms
        self.look()

    def set_to(self, wall: int) -> None:
        """Set the wall clock, as a person or NTP does."""
        self.ahead = wall - self.now
        self.look()

    def rewrite(self, schedule: Schedule) -> None:
        """Reload with another schedule under the same name, or the same in another zone."""
        self.schedule = schedule
        self.look()
