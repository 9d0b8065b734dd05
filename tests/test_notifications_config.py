"""The section `notifications`: what it becomes, and what is wrong with it in which words."""

from dataclasses import dataclass
from datetime import time
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.notify import mail, webhook
from rules.alarm import Verb
from rules.base import Priority
from tests.notices import configured, keep_secret

SECTION = """
  channels:
    mail:
      kind: email
      host: smtp.example.com
      username: kitchen
      password: {secret: smtp}
      sender: kitchen@example.com
    hook: {kind: webhook, label: Office, url: "https://hooks.example/x?y=1", template: {m: "{title}"}}
    chat: {kind: slack, url: {secret: slack}}
  people:
    kim: {label: 김, role: manager, email: kim@example.com, phone: +82 10-1234 5678, quiet: {from: "22:00", to: "07:00"}}
    lee: {role: cook}
  routes:
    - {to: [manager], by: [mail, chat], priorities: [life, high]}
    - {to: [lee], by: [hook], verbs: [raise, clear]}
"""  # noqa: E501


def prepare(folder: Path) -> Path:
    keep_secret(folder, "smtp", "s3cret")
    keep_secret(folder, "slack", "https://hooks.slack.example/x")
    return folder


def test_a_whole_section_is_read(tmp_path: Path) -> None:
    told = configured(prepare(tmp_path), SECTION).notifications
    assert told is not None
    assert told.languages == ("en",)
    post = told.channels["mail"].options
    assert isinstance(post, mail.Options)
    assert (post.security, post.port) == ("starttls", None)
    hook = told.channels["hook"]
    assert isinstance(hook.options, webhook.Options)
    assert (hook.kind, hook.label, hook.options.template) == ("webhook", "Office", {"m": "{title}"})
    kim = told.people["kim"]
    assert kim.phone == "+821012345678"
    assert kim.quiet is not None
    assert (kim.quiet.start, kim.quiet.end) == (time(22), time(7))
    assert Priority.LIFE not in kim.quiet.holds
    first, second = told.routes
    assert first.priorities == (Priority.LIFE, Priority.HIGH)
    assert first.verbs == (Verb.RAISE,)
    assert second.priorities == tuple(Priority)
    assert told.named(["manager", "kim", "lee"]) == ["kim", "lee"]
    assert told.address("mail", "kim") == "kim@example.com"
    assert told.address("mail", "lee") is None
    assert told.address("hook", "lee") == ""
    assert told.address("mail", "nobody") is None


@dataclass(frozen=True)
class Broken:
    """A piece of the section, what replaces it, and what is then said, where."""

    piece: str
    instead: str
    path: str
    said: str


BROKEN = (
    Broken("kind: email", "kind: mail", "channels.mail.kind", 'did you mean "email"?'),
    Broken("      kind: email\n", "", "channels.mail", '"kind" is missing'),
    Broken("host: smtp", "hots: smtp", "channels.mail.hots", 'did you mean "host"?'),
    Broken("{secret: smtp}", "s3cret", "channels.mail.password", "expected a reference"),
    Broken("{secret: smtp}", "{secret: lost}", "channels.mail.password", "expected a file"),
    Broken("      username: kitchen\n", "", "channels.mail", "belong together"),
    Broken("sender: kitchen@", "sender: kitchen", "channels.mail.sender", "kim@example.com"),
    Broken("https://hooks", "http://hooks", "channels.hook", "must begin with https:"),
    Broken("https://hooks", "https://me:pw@hooks", "channels.hook.url", "with a login in it"),
    Broken("{title}", "{titel}", "channels.hook", "{titel} is unknown"),
    Broken("label: Office", "addresses: [lan]", "channels.hook.addresses[0]", "192.168.1.20"),
    Broken(
        "label: Office",
        "addresses: [169.254.169.254]",
        "channels.hook.addresses[0]",
        "no address a channel may ever reach",
    ),
    Broken("+82 10-1234 5678", "010-1234-5678", "people.kim.phone", "+82 10 1234 5678"),
    Broken('"22:00"', '"25:00"', "people.kim.quiet.from", "expected a time of day"),
    Broken(
        'to: "07:00"', 'to: "07:00", holds: [life]', "people.kim.quiet", "waits for nobody"
    ),
    Broken("role: cook", "label: x", "people.lee", '"role" is missing'),
    Broken("to: [manager]", "to: [manger]", "routes[0].to", 'did you mean "manager"?'),
    Broken("by: [hook]", "by: [hok]", "routes[1].by", 'did you mean "hook"?'),
    Broken("by: [hook]", "by: [mail]", "routes[1]", "people.lee has no email"),
    Broken("by: [hook]", "by: []", "routes[1]", "it reaches nobody"),
    Broken("to: [manager], by: [mail, chat]", "by: [mail]", "routes[0]", "it reaches nobody"),
    Broken("verbs: [raise", "verbs: [rise", "routes[1].verbs[0]", 'did you mean "raise"?'),
    Broken("[life, high]}\n    - {to: [lee], by: [hook], verbs: [raise, clear]}", "[high]}",
           "routes", "nobody is told of danger to people"),
)  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=lambda it: it.said)
def test_what_is_wrong_is_said_where_it_stands(broken: Broken, tmp_path: Path) -> None:
    assert broken.piece in SECTION
    file = prepare(tmp_path) / "config.yaml"
    section = SECTION.replace(broken.piece, broken.instead)
    file.write_text(f"site: {{label: Mapo, zone: Asia/Seoul}}\nnotifications:{section}")
    loaded = load(file)
    assert loaded.config is None
    found = [(problem.path, problem.message) for problem in loaded.problems]
    assert any(
        path == f"notifications.{broken.path}" and broken.said in message for path, message in found
    ), found


def test_channels_are_wanted_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("site: {label: Mapo, zone: Asia/Seoul}\nnotifications: {people: {}}\n")
    (problem,) = load(file).problems
    assert (problem.path, problem.line) == ("notifications", 2)
    assert '"channels" is missing' in problem.message
