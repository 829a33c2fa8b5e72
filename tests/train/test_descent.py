"""Small steps of training lower what files cost, on the very crops that they are taken on, for every part."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.models import store  # noqa: E402
from hpcmcodec.models.registry import build  # noqa: E402
from hpcmcodec.nn.torch_model import TorchModel  # noqa: E402
from hpcmcodec.train.initial import from_model  # noqa: E402
from hpcmcodec.train.loss import rate_distortion  # noqa: E402
from hpcmcodec.train.trellis import Trellis  # noqa: E402
from tests.codec.conftest import picture  # noqa: E402

PARTS = {"all": "", "analysis": r"^g_a\.|^log_up", "context": "^ctx_|^up_state", "synthesis": r"^g_s\.|^log_down"}


@pytest.fixture(scope="module")
def trellis() -> Trellis:
    """The default model's, whose response is measured once."""
    return Trellis.of(store.find(store.DEFAULT_MODEL))


def crops() -> torch.Tensor:
    """Two with edges, slopes and noise, (2, 3, 64, 64) in 0..1."""
    found = [picture(64, 64, seed=seed) for seed in range(2)]
    found[0][20:50, 10:40] = 240 - found[0][20:50, 10:40] // 2
    found[1] = np.clip(found[1].astype(int) // 3 + np.arange(64)[:, None, None] * 2, 0, 255).astype(np.uint8)
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize(
    "part", [part if part == "all" else pytest.param(part, marks=pytest.mark.slow) for part in PARTS]
)
def test_small_steps_lower_what_files_cost(part: str, trellis: Trellis) -> None:
    start = from_model(store.DEFAULT_MODEL)
    network: Any = build(start.config)
    model = TorchModel(network, start.arrays)
    x, quality = crops(), torch.tensor([0.8, 0.3])

    def cost() -> torch.Tensor:
        return rate_distortion(network, x, quality, rdo=0.7, quantiser=trellis).yardstick.mean()

    for name, parameter in model.named_parameters():
        parameter.requires_grad_(re.search(PARTS[part], name.replace("/", ".")) is not None)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-5, betas=(0.9, 0.98))
    with torch.no_grad():
        before = float(cost())
    for _ in range(50):
        optimizer.zero_grad()
        cost().backward()
        optimizer.step()
    with torch.no_grad():
        after = float(cost())
    assert after < before
