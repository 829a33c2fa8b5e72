"""`hpcm archive`: whole trees, every file accounted for, checked on the disk, and gone on with after anything."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec
from hpcmcodec.batch.archive import NAME, Manifest, store
from hpcmcodec.codec import reach
from hpcmcodec.ssimulacra2 import ssimulacra2
from tests.codec.conftest import picture

from .storing import Hpcm

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as people have them: photographs, names that collide, other files, links, empty folders, odd names."""
    root = tmp_path / "home"
    (root / "trip" / "day 1").mkdir(parents=True)
    (root / "empty" / "inner").mkdir(parents=True)
    photo = Image.fromarray(picture(70, 90))
    photo.save(root / "photo.png")
    photo.save(root / "twice.png")
    photo.save(root / "twice.tif")
    photo.save(root / "trip/day 1/b.PNG")
    photo.save(root / os.fsdecode(b"\xe9t\xe9.png"))
    photo.save(root / ".hidden.png")
    frames = [Image.fromarray(np.full((40, 40), 80 * i, np.uint8)) for i in range(3)]
    frames[0].save(root / "moving.gif", save_all=True, append_images=frames[1:])
    (root / "IMG_1.xyz").write_bytes(os.urandom(900))
    (root / "notes.txt").write_text("notes")
    (root / "photo.hpc").write_bytes(b"not what it says")
    (root / NAME).write_text("of somebody else")
    (root / "broken.jpg").write_bytes(b"\xff\xd8 no")
    (root / "void").touch()
    (root / "to-file").symlink_to("notes.txt")
    (root / "to-folder").symlink_to("trip", target_is_directory=True)
    (root / "to-nothing").symlink_to("nothing")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def model(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options for the small model, whose pictures are bad."""
    return ["-m", "tiny", "--min-psnr", "2"]


def tree(folder: Path) -> dict[str, str]:
    """Every path -> what it is, links with their texts, files with their hashes and permissions."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        text = f"{status.st_mode} {status.st_mtime_ns}"
        if path.is_symlink():
            text = os.readlink(path)  # noqa: PTH115
        elif path.is_file():
            text += hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path.relative_to(folder))] = text
    return found


def entries(folder: Path) -> dict[str, dict[str, object]]:
    """Whole lines of the manifest that are about a source, by source."""
    lines = (folder / NAME).read_text().split("\n")[:-1]
    return {line["source"]: line for line in map(json.loads, lines) if "source" in line}


def test_every_file_is_safe(hpcm: Hpcm, home: Path, model: list[str]) -> None:
    (home / "photo.png").chmod(0o600)
    os.utime(home / "photo.png", ns=(10**18, 10**18))
    before = tree(home)
    result = hpcm("archive", "home", "DEST", *model)
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1] == "every file is safe in DEST"
    assert "1 left out (1 pipe)" in result.out.splitlines()[-2]
    assert tree(home) == before

    dest, made = Path("DEST"), entries(Path("DEST"))
    everything = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file() or path.is_symlink()}
    assert set(made) == everything | {"empty/inner"}
    encoded = {name: entry["stored"] for name, entry in made.items() if entry["how"] == "encoded"}
    assert encoded == {
        "photo.png": "photo.png.hpc",  # photo.hpc is another file
        "twice.png": "twice.png.hpc",
        "twice.tif": "twice.tif.hpc",
        "trip/day 1/b.PNG": "trip/day 1/b.hpc",
        os.fsdecode(b"\xe9t\xe9.png"): os.fsdecode(b"\xe9t\xe9.hpc"),
        ".hidden.png": ".hidden.hpc",
    }
    for name in ("IMG_1.xyz", "notes.txt", "photo.hpc", "broken.jpg", "moving.gif", "void"):
        assert made[name]["stored"] == name and (dest / name).read_bytes() == (home / name).read_bytes()
    assert "frame" in str(made["moving.gif"]["why"]) and "damaged" in str(made["broken.jpg"]["why"])
    assert (dest / str(made[NAME]["stored"])).read_text() == "of somebody else"
    assert (dest / "to-file").read_text() == "notes" and not (dest / "to-file").is_symlink()
    assert os.readlink(dest / "to-folder") == "trip" and os.readlink(dest / "to-nothing") == "nothing"  # noqa: PTH115
    assert (dest / "empty/inner").is_dir()
    status = (dest / "photo.png.hpc").stat()
    assert (status.st_mode & 0o777, status.st_mtime_ns) == (0o600, 10**18)
    for entry in made.values():
        if entry["how"] in ("encoded", "copied"):
            stored = (dest / str(entry["stored"])).read_bytes()
            assert hashlib.sha256(stored).hexdigest() == entry["stored_sha256"]
            source = (home / str(entry["source"])).read_bytes()
            assert hashlib.sha256(source).hexdigest() == entry["source_sha256"]

    again = hpcm("archive", "home", "DEST", *model)
    assert again.code == 0 and again.out.count("archived before") == len(made)
    assert entries(dest) == made
    checked = hpcm("archive", "--check", "DEST")
    assert checked.code == 0 and checked.out.endswith("every file is safe in DEST\n")


@pytest.mark.parametrize("jobs", [1, 3])
def test_json_and_jobs(hpcm: Hpcm, home: Path, model: list[str], jobs: int) -> None:
    lines = hpcm("archive", "home", "DEST", *model, "--json", "--jobs", jobs).json
    assert lines[-1]["kind"] == "summary" and lines[-1]["safe"] is True and lines[-1]["exit_code"] == 0
    assert (lines[-1]["encoded"], lines[-1]["pictures_copied"], lines[-1]["special"]) == (6, 2, 1)
    assert len(lines) == len(entries(Path("DEST"))) + 1


def test_a_picture_that_comes_out_badly_is_copied(hpcm: Hpcm, home: Path, tiny: Path) -> None:
    result = hpcm("archive", "home", "DEST", "-m", "tiny", "--min-psnr", 90)
    made = entries(Path("DEST"))
    assert result.code == 0 and all(entry["how"] != "encoded" for entry in made.values())
    assert "dB at quality 90" in str(made["photo.png"]["why"])
    assert not list(Path("DEST").glob("*.png.hpc"))


def test_a_disk_that_lies(hpcm: Hpcm, home: Path, model: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "read_from_disk", lambda path: path.read_bytes()[:-1] + b"?")
    assert hpcm("archive", "home", "DEST", *model).code == 0
    assert "reads back changed" in str(entries(Path("DEST"))["photo.png"]["why"])
    true = store.hash_of
    monkeypatch.setattr(store, "hash_of", lambda path: true(path) if "home" in str(path) else "0" * 64)
    result = hpcm("archive", "home", "OTHER", *model)
    assert result.code == 12 and "not safe in OTHER" in result.err and "every file" not in result.out


def test_what_cannot_be_read_is_listed(hpcm: Hpcm, home: Path, model: list[str]) -> None:
    (home / "loop").symlink_to("loop")
    hpcm("archive", "home", "DEST", *model)
    blocked = Path("DEST2")
    blocked.mkdir()
    (blocked / "notes.txt").write_text("something else")
    result = hpcm("archive", "home", "DEST2", *model)
    assert result.code == 4 and "notes.txt exists" in result.err and "1 file is not safe in DEST2" in result.err
    assert (blocked / "notes.txt").read_text() == "something else" and "every file" not in result.out
    assert hpcm("archive", "--check", "DEST2").code == 3  # never finished
    (blocked / "notes.txt").unlink()
    assert hpcm("archive", "home", "DEST2", *model).code == 0


def test_files_that_appear_or_change_meanwhile(
    hpcm: Hpcm, home: Path, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    true = store._copy

    def meddle(task: store.StoreTask, *arguments: object) -> object:
        made = true(task, *arguments)  # type: ignore[arg-type]
        (home / "late.txt").write_text("late")
        if task.item.source == "notes.txt":
            (home / "notes.txt").write_text("other notes")
        return made

    monkeypatch.setattr(store, "_copy", meddle)
    result = hpcm("archive", "home", "DEST", *model)
    assert "late.txt: appeared while" in result.err and "notes.txt was changed while" in result.err
    assert result.code == 3 and not Manifest.load(Path("DEST")).sealed
    monkeypatch.setattr(store, "_copy", true)
    second = hpcm("archive", "home", "DEST", *model)
    assert second.code == 4 and "notes.txt exists" in second.err  # the half of it that was stored is no part of it
    Path("DEST/notes.txt").unlink()
    assert hpcm("archive", "home", "DEST", *model).code == 0


def test_sources_that_changed_are_kept_apart(hpcm: Hpcm, home: Path, model: list[str]) -> None:
    hpcm("archive", "home", "DEST", *model)
    old = Path("DEST/photo.png.hpc").read_bytes()
    Image.fromarray(picture(60, 50)).save(home / "photo.png")
    refused = hpcm("archive", "home", "DEST", *model)
    assert refused.code == 4 and "has changed since" in refused.err
    assert Path("DEST/photo.png.hpc").read_bytes() == old
    assert hpcm("archive", "home", "DEST", *model, "--force").code == 0
    assert Path("DEST/photo.png.hpc").read_bytes() != old
    (home / "IMG_1.xyz").unlink()
    assert hpcm("archive", "home", "DEST", *model).code == 0 and Path("DEST/IMG_1.xyz").exists()
    (home / "to-nothing").unlink()
    (home / "to-nothing").symlink_to("trip")
    assert hpcm("archive", "home", "DEST", *model).code == 4
    assert hpcm("archive", "home", "DEST", *model, "--force").code == 0
    assert os.readlink("DEST/to-nothing") == "trip"  # noqa: PTH115
    assert hpcm("archive", "--check", "DEST").code == 0


@pytest.mark.parametrize("name", ["photo.png.hpc", "notes.txt"])
def test_damage_is_found_and_mended(hpcm: Hpcm, home: Path, model: list[str], name: str) -> None:
    hpcm("archive", "home", "DEST", *model)
    whole = Path("DEST", name).read_bytes()
    Path("DEST", name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    found = hpcm("archive", "--check", "DEST")
    assert found.code == 12 and f"{name} is not what was stored" in found.err and "every file" not in found.out
    assert hpcm("archive", "home", "DEST", *model).code == 0 and Path("DEST", name).read_bytes() == whole
    Path("DEST", name).unlink()
    assert hpcm("archive", "--check", "DEST").code == 3
    assert hpcm("archive", "home", "DEST", *model).code == 0 and Path("DEST", name).read_bytes() == whole


def test_a_manifest_that_was_meddled_with(hpcm: Hpcm, home: Path, model: list[str]) -> None:
    hpcm("archive", "home", "DEST", *model)
    path = Path("DEST", NAME)
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    for changed, code in (
        ("".join(lines[:3] + lines[4:]), 12),  # a line is missing
        (text.replace('"copied"', '"Copied"', 1), 12),
        ("".join(lines[:-1]), 3),  # the seal is
        ("".join(lines[:-2]) + lines[-2][:20], 3),  # the run was cut off
        ("nonsense\n" + text, 12),
    ):
        path.write_text(changed)
        assert hpcm("archive", "--check", "DEST").code == code, changed[:50]
    assert hpcm("archive", "--check", "home").code in (3, 12)


@pytest.mark.parametrize(("source", "dest"), [("home", "home"), ("home", "home/DEST"), ("home/trip", "home")])
def test_folders_in_one_another(hpcm: Hpcm, home: Path, source: str, dest: str) -> None:
    Path("alias").symlink_to("home", target_is_directory=True)
    before = tree(home)
    for one, other in ((source, dest), (source.replace("home", "alias"), dest)):
        assert hpcm("archive", one, other).code == 2
    assert tree(home) == before


@pytest.mark.parametrize(
    "arguments", [["home"], [], ["home", "D", "--check", "D"], ["nope", "D"], ["home", "home/void"]]
)
def test_wrong_arguments(hpcm: Hpcm, arguments: list[str]) -> None:
    result = hpcm("archive", *arguments)
    assert result.code in (2, 3, 4) and result.err.count("\n") == 1


@pytest.mark.slow
def test_an_interrupted_run_goes_on(hpcm: Hpcm, home: Path, model: list[str]) -> None:
    for i in range(60):
        shutil.copy(home / "photo.png", home / f"copy{i:02}.png")
    command = [sys.executable, "-m", "hpcmcodec", "archive", "home", "DEST", *model, "-j", "2"]
    for number in (signal.SIGKILL, signal.SIGTERM):
        before = len(entries(Path("DEST"))) if Path("DEST", NAME).exists() else 0
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            for _ in range(600):
                if Path("DEST", NAME).exists() and len(entries(Path("DEST"))) > before + 10:
                    break
                time.sleep(0.05)
            process.send_signal(number)
            process.communicate(timeout=60)
        assert process.returncode != 0
    assert hpcm("archive", "--check", "DEST").code == 3
    done = hpcm("archive", "home", "DEST", *model)
    assert done.code == 0 and "archived before" in done.out
    assert hpcm("archive", "--check", "DEST").code == 0


def test_the_summary_says_why_pictures_were_copied(hpcm: Hpcm, tiny: Path, home: Path) -> None:
    """The home folder has a broken picture and a moving one."""
    result = hpcm("archive", "home", "DEST", "-m", "tiny", "--min-psnr", 0)
    closing = next(line for line in result.out.splitlines() if " copied (" in line)
    found = re.search(r"\((\d+) of them pictures: (.*?)\)[,:]", closing)
    assert found and sum(int(part.split(":")[0]) for part in found[2].split("; ")) == int(found[1]) >= 2
    assert "1: only the first frame or page was used" in found[2]


def test_lossless(hpcm: Hpcm, home: Path) -> None:
    """Every sample as it was, in files that need no model."""
    result = hpcm("archive", "home", "DEST", "--lossless")
    assert result.code == 0, result.err
    made = entries(Path("DEST"))
    stored = (Path("DEST") / str(made["photo.png"]["stored"])).read_bytes()
    assert made["photo.png"]["how"] == "encoded" and hpcmcodec.info(stored).model is None
    assert np.array_equal(np.asarray(hpcmcodec.decode(stored)), picture(70, 90))
    assert hpcm("archive", "home", "OTHER", "--lossless", "-q", "50").code == 2


def test_visually_lossless(hpcm: Hpcm, home: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = hpcm("archive", "home", "DEST", "-m", "tiny", "--visually-lossless")
    assert result.code == 0, result.err
    entry = entries(Path("DEST"))["twice.png"]
    assert entry["how"] == "encoded"
    stored = np.asarray(hpcmcodec.decode(Path("DEST", str(entry["stored"]))))
    assert (ssimulacra2(np.asarray(Image.open(home / "twice.png")), stored) or 0) >= 90
    assert hpcm("archive", "home", "OTHER", "--visually-lossless", "-q", "50").code == 2
    monkeypatch.setattr(reach, "fidelity", lambda *_: 89.0)
    assert hpcm("archive", "home", "THIRD", "-m", "tiny", "--visually-lossless").code == 0
    assert "only 89.0 of SSIMULACRA2" in str(entries(Path("THIRD"))["twice.png"]["why"])
