"""A small lite model with random weights, installed where the store looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpcmcodec.models.export import export_model
from hpcmcodec.models.lite import Lite, LiteConfig

TINY = LiteConfig(
    latent_channels=16,
    hyper_channels=8,
    widths=(8, 16, 16),
    blocks=(1, 1, 1),
    context_widths=(16, 16),
    context_blocks=(1, 1),
)


def tiny_arrays(seed: int) -> dict[str, np.ndarray]:
    """Random weights whose latents have a spread of about ten steps."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, spec in Lite(TINY).specs().items():
        fan = max(1, int(np.prod(spec.shape[1:])))
        arrays[name] = (rng.standard_normal(spec.shape) * (0.2 if len(spec.shape) == 1 else 0.5 / np.sqrt(fan))).astype(
            "f4"
        )
    arrays["log_up.rows"] += np.linspace(1, 3, 5, dtype="f4")[:, None]
    arrays["log_down.rows"] -= np.linspace(1, 3, 5, dtype="f4")[:, None]
    return arrays


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models `tiny` and `other`."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("tiny", "other")):
        export_model(folder / f"{name}.safetensors", name, TINY, tiny_arrays(seed))
    return folder


@pytest.fixture(autouse=True)
def installed(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store finds the tiny models."""
    monkeypatch.setenv("HPCM_MODELS", str(models))


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Smooth colours with a little noise, uint8 (H, W, C)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [128 + 90 * np.sin(x / (5 + c) + c) * np.cos(y / (7 + c)) for c in range(channels)]
    return (np.stack(planes, -1) + rng.normal(0, 4, (height, width, channels))).clip(0, 255).astype(np.uint8)
