"""The store: order of search, names, identities, and messages that help."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.errors import MissingModelError, ModelFileError
from hpcmcodec.formats import model_file, model_head
from hpcmcodec.formats.picture import Picture
from hpcmcodec.models import store

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
import model_files


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Four empty folders: two of the environment, the user's, the shipped one."""
    found = {name: tmp_path / name for name in ("one", "two", "user", "shipped")}
    for path in found.values():
        path.mkdir()
    monkeypatch.setenv(store.ENVIRONMENT, os.pathsep.join([str(found["one"]), "", str(found["two"])]))
    monkeypatch.setattr(store, "user_folder", lambda: found["user"])
    monkeypatch.setattr(store, "shipped_folder", lambda: found["shipped"])
    return found


def other_weights(value: float) -> dict[str, np.ndarray]:
    return {"w": np.full(3, value, np.float32)}


def test_folders_are_searched_in_order(homes: dict[str, Path]) -> None:
    names, default = ["shipped", "user", "two", "one"], store.DEFAULT_MODEL
    for i, name in enumerate(names):
        model_files.write(homes[name] / "any-name.safetensors", name=default, tensors=other_weights(i))
        assert store.find(default).tensors["w"][0] == i
    assert [s.path.parent.name for s in store.list_models()] == ["one", "two", "user", "shipped"]
    assert store.find().path == store.find(default).path


def test_identity_beats_name_and_order(homes: dict[str, Path]) -> None:
    model_files.write(homes["one"] / "a.safetensors", name="lite", tensors=other_weights(1))
    identity = model_files.write(homes["shipped"] / "a.safetensors", name="lite", tensors=other_weights(2))
    assert model_file.read(store.path_by_id(identity[:8], "lite")).tensors["w"][0] == 2
    assert model_file.peek(store.path_by_id(identity, "whatever")).identity == identity


def test_explicit_paths(homes: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    model_files.write(path, name="mine")
    assert store.find(path).name == store.find(str(path)).name == "mine"
    with pytest.raises(MissingModelError, match="no model file"):
        store.find(tmp_path / "absent.safetensors")
    path.write_bytes(b"nonsense")
    with pytest.raises(ModelFileError):
        store.find(path)


def test_missing_models_say_what_to_do(homes: dict[str, Path]) -> None:
    with pytest.raises(MissingModelError) as error:
        store.find("base-0.013")
    assert "'base-0.013'" in str(error.value) and "hpcm models install FILE" in str(error.value)
    assert "hpcm models list" in str(error.value)
    model_files.write(homes["one"] / "a.safetensors", name="lite")
    with pytest.raises(MissingModelError, match=r"'lite' with identity 0102030405060708 .* another version"):
        store.path_by_id(bytes(range(1, 9)), "lite")
    with pytest.raises(MissingModelError) as error:
        store.path_by_id(bytes(8), "absent")
    assert "another" not in str(error.value)


def test_listing_skips_what_is_not_a_model(homes: dict[str, Path]) -> None:
    (homes["one"] / "broken.safetensors").write_bytes(b"\0" * 50)
    (homes["one"] / "notes.txt").write_text("hello")
    (homes["two"] / "folder.safetensors").mkdir()
    homes["user"].rmdir()
    model_files.write(homes["shipped"] / "lite.safetensors", name="lite")
    (summary,) = store.list_models()
    assert (summary.name, summary.family) == ("lite", "lite")
    assert not isinstance(summary, model_file.ModelFile)


def test_what_is_tuned_for_is_shipped() -> None:
    assert all(store.find(name).name == name for name in store.TUNED.values())


def test_a_damaged_copy_does_not_hide_a_sound_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = store.shipped_folder() / f"{store.DEFAULT_MODEL}.safetensors"
    damaged = bytearray(shipped.read_bytes())
    places = model_head.Head(shipped).places
    damaged[next(place for name, place in places.items() if name.startswith("g_s."))] ^= 0xFF  # decoders read it too
    (tmp_path / shipped.name).write_bytes(damaged)
    monkeypatch.setenv(store.ENVIRONMENT, str(tmp_path))
    assert store.find().path == shipped
    assert "taken instead" in caplog.text
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    data = Encoder().encode(Picture(noise), exact_tiles=False)
    caplog.clear()
    assert Decoder().decode(data).pixels.shape == (8, 8, 3)
    assert not caplog.text  # by identity the package's own comes first
    monkeypatch.setenv(store.ENVIRONMENT, str(shipped.parent))
    monkeypatch.setattr(store, "shipped_folder", lambda: tmp_path)
    assert Decoder().decode(data).pixels.shape == (8, 8, 3)
    assert "taken instead" in caplog.text
    with pytest.raises(ModelFileError):
        store.find(tmp_path / shipped.name).verify()


def test_a_file_that_is_cut_in_place_does_no_harm(tmp_path: Path) -> None:
    shipped = store.shipped_folder() / f"{store.DEFAULT_MODEL}.safetensors"
    copy = tmp_path / shipped.name
    copy.write_bytes(shipped.read_bytes())
    file = model_file.read(copy)
    copy.write_bytes(b"")
    file.verify()


def test_the_default_model_of_the_package_is_found_by_its_head(homes: dict[str, Path]) -> None:
    """Its weights are not hashed for a list, as they are not where it is taken."""
    shipped = homes["shipped"] / f"{store.DEFAULT_MODEL}.safetensors"
    model_files.write(shipped, store.DEFAULT_MODEL)
    data = bytearray(shipped.read_bytes())
    data[-1] ^= 1
    shipped.write_bytes(data)
    assert store.default_path() == shipped
    copy = homes["user"] / shipped.name
    copy.write_bytes(data)
    assert store.default_path() == shipped
