"""What every variant of a network must pass, on any configuration: counts, one training step, exactness, agreement."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcmcodec import kernels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.cost import cost, parameters
from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.registry import build
from tests.levels import every_way


def formula_weights(network: Any, gain: float = 1.0) -> dict[str, np.ndarray]:
    """Weights made from the parameters' names under which every path matters, also where training starts at zero."""
    arrays = part_weights(network, gain)
    if network.rate == "variable":
        arrays = {name: array * np.float32(0.5) for name, array in arrays.items()}
        arrays["log_up.rows"] += np.linspace(1, 3, 5, dtype="f4")[:, None]
        arrays["log_down.rows"] -= np.linspace(1, 3, 5, dtype="f4")[:, None]
    else:
        last = [name for name in arrays if name.startswith("g_a.branch.") and name.endswith(".weight")][-1]
        arrays[last] *= 10
    return arrays


def part_weights(part: Any, gain: float = 1.0) -> dict[str, np.ndarray]:
    """As `formula_weights`, of a module that is no whole network."""
    return {name: _formula(name, spec.shape, gain) for name, spec in part.specs().items()}


def _formula(name: str, shape: tuple[int, ...], gain: float) -> np.ndarray:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    fan = int(np.prod(shape[1:])) if len(shape) > 1 else 25
    return (rng.standard_normal(shape) * gain / np.sqrt(fan)).astype(np.float32)


def exported(config: Any) -> Any:
    """The form in which a trained network is coded with: RWKV parts with merged kernels."""
    rwkv = getattr(config, "rwkv", None)
    return replace(config, rwkv=replace(rwkv, merged=True)) if rwkv else config


def check_cost(config: Any, count: int, kmac_per_pixel: float) -> None:
    """The network's parameters, as trained, and its cost, as coded, are the stated ones."""
    pytest.importorskip("torch")
    assert parameters(build(config)) == count
    assert cost(build(exported(config))).total == pytest.approx(kmac_per_pixel, abs=0.05)


def check_linear(work: Callable[[Any], object], quarter: Any, whole: Any) -> None:
    """Work on four times as much takes at most 4.6 times as long: seconds of this thread alone, the best of several
    runs by turns, so that other processes count little. Anything quadratic would take 16 times as long."""
    best = {False: float("inf"), True: float("inf")}
    kernels.set_threads(1)
    for _ in range(20):
        for large, argument in ((False, quarter), (True, whole)):
            start = time.thread_time()
            work(argument)
            best[large] = min(best[large], time.thread_time() - start)
        if best[True] <= 4.6 * best[False]:
            return
    raise AssertionError(f"four times as much takes {best[True] / best[False]:.2f} times as long")


def torch_network(config: Any, arrays: dict[str, np.ndarray]) -> Any:
    """(network, torch model that holds its parameters)."""
    pytest.importorskip("torch")
    from hpcmcodec.nn.torch_model import TorchModel

    network = build(config)
    return network, TorchModel(network, arrays)


def loss_of(network: Any, side: int, batch: int = 2) -> Any:
    """A rate-like and a distortion-like number of random pictures, differentiable to every parameter."""
    import torch

    generator = torch.Generator().manual_seed(5)
    condition = network.condition(torch.linspace(0.2, 0.8, batch))
    y = network.analyse(torch.rand(batch, 3, side, side, generator=generator), condition)
    z = network.hyper_analyse(y, condition)
    pick, rate = network.pick(y), []

    def code(step: Any, mean: Any, scale: Any, delta: Any = 1.0) -> Any:
        residual = (pick(step) - mean) / delta
        spread = 1 + scale.square()  # not an exponential, which overflows where scales are far below zero
        rate.append((residual.square() / spread + spread.log()).mean())
        return delta * (residual + (residual.round() - residual).detach()) + mean

    x_hat = network.synthesise(network.traverse(z, condition, code), condition)
    return x_hat.square().mean() + sum(rate) + network.z_scale(condition).mean() + z.abs().mean()


def dead_after_a_step(config: Any, arrays: dict[str, np.ndarray], side: int) -> set[str]:
    """Parameters without a gradient after one optimiser step of a fresh network."""
    torch = pytest.importorskip("torch")

    network, model = torch_network(config, arrays)
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    for _ in range(2):
        optimizer.zero_grad()
        loss_of(network, side).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return {
        name.replace("/", ".")
        for name, p in model.named_parameters()
        if p.grad is None or not bool(p.grad.abs().sum() > 0)
    }


def install(folder: Path, name: str, config: Any, arrays: dict[str, np.ndarray] | None = None) -> None:
    """Write a model file."""
    network = build(config)
    distribution = "logistic" if network.rate == "variable" else "generalised_gaussian"
    path = folder / f"{name}.safetensors"
    export_model(path, name, config, arrays or formula_weights(network), distribution=distribution, storage=exact)


def installed_models(configs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Fixtures of a test module: the folder with a model of each configuration, and one for every test by which the
    models are found there. To be bound to two names of the module, which become theirs."""

    @pytest.fixture(scope="module")
    def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
        made = tmp_path_factory.mktemp("models")
        for name, config in configs.items():
            install(made, name, config)
        return made

    @pytest.fixture(autouse=True)
    def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HPCM_MODELS", str(folder))

    return folder, installed


def check_exact(name: str, source: Picture) -> bytes:
    """An installed model codes and decodes a picture to the same bits at every level and thread count. Returns the
    file. That it decodes means that the decoder's latents are the encoder's, bit for bit."""
    found = set()
    for _ in every_way(1, 3):
        data = Encoder(name).encode(source)
        found.add((data, Decoder().decode(data).pixels.tobytes()))
    assert len(found) == 1
    data, _ = found.pop()
    assert len(data) - container.read(data).overhead > 0
    return data


def predictions(network: Any, make: Callable[[np.ndarray], Any], latent: np.ndarray, z: np.ndarray) -> list[np.ndarray]:
    """Means and scales of every step when the symbols are those of a given latent (N, M, h, w)."""
    found: list[np.ndarray] = []
    pick = network.pick(make(latent))

    def code(step: Any, mean: Any, scale: Any, delta: Any = None) -> Any:
        found.extend(np.asarray(part).copy() for part in (mean, scale))
        return pick(step)

    network.traverse(make(z), network.condition(make(np.array([0.4], np.float32))), code)
    return found


def check_backends_agree(config: Any, rows: int = 16, columns: int = 16, tolerance: float = 1e-4) -> None:
    """Native kernels and torch predict the same from the same symbols, to a share of the predictions' spread."""
    torch = pytest.importorskip("torch")
    network = build(config)
    arrays, rng = formula_weights(network), np.random.default_rng(3)
    latent = np.rint(rng.normal(0, 3, (1, network.latent_channels, rows, columns))).astype(np.float32)
    z = np.rint(rng.normal(0, 2, (1, network.hyper_channels, rows // 4, columns // 4))).astype(np.float32)
    network.load(arrays)
    native = predictions(network, np.ascontiguousarray, latent, z)
    with torch.no_grad():
        network.load({name: torch.from_numpy(array) for name, array in arrays.items()})
        other = predictions(network, torch.from_numpy, latent, z)
    for ours, theirs in zip(native, other, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(1.0, float(np.abs(theirs).max())))
