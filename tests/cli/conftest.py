"""The command line in this process, over a codec that stores pictures instead of coding them."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hpcmcodec.codec
from hpcmcodec.cli.main import run
from tests.codec.conftest import models as models

from .storing import Hpcm, Outcome, StoringDecoder, StoringEncoder


@pytest.fixture
def hpcm(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Hpcm:
    """Runs a command line; arguments are turned into text, `stdin` is what it reads."""

    def call(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run([str(argument) for argument in arguments])
        sys.stderr.flush()
        raw, err = capfdbinary.readouterr()
        return Outcome(code, raw, err.decode())

    return call


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands use the storing codec."""
    monkeypatch.setattr(hpcmcodec.codec, "Encoder", StoringEncoder)
    monkeypatch.setattr(hpcmcodec.codec, "Decoder", StoringDecoder)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of small pictures: one with alpha, one in grey, one in a folder below, one broken, one text."""
    generator = np.random.default_rng(7)
    root = tmp_path / "shots"
    (root / "sub").mkdir(parents=True)

    def save(name: str, *shape: int) -> None:
        Image.fromarray(generator.integers(0, 256, shape, np.uint8)).save(root / name)

    save("a.png", 12, 20, 3)
    save("b.png", 9, 7, 4)
    save("grey.png", 5, 6)
    save("sub/c.jpg", 16, 16, 3)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    (root / "notes.txt").write_text("no picture")
    return root


@pytest.fixture
def tiny(models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the models `tiny` and `other`, the only ones there are."""
    monkeypatch.setenv("HPCM_MODELS", str(models))
    monkeypatch.setattr("hpcmcodec.models.store.user_folder", lambda: models / "user")
    monkeypatch.setattr("hpcmcodec.models.store.shipped_folder", lambda: models / "shipped")
    return models
