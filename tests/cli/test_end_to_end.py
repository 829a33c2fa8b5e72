"""The commands over the real codec, with a small random model: what is written decodes, elsewhere and without torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec import kernels
from hpcmcodec.errors import LimitExceededError
from hpcmcodec.models import store
from tests.codec.conftest import picture

from .storing import Hpcm


@pytest.fixture
def photo(tiny: Path, tmp_path: Path) -> Path:
    file = tmp_path / "photo.png"
    Image.fromarray(picture(70, 90)).save(file)
    return file


@pytest.fixture
def coded(hpcm: Hpcm, photo: Path) -> Path:
    assert hpcm("encode", photo, "--model", "tiny").code == 0
    return photo.with_suffix(".hpc")


def test_verified_encode_and_decode(hpcm: Hpcm, photo: Path) -> None:
    (line, _) = hpcm("encode", photo, "-m", "tiny", "-q", 70, "--verify", "--json").json
    assert line["verified"] and line["psnr"] > 3
    result = hpcm("decode", photo.with_suffix(".hpc"), "-o", photo.with_name("back.png"))
    assert result.code == 0
    with Image.open(photo.with_name("back.png")) as image:
        assert image.size == (90, 70) and image.mode == "RGB"


def test_a_limit_on_pixels_is_kept_and_can_be_raised(hpcm: Hpcm, photo: Path) -> None:
    coded = photo.with_suffix(".hpc")
    refused = hpcm("encode", photo, "-m", "tiny", "--max-pixels", 6299)
    assert refused.code == LimitExceededError.exit_code and "--max-pixels" in refused.err and not coded.exists()
    assert hpcm("encode", photo, "-m", "tiny", "--max-pixels", 6300).code == 0
    refused = hpcm("decode", coded, "--max-pixels", 6299, "-o", photo.with_name("back.png"))
    assert refused.code == LimitExceededError.exit_code and not photo.with_name("back.png").exists()
    assert hpcm("decode", coded, "--max-pixels", 6300, "-o", photo.with_name("back.png")).code == 0


def test_decode_loads_no_torch_and_gives_the_same_pixels_at_every_level(coded: Path, tiny: Path) -> None:
    code = (
        "import sys; from hpcmcodec.cli.main import run; code = run(sys.argv[1:]);"
        "sys.exit(code or ('torch loaded' if 'torch' in sys.modules else 0))"
    )
    pictures = set()
    for level in kernels.available_levels():
        for threads in ("1", "3"):
            environment = os.environ | {"HPCM_SIMD": level}
            arguments = ["decode", str(coded), "-o", "-", "--format", "ppm", "--threads", threads]
            result = subprocess.run(
                [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, timeout=120
            )
            assert result.returncode == 0, result.stderr
            pictures.add(result.stdout)
    assert len(pictures) == 1 and pictures.pop().startswith(b"P6")


def test_decode_loads_nothing_that_it_does_not_use(coded: Path, tiny: Path) -> None:
    unused = [
        "hpcmcodec.codec.encoder",
        "hpcmcodec.formats.picture_input",
        "concurrent.futures",
        "numpy.random",
        "rich",
    ]
    code = (
        "import os, sys; from hpcmcodec.cli.main import run; code = run(sys.argv[1:]);"
        f"print([name for name in {unused} if name in sys.modules]);"
        "threads = os.listdir('/proc/self/task') if sys.platform == 'linux' else [0];"
        "print('OPENBLAS_NUM_THREADS' in os.environ, len(threads)); sys.exit(code)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    arguments = ["decode", str(coded), "-o", str(coded.with_suffix(".ppm")), "--quiet", "--threads", "1"]
    result = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, timeout=120)
    assert result.returncode == 0 and result.stdout.split(b"\n")[:2] == [b"[]", b"False 1"], result.stdout


def test_reader_that_goes_away_is_quiet(tiny: Path, tmp_path: Path, hpcm: Hpcm) -> None:
    Image.fromarray(picture(300, 400)).save(tmp_path / "large.png")
    assert hpcm("encode", tmp_path / "large.png", "-m", "tiny").code == 0
    command = [sys.executable, "-m", "hpcmcodec", "decode", str(tmp_path / "large.hpc"), "-o", "-", "--format", "ppm"]
    for unbuffered in ("", "1"):
        environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
            assert process.stdout and process.stderr
            assert process.stdout.read(2) == b"P6"
            process.stdout.close()
            assert (process.stderr.read(), process.wait(60)) == (b"", 141)


def test_info(hpcm: Hpcm, coded: Path) -> None:
    text = hpcm("info", coded)
    assert text.code == 0 and "90x70" in text.out and "tiny" in text.out and "quality  50" in text.out
    (values,) = hpcm("info", coded, "--json").json
    assert values["size"] == coded.stat().st_size and values["source"] == str(coded)
    assert sum(values["streams"].values()) + values["overhead"] == values["size"]
    assert hpcm("info", "-", stdin=coded.read_bytes()).code == 0


def test_info_of_what_is_no_hpc_file(hpcm: Hpcm, coded: Path, photo: Path) -> None:
    result = hpcm("info", photo, coded, "--json")
    assert result.code == 10 and result.err.count("\n") == 1
    assert [line.get("error", {}).get("type") for line in result.json] == ["NotHpcError", None]


def test_verify(hpcm: Hpcm, coded: Path) -> None:
    assert hpcm("verify", coded).out == f"{coded}: ok\n"
    data = coded.read_bytes()
    for place in (0, 4, 5, len(data) // 2, len(data) - 1):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        (coded.parent / "damaged.hpc").write_bytes(damaged)
        result = hpcm("verify", coded.parent / "damaged.hpc")
        assert result.code in (10, 11, 12, 13) and result.err.startswith("hpcm: "), place
    (coded.parent / "cut.hpc").write_bytes(data[:-9])
    assert hpcm("verify", coded.parent / "cut.hpc").code == 11
    report = hpcm("verify", coded.parent, "--json").json
    assert sorted((Path(line["source"]).name, line["ok"]) for line in report) == [
        ("cut.hpc", False),
        ("damaged.hpc", False),
        ("photo.hpc", True),
    ]


def test_missing_model_leaves_nothing(hpcm: Hpcm, coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCM_MODELS", str(coded.parent))
    result = hpcm("decode", coded, "-o", coded.with_name("back.png"))
    assert result.code == 14 and "tiny" in result.err and not coded.with_name("back.png").exists()


def test_doctor_checks_arithmetic_models_and_conformance(hpcm: Hpcm, coded: Path, tmp_path: Path) -> None:
    checks = {check["name"]: check for check in hpcm("doctor", "--json").json}
    for level in kernels.available_levels():
        assert checks[f"arithmetic {level}"]["status"] == "ok", checks[f"arithmetic {level}"]
    assert checks["model tiny"]["status"] == "ok"
    assert checks[f"model {store.DEFAULT_MODEL}"]["status"] == "failed"  # the default model is not there: only ours are

    (coded.parent / "pixels.json").write_text(json.dumps({coded.name: "0" * 64}))
    result = hpcm("doctor", "--conformance", coded.parent)
    assert result.code == 1 and f"FAILED conformance {coded.name}" in result.out


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruption_leaves_whole_files_only(tiny: Path, tmp_path: Path, number: signal.Signals, code: int) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    rng = np.random.default_rng(1)
    for i in range(200):
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(shots / f"{i}.png")
    command = [
        sys.executable,
        "-m",
        "hpcmcodec",
        "encode",
        str(shots),
        "-m",
        "tiny",
        "-j",
        "2",
        "-o",
        str(tmp_path / "out"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        process.stdout.readline()  # the first file is done
        process.send_signal(number)
        start = time.monotonic()
        process.wait(30)
        errors = process.stderr.read().decode()
    assert process.returncode == code and "Traceback" not in errors
    assert time.monotonic() - start < 20
    names = [path.name for path in (tmp_path / "out").iterdir()]
    assert 0 < len(names) < 200 and all(name.endswith(".hpc") and not name.startswith(".") for name in names)
