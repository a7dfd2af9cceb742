from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from predictive_autoscaler.core import forest as forest_module
from predictive_autoscaler.core.artifact import Card, Model, load_model
from predictive_autoscaler.core.features import FeatureParameters
from predictive_autoscaler.core.forest import LEAF, read_arrays
from predictive_autoscaler.errors import ModelError
from tests.unit.core.forests import card_of, card_text, fitted


def good_npz() -> bytes:
    return fitted().mixture.to_bytes()


def loaded(npz: bytes) -> Model:
    """Load with a card whose hash agrees, so that what is behind the hash is put to the test."""
    return load_model(npz, card_text(npz))


def test_a_model_survives_being_written_and_read() -> None:
    npz = good_npz()
    model = loaded(npz)
    assert model.card == card_of(npz)
    assert model.forecaster.to_bytes() == npz
    rows = fitted().features[:50]
    assert model.forecaster.direct.mean(rows).tobytes() == fitted().ours.mean(rows).tobytes()


def test_the_same_forest_makes_the_same_bytes() -> None:
    assert good_npz() == good_npz()
    assert card_text(good_npz()) == card_text(good_npz())


def test_a_model_is_named_after_its_data_and_its_bytes() -> None:
    card = card_of(good_npz())
    assert card.model_id == f"20261101T000000Z-{card.npz_sha256[:12]}"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_archive_is_refused(share: float) -> None:
    npz = good_npz()
    short = npz[: int(len(npz) * share)]
    with pytest.raises(ModelError, match="SHA-256"):
        load_model(short, card_text(npz))
    with pytest.raises(ModelError, match=r"model\.npz (cannot be read|is not an \.npz)"):
        loaded(short)


def test_a_wrong_hash_is_refused_before_anything_is_read() -> None:
    npz = good_npz()
    with pytest.raises(ModelError, match="SHA-256"):
        load_model(npz, card_text(npz, npz_sha256="0" * 64))


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def object_npz(content: object) -> bytes:
    """An archive with Python objects in it; np.save pickles them."""
    arrays: dict[str, Any] = read_arrays(good_npz())
    arrays["labels"] = np.array([content], dtype=object)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["raw", "npy", "npz"])
def test_a_pickle_in_the_models_place_is_never_loaded(form: str, tmp_path: Path) -> None:
    trap = Trap(tmp_path / "sprung")
    array = io.BytesIO()
    np.save(array, np.array([trap], dtype=object), allow_pickle=True)
    data = {"raw": pickle.dumps(trap), "npy": array.getvalue(), "npz": object_npz(trap)}[form]
    with pytest.raises(ModelError, match=r"model\.npz (cannot be read|is not an \.npz)"):
        loaded(data)
    assert not trap.path.exists()
    # And the trap is a real one
    if form == "raw":
        pickle.loads(data)
        assert trap.path.exists()


def test_bytes_that_are_damaged_anywhere_are_an_error_of_the_model() -> None:
    npz = good_npz()
    rng = np.random.default_rng(5)
    for _ in range(300):
        damaged = bytearray(npz)
        for position in rng.integers(0, len(npz), 2):
            damaged[position] ^= int(rng.integers(1, 256))
        try:
            loaded(bytes(damaged))
        except ModelError:
            continue  # Any other error would end the test, and in production the tick.


def test_an_array_that_claims_to_be_huge_is_refused() -> None:
    header, buffer = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)}
    )
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("labels.npy", header.getvalue() + bytes(80))
    with pytest.raises(ModelError, match="cannot be read"):
        loaded(buffer.getvalue())


def test_an_oversized_archive_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest_module, "MAX_ARTIFACT_BYTES", 1000)
    with pytest.raises(ModelError, match="at most 1000 are allowed"):
        read_arrays(good_npz())


def test_an_archive_that_would_unpack_to_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forest_module, "_MAX_UNPACKED_BYTES", 10**6)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, zeros=np.zeros(10**6))
    with pytest.raises(ModelError, match="would unpack to"):
        read_arrays(buffer.getvalue())


def with_array(name: str, array: NDArray[Any] | None) -> bytes:
    arrays: dict[str, Any] = read_arrays(good_npz()) | {name: array}
    buffer = io.BytesIO()
    np.savez(buffer, **{key: value for key, value in arrays.items() if value is not None})
    return buffer.getvalue()


def changed(name: str, index: Any, value: float) -> bytes:
    array = read_arrays(good_npz())[name]
    array[index] = value
    return with_array(name, array)


def first_inner() -> int:
    return int(np.flatnonzero(fitted().ours.feature != LEAF)[0])


def first_leaf() -> int:
    return int(np.flatnonzero(fitted().ours.feature == LEAF)[0])


@pytest.mark.parametrize("name", ["left", "residual_left", "linear_slopes"])
def test_a_missing_array_is_named(name: str) -> None:
    with pytest.raises(ModelError, match=f"no array '{name}'"):
        loaded(with_array(name, None))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("roots", np.zeros(0, np.int32)),
        ("left", np.zeros(3, np.int64)),
        ("threshold", np.zeros((3, 2), np.float32)),
        ("paths", np.zeros(600)),
        ("labels", np.array(["a", "b"])),
        ("residual_paths", np.zeros(600)),
        ("linear_columns", np.zeros((2, 2), np.int16)),
        ("linear_spread", np.ones(4)),
        ("linear_slopes", np.zeros((5, 3))),
        ("linear_limit", np.zeros(1, np.float32)),
    ],
)
def test_an_array_of_another_type_or_shape_is_named(name: str, array: NDArray[Any]) -> None:
    with pytest.raises(ModelError, match=f"array {name!r} is"):
        loaded(with_array(name, array))


def test_node_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(ModelError, match="differ in length"):
        loaded(with_array("value", np.zeros(3)))


@pytest.mark.parametrize(
    ("name", "index", "value", "problem"),
    [
        ("roots", 0, -1, "a root"),
        ("roots", 0, 10**6, "a root"),
        ("feature", first_inner, 5, "a feature"),  # there are columns 0 to 4
        ("feature", first_inner, -2, "a feature"),
        ("left", first_inner, 10**6, "a left child"),
        ("left", first_inner, 0, "a left child"),  # a circle: its own root
        ("right", first_inner, -1, "a right child"),
        ("right", first_inner, 0, "a right child"),
        ("first", first_leaf, -1, "a leaf's slice"),
        ("last", first_leaf, 0, "a leaf's slice"),
        ("last", first_leaf, 10**6, "a leaf's slice"),
        ("rows", 0, 2**16 - 1, "a leaf's row"),
        ("value", 0, np.inf, "a value"),
        ("threshold", 0, np.nan, "a threshold"),
        ("labels", 0, np.nan, "a label"),
        ("labels", 0, 99.0, "a label"),  # no longer ascending
        ("paths", 0, np.nan, "a path"),
        ("residual_feature", 0, 7, "a feature"),  # five columns and two linear forecasts
        ("residual_rows", 0, 2**16 - 1, "a leaf's row"),
    ],
)
def test_an_array_that_points_outside_is_refused(
    name: str, index: Any, value: float, problem: str
) -> None:
    where = index() if callable(index) else index
    with pytest.raises(ModelError, match=f"damaged: .*{problem}"):
        loaded(changed(name, where, value))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("linear_columns", 5, "outside the 5 features"),
        ("linear_columns", -1, "outside the 5 features"),
        ("linear_centre", np.nan, "not finite"),
        ("linear_slopes", np.inf, "not finite"),
        ("linear_spread", 0.0, "above 0"),
        ("linear_limit", -1.0, "above 0"),
    ],
)
def test_a_linear_part_that_cannot_be_asked_is_refused(
    name: str, value: float, problem: str
) -> None:
    with pytest.raises(ModelError, match=problem):
        loaded(changed(name, 0, value))


def test_two_parts_with_different_horizons_are_refused() -> None:
    with pytest.raises(ModelError, match="looks 1 intervals ahead, the direct one 2"):
        loaded(with_array("residual_paths", np.zeros((600, 1))))


def test_a_path_for_every_label_is_needed() -> None:
    with pytest.raises(ModelError, match="a path"):
        loaded(with_array("paths", np.zeros((3, 2))))


def test_a_forest_of_more_columns_than_the_card_names_is_refused() -> None:
    npz = good_npz()
    with pytest.raises(ModelError, match="a feature is out of range"):
        load_model(npz, card_text(npz, feature_names=("hour", "weekday")))


def test_a_horizon_other_than_the_cards_is_refused() -> None:
    npz = good_npz()
    with pytest.raises(ModelError, match="2 intervals ahead, its card says 3"):
        load_model(npz, card_text(npz, parameters=FeatureParameters(300, 3)))


def test_another_format_version_is_refused_with_both_versions() -> None:
    content = json.loads(card_text(good_npz())) | {"format_version": 99}
    with pytest.raises(ModelError, match="format_version 99; this reader knows 3"):
        Card.from_json(json.dumps(content))


def card_without(name: str) -> str:
    content = json.loads(card_text(good_npz()))
    del content[name]
    return json.dumps(content)


def card_with(name: str, value: object) -> str:
    return json.dumps(json.loads(card_text(good_npz())) | {name: value})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"a card"',
        card_without("format_version"),
        card_without("npz_sha256"),
        card_without("parameters"),
        card_with("surprise", 1),
        card_with("parameters", {"interval_seconds": 300, "surprise": 1}),
        card_with("parameters", {"timezone": "Mars/Olympus"}),
        card_with("parameters", {"timezone": "Europe"}),
        card_with("parameters", {"timezone": 3}),
        card_with("feature_names", 7),
        card_with("trained_until", "yesterday"),
        card_with("trained_until", "2026-11-01T00:00:00"),
    ],
)
def test_a_card_of_another_form_is_an_error_of_the_model(text: str) -> None:
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        load_model(good_npz(), text)
