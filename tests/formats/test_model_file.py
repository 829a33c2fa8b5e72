"""Model files: what is written comes back, and nothing damaged, inconsistent or foreign is accepted."""

from __future__ import annotations

import hashlib
import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import model_files
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from hpcmcodec.errors import HpcmError, ModelFileError
from hpcmcodec.formats import model_file, model_writer
from hpcmcodec.formats.half import half_to_single


def head(data: bytes) -> tuple[dict, bytes]:
    (length,) = struct.unpack_from("<Q", data)
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_head(path: Path, change: Any) -> None:
    """Rewrite the JSON head of a safetensors file."""
    values, rest = head(path.read_bytes())
    change(values)
    text = json.dumps(values).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + rest)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    about = {"provenance": {"steps": 7}, "measured": {"bpp": [0.1, 0.2]}, "distribution": {"shape": "logistic"}}
    identity = model_files.write(path, **about)
    model = model_file.read(path)
    weights = model_files.weights()
    assert (model.name, model.family, model.config) == ("tiny", "lite", model_files.CONFIG)
    assert {k: getattr(model, k) for k in about} == about
    assert model.identity == identity and model.id == identity[:8]
    assert model.parameters == 4 * 3 + 4 + 20
    assert set(model.tensors) == {"a.weight", "a.bias", "b.weight"} and len(model.tensors) == 3
    for _ in range(2):
        assert all(v.dtype == np.float32 and not v.flags.writeable for v in model.tensors.values())
        np.testing.assert_array_equal(model.tensors["a.weight"], weights["a.weight"].astype(np.float32))
        np.testing.assert_array_equal(model.tensors["a.bias"], weights["a.bias"])
        scaled = weights["b.weight"].astype(np.float32) * weights["b.weight.scale"][:, None]
        np.testing.assert_array_equal(model.tensors["b.weight"], scaled)
    for name, value in model_files.tables().items():
        np.testing.assert_array_equal(getattr(model, name), value)
    with pytest.raises(KeyError):
        model.tensors["b.weight.scale"]


def test_identity_is_what_the_format_says(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    identity = model_files.write(path)
    manifest = head(path.read_bytes())[0]["__metadata__"]["hpcmcodec"]
    assert identity == hashlib.sha256(manifest.encode()).digest()
    stored = load_file(path)
    for name, (_, shape, digest) in json.loads(manifest)["tensors"].items():
        assert list(stored[name].shape) == shape
        assert hashlib.sha256(stored[name].tobytes()).hexdigest() == digest


def test_identity_depends_on_content_only(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    identity = model_files.write(path)
    first = path.read_bytes()
    assert model_files.write(path) == identity and path.read_bytes() == first
    assert model_files.write(path, name="other", provenance={"a": 1}, measured={"b": 2}) == identity
    weights = model_files.weights()
    weights["a.bias"][2] += 1
    assert model_files.write(path, tensors=weights) != identity
    assert model_files.write(path, config={**model_files.CONFIG, "m": 9}) != identity
    tables = model_files.tables()
    tables["cdf"][1] += 1
    assert model_files.write(path, **tables) != identity


def test_head_alone_is_enough_for_a_listing(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    identity = model_files.write(path)
    data = bytearray(path.read_bytes())
    data[-40:] = bytes(40)
    path.write_bytes(data)
    assert model_file.peek(path).identity == identity


def test_damaged_tensors_are_found(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model_files.write(path)
    data = path.read_bytes()
    body = len(data) - len(head(data)[1])
    for position in range(body, len(data), 7):
        damaged = bytearray(data)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="hash"):
            model_file.read(path).verify()


BAD_TABLES = {
    "last": lambda t: t["cdf"].__setitem__(2, 65535),
    "first": lambda t: t["cdf"].__setitem__(3, 1),
    "equal": lambda t: t["cdf"].__setitem__(5, 9000),
    "outside": lambda t: t["starts"].__setitem__(2, 9),
    "negative": lambda t: t["starts"].__setitem__(0, -3),
    "length": lambda t: t["lengths"].__setitem__(0, 2),
    "huge": lambda t: t["lengths"].__setitem__(0, 2**31 - 1),
    "offset": lambda t: t["offsets"].__setitem__(0, -(2**31)),
    "rows": lambda t: t.update(offsets=t["offsets"][:2]),
    "falling": lambda t: t["y_thresholds"].__setitem__(1, 0.5),
    "nan": lambda t: t["z_thresholds"].__setitem__(0, np.nan),
    "many": lambda t: t.update(y_thresholds=np.arange(3, dtype=np.float32)),
    "matrix": lambda t: t.update(cdf=t["cdf"][:, None]),
    "empty": lambda t: t.update(z_thresholds=np.zeros(0, np.float32)),
}


@pytest.mark.parametrize("change", BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_tables_are_refused_on_both_ends(tmp_path: Path, change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    tables = model_files.tables()
    change(tables)
    with pytest.raises(ModelFileError):
        model_files.write(path, **tables)
    assert not list(tmp_path.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(model_writer, "table_problem", lambda **_: None)
        patch.setattr(model_writer, "finite", lambda _: True)
        patch.setattr(model_writer, "entries_problem", lambda _: None)
        model_files.write(path, **tables)
    with pytest.raises(ModelFileError):
        model_file.read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_weights_must_be_finite(tmp_path: Path, value: float, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    tensors = {"w": np.array([1, value], dtype)}
    with pytest.raises(ModelFileError, match="finite"):
        model_files.write(path, tensors=tensors)
    with monkeypatch.context() as patch:
        patch.setattr(model_writer, "finite", lambda _: True)
        model_files.write(path, tensors=tensors)
    with pytest.raises(ModelFileError, match="finite"):
        model_file.read(path).tensors["w"]


@pytest.mark.parametrize("factor", [1e-39, 3e38])
def test_factors_whose_products_depend_on_the_host(
    tmp_path: Path, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(model_writer, "usable_factors", lambda _: True)
        model_files.write(path, tensors={"w": np.ones(1, np.int8), "w.scale": np.array([factor], np.float32)})
    with pytest.raises(ModelFileError, match="factors"):
        model_file.read(path).verify()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../evil"},
        {"config": {"m": 1}},
        {"config": {"family": "lite", "x": float("nan")}},
        {"tensors": {"w": np.zeros(3)}},
        {"tensors": {"w": np.zeros((0, 3), np.float32)}},
        {"tensors": {"w": np.zeros(3, np.int8)}},
        {"tensors": {"w": np.zeros(3, np.int8), "w.scale": np.zeros(2, np.float32)}},
        {"tensors": {"w": np.zeros(3, np.int8), "w.scale": np.array([1, 1e-39, 1], np.float32)}},
        {"tensors": {"w": np.zeros(3, np.int8), "w.scale": np.array([1, 3e38, 1], np.float32)}},
        {"tensors": {"w": np.zeros(3, np.int32)}},
        {"tensors": {"entropy.extra": np.zeros(3, np.float32)}},
        {"tensors": {"bad name": np.zeros(3, np.float32)}},
    ],
)
def test_what_cannot_be_written(tmp_path: Path, changes: dict) -> None:
    with pytest.raises(ModelFileError):
        model_files.write(tmp_path / "m.safetensors", **changes)
    assert not list(tmp_path.iterdir())


def test_files_of_other_kinds(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(ModelFileError):
        model_file.read(path)
    for data in (b"", b"\x08", b"\xff" * 100, struct.pack("<Q", 2**40) + b"{}"):
        path.write_bytes(data)
        with pytest.raises(ModelFileError):
            model_file.read(path)
    save_file({"w": np.zeros(3, np.float32)}, path)
    with pytest.raises(ModelFileError, match="not a model"):
        model_file.read(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h["__metadata__"].update({"hpcmcodec": "[]"}),
        lambda h: h["__metadata__"].update({"hpcmcodec": "{" * 10000}),
        lambda h: h["__metadata__"].update({"hpcmcodec": "[" * 100000}),
        lambda h: h["__metadata__"].update({"hpcmcodec.about": '{"name": "UPPER"}'}),
        lambda h: h["__metadata__"].update({"hpcmcodec.about": '{"name": "a", "name": "b"}'}),
        lambda h: h["a.bias"].update(shape=[2, 2]),
        lambda h: h["a.bias"].update(dtype="I32"),
        lambda h: h.update(__metadata__=None),
        lambda h: h.update({"c.bias": h.pop("a.bias")}),
        lambda h: h["a.bias"].update(data_offsets=[0, 10**12]),
    ],
)
def test_manipulated_heads(tmp_path: Path, change: Any) -> None:
    path = tmp_path / "m.safetensors"
    model_files.write(path)
    with_head(path, change)
    with pytest.raises(ModelFileError):
        model_file.read(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["F32", "I8", "lite"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=JSON,
    where=st.sampled_from(["a.bias", "b.weight", "b.weight.scale", "entropy.cdf", "tensors", "config", "name"]),
)
def test_any_description_only_raises_typed_errors(tmp_path: Path, value: Any, where: str) -> None:
    path = tmp_path / "m.safetensors"
    model_files.write(path)

    def change(values: dict) -> None:
        texts = {key: json.loads(text) for key, text in values["__metadata__"].items()}
        if where == "name":
            texts["hpcmcodec.about"][where] = value
        elif where in ("tensors", "config"):
            texts["hpcmcodec"][where] = value
        else:
            texts["hpcmcodec"]["tensors"][where] = value
        values["__metadata__"] = {key: json.dumps(text) for key, text in texts.items()}

    with_head(path, change)
    with suppress(HpcmError):
        model_file.read(path).verify()
        assert where in ("config", "name")  # only these may take other values


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1), material=st.binary(min_size=1, max_size=12), cut=st.booleans())
def test_mutations_never_pass(tmp_path: Path, where: float, material: bytes, cut: bool) -> None:
    path = tmp_path / "m.safetensors"
    identity = model_files.write(path)
    data = path.read_bytes()
    at = int(where * len(data))
    path.write_bytes(data[:at] if cut else data[:at] + material + data[at + len(material) :])
    try:
        model = model_file.read(path)
        dict(model.tensors)
    except HpcmError:
        return
    changed_text_only = model.identity == identity  # a change in the free description, or none at all
    assert changed_text_only or path.read_bytes() != data


def test_half_precision_is_widened_exactly() -> None:
    bits = np.arange(65536, dtype=np.uint16)
    halves = bits[(bits & 0x7FFF) < 0x7C00].view(np.float16)
    for array in (halves, np.tile(halves, 3)[1:], halves.reshape(2, -1)):
        got = np.empty(array.shape, np.float32)
        half_to_single(array, got)
        np.testing.assert_array_equal(got.view(np.uint32), array.astype(np.float32).view(np.uint32))


def trellis(**changes: Any) -> dict[str, Any]:
    """Arguments for a model with a trellis: three rows for two that scales choose from, and as many levels."""
    tables = model_files.tables()
    rows = np.arange(6) % 3
    tables |= {k: tables[k][rows] for k in ("starts", "lengths", "offsets")}
    tables |= {"y_thresholds": np.array([0.5], np.float32), "z_thresholds": np.array([0.25], np.float32)}
    return {
        **tables,
        "levels": np.array([[[1.4, 2.8, 4.2, 1.4]] * 2, [[0.7, 2.1, 3.5, 1.4]] * 2], np.float32),
        **changes,
    }


def test_levels_come_back(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model_files.write(path, **trellis())
    levels = model_file.read(path).levels
    assert levels is not None
    np.testing.assert_array_equal(levels, trellis()["levels"])
    model_files.write(path)
    assert model_file.read(path).levels is None


@pytest.mark.parametrize(
    "changes",
    [
        {"levels": np.ones((2, 2, 4), np.float32)},
        {"levels": np.array([[[1, 2, 3, 0]] * 2] * 2, np.float32)},
        {"levels": np.array([[[-1, 2, 3, 1]] * 2] * 2, np.float32)},
        {"levels": np.array([[[1, 2, 1e8, 1]] * 2] * 2, np.float32)},
        {"levels": np.array([[[1, 2, np.inf, 1]] * 2] * 2, np.float32)},
        {"levels": np.array([[[1, 2, 3, 1]] * 3] * 2, np.float32)},
        {"y_thresholds": np.array([0.5, 0.6], np.float32)},
        {"z_thresholds": np.array([0.5, 0.6], np.float32)},
    ],
)
def test_levels_must_fit(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError):
        model_files.write(tmp_path / "m.safetensors", **trellis(**changes))


def test_stored_tensors_are_as_stored(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model_files.write(path)
    stored = model_file.stored_tensors(path)
    assert stored.keys() == model_files.weights().keys()
    for name, array in model_files.weights().items():
        assert stored[name].dtype == array.dtype
        np.testing.assert_array_equal(stored[name], array)
