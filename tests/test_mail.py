"""E-mail: to a real SMTP server, in the clear and with TLS, and each way in which it says no."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from gateway.config.secret import Secret
from gateway.notify import mail
from gateway.notify.channel import Means, Recipient, Refused, Unreachable
from gateway.notify.outbound import Outbound
from rules.base import Priority
from tests.certificates import authority
from tests.fakes import ManualClock
from tests.notices import keep_secret, notice
from tests.post_office import PostOffice

KIM = Recipient("kim", "kim@example.com", "Kim")


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as opened:
        yield opened


@pytest.fixture
def means(tmp_path: Path) -> Means:
    clock = ManualClock()
    return Means(clock, Outbound(clock, Random(1)), tmp_path, emulated=False)


def options(office: PostOffice) -> mail.Options:
    return mail.Options(
        host="127.0.0.1", port=office.mail_port, security="none", sender="kitchen@mapo.example"
    )


async def test_a_notice_becomes_a_mail(office: PostOffice, means: Means) -> None:
    channel = mail.open_channel(options(office), means)
    told = notice(Priority.LIFE)
    await channel.hand_over(told, KIM)
    await channel.close()
    (taken,) = office.mails
    assert (taken.to, taken.notice) == ("kim@example.com", told.id)
    assert taken.message["Message-ID"] == f"<{told.id}@mapo.example>"
    assert taken.message["Subject"] == told.title
    assert taken.message["From"] == "kitchen@mapo.example"
    assert taken.message["Auto-Submitted"] == "auto-generated"
    assert taken.message["Importance"] == "high"
    assert taken.message["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert taken.text == told.text


async def test_korean_arrives_as_it_was_written(office: PostOffice, means: Means) -> None:
    import msgspec

    channel = mail.open_channel(options(office), means)
    told = msgspec.structs.replace(
        notice(),
        title="[마포점] 경보 · Alarm: 냉장고 온도 높음",
        text="냉장고 온도 높음\n값: 8.4 °C",
    )
    await channel.hand_over(told, KIM)
    (taken,) = office.mails
    assert (taken.message["Subject"], taken.text) == (told.title, told.text)


async def test_a_repeat_is_the_same_mail(office: PostOffice, means: Means) -> None:
    channel = mail.open_channel(options(office), means)
    told = notice()
    for _ in range(2):
        await channel.hand_over(told, KIM)
    first, second = office.mails
    assert first.message.as_string() == second.message.as_string()


@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 5.1.1 no such user", Refused), ("450 4.2.1 mailbox busy", Unreachable)],
)
async def test_a_recipient_is_refused_for_good_or_for_now(
    answer: str, error: type[Exception], office: PostOffice, means: Means
) -> None:
    office.mail_answer = lambda to: answer
    channel = mail.open_channel(options(office), means)
    with pytest.raises(error, match=r"does not take kim@example\.com: \d{3}"):
        await channel.hand_over(notice(), KIM)
    assert office.mails == []


async def test_a_server_that_is_away_is_worth_another_try(office: PostOffice, means: Means) -> None:
    channel = mail.open_channel(options(office), means)
    office.close_mail()
    with pytest.raises(Unreachable, match="cannot be reached: Connection refused"):
        await channel.hand_over(notice(), KIM)
    office.open_mail()
    await channel.hand_over(notice(), KIM)
    assert len(office.mails) == 1


async def test_a_name_nobody_knows_is_worth_another_try(means: Means) -> None:
    settings = mail.Options(host="post.invalid", security="none", sender="kitchen@mapo.example")
    with pytest.raises(Unreachable, match=r"post\.invalid cannot be reached"):
        await mail.open_channel(settings, means).hand_over(notice(), KIM)


Secure = Callable[..., mail.Options]


@pytest.fixture
def secure(office: PostOffice, tmp_path: Path) -> Secure:
    """Have the server want TLS and a login; gives options that fit it."""
    signer = authority(tmp_path)
    certificate = signer.issue("post", "IP:127.0.0.1")
    keep_secret(tmp_path, "smtp", "right")

    def prepare(*, from_start: bool) -> mail.Options:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate, certificate.key)
        office.close_mail()
        office.tls, office.tls_from_start, office.login = context, from_start, ("kg", "right")
        office.open_mail()
        return mail.Options(
            host="127.0.0.1",
            port=office.mail_port,
            security="tls" if from_start else "starttls",
            username="kg",
            password=Secret("smtp", tmp_path),
            sender="kitchen@mapo.example",
            ca_file=signer.certificate,
        )

    return prepare


@pytest.mark.parametrize("from_start", [True, False])
async def test_a_login_goes_over_tls_only(
    from_start: bool, office: PostOffice, means: Means, secure: Secure
) -> None:
    settings = secure(from_start=from_start)
    await mail.open_channel(settings, means).hand_over(notice(), KIM)
    assert len(office.mails) == 1


@pytest.mark.parametrize("from_start", [True, False])
async def test_a_server_somebody_else_vouches_for_gets_nothing(
    from_start: bool, office: PostOffice, means: Means, secure: Secure
) -> None:
    settings = replace(secure(from_start=from_start), ca_file=None)
    with pytest.raises(Unreachable, match="certificate"):
        await mail.open_channel(settings, means).hand_over(notice(), KIM)
    assert office.mails == []


async def test_a_wrong_login_waits_for_who_can_put_it_right(
    office: PostOffice, means: Means, secure: Secure, tmp_path: Path
) -> None:
    settings = secure(from_start=False)
    keep_secret(tmp_path, "smtp", "wrong")
    channel = mail.open_channel(settings, means)
    with pytest.raises(Unreachable, match=r"refuses the login.*correct username and secret"):
        await channel.hand_over(notice(), KIM)
    keep_secret(tmp_path, "smtp", "right")
    await channel.hand_over(notice(), KIM)
    assert len(office.mails) == 1


async def test_a_server_without_starttls_is_told_nothing(
    office: PostOffice, means: Means, tmp_path: Path
) -> None:
    keep_secret(tmp_path, "smtp", "right")
    settings = replace(
        options(office), security="starttls", username="kg", password=Secret("smtp", tmp_path)
    )
    with pytest.raises(Unreachable, match="STARTTLS"):
        await mail.open_channel(settings, means).hand_over(notice(), KIM)
    assert office.mails == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "kg"}, "belong together"),
        ({"username": "kg", "password": Secret("smtp", Path())}, "must be starttls or tls"),
    ],
)
def test_options_that_do_not_go_together_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        mail.Options(host="x", security="none", sender="a@b", **wrong)  # type: ignore[arg-type]
