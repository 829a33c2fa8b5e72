"""The guide runs as a script, page by page, on a photograph: commands in a shell, Python fragments too. Of commands
that cannot run everywhere, in these and in all other pages, the names and options are known."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from hpcmcodec.cli.main import cli

GUIDE = Path(__file__).parents[1] / "docs/guide"
README = GUIDE.parents[1] / "README.md"
PAGES = sorted(GUIDE.glob("[1-9]*-*.md"), key=lambda page: int(page.name.split("-")[0]))
ALL = [*PAGES, README, *sorted(GUIDE.parent.glob("*.md"))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    photograph().save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def photograph() -> Image.Image:
    """A landscape with what photographs have: soft light, noise, texture, hard edges."""
    rng = np.random.default_rng(5)
    height, width = 240, 360
    y, x = np.mgrid[:height, :width].astype(np.float64)
    sky = np.stack([90 + 0.5 * y, 140 + 0.35 * y, 215 - 0.1 * y], 2)
    ground = np.stack([70 + 0.1 * y, 95 + 0.05 * x, 50 + 0.02 * x], 2)
    grass = rng.normal(0, 22, (height, width, 1)) * (0.6 + 0.4 * np.sin(x / 7 + y / 3))[:, :, None]
    hills = 130 + 22 * np.sin(x / 41) + 9 * np.sin(x / 13)
    pixels = np.where((y > hills)[:, :, None], ground + grass, sky)
    pixels[150:215, 60:130] = (176, 64, 52)  # a house
    pixels[165:185, 80:100] = (235, 225, 170)
    sun = np.hypot(x - 290, y - 45)[:, :, None]
    pixels += 160 * np.exp(-sun / 24) + rng.normal(0, 3, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def blocks(page: Path, kinds: str) -> list[tuple[str, str]]:
    """(kind, text) of fenced blocks, in order."""
    return re.findall(rf"^```({kinds})\n(.*?)^```", page.read_text(), re.M | re.S)


@pytest.mark.skipif(shutil.which("bash") is None, reason="the guide's commands are for a shell")
def test_the_guide_from_the_first_command_to_the_last(folder: Path) -> None:
    hpcm = folder / "bin" / "hpcm"
    hpcm.parent.mkdir()
    hpcm.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m hpcmcodec "$@"\n')
    hpcm.chmod(0o755)
    path = f"{hpcm.parent}{os.pathsep}{os.environ['PATH']}"
    for page in PAGES:
        for kind, text in blocks(page, "sh|python"):
            command = ["bash", "-euxc", text] if kind == "sh" else [sys.executable, "-c", text]
            done = subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, (page.name, text, done.stderr)


def test_python_of_the_readme(folder: Path) -> None:
    for _, text in blocks(README, "python"):
        exec(compile(text, str(README), "exec"), {})


def mentioned(page: Path) -> Iterator[list[str]]:
    """The words after each `hpcm` in blocks, indented lines and spans of code."""
    text = re.sub(r"\\\n", " ", page.read_text())
    fenced = r"^```[a-z]+\n(.*?)^```"
    code = "\n".join(re.findall(fenced, text, re.M | re.S))
    prose = re.sub(fenced, "", text, flags=re.M | re.S)
    code += "\n" + "\n".join(re.findall(r"^ {4}(.+)", prose, re.M))
    code += "\n" + "\n".join(span.replace("\n", " ") for span in re.findall(r"`(hpcm [^`]+)`", prose))
    for line in code.splitlines():
        for part in re.split(r"\||&&|\$\(| >", line):
            if part.strip().startswith("hpcm ") and "COMMAND" not in part and "<Tab>" not in part:
                yield part.partition(" #")[0].split()[1:]


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.stem)
def test_commands_and_options_exist(page: Path) -> None:
    for words in mentioned(page):
        command: click.Command = cli
        context = click.Context(cli)
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            assert words[0] in command.list_commands(context), words
            command = command.get_command(context, words.pop(0)) or cli
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert used <= known | {"-h", "--help"}, (words, used - known)


def test_links_and_pictures_are_there() -> None:
    for page in GUIDE.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
    names = {page.name for page in PAGES}
    assert names <= set(re.findall(r"\]\(([^)]+)\)", (GUIDE / "README.md").read_text()))
