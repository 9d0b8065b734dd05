"""The cold room's forecast: two engines that agree, what is refused, and honest skill."""

import hashlib
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import features, onnx_file, predict
from models.card import CARD_BYTES, MODEL_BYTES, OPSET_MOST, Card, read_card
from models.minutes import Minute
from models.predict import ColdRoom, Forecast, ModelError
from models.train.kitchen import Day, record_day
from models.train.score import score, table
from models.train.windows import cut

_SHIPPED = Path(predict.__file__).parent
_MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def shipped() -> ColdRoom:
    return ColdRoom.load()


@pytest.fixture(scope="module")
def card() -> Card:
    return read_card(_SHIPPED / "cold_room.json")


@pytest.fixture(scope="module")
def twin() -> ColdRoom:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        return ColdRoom.load()


@pytest.fixture(scope="module")
def fault_day() -> Day:
    return record_day(777_001, "fault")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("cold_room.onnx", "cold_room.json"):
        (tmp_path / name).write_bytes((_SHIPPED / name).read_bytes())
    return tmp_path


def _minutes(day: Day, end: int, count: int = 60) -> list[Minute]:
    return [
        Minute(at * _MINUTE_MS, float(day.temperature[at]), float(day.door_open[at]))
        for at in range(end - count, end)
    ]


def _steady(count: int, temperature: float = 3.0) -> list[Minute]:
    return [Minute(at * _MINUTE_MS, temperature, 0.0) for at in range(count)]


def _rewrite(folder: Path, change: Callable[[bytes], bytes], *, seal: bool) -> None:
    """Change the model; with `seal` the card is written for the changed file."""
    model, card_path = folder / "cold_room.onnx", folder / "cold_room.json"
    data = change(model.read_bytes())
    model.write_bytes(data)
    if seal:
        card = msgspec.structs.replace(
            read_card(card_path), sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)
        )
        card_path.write_bytes(msgspec.json.encode(card))


def _rewrite_card(folder: Path, **changes: object) -> None:
    path = folder / "cold_room.json"
    content = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
    path.write_bytes(msgspec.json.encode(content | changes))


# What is shipped


def test_the_shipped_model_is_small_safe_and_its_cards_own(card: Card) -> None:
    data = (_SHIPPED / "cold_room.onnx").read_bytes()
    contents = onnx_file.inspect(data)
    assert len(data) == card.bytes <= MODEL_BYTES
    assert (_SHIPPED / "cold_room.json").stat().st_size <= CARD_BYTES
    assert hashlib.sha256(data).hexdigest() == card.sha256
    assert contents.opset == card.opset <= OPSET_MOST
    assert contents.objections() == []
    assert tuple(card.features) == features.NAMES


def test_the_shipped_model_runs_in_onnxruntime(shipped: ColdRoom, card: Card) -> None:
    assert (shipped.engine, shipped.note) == ("onnxruntime", "")
    assert shipped.hash == card.sha256[:12]
    assert shipped.version == card.version


def test_importing_the_module_loads_neither_numpy_nor_onnxruntime() -> None:
    code = (
        "import sys, models.predict, models.minutes;"
        "print([n for n in ('numpy', 'onnxruntime', 'onnx') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=_SHIPPED.parent,
    )
    assert done.stdout.strip() == "[]"


# Two engines


def test_both_engines_give_the_same_forecast(
    shipped: ColdRoom, twin: ColdRoom, fault_day: Day
) -> None:
    assert twin.engine == "numpy"
    assert "cannot be imported" in twin.note
    assert twin.hash == shipped.hash
    for end in range(60, 1440, 17):
        one, other = (room.forecast(_minutes(fault_day, end), 9.0) for room in (shipped, twin))
        assert one is not None
        assert other is not None
        for name in ("low", "middle", "high"):
            assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-4)


def test_both_engines_answer_the_golden_rows(shipped: ColdRoom, twin: ColdRoom, card: Card) -> None:
    rows = predict.scaled(card, np.array(card.golden.inputs))
    for room in (shipped, twin):
        assert np.abs(room._answer(rows) - np.array(card.golden.outputs)).max() <= 1e-4


def test_the_same_minutes_give_the_same_forecast(shipped: ColdRoom, fault_day: Day) -> None:
    minutes = _minutes(fault_day, 300)
    first = shipped.forecast(minutes, 12.0)
    assert first is not None
    assert first == shipped.forecast(minutes, 12.0)
    assert first == ColdRoom.load().forecast(list(reversed(minutes)), 36.0)


def test_only_the_last_hour_counts(shipped: ColdRoom, fault_day: Day) -> None:
    assert shipped.forecast(_minutes(fault_day, 400)) == shipped.forecast(
        _minutes(fault_day, 400, count=240)
    )


# What is refused, and what falls back


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-200], lambda _: b"", lambda _: b"\xff" * 99]
)
def test_a_damaged_model_leaves_the_numpy_twin(
    copy: Path, damage: Callable[[bytes], bytes], fault_day: Day, shipped: ColdRoom
) -> None:
    _rewrite(copy, damage, seal=False)
    room = ColdRoom.load(copy)
    assert room.engine == "numpy"
    assert "damaged" in room.note
    forecast = room.forecast(_minutes(fault_day, 200))
    wanted = shipped.forecast(_minutes(fault_day, 200))
    assert forecast is not None
    assert wanted is not None
    assert forecast.middle == pytest.approx(wanted.middle, abs=1e-4)


def test_a_missing_model_leaves_the_numpy_twin(copy: Path) -> None:
    (copy / "cold_room.onnx").unlink()
    room = ColdRoom.load(copy)
    assert room.engine == "numpy"
    assert "cannot be read" in room.note


def test_a_tampered_weight_is_never_run(copy: Path) -> None:
    def flip(data: bytes) -> bytes:
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 0x40]) + data[middle + 1 :]

    _rewrite(copy, flip, seal=False)
    assert ColdRoom.load(copy).engine == "numpy"


def test_a_sealed_model_with_other_answers_fails_the_golden_rows(copy: Path) -> None:
    def scale(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        last = next(each for each in model.graph.initializer if each.name == "bias_2")
        last.CopyFrom(
            onnx.numpy_helper.from_array(
                onnx.numpy_helper.to_array(last) + np.float32(0.01), "bias_2"
            )
        )
        return bytes(model.SerializeToString())

    _rewrite(copy, scale, seal=True)
    room = ColdRoom.load(copy)
    assert room.engine == "numpy"
    assert "golden" in room.note


def test_a_runtime_that_refuses_the_model_leaves_the_numpy_twin(copy: Path) -> None:
    def unknown_operator(data: bytes) -> bytes:
        return data.replace(b"Softplus", b"Softplum")

    _rewrite(copy, unknown_operator, seal=True)
    room = ColdRoom.load(copy)
    assert room.engine == "numpy"
    assert "refuses" in room.note


def _external(data: bytes) -> bytes:
    model = onnx.load_from_string(data)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    place = tensor.external_data.add()
    place.key, place.value = "location", "../../../etc/passwd"
    return bytes(model.SerializeToString())


def _foreign_operator(data: bytes) -> bytes:
    model = onnx.load_from_string(data)
    model.graph.node[0].domain = "com.example"
    return bytes(model.SerializeToString())


def _subgraph(data: bytes) -> bytes:
    model = onnx.load_from_string(data)
    attribute = model.graph.node[0].attribute.add()
    attribute.name, attribute.type = "body", onnx.AttributeProto.GRAPH
    attribute.g.name = "hidden"
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_external, "another file"),
        (_foreign_operator, "unknown domains: com.example"),
        (_subgraph, "subgraphs"),
        (lambda data: data + b"\x00" * MODEL_BYTES, "larger than"),
    ],
)
@pytest.mark.parametrize("seal", [True, False])
def test_an_unsafe_model_is_refused_before_the_runtime_sees_it(
    copy: Path, change: Callable[[bytes], bytes], why: str, *, seal: bool
) -> None:
    _rewrite(copy, change, seal=seal)
    with pytest.raises(ModelError, match=why):
        ColdRoom.load(copy)


def test_a_newer_opset_than_old_runtimes_know_is_not_loaded(copy: Path) -> None:
    def newer(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        model.opset_import[0].version = OPSET_MOST + 1
        return bytes(model.SerializeToString())

    _rewrite(copy, newer, seal=True)
    room = ColdRoom.load(copy)
    assert room.engine == "numpy"
    assert "opset 21" in room.note


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": 3}, "damaged"),
        ({"features": ["temperature"]}, "does not fit"),
        ({"layers": []}, "does not fit|golden"),
        ({"spread": [0.0] * len(features.NAMES)}, "does not fit"),
        ({"center": [1.0] * len(features.NAMES)}, "golden"),
        ({"golden": {"inputs": [], "outputs": []}}, "does not fit"),
        ({"layers": [{"rows": 48, "columns": 1, "weight": "?", "bias": "AAAA"}]}, "weights"),
    ],
)
def test_a_card_that_is_wrong_is_an_error_that_says_so(
    copy: Path, changes: dict[str, object], why: str
) -> None:
    _rewrite_card(copy, **changes)
    with pytest.raises(ModelError, match=why):
        ColdRoom.load(copy)


def test_a_missing_or_endless_card_is_an_error(copy: Path) -> None:
    (copy / "cold_room.json").write_bytes(b" " * (CARD_BYTES + 1))
    with pytest.raises(ModelError, match="larger than"):
        ColdRoom.load(copy)
    (copy / "cold_room.json").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        ColdRoom.load(copy)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 20_000), bit=st.integers(0, 7), cut_at=st.integers(0, 20_000))
def test_no_damage_breaks_the_reader_of_model_files(place: int, bit: int, cut_at: int) -> None:
    data = bytearray((_SHIPPED / "cold_room.onnx").read_bytes())
    data[place % len(data)] ^= 1 << bit
    for damaged in (bytes(data), bytes(data[:cut_at])):
        try:
            onnx_file.inspect(damaged)
        except onnx_file.Unreadable:
            continue


# Missing and mad data


def test_too_little_data_is_none_and_says_so(shipped: ColdRoom) -> None:
    for minutes in ([], _steady(1), _steady(features.LEAST_MIN - 1)):
        assert shipped.forecast(minutes) is None
        assert shipped.obstacle(minutes) == "not enough data yet"
    assert shipped.obstacle(_steady(features.LEAST_MIN)) is None
    assert shipped.forecast(_steady(features.LEAST_MIN)) is not None


def test_a_sensor_silent_for_three_minutes_ends_the_forecasts(shipped: ColdRoom) -> None:
    minutes = _steady(60)
    for newest in range(1, 4):
        silent = minutes[:-newest] + [Minute(each.at_ms, None, 0.0) for each in minutes[-newest:]]
        assert (shipped.forecast(silent) is None) == (newest == 3)


def test_a_freezer_or_a_hot_cupboard_is_outside_of_what_was_learnt(shipped: ColdRoom) -> None:
    for temperature in (-18.0, 65.0):
        assert shipped.forecast(_steady(60, temperature)) is None
        assert "outside" in str(shipped.obstacle(_steady(60, temperature)))


def test_without_door_sensor_and_hour_it_still_answers(shipped: ColdRoom, fault_day: Day) -> None:
    minutes = [Minute(each.at_ms, each.temperature, None) for each in _minutes(fault_day, 500)]
    assert shipped.forecast(minutes) is not None


_numbers = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-5.0, 15.0),
    st.sampled_from([3.0, 1e308, -1e308, 1e-308]),
)


@settings(max_examples=300, deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 90), _numbers, _numbers), max_size=80),
    hour=_numbers,
)
def test_whatever_comes_the_answer_is_none_or_finite_and_in_order(
    shipped: ColdRoom,
    twin: ColdRoom,
    events: list[tuple[int, float | None, float | None]],
    hour: float | None,
) -> None:
    minutes = [Minute(at * _MINUTE_MS, temperature, door) for at, temperature, door in events]
    minutes += _steady(60)[::2] if len(events) % 2 else []
    for room in (shipped, twin):
        forecast = room.forecast(minutes, hour)
        if forecast is None:
            assert room.obstacle(minutes) is not None
            continue
        for low, middle, high in zip(forecast.low, forecast.middle, forecast.high, strict=True):
            assert math.isfinite(low)
            assert math.isfinite(high)
            assert low <= middle <= high


def test_an_absurd_minute_counts_as_missing(shipped: ColdRoom) -> None:
    steady, holed = _steady(60), _steady(60)
    for value in (1e308, -1e308, math.inf, math.nan, 9999.0):
        steady[30] = Minute(30 * _MINUTE_MS, value, 0.0)
        holed[30] = Minute(30 * _MINUTE_MS, None, 0.0)
        assert shipped.forecast(steady) == shipped.forecast(holed)


# Time to breach


def _forecast(now: float, *middle: float) -> Forecast:
    return Forecast(now, (5, 10, 60), middle, middle, middle)


def test_time_to_breach_is_where_the_middle_crosses_the_limit() -> None:
    assert _forecast(4.0, 6.0, 10.0, 10.0).minutes_to_breach(8.0) == pytest.approx(7.5)
    assert _forecast(4.0, 6.0, 7.0, 9.0).minutes_to_breach(8.0) == pytest.approx(35.0)
    assert _forecast(4.0, 12.0, 3.0, 3.0).minutes_to_breach(8.0) == pytest.approx(2.5)


def test_a_breach_that_is_there_is_now_and_one_that_does_not_come_is_none() -> None:
    assert _forecast(9.0, 3.0, 3.0, 3.0).minutes_to_breach(8.0) == 0.0
    assert _forecast(8.0, 8.0, 8.0, 8.0).minutes_to_breach(8.0) is None
    assert _forecast(3.0, 4.0, 5.0, 7.9).minutes_to_breach(8.0) is None


@given(st.floats(-2, 20), st.lists(st.floats(-2, 20), min_size=3, max_size=3), st.floats(0, 15))
def test_time_to_breach_lies_within_the_hour(now: float, middle: list[float], limit: float) -> None:
    minutes = _forecast(now, *middle).minutes_to_breach(limit)
    assert (minutes is None) == (max(now, *middle) <= limit)
    assert minutes is None or 0.0 <= minutes <= 60.0


# Skill


@pytest.mark.parametrize("kind", ["normal", "fault"])
def test_on_kitchens_never_seen_it_beats_persistence_and_the_mean(
    shipped: ColdRoom, card: Card, kind: str
) -> None:
    windows = cut([record_day(777_000 + seed, kind) for seed in range(4)], every_min=7)
    found = score(
        windows,
        lambda rows: shipped._answer(predict.scaled(card, rows)).astype(np.float64),
        shipped.horizons_min,
        kitchens=4,
    )
    for model, persistence in zip(found.model_mae, found.persistence_mae, strict=True):
        assert model < 0.9 * persistence
    assert sum(found.model_mae) < sum(found.hour_mean_mae)
    assert all(0.65 < share < 0.95 for share in found.coverage)


def test_a_failing_compressor_is_foreseen_before_the_limit(shipped: ColdRoom) -> None:
    foreseen = 0
    for seed in range(950_000, 950_008):
        day = record_day(seed, "compressor-failing", 420)
        limit_at = next(at for at in range(420) if (day.temperature[at : at + 10] > 8.0).all())
        for end in range(limit_at - 25, limit_at - 5):
            forecast = shipped.forecast(_minutes(day, end))
            if forecast and forecast.now < 8.0 and forecast.minutes_to_breach(8.0) is not None:
                foreseen += 1
                break
    assert foreseen >= 6


def test_the_page_shows_the_figures_of_the_shipped_card(card: Card) -> None:
    page = (_SHIPPED.parent / "docs" / "forecast.md").read_text(encoding="utf-8")
    assert table(card) in page
    assert card.sha256 in page


# Training


def test_training_writes_the_same_bytes_for_the_same_data() -> None:
    from models.train.export import onnx_bytes
    from models.train.fit import Recipe, fit

    draw = np.random.default_rng(3)
    inputs = draw.normal(size=(600, 48)).astype(np.float32)
    truth = inputs[:, :6] * np.float32(0.5)
    recipe = Recipe(hidden=(8,), passes=3, batch=100)
    assert onnx_bytes(fit(inputs, truth, recipe), 6) == onnx_bytes(fit(inputs, truth, recipe), 6)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_make_models_writes_the_same_files_twice(tmp_path: Path) -> None:
    hashes = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        subprocess.run(
            [sys.executable, "-m", "models.train", "--out", str(folder)],
            check=True, cwd=_SHIPPED.parent, capture_output=True,
        )  # fmt: skip
        ColdRoom.load(folder)
        hashes.append(
            [
                hashlib.sha256((folder / name).read_bytes()).hexdigest()
                for name in ("cold_room.onnx", "cold_room.json")
            ]
        )
    assert hashes[0] == hashes[1]
