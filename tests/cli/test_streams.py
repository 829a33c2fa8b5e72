"""The command in processes whose streams, memory and descriptors are what they should not be: one true line each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells and limits of POSIX")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("streams")
    pixels = np.add.outer(np.arange(48) * 3, np.arange(64) * 2).astype(np.uint8)
    Image.fromarray(pixels).save(root / "a.png")
    (root / "a.hpc").write_bytes(hpcmcodec.encode(str(root / "a.png")))
    return root


def shell(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `hpcm` is the command."""
    text = f'hpcm() {{ "{sys.executable}" -m hpcmcodec "$@"; }}; {script}'
    return subprocess.run(
        ["bash", "-c", text], cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=120
    )


def test_the_names_of_standard_output(folder: Path) -> None:
    size = (folder / "a.hpc").stat().st_size
    for target in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"):
        result = shell(folder, f"hpcm encode a.png -o {target} | wc -c")
        assert (int(result.stdout), result.returncode) == (size, 0), result.stderr
    result = shell(folder, "hpcm encode a.png -o >(wc -c >&2); sleep 0.5")
    assert str(size) in result.stderr.split()
    result = shell(folder, "hpcm encode a.png -o /dev/stdout > file; wc -c < file")
    assert int(result.stdout) == size


def test_the_names_of_standard_input(folder: Path) -> None:
    for source in ("- < a.hpc", "/dev/stdin < a.hpc", "<(cat a.hpc)"):
        result = shell(folder, f"hpcm decode -o - {source} | head -c 4 | tail -c 3")
        assert result.stdout == "PNG", result.stderr


def test_closed_streams(folder: Path) -> None:
    assert shell(folder, "hpcm encode a.png -o b1.hpc >&-").stderr == "" and (folder / "b1.hpc").exists()
    assert shell(folder, "hpcm encode a.png -o b2.hpc 2>&- >&-").returncode == 0 and (folder / "b2.hpc").exists()
    assert shell(folder, "hpcm encode a.png -o b3.hpc <&- >&- 2>&-").returncode == 0 and (folder / "b3.hpc").exists()
    closed = shell(folder, "hpcm encode a.png -o - >&-")
    assert closed.returncode == 4 and closed.stderr == "hpcm: a.png: standard output is closed\n"
    closed = shell(folder, "hpcm decode - -o x.png <&-")
    assert closed.returncode == 3 and "standard input" in closed.stderr and closed.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize(
    "command", ["encode a.png -o -", "info a.hpc", "--version", "--help", "models list", "thumbnail a.hpc -"]
)
def test_a_full_disk_behind_standard_output(folder: Path, command: str) -> None:
    result = shell(folder, f"hpcm {command} > /dev/full")
    assert result.returncode == 4 and result.stderr.count("\n") == 1
    assert "standard output" in result.stderr and "No space left" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_batch_goes_on_without_its_lines(folder: Path) -> None:
    result = shell(folder, "mkdir s; cp a.png s/1.png; cp a.png s/2.png; hpcm encode s > /dev/full")
    assert result.returncode == 4 and (folder / "s/1.hpc").exists() and (folder / "s/2.hpc").exists()


@pytest.mark.parametrize("count", [4, 5, 6, 7])
def test_few_descriptors(folder: Path, count: int) -> None:
    result = shell(folder, f"ulimit -n {count}; hpcm encode a.png -f -o few.hpc")
    told = result.stderr + result.stdout
    assert result.returncode == 0 or "oo many open files" in told or "Error" in told
    assert "not installed" not in told


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited so on Linux")
@pytest.mark.parametrize("command", ["info a.hpc", "verify a.hpc", "thumbnail a.hpc t.png", "encode a.png -f"])
@pytest.mark.parametrize("kilobytes", [100_000, 130_000, 160_000])
def test_little_memory(folder: Path, command: str, kilobytes: int) -> None:
    result = shell(folder, f"ulimit -v {kilobytes}; hpcm {command}")
    assert result.returncode == 0 or (result.returncode == 16 and "memory" in result.stderr), result.stderr
    assert result.stderr.count("\n") == (result.returncode != 0)


def test_what_goes_on_for_ever_is_read_to_a_limit(folder: Path) -> None:
    endless = shell(folder, "hpcm decode - -o x.png < /dev/zero")
    assert endless.returncode == 10 and endless.stderr.count("\n") == 1
    for command in ("decode -", "decode /dev/fd/3"):
        script = f"exec 3< <(cat a.hpc /dev/zero); hpcm {command} -o x.png --max-memory 30M <&3"
        result = shell(folder, script)
        assert result.returncode == 16 and "--max-memory" in result.stderr, result.stderr
    told = shell(folder, "cat a.hpc /dev/zero | hpcm info - --max-memory 30M")
    assert told.returncode == 16 and told.stderr.count("\n") == 1
    picture = shell(folder, "cat a.png /dev/zero | hpcm encode - -o x.hpc --max-memory 30M")
    assert picture.returncode == 16 and picture.stderr.count("\n") == 1


@pytest.mark.parametrize("options", ["-O", "-OO"])
def test_optimised_python(folder: Path, options: str) -> None:
    code = "from hpcmcodec.cli.main import main; main()"
    for arguments in (["--version"], ["--help"], ["encode", "--help"], ["encode", "a.png", "-f"], ["info", "a.hpc"]):
        command = [sys.executable, options, "-c", code, *arguments]
        result = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
        assert result.returncode == 0 and result.stdout, result.stderr


def test_nothing_is_imported_from_the_working_folder(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("json", "numpy", "hpcmcodec", "queue", "statistics"):
        (tmp_path / f"{name}.py").write_text("open('PWNED', 'w')\nraise SystemExit('hijacked')\n")
    odd = os.fsdecode(b"b\xe9\x1b.png")  # a name that is no text
    (tmp_path / odd).write_bytes((folder / "a.png").read_bytes())
    # The console script does not look there either, unlike python -m.
    command = [sys.executable, "-P", "-m", "hpcmcodec", "bench", odd, "-o", "rep", "--codecs", "jpeg,webp"]
    command += ["--points", "4", "--repeats", "1", "--crops", "0"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert not (tmp_path / "PWNED").exists() and (tmp_path / "rep/report.html").exists()
    assert r"b\xe9\x1b.png" in (tmp_path / "rep/results.csv").read_text()
