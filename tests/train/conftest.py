"""Generated pictures and a run that takes a second."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hpcmcodec.models.export import exact, export_model
from tests.codec.conftest import TINY, picture, tiny_arrays


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """torch on one thread: its threads spin, and the machine may be busy."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six pictures of different sizes, one of them small, and a broken one."""
    root = tmp_path_factory.mktemp("photos")
    (root / "sub").mkdir()
    for i, (height, width) in enumerate([(96, 128), (200, 150), (128, 64), (150, 150), (90, 180)]):
        Image.fromarray(picture(height, width, seed=i)).save(root / f"{i}.png")
    Image.fromarray(picture(40, 200, seed=9)).save(root / "sub" / "small.png")
    (root / "broken.jpg").write_bytes(b"\xff\xd8 and nothing more")
    return root


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file to start from: random weights, kept bit for bit."""
    path = tmp_path_factory.mktemp("start") / "start.safetensors"
    export_model(path, "start", TINY, tiny_arrays(3), storage=exact)
    return path


@pytest.fixture
def settings(photos: Path, model: Path, tmp_path: Path) -> dict[str, Any]:
    """Arguments of RunConfig for a tiny run; tests add the budget."""
    return {
        "data": photos,
        "out": tmp_path / "run",
        "init": str(model),
        "batch_size": 2,
        "patch_size": 64,
        "warmup": 5,
        "ema": 0.9,
        "log_every": 1,
        "threads": 1,
    }


def losses(run: Path) -> dict[int, float]:
    """Step -> loss, from a run's metrics."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def quiet(line: str) -> None:
    """Shows nothing."""


def mean(values: Any) -> float:
    """Of any numbers."""
    return float(np.mean(list(values)))
