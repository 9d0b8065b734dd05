"""Notices and configurations of notifications for tests."""

from pathlib import Path

from gateway.config import schema
from gateway.config.load import load
from gateway.notify.notice import Notice
from rules.base import Priority

KITCHEN = """
site: {{label: Mapo, zone: Asia/Seoul}}
notifications:
  languages: [en]
{notifications}
"""
_COUNT = [0]


def notice(
    priority: Priority = Priority.HIGH, *, alarm: str = "walk_in_warm", verb: str = "raise"
) -> Notice:
    """A notice with an id of its own."""
    _COUNT[0] += 1
    return Notice(
        id=f"notice{_COUNT[0]:06}",
        alarm=alarm,
        verb=verb,
        priority=priority,
        title="[Mapo] Alarm: Walk-in too warm",
        text="Walk-in too warm\nValue: 8.40 °C",
        at=1_800_000_000_000,
        site="Mapo",
        point="walk_in/temperature",
        value=8.4,
        unit="Cel",
    )


def configured(folder: Path, notifications: str) -> schema.Config:
    """A configuration with this section, which must be sound; `folder/secrets` are its secrets."""
    file = folder / "config.yaml"
    file.write_text(KITCHEN.format(notifications=notifications))
    loaded = load(file)
    assert loaded.config is not None, loaded.problems
    return loaded.config


def event(
    alarm: str = "walk_in_warm", verb: str = "raise", priority: Priority = Priority.HIGH
) -> dict[str, object]:
    """The data of an alarm's event."""
    return {
        "id": alarm,
        "verb": verb,
        "state": "unacknowledged",
        "priority": priority.value,
        "point": "walk_in/temperature",
        "value": 8.4,
        "by": None,
    }


def keep_secret(folder: Path, name: str, text: str) -> None:
    """Write a secret as the configuration refers to it."""
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / name).touch(mode=0o600)
    (secrets / name).write_text(text)
