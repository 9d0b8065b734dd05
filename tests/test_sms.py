"""The SMS channel on a real pseudo-terminal with an honest modem: what arrives, and what if not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from drivers.emulated.modem import Chip
from gateway.buses.kinds import Mount
from gateway.buses.serial import EmulatedSerial
from gateway.notify.allowance import Allowance
from gateway.notify.channel import Means, Recipient, Refused, Tended, Unreachable
from gateway.notify.notice import Notice
from gateway.notify.sms import Options, Sms, open_channel, written
from rules.base import Priority
from tests.fakes import ManualClock
from tests.patience import PATIENCE_S

CHEF = Recipient("kim", "+821012345678", "Kim")
OWNER = Recipient("lee", "0212345678", "Lee")


def notice(number: int = 1, priority: Priority = Priority.HIGH, text: str = "") -> Notice:
    return Notice(
        id=f"n{number}", alarm="walk_in_warm", verb="raise", priority=priority, site="마포점",
        title="[마포점] 경보: 냉장고", text=text or "냉장고\n8.2 °C", at=1_800_000_000_000,
    )  # fmt: skip


class Kitchen:
    """A channel, the modem at the far end of its line, and the time."""

    def __init__(self, per_hour: int = 20) -> None:
        self.clock = ManualClock()
        line = EmulatedSerial(self.clock.now)
        chip = line.mount(Chip, Mount(None, lambda quantity: 0.0, seed=7))
        assert isinstance(chip, Chip)
        self.chip = chip
        options = Options(path="/dev/serial/by-id/modem", per_hour=per_hour)
        self.channel = Sms(line, options, self.clock)

    async def tell(self, told: Notice, whom: Recipient = CHEF) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.channel.hand_over(told, whom)


@pytest.fixture
async def kitchen() -> AsyncIterator[Kitchen]:
    kitchen = Kitchen()
    yield kitchen
    await kitchen.channel.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A modem that does not answer is given up sooner than in a kitchen."""
    monkeypatch.setattr("drivers.framing.at.WAKE_S", 0.04)


async def test_a_notice_arrives_whole_and_figures_tell_how_well(kitchen: Kitchen) -> None:
    await kitchen.tell(notice())
    assert kitchen.chip.texts() == [(CHEF.address, "[마포점] 경보: 냉장고\n8.2 °C")]
    figures = kitchen.channel.figures
    assert figures.standing is not None
    assert (figures.standing.signal_dbm, figures.sent, figures.trouble) == (-71, 1, None)


async def test_a_long_text_arrives_in_parts_of_the_same_reference(kitchen: Kitchen) -> None:
    await kitchen.tell(notice(text="문을 닫으십시오. " * 15), OWNER)
    assert len(kitchen.chip.messages) == 3
    assert len({each.reference for each in kitchen.chip.messages}) == 1
    ((number, text),) = kitchen.chip.texts()
    assert number == OWNER.address
    assert text.endswith(("문을 닫으십시오. " * 15).rstrip())


async def test_what_is_no_number_is_refused_before_the_modem_is_asked(kitchen: Kitchen) -> None:
    kitchen.chip.faults.silent = True
    with pytest.raises(Refused, match=r"such as \+8210"):
        await kitchen.tell(notice(), Recipient("kim", "010-1234"))


async def test_a_number_nobody_has_is_refused_and_the_modem_is_well(kitchen: Kitchen) -> None:
    kitchen.chip.refuse.append(1)
    with pytest.raises(Refused, match="correct it in the configuration"):
        await kitchen.tell(notice())
    assert kitchen.channel.figures.trouble is None


@pytest.mark.usefixtures("hurried")
async def test_a_silent_modem_is_unreachable_until_it_answers_again(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen.chip.faults.silent = True
    with pytest.raises(Unreachable, match="is the modem powered"):
        await kitchen.tell(notice())
    assert kitchen.channel.figures.trouble is not None
    assert kitchen.channel.figures.standing is None
    monkeypatch.undo()
    kitchen.chip.faults.silent = False
    await kitchen.tell(notice())
    assert len(kitchen.chip.texts()) == 1
    assert kitchen.channel.figures.trouble is None


async def test_without_sim_or_network_it_says_who_must_act(kitchen: Kitchen) -> None:
    kitchen.chip.sim = None
    with pytest.raises(Unreachable, match="put one in"):
        await kitchen.tell(notice())
    kitchen.chip.sim, kitchen.chip.registration = "READY", 3
    with pytest.raises(Unreachable, match="ask the operator"):
        await kitchen.tell(notice())
    assert kitchen.chip.texts() == []


async def test_an_adapter_that_was_pulled_works_once_it_is_back(kitchen: Kitchen) -> None:
    line = kitchen.channel.line
    assert isinstance(line, EmulatedSerial)
    await kitchen.tell(notice(1))
    line.unplug()
    with pytest.raises(Unreachable, match=r"unplugged|no such port"):
        await kitchen.tell(notice(2))
    line.plug()
    await kitchen.tell(notice(2))
    assert len(kitchen.chip.texts()) == 2


async def test_parts_that_were_taken_are_not_sent_again(kitchen: Kitchen) -> None:
    told = notice(text="가" * 150)
    kitchen.chip.refuse.extend([0, 42])
    with pytest.raises(Unreachable, match="no room"):
        await kitchen.tell(told)
    assert [each.part for each in kitchen.chip.messages] == [1]
    await kitchen.tell(told)
    assert [each.part for each in kitchen.chip.messages] == [1, 2, 3]
    assert kitchen.chip.texts() == [(CHEF.address, written(told))]


async def test_danger_to_people_goes_between_the_parts_of_another_text(kitchen: Kitchen) -> None:
    kitchen.chip.network_turns = 50
    long = asyncio.create_task(kitchen.tell(notice(1, text="가" * 250)))
    await asyncio.sleep(0)
    await kitchen.tell(notice(2, Priority.LIFE, "가스 누출"), OWNER)
    numbers = [each.number for each in kitchen.chip.messages]
    assert numbers.index(OWNER.address) <= 1
    await long
    assert len(kitchen.chip.texts()) == 2


async def test_a_storm_leaves_the_card_its_credit_but_danger_goes_on(kitchen: Kitchen) -> None:
    kitchen.channel._allowance = Allowance(per_hour=3)
    for number in range(3):
        await kitchen.tell(notice(number))
    with pytest.raises(Refused, match="has had its 3 messages of this hour"):
        await kitchen.tell(notice(3))
    await kitchen.tell(notice(4), OWNER)
    await kitchen.tell(notice(5, Priority.LIFE))
    assert len(kitchen.chip.texts()) == 5
    figures = kitchen.channel.figures
    assert (figures.sent, figures.withheld, figures.over_share) == (5, 1, 1)
    await kitchen.clock.advance(3_600_000)
    await kitchen.tell(notice(6))
    assert len(kitchen.chip.texts()) == 6


async def test_a_dead_modem_is_known_before_it_is_needed(kitchen: Kitchen) -> None:
    kitchen.chip.sim = None
    assert isinstance(kitchen.channel, Tended)
    await kitchen.channel.look()
    assert "no SIM" in str(kitchen.channel.trouble)
    kitchen.chip.sim = "READY"
    await kitchen.channel.look()
    assert kitchen.channel.trouble is None


async def test_the_twin_is_used_where_the_kitchen_is_emulated(tmp_path: Path) -> None:
    means = Means(ManualClock(), cast("Any", None), tmp_path, emulated=True)
    channel = open_channel(Options(path="/dev/none"), means)
    async with asyncio.timeout(PATIENCE_S):
        await channel.hand_over(notice(), CHEF)
    assert channel.figures.sent == 1
    await channel.close()


async def test_a_port_that_is_not_there_says_so(tmp_path: Path) -> None:
    means = Means(ManualClock(), cast("Any", None), tmp_path, emulated=False)
    channel = open_channel(Options(path=str(tmp_path / "tty")), means)
    with pytest.raises(Unreachable, match="there is no such port"):
        await channel.hand_over(notice(), CHEF)
    await channel.close()


def test_an_allowance_is_of_any_hour_and_bounded() -> None:
    allowance = Allowance(per_hour=2)
    allowance.spend("a", 0)
    allowance.spend("a", 1_000)
    assert (allowance.left("a", 3_599_999), allowance.left("a", 3_600_000)) == (0, 1)
    assert allowance.left("a", 3_601_000) == 2
    for number in range(1_000):
        allowance.spend(str(number), number)
    assert len(allowance._spent) <= 256
    assert allowance.left("999", 1_000) == 1
