"""The examples in docstrings of the public interface run."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MODULES = (
    "hpcmcodec",
    "hpcmcodec.codec.api",
    "hpcmcodec.codec.decoder",
    "hpcmcodec.codec.encoder",
    "hpcmcodec.codec.inspect",
    "hpcmcodec.pillow_plugin",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with photo.png, 64 wide and 48 high."""
    Image.fromarray(np.add.outer(np.arange(48) * 3, np.arange(64) * 2).astype(np.uint8)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    failed, run = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert run and not failed
