"""The public functions take pictures and files in every usual form, and what they give can be kept and sent on."""

from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec
from hpcmcodec.errors import InputError, UsageError
from hpcmcodec.formats.picture import Picture

PIXELS = np.add.outer(np.arange(24) * 3, np.arange(32) * 2).astype(np.uint8)


class Named:
    """A path that is no pathlib one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


@pytest.fixture(scope="module")
def encoder() -> hpcmcodec.Encoder:
    return hpcmcodec.Encoder()


@pytest.fixture(scope="module")
def data(encoder: hpcmcodec.Encoder) -> bytes:
    return encoder.encode(PIXELS)


def test_all_names_are_there() -> None:
    assert hpcmcodec.__all__ == sorted(hpcmcodec.__all__) == dir(hpcmcodec)
    for name in hpcmcodec.__all__:
        assert getattr(hpcmcodec, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        hpcmcodec.nothing  # noqa: B018


def test_pictures_in_every_form(tmp_path: Path, encoder: hpcmcodec.Encoder, data: bytes) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    for image in (path, str(path), Named(path), path.read_bytes(), Image.fromarray(PIXELS)):
        assert encoder.encode(image) == hpcmcodec.encode(image) == data
    assert encoder.encode(io.BytesIO(path.read_bytes())) == data
    assert encoder.encode(Picture(PIXELS[:, :, None])) == data
    with pytest.raises(InputError, match="NoneType"):
        encoder.encode(None)  # type: ignore[arg-type]


def test_files_in_every_form(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.hpc"
    path.write_bytes(data)
    decoder = hpcmcodec.Decoder()
    expected = decoder.decode(data)
    forms = [path, str(path), Named(path), bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)]
    for form in forms:
        assert hpcmcodec.decode(form) == decoder.decode(form) == expected
        assert hpcmcodec.info(form).width == 32 and hpcmcodec.verify(form, decoder).ok
    for function in (hpcmcodec.decode, decoder.decode, hpcmcodec.info, hpcmcodec.verify):
        with path.open("rb") as file:
            assert function(file)  # type: ignore[operator]
        with pytest.raises(InputError, match="absent"):
            function(tmp_path / "absent")  # type: ignore[operator]
        with pytest.raises(InputError, match="no hpc file"):
            function(Image.new("L", (1, 1)))  # type: ignore[operator]


@pytest.mark.parametrize("quality", [np.int64(50), np.uint8(50), np.float32(50), np.array(50), 50.0])
def test_qualities_of_numpy(encoder: hpcmcodec.Encoder, data: bytes, quality: float) -> None:
    assert encoder.encode(PIXELS, quality) == data


@pytest.mark.parametrize("quality", ["50", True, np.array([50]), 0, 100.5, float("nan"), 50j])
def test_what_is_no_quality(encoder: hpcmcodec.Encoder, quality: float) -> None:
    with pytest.raises(UsageError, match="quality"):
        encoder.encode(PIXELS, quality)


def test_coders_and_results_are_copied_and_pickled(encoder: hpcmcodec.Encoder, data: bytes) -> None:
    decoder = hpcmcodec.Decoder()
    for again in (pickle.loads(pickle.dumps(encoder)), copy.copy(encoder), copy.deepcopy(encoder)):
        assert again.encode(PIXELS) == data
    for other in (pickle.loads(pickle.dumps(decoder)), copy.copy(decoder), copy.deepcopy(decoder)):
        assert other.decode(data) == decoder.decode(data)
    for result in (hpcmcodec.info(data), hpcmcodec.verify(data)):
        assert pickle.loads(pickle.dumps(result)) == copy.deepcopy(result) == result
