"""A thousand files of which some cannot be converted, with a disk that fills up, signals, and a second process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="links and signals of POSIX")]
HPCM = [sys.executable, "-m", "hpcmcodec"]
ENCODE = ["-m", "tiny", "-j", "2", "--json"]
TOTAL, BROKEN = 1000, 50


@pytest.fixture
def shots(tiny: Path, tmp_path: Path) -> Path:
    """1000 names: 949 pictures, 50 broken ones, and one that nobody can read (a link to itself)."""
    root = tmp_path / "shots"
    (root / "sub").mkdir(parents=True)
    rng = np.random.default_rng(1)
    for i in range(TOTAL - 1):
        path = root / ("sub" if i % 3 else ".") / f"{i:04}.png"
        Image.fromarray(rng.integers(0, 256, (8, 9, 3), np.uint8)).save(path)
        if i % 20 == 7:
            path.write_bytes(path.read_bytes()[:60])
    (root / "closed.png").symlink_to("closed.png")
    return root


def lines(output: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """JSON of files, and the summary."""
    values = [json.loads(line) for line in output.splitlines()]
    return values[:-1], values[-1]


def coded(folder: Path) -> list[Path]:
    """What was written; nothing else may be there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert all(path.suffix == ".hpc" and not path.name.startswith(".") for path in files)
    return files


def sound(folder: Path) -> None:
    result = subprocess.run([*HPCM, "verify", str(folder), "--json"], capture_output=True, timeout=600)
    assert result.returncode == 0, result.stderr[-500:]


def test_the_rest_is_done_and_the_summary_is_right(shots: Path, tmp_path: Path) -> None:
    out, last = tmp_path / "out", shots / "sub/0998.png"
    command = [*HPCM, "encode", str(shots), "-o", str(out), *ENCODE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        first = process.stdout.readline()
        kept = last.read_bytes()
        last.unlink()
        rest, errors = process.communicate(timeout=600)
    files, summary = lines(first + rest)
    assert len(files) == TOTAL and process.returncode == 3
    assert (summary["ok"], summary["failed"], summary["not_done"]) == (TOTAL - BROKEN - 2, BROKEN + 2, 0)
    assert errors.count(b"\n") == BROKEN + 2 and all(x.startswith(b"hpcm: ") for x in errors.splitlines())
    assert len(coded(out)) == TOTAL - BROKEN - 2
    last.write_bytes(kept)
    again = subprocess.run([*command, "--skip-existing"], capture_output=True, timeout=600)
    _, summary = lines(again.stdout)
    assert (summary["ok"], summary["skipped"], summary["failed"]) == (1, TOTAL - BROKEN - 2, BROKEN + 1)
    sound(out)


def test_sigterm_and_the_second_call_that_finishes(shots: Path, tmp_path: Path) -> None:
    command = [*HPCM, "encode", str(shots), "-o", str(tmp_path / "out"), *ENCODE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        begun = [process.stdout.readline() for _ in range(100)]
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    _, summary = lines(b"".join(begun) + rest)
    assert process.returncode == 143 and summary["not_done"] > 0
    written = len(coded(tmp_path / "out"))
    assert summary["ok"] <= written <= summary["ok"] + 2  # files written while the signal came
    again = subprocess.run([*command, "--skip-existing"], capture_output=True, timeout=600)
    _, summary = lines(again.stdout)
    assert (summary["skipped"], summary["ok"]) == (written, TOTAL - BROKEN - 1 - written)
    sound(tmp_path / "out")


def test_a_disk_that_is_full_in_the_middle(shots: Path, tmp_path: Path) -> None:
    """On a small file system of memory, in a namespace of our own; enlarged before the second call."""
    disk = tmp_path / "disk"
    disk.mkdir()
    isolate = ["unshare", "--mount", "--map-root-user"] if os.getuid() else ["unshare", "--mount"]
    mount = f"mount -t tmpfs -o size=800k none {disk}"
    if subprocess.run([*isolate, "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    encode = " ".join([*HPCM, "encode", str(shots), "-o", str(disk), *ENCODE])
    script = (
        f"{mount}; {encode} > {tmp_path}/first; echo $? > {tmp_path}/code;"
        f" find {disk} -name '.*part' > {tmp_path}/left;"
        f" find {disk} -name '*.hpc' | wc -l > {tmp_path}/count;"
        f" mount -o remount,size=50m {disk}; {encode} --skip-existing > {tmp_path}/second;"
        f" {' '.join(HPCM)} verify {disk} > {tmp_path}/verify; echo $? >> {tmp_path}/code"
    )
    subprocess.run([*isolate, "sh", "-c", script], capture_output=True, timeout=900)
    _, first = lines((tmp_path / "first").read_bytes())
    _, second = lines((tmp_path / "second").read_bytes())
    assert (tmp_path / "code").read_text().split() == ["1", "0"]  # unreadable pictures and a full disk: two causes
    assert (tmp_path / "left").read_text() == ""
    assert 0 < first["ok"] == int((tmp_path / "count").read_text()) < TOTAL - BROKEN - 1
    assert second["skipped"] == first["ok"] and second["ok"] + second["skipped"] == TOTAL - BROKEN - 1


def test_two_processes_on_one_tree(shots: Path, tmp_path: Path) -> None:
    command = [*HPCM, "encode", str(shots), "-o", str(tmp_path / "out"), *ENCODE, "--skip-existing"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    for process in both:
        _, summary = lines(process.communicate(timeout=600)[0])
        done = summary["ok"] + summary["skipped"]  # the same content written by the other one counts as done
        assert (done, summary["failed"]) == (TOTAL - BROKEN - 1, BROKEN + 1)
    assert len(coded(tmp_path / "out")) == TOTAL - BROKEN - 1
    sound(tmp_path / "out")
