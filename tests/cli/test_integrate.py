"""Shells, man and desktops: what `hpcm integrate` writes is what bash, groff, file(1) and the desktop understand."""

from __future__ import annotations

import io
import os
import select
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from configparser import ConfigParser
from pathlib import Path

import pytest
from PIL import Image

from hpcmcodec.cli import integrate
from hpcmcodec.cli.completion import SHELLS
from hpcmcodec.cli.integrate import files
from hpcmcodec.cli.main import COMMANDS
from hpcmcodec.errors import UsageError
from hpcmcodec.formats.container import SIGNATURE
from hpcmcodec.models.store import DEFAULT_MODEL
from tests.codec.conftest import picture

from .storing import Hpcm

CONFORMANCE = Path(__file__).parents[1] / "conformance"


def share(name: str) -> str:
    return dict(files())[name]


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {program}")


def test_integrate_writes_below_a_prefix_and_takes_it_away_again(hpcm: Hpcm, tmp_path: Path) -> None:
    listed = hpcm("integrate", "--prefix", tmp_path, "--dry-run").out.splitlines()
    assert not (tmp_path / "share").exists() and len(listed) > 12
    assert hpcm("integrate", "--prefix", tmp_path).out.splitlines() == listed
    assert sorted(str(path) for path in tmp_path.rglob("*") if path.is_file()) == sorted(listed)
    assert hpcm("integrate", "--prefix", tmp_path).code == 0  # again: files are replaced
    assert hpcm("integrate", "--prefix", tmp_path, "--remove").out.splitlines() == listed
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_windows_has_no_place_for_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(UsageError, match="--prefix"):
        integrate.command.main([], standalone_mode=False)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_the_script(hpcm: Hpcm, shell: str) -> None:
    out = hpcm("completion", shell).out
    assert f"_HPCM_COMPLETE={shell}_complete" in out and out == share(
        {
            "bash": "bash-completion/completions/hpcm",
            "zsh": "zsh/site-functions/_hpcm",
            "fish": "fish/vendor_completions.d/hpcm.fish",
        }[shell]
    )


def answers(shell: str, words: str, current: int) -> str:
    """What `hpcm` tells a shell, in that shell's own protocol."""
    environment = os.environ | {"_HPCM_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(current)}
    if shell == "fish":
        environment["COMP_CWORD"] = words.split(" ")[-1]
    command = [sys.executable, "-m", "hpcmcodec"]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True).stdout.decode()


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_are_told_commands_options_and_values(shell: str) -> None:
    assert {"encode", "decode", "models"} <= set(answers(shell, "hpcm ", 1).replace(",", "\n").split())
    assert "--quality" in answers(shell, "hpcm encode --q", 2)
    assert "webp" in answers(shell, "hpcm decode --format w", 3)


def in_path() -> dict[str, str]:
    """An environment in which the shell finds `hpcm`."""
    return dict(os.environ) | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@needs("bash")
def test_bash_completes_with_the_script() -> None:
    ask = 'COMP_WORDS=(hpcm dec); COMP_CWORD=1; _hpcm_completion hpcm dec hpcm; echo "${COMPREPLY[@]}"'
    text = share("bash-completion/completions/hpcm") + ask
    run = subprocess.run(["bash", "-c", text], env=in_path(), capture_output=True, timeout=60)
    assert run.stdout.decode().split() == ["decode"], run.stderr


@needs("fish")
def test_fish_completes_with_the_script(tmp_path: Path) -> None:
    script = tmp_path / "hpcm.fish"
    script.write_text(share("fish/vendor_completions.d/hpcm.fish"))
    ask = f"source {script}; complete -C 'hpcm dec'; complete -C 'hpcm decode --format w'; complete -C 'hpcm mod'"
    run = subprocess.run(["fish", "--no-config", "-c", ask], env=in_path(), capture_output=True, timeout=60)
    found = {name: text for name, _, text in (line.partition("\t") for line in run.stdout.decode().splitlines())}
    assert list(found) == ["decode", "webp", "models"], run.stderr
    assert found["models"].startswith("List, show")  # a comma ends nothing


@needs("zsh")
@pytest.mark.parametrize(("typed", "wanted"), [("hpcm dec", "decode "), ("hpcm decode --form", "--format ")])
def test_zsh_completes_what_is_typed(tmp_path: Path, typed: str, wanted: str) -> None:
    """In a terminal: the completion system of zsh works in no script."""
    (tmp_path / "_hpcm").write_text(share("zsh/site-functions/_hpcm"))
    terminal, inside = os.openpty()
    environment = in_path() | {"TERM": "dumb", "HOME": str(tmp_path), "PS1": ""}

    def until(text: str) -> None:
        found, end = "", time.monotonic() + 60
        while text not in found:
            assert time.monotonic() < end, found
            if select.select([terminal], [], [], 1)[0]:
                found += os.read(terminal, 4096).decode()

    with subprocess.Popen(["zsh", "-f", "-i"], stdin=inside, stdout=inside, stderr=inside, env=environment) as zsh:
        try:
            setting = f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; echo rea''dy\n"
            os.write(terminal, setting.encode())
            until("ready")
            os.write(terminal, f"{typed}\t".encode())
            until(wanted)
        finally:
            zsh.kill()
            os.close(terminal)
            os.close(inside)


def test_every_command_has_a_manual_page() -> None:
    pages = {name.removeprefix("man/man1/"): text for name, text in files() if name.startswith("man/")}
    assert {f"hpcm-{name}.1" for name in COMMANDS} | {"hpcm.1", "hpcm-models-import.1"} <= set(pages)
    text = pages["hpcm-encode.1"]
    for part in (".SH NAME\nhpcm\\-encode \\- Compress", "\\-\\-quality", ".SH EXAMPLES\n", "hpcm encode photo.png"):
        assert part in text, part
    for part in (".SH EXIT CODES", ".SH COMMANDS", "Compress pictures into hpc files"):
        assert part in pages["hpcm.1"], part
    assert not any("\b" in text for text in pages.values())


@needs("groff")
def test_groff_has_nothing_to_say_against_the_pages() -> None:
    for name, text in files():
        if name.startswith("man/"):
            command = ["groff", "-man", "-Tascii", "-ww", "-rLL=100n"]
            run = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60)
            assert (run.returncode, run.stderr) == (0, b""), name
            assert b"NA\bAM\bME\bE" in run.stdout  # bold is struck twice


def test_mime_type_and_thumbnailer() -> None:
    root = ET.fromstring(share("mime/packages/hpcm.xml"))
    space = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    (kind,) = root.findall("m:mime-type", space)
    match = kind.find("m:magic/m:match", space)
    assert kind.get("type") == "image/x-hpc" and match is not None
    assert match.get("value", "").encode().decode("unicode_escape").encode("latin-1") == SIGNATURE
    entry = ConfigParser(interpolation=None)
    entry.read_string(share("thumbnailers/hpcm.thumbnailer"))
    assert entry["Thumbnailer Entry"]["Exec"] == "hpcm thumbnail --size %s %i %o"
    assert entry["Thumbnailer Entry"]["MimeType"] == "image/x-hpc;"


@needs("update-mime-database")
def test_the_mime_database_takes_the_type(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/hpcm.xml").write_text(share("mime/packages/hpcm.xml"))
    subprocess.run(["update-mime-database", str(tmp_path)], check=True, timeout=60, capture_output=True)
    assert "image/x-hpc:*.hpc" in (tmp_path / "globs").read_text()
    assert SIGNATURE in (tmp_path / "magic").read_bytes()


@needs("file")
def test_file_knows_hpc_files_and_their_size(tmp_path: Path) -> None:
    magic = tmp_path / "magic"
    magic.write_text(share("file/magic.d/hpcm.magic"))

    def ask(*options: str) -> str:
        name = CONFORMANCE / f"{DEFAULT_MODEL}-odd.hpc"
        return (
            subprocess.check_output(["file", "-b", "-m", str(magic), *options, str(name)], timeout=60).decode().strip()
        )

    assert ask() == "HPC image data, version 1, 67 x 101"
    assert ask("--mime-type") == "image/x-hpc"


def test_thumbnail(hpcm: Hpcm, tiny: Path, tmp_path: Path) -> None:
    photo, coded, small = tmp_path / "photo.png", tmp_path / "photo.hpc", tmp_path / "small.png"
    Image.fromarray(picture(70, 90)).save(photo)
    assert hpcm("encode", photo, "-m", "tiny").code == 0
    assert hpcm("thumbnail", "--size", 45, coded, small).code == 0
    with Image.open(small) as image:
        assert (image.format, image.size) == ("PNG", (45, 35))
    assert hpcm("thumbnail", "-", small, stdin=coded.read_bytes()).code == 0
    with Image.open(small) as image:
        assert image.size == (90, 70)  # not made larger
    coded.write_bytes(b"no picture")
    before = small.read_bytes()
    assert hpcm("thumbnail", coded, small).code == 10 and small.read_bytes() == before


def test_a_pipeline_needs_no_files(hpcm: Hpcm, tiny: Path) -> None:
    png = io.BytesIO()
    Image.fromarray(picture(20, 30)).save(png, "PNG")
    coded = hpcm("encode", "-", "-o", "-", "-m", "tiny", stdin=png.getvalue())
    decoded = hpcm("decode", "-", "-o", "-", "--format", "ppm", stdin=coded.raw)
    assert decoded.raw.startswith(b"P6\n30 20\n255\n") and len(decoded.raw) == 13 + 1800
    assert hpcm("encode", "-", "-o", "-", "-m", "tiny", stdin=decoded.raw).code == 0
