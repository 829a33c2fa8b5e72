"""Texts from outside do nothing to a terminal, in any command."""

from __future__ import annotations

import json
import re
import shutil
import struct
from pathlib import Path

import pytest

from hpcmcodec.cli import text
from hpcmcodec.models import store

from .storing import Hpcm

ROOT = Path(__file__).parents[2]
EVIL = "ev\x1b]0;OWNED\x07\x1b[2J\x9b31m\u202eil"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain name.png", "plain name.png"),
        ("Grüße 写真 👩‍👧.png", "Grüße 写真 👩‍👧.png"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m\x7f\x9b", "\\x1b[31m\\x7f\\x9b"),
        ("b\udce9", "b\\xe9"),
        ("\u202eright\u2028", "\\u202eright\\u2028"),
        ("\ud800", "\\ufffd"),
    ],
)
def test_shown(raw: str, expected: str) -> None:
    assert text.shown(raw) == expected
    assert text.shown(expected) == expected


def test_lines_of_ours_stay_lines() -> None:
    assert text.safe("one\n\ttwo\x1b\n\nthree") == "one\n\ttwo\\x1b\n\nthree"
    assert text.safe("") == "" and text.safe("\n") == "\n"


def test_all_commands_print_through_it() -> None:
    for path in (ROOT / "cli").glob("*.py"):
        if path.name != "text.py":
            assert not re.search(r"click\.(echo|secho)|(?<![\w.])print\(", path.read_text()), path.name
        for call in re.findall(r"console\.print\((\w*)", path.read_text()):
            assert call in ("line", "safe"), path.name


@pytest.mark.usefixtures("storing")
def test_names_of_files(hpcm: Hpcm, pictures: Path, tmp_path: Path) -> None:
    source = pictures / f"{EVIL}\nb.png -> b.hpc.png"
    shutil.copy(pictures / "a.png", source)
    (pictures / f"{EVIL}.hpc").write_bytes(b"nonsense")
    (pictures / f"broken{EVIL}.png").write_bytes(b"no")
    (pictures / f"x.{EVIL}").write_bytes(b"no")
    out = tmp_path / "out"
    commands = [["encode", pictures, "-o", out, "-v"], ["encode", pictures, "-o", out, "--json"], ["info", pictures]]
    commands += [["verify", pictures], ["decode", pictures / f"{EVIL}.hpc"], ["encode", f"/nope/{EVIL}"]]
    commands += [["thumbnail", pictures / f"{EVIL}.hpc", out], ["encode", f"--{EVIL}"], [EVIL]]
    commands += [["archive", pictures, tmp_path / "arch"], ["archive", "--check", tmp_path / "arch"]]
    for command in commands:
        result = hpcm(*command)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", result.out + result.err), command
    assert "OWNED" in result.out


def test_texts_of_models(hpcm: Hpcm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (store.shipped_folder() / f"{store.DEFAULT_MODEL}.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + length])
    metadata = head["__metadata__"]
    about, manifest = json.loads(metadata["hpcmcodec.about"]), json.loads(metadata["hpcmcodec"])
    about |= {"name": "evil", "provenance": {"source": EVIL, f"a{EVIL}\nb": EVIL}}
    manifest["config"]["family"] = f"li{EVIL}\nfake-model  lite  1.0 M"
    metadata |= {"hpcmcodec.about": json.dumps(about), "hpcmcodec": json.dumps(manifest)}
    raw = json.dumps(head).encode()
    raw += b" " * (-len(raw) % 8)
    evil = tmp_path / "evil.safetensors"
    evil.write_bytes(struct.pack("<Q", len(raw)) + raw + data[8 + length :])
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    for command in (["models", "list"], ["models", "show", evil]):
        result = hpcm(*command)
        assert result.code == 0 and "OWNED" in result.out
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", result.out)
        assert not any(line.startswith("fake-model") for line in result.out.splitlines())
