"""What came of a trial of rules, as a person reads it in a terminal."""

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.cli.table import table
from gateway.cli.words import counted
from gateway.trial.difference import Difference
from gateway.trial.episode import Cause, Episode
from gateway.trial.report import Report, Side

_HOUR_S, _MINUTE_S = 3600, 60


def in_words(report: Report) -> str:
    """The report: what was tried, what differs, and what is missing from the answer."""
    zone = ZoneInfo(report.zone)
    lines = [_tried(report, zone)]
    if report.before is not None:
        lines += [f"before: {_side(report.before)}", f"after:  {_side(report.after)}"]
        lines += ["", _differences(report, zone)]
    else:
        lines += [f"rules: {_side(report.after)}", "", _episodes(report, zone)]
    return "\n".join([*lines, *_missing(report, zone)])


def _tried(report: Report, zone: ZoneInfo) -> str:
    speed = (report.until - report.first) / 1000 / max(report.seconds, 0.001)
    start = max(report.start, report.first)
    times = f"{_moment(start, zone)} to {_moment(report.until, zone)} ({report.zone})"
    return (
        f"{times}: {report.readings:,} readings in {report.seconds:.1f} s,"
        f" {speed:,.0f} times as fast as they came"
    )


def _side(side: Side) -> str:
    alarms, commands = counted(side.alarms, "alarm"), counted(side.commands, "command")
    return f"{side.rules}: {alarms}, {commands}"


def _differences(report: Report, zone: ZoneInfo) -> str:
    same = f"{report.same} the same in both"
    if not report.differences:
        return f"no difference; {same}"
    head = ("", "what", "begins", "change", "because of")
    rows = [_row(each, zone) for each in report.differences]
    return f"{table(head, rows)}\n\n{counted(len(rows) + report.more, 'difference')}; {same}"


def _row(each: Difference, zone: ZoneInfo) -> tuple[str, ...]:
    shown = each.shown
    return each.kind, _named(shown), _moment(shown.start, zone), _change(each), _why(shown, zone)


def _change(each: Difference) -> str:
    if each.before is None or each.after is None:
        return _lasting(each.shown)
    told = []
    if each.moved_s:
        told.append(f"{duration(each.moved_s)} {'later' if each.moved_s > 0 else 'earlier'}")
    if each.longer_s:
        told.append(f"{duration(each.longer_s)} {'longer' if each.longer_s > 0 else 'shorter'}")
    elif each.longer_s is None:
        told.append("lasts on" if each.after.end is None else "ends")
    if each.before.value != each.after.value:
        told.append(f"{_value(each.before.value)} → {_value(each.after.value)}")
    return ", ".join(told)


def _episodes(report: Report, zone: ZoneInfo) -> str:
    if not report.episodes:
        return "no alarm, and no command"
    head = ("what", "begins", "", "because of")
    rows = [
        (_named(one), _moment(one.start, zone), _lasting(one), _why(one, zone))
        for one in report.episodes
    ]
    return table(head, rows)


def _missing(report: Report, zone: ZoneInfo) -> list[str]:
    """Everything that keeps this from being the whole answer."""
    said = []
    if report.until < report.end:
        until = _moment(report.until, zone)
        said.append(f"! ended at {until}: too many alarms and commands; ask for a shorter time")
    if report.more:
        said.append(f"! {report.more} more are not shown; ask for a shorter time")
    if report.damaged:
        said.append(f"! damaged and left out: {', '.join(report.damaged)}")
    if report.unreadable:
        said.append(f"! {report.unreadable} rows of the log cannot be read and are left out")
    for side in filter(None, (report.before, report.after)):
        if side.suspended:
            names = ", ".join(side.suspended)
            said.append(f"! {side.rules}: did not judge to the end, for a bug: {names}")
        if side.unseen:
            said.append(f"! {side.rules}: no reading in this time of {', '.join(side.unseen)}")
    return ["", *said] if said else []


def _named(episode: Episode) -> str:
    if episode.what == "alarm":
        return f"alarm {episode.name}"
    return f"{episode.name} {_value(episode.value)} ({episode.by.removeprefix('rule/')})"


def _lasting(episode: Episode) -> str:
    if episode.end is None:
        return "lasts on"
    return f"for {duration((episode.end - episode.start) / 1000)}"


def _why(episode: Episode, zone: ZoneInfo) -> str:
    cause: Cause | None = episode.began
    if cause is None:
        return "time alone"
    value = _value(cause.value) if cause.reason is None else f"({cause.reason})"
    return f"{cause.point} = {value} at {_moment(cause.at, zone)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def duration(seconds: float) -> str:
    """A length of time in its two greatest units: `4min 30s`; the sign is left out."""
    left = round(abs(seconds), 3)
    if left < _MINUTE_S:
        return f"{left:g}s"
    whole = round(left)
    hours, rest = divmod(whole, _HOUR_S)
    minutes, rest = divmod(rest, _MINUTE_S)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(place for place, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count}{unit}" for count, unit in parts[first : first + 2] if count)


def _moment(at: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at // 1000, zone):%Y-%m-%d %H:%M:%S}"
