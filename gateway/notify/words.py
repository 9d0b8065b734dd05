"""An event of an alarm in words, in the languages of the kitchen, side by side where it has two."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.notify.notice import Notice
from gateway.reading import Point
from gateway.signs import sign
from rules.alarm import Verb
from rules.base import Priority, Rule
from rules.events import Tell

TITLE_MAX, TEXT_MAX = 200, 2_000
_BOTH = " · "

_VERBS = {
    "danger": {"ko": "위험", "en": "DANGER"},
    "raise": {"ko": "경보", "en": "Alarm"},
    "acknowledge": {"ko": "확인됨", "en": "Acknowledged"},
    "return": {"ko": "정상으로 돌아옴", "en": "Back to normal"},
    "clear": {"ko": "해제됨", "en": "Cleared"},
    "reset": {"ko": "재설정됨", "en": "Reset"},
    "shelve": {"ko": "보류됨", "en": "Shelved"},
    "unshelve": {"ko": "보류 끝", "en": "No longer shelved"},
    "unsuppress": {"ko": "숨김 끝", "en": "No longer suppressed"},
    "remove": {"ko": "사용 중지", "en": "Out of service"},
    "restore": {"ko": "다시 사용", "en": "Back in service"},
    "escalation": {"ko": "아직 확인 안 됨", "en": "Not acknowledged yet"},
    "flood": {"ko": "경보 폭주", "en": "Alarm flood"},
    "chatter": {"ko": "경보가 자주 반복됨", "en": "Alarm comes and goes"},
    "notice": {"ko": "알림", "en": "Notice"},
    "test": {"ko": "시험 알림", "en": "Test message"},
}
_PRIORITIES = {
    Priority.LIFE: {"ko": "생명 안전", "en": "danger to people"},
    Priority.HIGH: {"ko": "높음", "en": "high"},
    Priority.MEDIUM: {"ko": "보통", "en": "medium"},
    Priority.LOW: {"ko": "낮음", "en": "low"},
}
_VALUE = {"ko": "값", "en": "Value"}
_AT = {"ko": "시각", "en": "At"}
_PRIORITY = {"ko": "긴급도", "en": "Priority"}
_BY = {"ko": "누가", "en": "By"}
_TO_DO = {"ko": "할 일", "en": "What to do"}
_NO_VALUE = {"ko": "값 없음", "en": "no value"}
_ON = {True: {"ko": "예", "en": "yes"}, False: {"ko": "아니요", "en": "no"}}


class Words:
    """What is known of a kitchen when something has to be said about it."""

    def __init__(
        self,
        site: str,
        zone: str,
        languages: Sequence[str],
        rules: Sequence[Rule],
        points: Mapping[str, Point],
    ) -> None:
        self._site = site
        self._zone = zone
        self._languages = languages
        self._rules = {rule.id: rule for rule in rules}
        self._points = points

    def of_alarm(self, data: Mapping[str, object], utc_ms: int) -> Notice:
        """The message of an alarm's event; what the event does not carry is looked up."""
        alarm, verb = str(data["id"]), _verb(data)
        rule, point_id = self._rules.get(alarm), str(data.get("point") or "")
        label = str(data.get("label") or (rule.label if rule else "") or alarm)
        procedure = str(data.get("advice") or (rule.advice or rule.terms.procedure if rule else ""))
        priority = Priority(str(data["priority"]))
        danger = verb in ("raise", "escalation") and priority is Priority.LIFE
        value = _value(data.get("value"))
        lines = [label, self._line(_PRIORITY, self._both(_PRIORITIES[priority]))]
        point = self._points.get(point_id)
        if point_id:
            lines.append(self._line(_VALUE, f"{self._shown(value, point)} ({point_id})"))
        elif isinstance(value, str):
            lines.append(value)
        lines.append(self._line(_AT, _moment(utc_ms, self._zone)))
        lines += self._members(alarm, data)
        if data.get("by"):
            lines.append(self._line(_BY, str(data["by"])))
        if procedure and verb != "clear":
            lines += [f"{self._both(_TO_DO)}:", procedure]
        what = self._both(_VERBS.get("danger" if danger else verb, {}), verb)
        return Notice(
            id=secrets.token_hex(12),
            alarm=alarm,
            verb=verb,
            priority=priority,
            title=self._title(what, label),
            text="\n".join(lines)[:TEXT_MAX],
            at=utc_ms,
            site=self._site,
            point=point_id or None,
            value=value,
            unit=point.unit if point else "",
            procedure=procedure,
        )

    def _members(self, alarm: str, data: Mapping[str, object]) -> list[str]:
        """The other alarms the message stands for, and how many more."""
        members = data.get("members")
        others = [str(it) for it in members if it != alarm] if isinstance(members, list) else []
        rules = [self._rules.get(name) for name in others]
        lines = [
            f"+ {rule.label if rule else name}" for name, rule in zip(others, rules, strict=True)
        ]
        return [*lines, f"+ {data['more']} …"] if data.get("more") else lines

    def of_rule(self, tell: Tell, utc_ms: int) -> Notice:
        """The message a rule has written itself."""
        rule = self._rules.get(tell.rule)
        lines = [tell.text, self._line(_AT, _moment(utc_ms, self._zone))]
        return Notice(
            id=secrets.token_hex(12),
            alarm="",
            verb="notice",
            priority=Priority(tell.priority),
            title=self._title(self._both(_VERBS["notice"]), rule.label if rule else tell.rule),
            text="\n".join(lines)[:TEXT_MAX],
            at=utc_ms,
            site=self._site,
        )

    def of_test(self, by: str, utc_ms: int) -> Notice:
        """A message that only shows that a channel works."""
        what = self._both(_VERBS["test"])
        lines = [what, self._line(_AT, _moment(utc_ms, self._zone)), self._line(_BY, by)]
        return Notice(
            id=secrets.token_hex(12),
            alarm="",
            verb="test",
            priority=Priority.LOW,
            title=self._title(what, ""),
            text="\n".join(lines),
            at=utc_ms,
            site=self._site,
        )

    def _title(self, what: str, label: str) -> str:
        site = f"[{self._site}] " if self._site else ""
        title = f"{site}{what}: {label}" if label else f"{site}{what}"
        return " ".join(title.split())[:TITLE_MAX]

    def _both(self, words: Mapping[str, str], otherwise: str = "") -> str:
        return _BOTH.join(words.get(language, otherwise) for language in self._languages)

    def _line(self, name: Mapping[str, str], value: str) -> str:
        return f"{self._both(name)}: {value}"

    def _shown(self, value: float | bool | str | None, point: Point | None) -> str:
        if value is None:
            return self._both(_NO_VALUE)
        if isinstance(value, bool):
            return self._both(_ON[value])
        if isinstance(value, str) or point is None:
            return str(value)
        return f"{value:.{point.precision}f} {sign(point.unit)}".rstrip()


def _verb(data: Mapping[str, object]) -> str:
    """What happened, and of an announcement why people are told."""
    if data["verb"] != Verb.ANNOUNCE:
        return str(data["verb"])
    reason = str(data["reason"])
    return Verb.RAISE.value if reason in ("raised", "gathered") else reason


def _value(value: object) -> float | bool | str | None:
    return value if isinstance(value, (float, int, str)) else None


def _moment(utc_ms: int, zone: str) -> str:
    local = datetime.fromtimestamp(utc_ms / 1000, ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M:%S} ({zone})"
