"""What judging knows of the wall clock: what is worth a row, and when it is gone by."""

from rules.wall import STEP_MS, Wall, observed


def test_only_a_step_or_another_trust_is_worth_a_row() -> None:
    first = observed(None, 1_000_000, "boot", sure=True)
    assert first == Wall(1_000_000, trusted=True, boot="boot")
    assert observed(first, 1_000_000 + STEP_MS - 1, "boot", sure=True) is None
    assert observed(first, 1_000_000 - STEP_MS, "boot", sure=True) is not None


def test_a_slow_drift_is_noticed_once_it_has_added_up() -> None:
    wall, rows = Wall(0, trusted=True, boot="boot"), 0
    for ahead in range(0, 10 * STEP_MS + 1, STEP_MS // 10):
        moved = observed(wall, ahead, "boot", sure=True)
        wall, rows = moved or wall, rows + (moved is not None)
    assert rows == 10
    assert wall.at(5) == 10 * STEP_MS + 5


def test_a_clock_that_was_right_once_is_trusted_until_the_next_boot() -> None:
    wall = observed(None, 0, "boot", sure=False)
    assert wall == Wall(0, trusted=False, boot="boot")
    wall = observed(wall, 0, "boot", sure=True)
    assert wall == Wall(0, trusted=True, boot="boot")
    assert observed(wall, 0, "boot", sure=False) is None
    assert observed(wall, 0, "another", sure=False) == Wall(0, trusted=False, boot="another")
