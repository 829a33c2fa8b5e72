"""The guide's examples run: commands in a folder with photo.png, Python fragments too."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.cli.main import run

GUIDE = Path(__file__).parents[1] / "docs/guide"
README = GUIDE.parents[1] / "README.md"
PAGES = sorted(GUIDE.glob("[1-9]-*.md"))


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


def test_links_and_pictures_are_there() -> None:
    for page in GUIDE.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
    names = {page.name for page in PAGES}
    assert names <= set(re.findall(r"\]\(([^)]+)\)", (GUIDE / "README.md").read_text()))
