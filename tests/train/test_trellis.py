"""Training with a trellis: what it quantises is what files hold, and gradients reach what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from hpcmcodec.codec.calibrate import calibrate  # noqa: E402
from hpcmcodec.codec.model import TRELLIS_STRENGTH  # noqa: E402
from hpcmcodec.errors import UsageError  # noqa: E402
from hpcmcodec.formats import model_file  # noqa: E402
from hpcmcodec.formats.picture import Picture  # noqa: E402
from hpcmcodec.models.export import export_model  # noqa: E402
from hpcmcodec.models.lite import Lite, LiteConfig  # noqa: E402
from hpcmcodec.train.about import describe  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.data import load_pictures  # noqa: E402
from hpcmcodec.train.trellis import Trellis  # noqa: E402

TINY = LiteConfig(16, 8, (8, 16, 16), (1, 1, 1), (16, 16), (1, 1))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small model, and the same with a trellis."""
    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    arrays = {}
    for name, spec in Lite(TINY).specs().items():
        spread = 0.2 if len(spec.shape) == 1 else 0.5 / np.sqrt(max(1, np.prod(spec.shape[1:])))
        arrays[name] = (spread * rng.standard_normal(spec.shape)).astype(np.float32)
    plain, fine = folder / "plain.safetensors", folder / "fine.safetensors"
    export_model(plain, "plain", TINY, arrays)
    picture = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(12, 0).repeat(12, 1)
    calibrate(plain, [Picture(np.ascontiguousarray(picture))], fine, "fine")
    return plain, fine


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    latent, mean = (2 * torch.randn(2, 6, 5, 7, generator=generator) for _ in range(2))
    log_scale = torch.randn(2, 6, 5, 7, generator=generator) - 0.5
    return latent.requires_grad_(), mean.requires_grad_(), log_scale.requires_grad_()


def test_values_and_bits_are_the_encoders(models: tuple[Path, Path]) -> None:
    file = model_file.read(models[1])
    trellis = Trellis.of(file)
    latent, mean, log_scale = batch(1)
    with torch.no_grad():  # on the scales of rows, where nothing is interpolated
        log_scale.copy_(
            trellis._scales[torch.randint(0, 80, log_scale.shape, generator=torch.Generator().manual_seed(3))]
        )
        value, bits = trellis(latent, mean, log_scale, None)
    for n in range(2):
        rows = np.searchsorted(file.y_thresholds, log_scale[n].detach().numpy()).astype(np.uint16)
        coded = trellis._coder.quantise((latent - mean)[n].detach().numpy(), rows, TRELLIS_STRENGTH)
        np.testing.assert_allclose(value[n].detach(), coded.values + mean[n].detach().numpy(), rtol=0, atol=1e-6)
        np.testing.assert_allclose(bits[n], trellis._coder.bits(coded.symbols, coded.rows), rtol=1e-4, atol=1e-5)


def test_gradients(models: tuple[Path, Path]) -> None:
    trellis = Trellis.of(model_file.read(models[1]))
    latent, mean, log_scale = batch(2)
    value, bits = trellis(latent, mean, log_scale, lambda like: torch.zeros_like(like))
    value.sum().backward(retain_graph=True)
    assert torch.equal(latent.grad, torch.ones_like(latent)) and mean.grad is None and log_scale.grad is None
    latent.grad = None
    bits.sum().backward()
    assert all(torch.isfinite(t.grad).all() for t in (latent, mean, log_scale))
    away = (latent - mean).detach()
    assert (latent.grad * away >= 0).float().mean() > 0.95  # towards the mean is cheaper
    assert (mean.grad * away).mean() < 0
    # the slope by the log-scale is that of the bits, over so much that another path counts little
    with torch.no_grad():
        above = trellis(latent, mean, log_scale + 0.1, None)[1] - trellis(latent, mean, log_scale - 0.1, None)[1]
    slope = above.sum() / 0.2
    assert abs(log_scale.grad.sum() - slope) < 0.3 * abs(slope) + 0.05 * len(bits.flatten())


def test_a_model_without_a_trellis_is_refused(models: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="hpcm models calibrate"):
        Trellis.of(model_file.read(models[0]))


def test_a_run_does_not_tell_where_its_trellis_lay(models: tuple[Path, Path], tmp_path: Path) -> None:
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "a.png")
    config = RunConfig(data=tmp_path, out=tmp_path / "run", trellis=str(models[1]), patch_size=64, steps=1)
    about = describe(config, load_pictures(tmp_path, tmp_path / "run"))
    assert about["settings"]["trellis"] == "fine.safetensors"
