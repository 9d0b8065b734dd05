"""A kitchen with just what a preset needs, judged without bus, store or clock."""

from collections.abc import Mapping
from pathlib import Path

from gateway.changeover import judge_of
from gateway.config import preset
from gateway.config.load import Loaded, load
from gateway.config.preset import Need, Preset
from gateway.config.problem import Report
from gateway.config.typed import FLAW
from rules.events import Elapsed, Observed, Started, Switched
from tests.kitchen_rules import Bench, Seen

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
_DEVICE = "driver: mqtt, bus: lan, topic: a/b, partial: true"

Readings = Mapping[str, float | bool | None]


def presets() -> list[str]:
    return [name for name in preset.names() if not read(name).is_limit_set]


def limit_sets() -> list[str]:
    return [name for name in preset.names() if read(name).is_limit_set]


def read(name: str) -> Preset:
    report = Report(name)
    found = preset.read(name, report)
    assert found is not FLAW, report.problems
    return found


def kitchen(
    folder: Path, name: str, *, given: list[str] | None = None, use: str = "", more: str = ""
) -> Loaded:
    """A kitchen that uses a preset as `u`, with its required needs and those that are given."""
    needs = {
        key: need
        for key, need in read(name).needs.items()
        if key in (given or ()) or not need.optional
    }
    points = {key: need for key, need in needs.items() if need.point}
    metrics = ", ".join(f"{key}: {_metric(need)}" for key, need in points.items())
    actuators = [key for key, need in needs.items() if need.actuator]
    actuators += ["lamp"] if any(need.zone for need in needs.values()) else []
    relay = "fail_safe: {safe: off, on_sensor_loss: hold, max_on: 0s}"
    modes = [f"m_{key}: {_list(need.mode)}" for key, need in needs.items() if need.mode]
    given_all = ", ".join(_given(key, need) for key, need in needs.items())
    lines = [
        "site: {label: K, zone: UTC}",
        'buses: {lan: {kind: mqtt, url: "mqtt://127.0.0.1:1883"},',
        "  pins: {kind: gpio, chip: pinctrl-bcm2711}}",
        f"devices: {{p: {{{_DEVICE}, metrics: {{{metrics}}}}}}}" if points else "",
        "actuators:" if actuators else "",
        *(
            f"  {key}: {{driver: relay, bus: pins, pin: {pin}, zone: {_zone(key)}, {relay}}}"
            for pin, key in enumerate(actuators, 5)
        ),
        f"modes: {{{', '.join(modes)}}}",
        "packs:",
        f"  u: {{preset: {name}, {given_all}, {use}}}",
        more,
    ]
    file = folder / "config.yaml"
    file.write_text("\n".join(line for line in lines if line))
    return load(file)


def _zone(actuator: str) -> str:
    return "room" if actuator == "lamp" else "outside"


def _metric(need: Need) -> str:
    if need.point == "boolean":
        return "{path: $.x, kind: boolean}"
    return f'{{path: $.x, unit: "{need.units[0] if need.units else "1"}"}}'


def _list(words: tuple[str, ...]) -> str:
    return f"[{', '.join(words)}]"


def _given(name: str, need: Need) -> str:
    if need.zone:
        return f"{name}: room"
    if need.mode:
        return f"{name}: m_{name}"
    return f"{name}: {name}" if need.actuator else f"{name}: p/{name}"


class Kitchen:
    """The judge of a configuration; readings come every few seconds and hold in between."""

    def __init__(self, loaded: Loaded, *, every_ms: int = 10 * SECOND) -> None:
        assert loaded.config is not None, loaded.problems
        self.bench = Bench(judge_of(loaded.config))
        self.now = 0
        self._every_ms = every_ms
        self._modes = {f"mode/{name}": words[0] for name, words in loaded.config.modes.items()}
        self.bench.feed(Started(), 0)
        for point, word in self._modes.items():
            self.bench.feed(Observed(point, Seen(word, at=0)), 0)

    def hold(self, readings: Readings, for_ms: int) -> None:
        """So long each point has this value, the end excluded."""
        until = self.now + for_ms
        while self.now < until:
            self.see(readings)
            self.now += min(self._every_ms, until - self.now)
        self.bench.feed(Elapsed(), self.now - 1)

    def see(self, readings: Readings) -> None:
        for point, value in readings.items():
            seen = Seen(value, good=value is not None, at=self.now)
            self.bench.feed(Observed(f"p/{point}", seen), self.now)
            self.settle()

    def switch(self, mode: str, word: str) -> None:
        self.bench.feed(Switched(mode, word, "kim"), self.now)
        self.settle()

    def settle(self) -> None:
        """Publish what modes have become, as the daemon does."""
        for key, entry in list(self.bench.state.entries.items()):
            if key in self._modes and getattr(entry, "value", "") != self._modes[key]:
                word = self._modes[key] = str(getattr(entry, "value", ""))
                self.bench.feed(Observed(key, Seen(word, at=self.now)), self.now)

    def pass_time(self, for_ms: int) -> None:
        self.now += for_ms
        self.bench.feed(Elapsed(), self.now)
        self.settle()

    def raised(self, rule: str) -> bool:
        return self.bench.alarm(f"u_{rule}") is not None

    def on(self, actuator: str) -> bool:
        return self.bench.output(actuator).value
