"""The closed-form start, and training from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.models.lite import Lite  # noqa: E402
from hpcmcodec.models.presets import PRESETS  # noqa: E402
from hpcmcodec.train import checkpoint  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.context_fit import neighbour_weights  # noqa: E402
from hpcmcodec.train.data import Crops, load_pictures  # noqa: E402
from hpcmcodec.train.evaluate import evaluate  # noqa: E402
from hpcmcodec.train.initial import Start  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402
from hpcmcodec.train.start import channel_ranks, from_statistics, lapped_matrix  # noqa: E402
from tests.codec.conftest import TINY  # noqa: E402

from .conftest import mean  # noqa: E402


@pytest.fixture(scope="module")
def start(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Start, np.ndarray]:
    """A start from 48 crops, and other crops."""
    crops = Crops(load_pictures(photos, tmp_path_factory.mktemp("cache")), 64, 0.25, 0)
    return from_statistics(TINY, crops.batch(0, 48), 0, torch.device("cpu")), crops.batch(1, 8)


def network_of(arrays: dict[str, np.ndarray]) -> Lite:
    """A network with these weights."""
    network = Lite(TINY)
    network.load({name: torch.from_numpy(array) for name, array in arrays.items()})
    return network


def test_lapped_filter_is_orthogonal_and_keeps_constants() -> None:
    p = lapped_matrix()
    torch.testing.assert_close(p @ p.t(), torch.eye(16), rtol=0, atol=1e-6)
    torch.testing.assert_close(p.sum(1), torch.ones(16), rtol=0, atol=1e-6)
    assert (p - torch.eye(16)).abs().max() > 0.1


def test_every_component_has_its_channel() -> None:
    ranks = channel_ranks(320)
    assert sorted(ranks.tolist()) == list(range(320))
    halves = ranks.reshape(2, 160).float().mean(1)
    assert (halves[0] - halves[1]).abs() <= 4  # both halves hold strong and weak components


def test_linear_path_decorrelates(start: tuple[Start, np.ndarray]) -> None:
    arrays = start[0].arrays
    ana, syn = arrays["linear.ana"][:, :, 0, 0], arrays["linear.syn"][:, :, 0, 0]
    np.testing.assert_allclose(ana @ syn, np.eye(16), atol=1e-4)
    np.testing.assert_array_equal(arrays["log_up.rows"], -arrays["log_down.rows"])
    assert (np.diff(arrays["log_up.rows"], axis=0) > 0).all()  # finer steps at higher qualities
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_start_is_a_codec_and_its_context_saves_bits(start: tuple[Start, np.ndarray]) -> None:
    found, crops = start[0].arrays, torch.from_numpy(start[1])
    points = evaluate(network_of(found), crops, rdo=0.7)
    rates, quality = [p.bpp for p in points], [p.psnr for p in points]
    assert rates == sorted(rates) and quality == sorted(quality) and quality[-1] > 22
    fitted = {name: "heads" in name or "direct" in name for name in found}
    plain = {name: np.zeros_like(array) if fitted[name] else array for name, array in found.items()}
    without = evaluate(network_of(plain), crops, rdo=0.7)
    assert mean(p.yardstick for p in points) < 0.97 * mean(p.yardstick for p in without)


def test_neighbour_weights_find_a_known_filter() -> None:
    generator = torch.Generator().manual_seed(0)
    slots = [torch.randn(8, 2, 6, 6, generator=generator) for _ in range(2)]
    kernel = torch.randn(4, 1, 3, 3, generator=generator)
    target = sum(
        torch.nn.functional.conv2d(slot, kernel[2 * k : 2 * k + 2], padding=1, groups=2) for k, slot in enumerate(slots)
    )
    found = neighbour_weights(slots, target, torch.ones(8, 2))
    torch.testing.assert_close(found, kernel, rtol=0.1, atol=0.1)


def test_training_from_statistics(settings: dict[str, Any], photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PRESETS, "lite", TINY)
    monkeypatch.setattr("hpcmcodec.train.validation.SIZE", 64)
    shown: list[dict[str, Any]] = []
    more = {
        "init": None,
        "start_crops": 48,
        "steps": 20,
        "valid": photos,
        "valid_count": 4,
        "valid_coded": 0,
        "lr": 2e-3,
    }
    train(RunConfig(**{**settings, **more}), lambda line: shown.append(json.loads(line)))
    before, after = (line["valid"]["yardstick"] for line in shown if "valid" in line)
    assert after < before
    assert checkpoint.load(settings["out"])["about"]["start"] == {"statistics": {"crops": 48, "size": 64}}
