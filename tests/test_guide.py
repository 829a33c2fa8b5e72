"""The guide's examples run: commands in a folder with photo.png, Python fragments too. Of commands that cannot run
everywhere, in these and in all other pages, the names and options are known."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from hpcmcodec.cli.main import cli, run

GUIDE = Path(__file__).parents[1] / "docs/guide"
README = GUIDE.parents[1] / "README.md"
PAGES = sorted(GUIDE.glob("[1-9]-*.md"))
ALL = [*PAGES, README, *sorted(GUIDE.parent.glob("*.md"))]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.add.outer(np.arange(48) * 3, np.arange(64) * 2).astype(np.uint8)
    Image.fromarray(np.stack([pixels, pixels // 2, 255 - pixels], 2)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)


def blocks(page: Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(), re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands(page: Path) -> None:
    for line in "".join(blocks(page, "sh")).splitlines():
        name, *arguments = shlex.split(line, comments=True)
        if name == "hpcm":
            assert run(arguments) == 0, line
        elif name == "mkdir":
            Path(arguments[0]).mkdir()
        else:
            assert name == "cp", line
            shutil.copy(*arguments)


@pytest.mark.parametrize("page", [*PAGES, README], ids=lambda page: page.stem)
def test_python(page: Path) -> None:
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), {})


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
