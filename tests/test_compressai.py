"""CompressAI's registry, zoo and evaluation tool on our presets; `make test-compressai` installs what it needs."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import hpcmcodec
from hpcmcodec.formats import container
from hpcmcodec.formats.payloads import pack_tile
from hpcmcodec.models.presets import PRESETS

pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # CompressAI imports libraries that warn
    pytest.importorskip("compressai")
    import torch
    from compressai.losses import RateDistortionLoss
    from compressai.models import CompressionModel
    from compressai.optimizers import net_aux_optimizer
    from compressai.registry import MODELS
    from compressai.utils.eval_model.__main__ import main as evaluate
    from compressai.zoo import image_models

    from hpcmcodec.compressai_plugin import HpcmModel
    from hpcmcodec.models.lite import LiteConfig

pytestmark = pytest.mark.filterwarnings("default")
TINY = LiteConfig(16, 8, (8, 16, 16), (1, 1, 1), (16, 16), (1, 1))


def photo(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    waves = np.stack([rows * 2 % 256, columns * 3 % 256, (rows + columns) % 256], 2)
    return (waves // 2 + np.random.default_rng(0).integers(0, 128, waves.shape)).astype(np.uint8)


def tensor(pixels: np.ndarray) -> Any:
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


def test_registry_and_zoo_have_every_preset() -> None:
    for name in PRESETS:
        assert issubclass(MODELS[f"hpcm-{name}"], CompressionModel) and f"hpcm-{name}" in image_models


def test_compress_gives_the_payload_of_a_file_and_decompress_its_pixels() -> None:
    pixels = photo(100, 130)
    model = image_models["hpcm-lite"](quality=40, pretrained=True).eval()
    coded = model.compress(tensor(pixels))
    data = hpcmcodec.encode(pixels, quality=40)
    file = container.read(data)
    assert coded["strings"] == [[pack_tile(file.header, 0, file.tile(0))]]
    decoded = model.decompress(coded["strings"], coded["shape"])["x_hat"]
    assert np.array_equal((decoded * 255).round().byte()[0].permute(1, 2, 0).numpy(), hpcmcodec.decode(data))
    with torch.no_grad():
        found = model(tensor(pixels))
    estimate = sum(-part.log2().sum().item() / 8 for part in found["likelihoods"].values())
    assert found["x_hat"].shape == (1, 3, 100, 130)
    assert len(coded["strings"][0][0]) == pytest.approx(estimate, rel=0.05)


def test_training_steps_and_what_they_made_goes_on_in_hpcm(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, pixels = HpcmModel(TINY, quality=60), photo(64, 64)
    model.compress(tensor(pixels))
    settings = {"type": "Adam", "lr": 1e-3}
    optimizers, criterion = net_aux_optimizer(model, {"net": settings, "aux": settings}), RateDistortionLoss(0.01)
    losses = []
    for _ in range(8):
        optimizers["net"].zero_grad()
        loss = criterion(model(tensor(pixels)), tensor(pixels))["loss"]
        loss.backward()
        model.aux_loss().backward()
        for optimizer in optimizers.values():
            optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert model.update(force=True) and not model.update(force=True) and not model.update()
    again = HpcmModel(TINY)
    again.load_state_dict(model.state_dict())
    model.export(tmp_path / "mine.safetensors")
    file = container.read(hpcmcodec.encode(pixels, quality=60, model=tmp_path / "mine.safetensors"))
    payload = [[pack_tile(file.header, 0, file.tile(0))]]
    assert model.compress(tensor(pixels))["strings"] == payload == again.compress(tensor(pixels))["strings"]


def test_evaluation_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photos").mkdir()
    Image.fromarray(photo(192, 192)).save(tmp_path / "photos/a.png")
    evaluate(["pretrained", str(tmp_path / "photos"), "-a", "hpcm-lite", "-q", "20,80"])
    results = json.loads(capsys.readouterr().out)["results"]
    assert results["bpp"][0] < results["bpp"][1] and results["psnr-rgb"][0] < results["psnr-rgb"][1]
    checkpoint = tmp_path / "checkpoint.pth.tar"
    torch.save({"state_dict": image_models["hpcm-lite"](quality=20, pretrained=True).state_dict()}, checkpoint)
    evaluate(["checkpoint", str(tmp_path / "photos"), "-a", "hpcm-lite", "-p", str(checkpoint)])
    assert json.loads(capsys.readouterr().out)["results"]["bpp"][0] == pytest.approx(results["bpp"][0])
