"""Training with a trellis: what it quantises is what files hold, and its gradients descend what files cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from hpcmcodec.codec.calibrate import calibrate  # noqa: E402
from hpcmcodec.codec.model import RDO_STRENGTH, TRELLIS_STRENGTH  # noqa: E402
from hpcmcodec.entropy.tables import DISTORTION_WEIGHT  # noqa: E402
from hpcmcodec.errors import UsageError  # noqa: E402
from hpcmcodec.formats import model_file  # noqa: E402
from hpcmcodec.formats.picture import Picture  # noqa: E402
from hpcmcodec.models.export import export_model  # noqa: E402
from hpcmcodec.models.lite import Lite, LiteConfig  # noqa: E402
from hpcmcodec.train import expected  # noqa: E402
from hpcmcodec.train.about import describe  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.data import load_pictures  # noqa: E402
from hpcmcodec.train.rounding import Rounding  # noqa: E402
from hpcmcodec.train.trellis import Trellis  # noqa: E402

TINY = LiteConfig(16, 8, (8, 16, 16), (1, 1, 1), (16, 16), (1, 1))
CURVATURE = 13.0


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


@pytest.fixture(scope="module")
def trellis(models: tuple[Path, Path]) -> Trellis:
    return Trellis.of(model_file.read(models[1]))


def batch(
    seed: int, size: tuple[int, int, int] = (6, 5, 7)
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Latents, means, log-scales that fit them, qualities."""
    generator = torch.Generator().manual_seed(seed)
    shape = (2, *size)
    log_scale = 0.7 * torch.randn(shape, generator=generator) - 1
    uniform = torch.rand(shape, generator=generator).clamp(1e-5, 1 - 1e-5)
    mean = 2 * torch.randn(shape, generator=generator)
    latent = mean + log_scale.exp() * (uniform / (1 - uniform)).log()
    return latent.requires_grad_(), mean.requires_grad_(), log_scale.requires_grad_(), torch.full((2,), 0.5)


def cost(quantiser: expected.Quantiser, wanted: torch.Tensor, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Bits, and what it costs in bits that the decoded latents are not those that are wanted."""
    value, bits = quantiser(*batch)
    return CURVATURE / 2 * (value - wanted).square().sum() + bits.sum()


def test_values_and_bits_are_the_encoders(models: tuple[Path, Path], trellis: Trellis) -> None:
    file = model_file.read(models[1])
    latent, mean, log_scale, quality = batch(1)
    with torch.no_grad():  # on the scales of rows, where nothing is interpolated
        log_scale.copy_(
            trellis._scales[torch.randint(0, 80, log_scale.shape, generator=torch.Generator().manual_seed(3))]
        )
        value, bits = trellis(latent, mean, log_scale, quality)
    for n in range(2):
        rows = np.searchsorted(file.y_thresholds, log_scale[n].detach().numpy()).astype(np.uint16)
        coded = trellis._coder.quantise((latent - mean)[n].detach().numpy(), rows, TRELLIS_STRENGTH)
        np.testing.assert_allclose(value[n].detach(), coded.values + mean[n].detach().numpy(), rtol=0, atol=1e-6)
        np.testing.assert_allclose(bits[n], trellis._coder.bits(coded.symbols, coded.rows), rtol=1e-4, atol=1e-5)


def test_gradients_go_where_they_should(trellis: Trellis) -> None:
    latent, mean, log_scale, quality = batch(2)
    value, bits = trellis(latent, mean, log_scale, quality)
    value.sum().backward(retain_graph=True)
    torch.testing.assert_close(latent.grad + mean.grad, torch.ones_like(latent))  # together they move values as they go
    for leaf in (latent, mean, log_scale):
        leaf.grad = None
    bits.sum().backward()
    away = (latent - mean).detach()
    assert (latent.grad * away).sum() > 0  # towards the mean is cheaper
    torch.testing.assert_close(latent.grad, -mean.grad)
    assert torch.isfinite(log_scale.grad).all() and log_scale.grad.any()


@pytest.mark.parametrize("kind", ["trellis", "rounding"])
@pytest.mark.parametrize("shift", [0.0, 0.15])
def test_gradients_are_the_slopes_of_what_files_cost(
    trellis: Trellis, shift: float, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Along directions that say something of many latents alike, where noise averages out. No prediction follows."""
    monkeypatch.setattr(expected, "GAINED", 0.0)
    quantiser = trellis if kind == "trellis" else Rounding(RDO_STRENGTH)
    latent, mean, log_scale, quality = batch(4, (64, 48, 48))
    away = (latent - mean).detach()
    noise = 0.3 * torch.randn(latent.shape, generator=torch.Generator().manual_seed(5))
    wanted = (latent + noise + shift * away.sign()).detach()
    cost(quantiser, wanted, (latent, mean, log_scale, quality)).backward()
    near = away.clamp(-2, 2)
    steps = {"latent": (latent, near), "small": (latent, near * (away.abs() < 0.7)), "mean": (mean, near)}
    steps["far"] = latent, near * (away.abs() > 1)
    steps["scale"] = log_scale, torch.ones_like(near)
    steps["wide"], steps["narrow"] = ((log_scale, where.float()) for where in (log_scale > -0.5, log_scale < -1.2))
    for name, (leaf, way) in steps.items():
        told, ends = float((leaf.grad * way).sum()), []
        for sign in (1, -1):
            with torch.no_grad():
                leaf.add_(0.1 * sign * way)
                ends.append(float(cost(quantiser, wanted, (latent, mean, log_scale, quality))))
                leaf.sub_(0.1 * sign * way)
        true, size = (ends[0] - ends[1]) / 0.2, DISTORTION_WEIGHT * float(near.square().sum())
        assert abs(told - true) < 0.01 * size, name


def test_a_response_is_small_where_values_stay_and_one_far_away(trellis: Trellis) -> None:
    magnitude, row = torch.tensor([0.02, 0.1, 4.0, 100.0]), torch.tensor([5, 5, 50, 50])
    (value, square), by_scale = trellis.response(magnitude, row)
    for slope in (*by_scale, value, square):
        assert slope[:2].abs().max() < 0.01
    assert by_scale[0][3] == by_scale[1][3] == 0
    assert 0.5 < value[2] < 1.6 and value[3] == 1 and square[3] == 200


def test_a_model_without_a_trellis_is_refused(models: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="hpcm models calibrate"):
        Trellis.of(model_file.read(models[0]))


def test_a_run_does_not_tell_where_its_trellis_lay(models: tuple[Path, Path], tmp_path: Path) -> None:
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "a.png")
    config = RunConfig(data=tmp_path, out=tmp_path / "run", trellis=str(models[1]), patch_size=64, steps=1)
    about = describe(config, load_pictures(tmp_path, tmp_path / "run"))
    assert about["settings"]["trellis"] == "fine.safetensors"
