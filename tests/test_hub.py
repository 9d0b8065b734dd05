"""The hub: judged, stored, shown, in that order and in the same turn; time never steps back."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.hub import Hub
from gateway.reading import Point, Quality, Reading, Value

WALK_IN = Point(index=0, id="walk_in/temperature", label="Walk-in", unit="Cel", kind="number")
DOOR = Point(index=1, id="door/open", label="Door", unit="1", kind="boolean")


def reading(value: Value, at: int = 1_000, point: Point = WALK_IN) -> Reading:
    return Reading(point, value, Quality.GOOD if value is not None else Quality.STALE, at)


class Listening:
    """A hub whose listeners write down what they are given, in order."""

    def __init__(self, floor: int = 0, *, decides: bool = False) -> None:
        self.calls: list[tuple[str, Reading]] = []
        self.hub = Hub(floor)
        self.hub.store = self._store
        self.hub.show = lambda seen: self.note("show", seen)
        self.hub.judge = self._judge
        self._decides = decides

    def _store(self, reading: Reading, *, decided: bool) -> None:
        self.decided = decided
        self.note("store", reading)

    def note(self, who: str, seen: Reading) -> None:
        assert self.hub.latest[seen.point.id] is seen
        self.calls.append((who, seen))

    def _judge(self, reading: Reading, *, keep: bool) -> bool:
        del keep
        self.note("judge", reading)
        return self._decides

    def order(self) -> list[str]:
        return [who for who, _ in self.calls]


def test_a_reading_is_judged_before_it_is_stored_before_it_is_shown() -> None:
    listening = Listening()
    listening.hub.watch(WALK_IN.id, lambda seen: listening.note("watch", seen))
    listening.hub.publish(reading(4.0))
    listening.hub.publish(reading(value=True, point=DOOR))
    assert listening.order() == ["judge", "store", "show", "watch", "judge", "store", "show"]


def test_a_reading_not_worth_a_row_is_stored_all_the_same_when_it_decided() -> None:
    quiet, decisive = Listening(), Listening(decides=True)
    quiet.hub.publish(reading(4.0), keep=False)
    decisive.hub.publish(reading(4.0), keep=False)
    assert quiet.order() == ["judge", "show"]
    assert decisive.order() == ["judge", "store", "show"]


def test_the_last_good_value_outlives_a_bad_reading() -> None:
    hub = Hub(0)
    hub.publish(reading(4.0, 1_000))
    hub.publish(reading(None, 2_000))
    assert hub.latest[WALK_IN.id].value is None
    good = hub.last_good(WALK_IN.id)
    assert good is not None
    assert (good.value, good.at) == (4.0, 1_000)
    assert hub.last_good(DOOR.id) is None
    assert hub.published == 2


def test_an_input_that_is_no_reading_moves_time_as_well() -> None:
    listening = Listening(floor=500)
    assert listening.hub.pass_time(1_000) == 1_000
    assert listening.hub.pass_time(900) == 1_000
    listening.hub.publish(reading(4.0, 950))
    assert listening.calls[0][1].at == 1_000


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 10_000)), max_size=40), st.integers(0, 5_000)
)
def test_time_never_steps_back_and_only_late_readings_are_moved(
    inputs: list[tuple[bool, int]], floor: int
) -> None:
    listening = Listening(floor)
    latest = floor
    for is_reading, at in inputs:
        latest = max(latest, at)
        if is_reading:
            sent = reading(4.0, at)
            listening.hub.publish(sent)
            received = [seen for _, seen in listening.calls[-3:]]
            assert all(seen is received[0] for seen in received)
            assert received[0].at == latest
            assert (received[0] is sent) == (at == latest)
            assert (received[0].value, received[0].quality) == (sent.value, sent.quality)
        else:
            assert listening.hub.pass_time(at) == latest
