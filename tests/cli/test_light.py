"""What the installed command loads: decoding, looking at files and making thumbnails need no numpy, PPM no Pillow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "conformance"
FILE, OPAQUE = FOLDER / "lite-8-alpha.hpc", FOLDER / "lite-8-odd.hpc"
RUN = """
import sys
from hpcmcodec.cli.main import run
code = run(sys.argv[2:])
found = {"numpy", "torch", "rich", "safetensors", *sys.argv[1].split(",")} & set(sys.modules)
sys.exit(code or f"{sorted(found)} were loaded" if found else code)
"""


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (("decode", OPAQUE, "-o", "a.ppm"), "PIL,msgpack"),
        (("decode", FILE, "-o", "a.png"), "msgpack"),
        (("decode", FILE, "-o", "a.jpg", "--scale", "1/2"), "msgpack"),
        (("decode", FILE, "-o", "a.webp", "--region", "4,4,8,8"), "msgpack"),
        (("verify", FILE), "PIL,msgpack"),
        (("info", FILE, "--json"), "PIL,msgpack"),
        (("thumbnail", FILE, "a.png"), "msgpack"),
    ],
    ids=lambda value: " ".join(map(str, value[::2])) if isinstance(value, tuple) else value,
)
def test_what_is_loaded(command: tuple[object, ...], more: str, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", RUN, more, *map(str, command)]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
