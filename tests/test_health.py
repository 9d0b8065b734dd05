"""The gateway's own condition: what it reads, and what it must never touch."""

import inspect
from pathlib import Path

from drivers.base import Reason
from gateway import health
from gateway.health import METRICS, Health


def test_every_metric_has_a_value_within_its_range_or_a_reason(tmp_path: Path) -> None:
    samples = Health(tmp_path).read()
    assert list(samples) == [metric.name for metric in METRICS]
    for metric in METRICS:
        sample = samples[metric.name]
        assert isinstance(sample.value, float | int) or sample.reason is not None
        if isinstance(sample.value, float | int):
            assert metric.low is None or sample.value >= metric.low
            assert metric.high is None or sample.value <= metric.high


def test_traffic_needs_two_looks_and_says_so(tmp_path: Path) -> None:
    reader = Health(tmp_path)
    assert reader.read()["sent"].reason is Reason.NOT_STARTED
    assert reader.read()["sent"].value is not None


def test_the_temperature_is_that_of_the_first_thermal_zone(tmp_path: Path) -> None:
    for number, content in ((0, "nonsense"), (1, "48312\n"), (2, "30000\n")):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(content)
    assert Health(tmp_path, tmp_path).read()["temperature"].value == 48.312


def test_a_machine_without_a_thermometer_says_so(tmp_path: Path) -> None:
    sample = Health(tmp_path, tmp_path / "nothing").read()["temperature"]
    assert (sample.value, sample.reason) == (None, Reason.NO_COMMUNICATION)


def test_no_probe_on_a_bus_is_read_on_the_loop() -> None:
    # psutil reads every file of hwmon; that of a 1-Wire probe takes most of a second.
    assert "sensors_temperatures(" not in inspect.getsource(health)
