"""`hpcm` itself: start-up, help, signals; the installed command in a process of its own."""

from __future__ import annotations

import io
import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import __version__, errors
from hpcmcodec.cli.main import COMMANDS, cli
from hpcmcodec.formats.picture import Picture

from .storing import Hpcm

START_SECONDS = 0.4


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """`hpcm` in a process of its own."""
    command = [sys.executable, "-m", "hpcmcodec", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, **options)  # type: ignore[call-overload, no-any-return]


def processor_seconds() -> float:
    """Processor time of the children that have ended: the machine may be busy with other things."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_starts_at_once(option: str) -> None:
    spent = []
    for _ in range(3):
        before = processor_seconds()
        assert process(option).returncode == 0
        spent.append(processor_seconds() - before)
    assert min(spent) < START_SECONDS


def test_version() -> None:
    result = process("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"hpcm {__version__}\n".encode(), b"")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["encode", "--help"], ["models", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from hpcmcodec.cli.main import run; code = run(sys.argv[1:]);"
        "print(code, sorted({'torch', 'numpy', 'PIL', 'rich', 'safetensors'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, timeout=60, check=True)
    assert result.stdout.decode().splitlines()[-1] == "0 []"


def test_what_pillow_warns_of_is_not_printed(tmp_path: Path) -> None:
    """Tags of an EXIF block that claim to be longer than it."""
    exif = struct.pack("<2sHIHHHII", b"II", 42, 8, 1, 270, 2, 50000, 8) + bytes(4)
    coded = hpcmcodec.Encoder().encode(Picture(np.zeros((8, 8, 3), np.uint8), None, exif=exif))
    (tmp_path / "a.hpc").write_bytes(coded)
    result = process("decode", str(tmp_path / "a.hpc"), "-o", str(tmp_path / "a.tif"), "--quiet")
    assert result.returncode == 0 and result.stderr == b""
    assert process(
        "decode", str(tmp_path / "a.hpc"), "-o", str(tmp_path / "b.tif"), env={**os.environ, "HPCM_DEBUG": "1"}
    ).stderr


def test_console_script_is_installed() -> None:
    script = Path(sys.executable).with_name("hpcm")
    if not script.exists():
        pytest.skip("not installed with its scripts")
    assert subprocess.run([script, "--version"], capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(hpcm: Hpcm, name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    commands = list(command.commands) if isinstance(command, click.Group) else [None]
    for sub in commands:
        arguments = [name, "--help"] if sub is None else [name, sub, "--help"]
        result = hpcm(*arguments)
        assert result.code == 0 and "Examples:" in result.out
        assert f"hpcm {name}" in result.out.split("Examples:")[1]


def test_help_lists_every_exit_code(hpcm: Hpcm) -> None:
    text = hpcm("--help").out
    codes = {int(line.split()[0]) for line in text.split("Exit codes:")[1].splitlines() if line.strip()[:1].isdigit()}
    assert codes == {0, 1, errors.INCOMPLETE, errors.LEFT_OUT, 70, 130, 141} | {
        error.exit_code for error in errors.HpcmError.__subclasses__()
    }


def test_readme_lists_every_error() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for error in errors.HpcmError.__subclasses__():
        assert f"| {error.exit_code} | `{error.__name__}`:" in readme


def test_no_arguments_show_help(hpcm: Hpcm) -> None:
    result = hpcm()
    assert result.code == 2 and result.err.startswith("Usage: hpcm") and result.out == ""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "hpcm: interrupted\n"),
        (BrokenPipeError(), 141, ""),
        (MemoryError(), 16, "hpcm: not enough memory\n"),
        (PermissionError(13, "Permission denied", "x"), 3, "hpcm: x: Permission denied\n"),
        (ZeroDivisionError("oops"), 70, "hpcm: ZeroDivisionError: oops (this is a bug; "),
    ],
)
def test_what_is_not_our_error(
    hpcm: Hpcm, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("hpcmcodec.cli.planning.make_plan", broken)
    result = hpcm("encode", "a.png")
    assert result.code == code and result.err.startswith(message) and result.err.count("\n") == (message != "")


def test_completion_knows_the_commands() -> None:
    environment = os.environ | {"_HPCM_COMPLETE": "bash_complete", "COMP_WORDS": "hpcm en", "COMP_CWORD": "1"}
    assert b"encode" in process(env=environment).stdout


def test_closed_standard_output_is_quiet() -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "hpcmcodec", "--help"]
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert result.returncode == 141 and result.stderr == b""


def test_remarks_of_libraries_do_not_mix_with_ours(tmp_path: Path) -> None:
    """libtiff writes about damaged files straight to standard error."""
    from PIL import Image

    data = io.BytesIO()
    Image.effect_noise((60, 70), 50).save(data, "TIFF", compression="tiff_lzw")
    damaged = bytearray(data.getvalue())
    damaged[200:400] = b"\xff" * 200
    (tmp_path / "a.tif").write_bytes(damaged)
    result = process("encode", str(tmp_path / "a.tif"))
    assert result.returncode == 3 and result.stderr.startswith(b"hpcm: ") and result.stderr.count(b"\n") == 1
    told = process("encode", str(tmp_path / "a.tif"), env=os.environ | {"HPCM_DEBUG": "1"})
    assert told.stderr.count(b"\n") > 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]
