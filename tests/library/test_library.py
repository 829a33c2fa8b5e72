"""libhpcm and hpcmdec, built as someone without Python would: the recorded pixels, errors with the codes of `hpcm`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.codec import Decoder
from hpcmcodec.diagnose import RECORD, pixels_hash
from hpcmcodec.formats.picture import Picture
from hpcmcodec.models import store
from tests.library import decode_files

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests/conformance"
RECORDED: dict[str, str] = json.loads((FOLDER / RECORD).read_text())
MODELS = ROOT / "hpcmcodec/weights"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt" or shutil.which("c++") is None, reason="needs a shell and a C++ compiler"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in one folder, moved to another: it may be anywhere."""
    made, folder = (tmp_path_factory.mktemp("made") / name for name in ("build", "lib hpcm"))
    subprocess.run(["sh", ROOT / "kernels/tools/library.sh", made, "c++", "2"], check=True)
    shutil.move(made, folder)
    return folder


@pytest.fixture(scope="module", params=["static", "shared"])
def user(library: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """tests/library/user.c, by a C compiler with all warnings."""
    target = tmp_path_factory.mktemp("user") / "user"
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{library / 'include'}"]
    static = [library / "lib/libhpcm.a", "-lstdc++", "-lm", "-pthread"]
    shared = [f"-L{library / 'lib'}", "-lhpcm", f"-Wl,-rpath,{library / 'lib'}"]
    source = Path(__file__).with_name("user.c")
    subprocess.run(["cc", *flags, source, *(static if request.param == "static" else shared), "-o", target], check=True)
    return target


def samples(user: Path, name: str, *more: str) -> np.ndarray:
    identity = _model_id(name)  # none where all is exact; the program wants some model
    model = store.find(store.path_by_id(identity, "")).name if identity else "lite-8"
    command = [user, MODELS / f"{model}.safetensors", FOLDER / name, *more]
    done = subprocess.run(command, capture_output=True, check=True)
    width, height, channels = map(int, done.stderr.split())
    return np.frombuffer(done.stdout, np.uint8).reshape(height, width, channels)


def _model_id(name: str) -> bytes:
    from hpcmcodec.formats import container

    return container.read((FOLDER / name).read_bytes()).header.model_id


def as_picture(array: np.ndarray) -> Picture:
    if array.shape[2] in (2, 4):
        return Picture(np.ascontiguousarray(array[..., :-1]), np.ascontiguousarray(array[..., -1]))
    return Picture(array)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_c_program_gets_the_recorded_pixels(user: Path, name: str) -> None:
    assert pixels_hash(as_picture(samples(user, name))) == RECORDED[name]


def test_hpcmdec_hands_out_deep_samples(library: Path, tmp_path: Path) -> None:
    program = library / "bin/hpcmdec"
    assert decode_files.check(FOLDER / "deep", [str(program), "-d", "-m", str(MODELS), "-t", "1"], "")
    name = FOLDER / "deep/exact-plain-11.hpc"
    assert subprocess.run([program, "-d", name, tmp_path / "a.png"], capture_output=True).returncode == 2
    assert subprocess.run([program, name, tmp_path / "a.png"], capture_output=True).returncode == 0


def test_smaller_pictures_are_those_of_the_package(user: Path) -> None:
    decoded = Decoder().decode((FOLDER / "lite-8-odd.hpc").read_bytes(), scale=2).pixels
    assert np.array_equal(samples(user, "lite-8-odd.hpc", "2"), decoded)


def test_hpcmdec_finds_the_base_of_an_adapter_among_adapters(library: Path, tmp_path: Path) -> None:
    """Whichever it tries first: each adapter asks for the base that is looked for."""
    for name in ("lite-g2-1", "lite-g4-1", "lite-rwkv-1", "lite-8"):
        shutil.copy(MODELS / f"{name}.safetensors", tmp_path / f"{name}-renamed.safetensors")
    recorded = json.loads((FOLDER / "adapters" / RECORD).read_text())["lite-g2-1.hpc"]
    target = tmp_path / "out.ppm"
    command = [library / "bin/hpcmdec", "-m", tmp_path, FOLDER / "adapters/lite-g2-1.hpc", target]
    subprocess.run(command, check=True, timeout=120)
    with Image.open(target) as image:
        assert pixels_hash(as_picture(np.asarray(image))) == recorded


def test_errors_have_the_codes_of_the_command(user: Path, tmp_path: Path) -> None:
    model, whole = MODELS / "lite-8.safetensors", (FOLDER / "lite-8-q50.hpc").read_bytes()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 1
    for data, code in ((b"no picture", 10), (whole[:-3], 11), (bytes(damaged), 12)):
        (tmp_path / "file.hpc").write_bytes(data)
        done = subprocess.run([user, model, tmp_path / "file.hpc"], capture_output=True)
        assert done.returncode == code and done.stderr
    other = subprocess.run([user, MODELS / "lite-msssim.safetensors", FOLDER / "lite-8-q50.hpc"], capture_output=True)
    assert other.returncode == 14 and b"lite-8" in other.stderr


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_hpcmdec_writes_the_recorded_pixels(library: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "a.png"
    subprocess.run([library / "bin/hpcmdec", "-m", MODELS, "-t", "1", FOLDER / name, target], check=True)
    with Image.open(target) as image:
        array = np.asarray(image)
    assert pixels_hash(as_picture(array if array.ndim == 3 else array[:, :, None])) == RECORDED[name]


def test_hpcmdec_refuses_what_the_format_forbids(library: Path, tmp_path: Path) -> None:
    for name, record in json.loads((FOLDER / "refused/refused.json").read_text()).items():
        command = [library / "bin/hpcmdec", "-m", MODELS, "-t", "1", FOLDER / "refused" / name, tmp_path / "a.png"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if record["of"] != "metadata":  # which it does not look at
            assert done.returncode == record["code"], (name, done.stderr)
        if record["of"] == "" and record["code"] != 14:  # of models, it says where it looked
            assert record["message"] in done.stderr, name


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_goes_on_whatever_threads_of_its_parent_do(library: Path, tmp_path: Path) -> None:
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", f"-I{library / 'include'}"]
    libraries = [library / "lib/libhpcm.a", "-lstdc++", "-lm", "-pthread"]
    source = Path(__file__).with_name("fork.c")
    subprocess.run(["cc", *flags, source, *libraries, "-o", tmp_path / "fork"], check=True)
    subprocess.run([tmp_path / "fork", MODELS / "lite-8.safetensors", FOLDER / "lite-8-alpha.hpc"], check=True)
