"""Webhooks and Slack: what is posted, where to, and what their options refuse."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.notify import slack, webhook
from gateway.notify.channel import Means, Recipient, Refused, Unreachable
from gateway.notify.outbound import Outbound
from rules.base import Priority
from tests.fakes import ManualClock
from tests.notices import keep_secret, notice
from tests.post_office import PostOffice

NOBODY = Recipient("")
HERE = ("127.0.0.1",)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as opened:
        yield opened


@pytest.fixture
async def means(tmp_path: Path) -> AsyncIterator[Means]:
    clock = ManualClock()
    client = Outbound(clock, Random(1))
    yield Means(clock, client, tmp_path, emulated=False)
    await client.close()


async def test_a_notice_is_posted_whole_with_its_id(office: PostOffice, means: Means) -> None:
    options = webhook.Options(url=f"{office.hook_url}/kitchen?x=1", addresses=HERE)
    told = notice()
    await webhook.open_channel(options, means).hand_over(told, NOBODY)
    (posted,) = office.posted
    assert posted.path == "/kitchen"
    assert posted.notice == told.id
    assert posted.headers["Content-Type"] == "application/json"
    assert "Authorization" not in posted.headers
    assert posted.body == msgspec.to_builtins(told)
    assert (posted.body["alarm"], posted.body["value"]) == ("walk_in_warm", 8.4)


async def test_a_token_goes_along_and_a_lost_one_waits(
    office: PostOffice, means: Means, tmp_path: Path
) -> None:
    options = webhook.Options(url=office.hook_url, token=Secret("hook", tmp_path), addresses=HERE)
    channel = webhook.open_channel(options, means)
    with pytest.raises(Unreachable, match="expected a file"):
        await channel.hand_over(notice(), NOBODY)
    keep_secret(tmp_path, "hook", "s3cret")
    await channel.hand_over(notice(), NOBODY)
    assert office.posted[0].headers["Authorization"] == "Bearer s3cret"


async def test_a_template_makes_the_body_of_others(office: PostOffice, means: Means) -> None:
    template = {"msg": "{title}: {value} {unit}", "lines": "{text}", "who": "{procedure}"}
    options = webhook.Options(url=office.hook_url, addresses=HERE, template=template)
    told = msgspec.structs.replace(notice(), text='a "quoted"\nline {id}')
    await webhook.open_channel(options, means).hand_over(told, NOBODY)
    assert office.posted[0].body == {
        "msg": f"{told.title}: 8.4 Cel",
        "lines": 'a "quoted"\nline {id}',
        "who": "",
    }


async def test_an_address_inside_that_nobody_declared_is_refused(
    office: PostOffice, means: Means
) -> None:
    options = webhook.Options(url=office.hook_url, addresses=("10.0.0.1",))
    with pytest.raises(Refused, match="not asked"):
        await webhook.open_channel(options, means).hand_over(notice(), NOBODY)
    assert office.posted == []


async def test_slack_gets_its_own_form(office: PostOffice, means: Means, tmp_path: Path) -> None:
    keep_secret(tmp_path, "slack", f"{office.hook_url}/services/T0/B0/x\n")
    options = slack.Options(url=Secret("slack", tmp_path), addresses=HERE)
    channel = slack.open_channel(options, means)
    told = msgspec.structs.replace(notice(Priority.LIFE), title="<gas> & smoke")
    await channel.hand_over(told, NOBODY)
    (posted,) = office.posted
    assert posted.path == "/services/T0/B0/x"
    assert posted.body == {"text": f"<!channel> *&lt;gas&gt; &amp; smoke*\n{told.text}"}
    await channel.close()


async def test_what_is_no_danger_calls_nobody_by_name() -> None:
    assert "<!channel>" not in slack.message(notice())["text"]
    assert "<!channel>" not in slack.message(notice(Priority.LIFE, verb="clear"))["text"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "http://hooks.example/"}, "must begin with https"),
        ({"url": "https://hooks.example/", "template": {"a": "{titel}"}}, "{titel} is unknown"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        webhook.Options(**wrong)  # type: ignore[arg-type]
