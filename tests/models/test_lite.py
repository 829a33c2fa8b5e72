"""lite: slots, schedule, and the identity of encoder and decoder on torch."""

from __future__ import annotations

import numpy as np
import pytest

from hpcmcodec.models.lite import Lite, LiteConfig
from hpcmcodec.models.lite.slots import BANDS, POSITIONS, Slots

SMALL = LiteConfig(
    latent_channels=16,
    hyper_channels=8,
    widths=(8, 16, 16),
    blocks=(1, 1, 1),
    context_widths=(16, 16),
    context_blocks=(1, 1),
)


def random_weights(network: Lite, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights under which every path matters: small random numbers everywhere, also where training starts at zero."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for name, spec in network.specs().items():
        fan = max(1, int(np.prod(spec.shape[1:])))
        gain = 0.3 if len(spec.shape) == 1 else 0.5 / np.sqrt(fan)
        arrays[name] = (rng.standard_normal(spec.shape) * gain).astype(np.float32)
    return arrays


@pytest.mark.parametrize("kind", [POSITIONS, BANDS])
def test_slots_round_trip(kind: Slots) -> None:
    y = np.arange(16 * 6 * 8, dtype=np.float32).reshape(1, 16, 6, 8)
    slots = kind.apart(y)
    assert [s.shape for s in slots] == [(1, 16, 3, 4)] * 4
    np.testing.assert_array_equal(kind.together(slots), y)


def test_bands_are_orthonormal_and_the_low_one_comes_first() -> None:
    y = np.random.default_rng(0).standard_normal((1, 16, 6, 8)).astype(np.float32)
    low, *high = BANDS.apart(y)
    np.testing.assert_allclose(sum((slot**2).sum() for slot in (low, *high)), (y**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(low, 2 * y.reshape(1, 16, 3, 2, 4, 2).mean((3, 5)), rtol=1e-4, atol=1e-5)
    for slot in BANDS.apart(np.ones_like(y))[1:]:
        assert not slot.any()


def test_every_slot_holds_each_phase_equally_often() -> None:
    phase = np.broadcast_to((np.arange(4).reshape(2, 2) + np.zeros((4, 4)).reshape(2, 2, 2, 2).sum((0, 2))), (2, 2))
    y = np.tile(phase, (1, 16, 2, 2)).astype(np.float32)
    for slot in POSITIONS.apart(y):
        assert np.bincount(slot[0, :, 0, 0].astype(int)).tolist() == [4, 4, 4, 4]


def test_steps_partition_the_latent() -> None:
    network = Lite(SMALL)
    pick = network.pick(np.arange(16 * 8 * 12, dtype=np.float32).reshape(1, 16, 8, 12))
    seen = np.concatenate([pick(step).ravel() for step in network.schedule])
    assert np.array_equal(np.sort(seen), np.arange(16 * 8 * 12))
    counts = [pick(step).size * 32 // (16 * 8 * 12) for step in network.schedule]
    assert counts == [1, 1, 2, 2, 2, 4, 4, 4, 4, 4, 4]
    assert [step.scale for step in network.schedule] == [1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3]


def test_anchor_weights_interpolate() -> None:
    network = Lite(SMALL)
    network.load(random_weights(network))
    torch = pytest.importorskip("torch")
    network.load({k: torch.tensor(v) for k, v in random_weights(network).items()})
    weights = network.condition(torch.tensor([0.0, 0.125, 1.0])).weights.numpy()
    np.testing.assert_array_equal(weights, [[1, 0, 0, 0, 0], [0.5, 0.5, 0, 0, 0], [0, 0, 0, 0, 1]])


@pytest.mark.parametrize("batch", [1, 2])
def test_decoder_sees_what_the_encoder_saw(batch: int) -> None:
    torch = pytest.importorskip("torch")
    network = Lite(SMALL)
    network.load({k: torch.tensor(v) for k, v in random_weights(network).items()})
    x = torch.rand(batch, 3, 128, 64, generator=torch.Generator().manual_seed(1))
    cond = network.condition(torch.linspace(0.2, 0.9, batch))
    y = network.analyse(x, cond)
    z = network.hyper_analyse(y, cond).round()
    pick, symbols = network.pick(y), []

    def encode(step, mean, scale):  # type: ignore[no-untyped-def]
        symbols.append((pick(step) - mean).round())
        return symbols[-1] + mean

    y_hat = network.traverse(z, cond, encode)
    replay = iter(symbols)
    again = network.traverse(z, cond, lambda step, mean, scale: next(replay) + mean)
    assert torch.equal(y_hat, again)
    assert (y_hat - y).abs().max() <= 0.5 + 1e-5
    assert sum(s.abs().sum() for s in symbols) > 0
    assert network.synthesise(y_hat, cond).shape == x.shape


def test_gradients_reach_every_trained_parameter() -> None:
    torch = pytest.importorskip("torch")
    from hpcmcodec.nn.torch_model import TorchModel

    network = Lite(SMALL)
    model = TorchModel(network, random_weights(network))
    cond = network.condition(torch.tensor([0.3, 0.7]))
    y = network.analyse(torch.rand(2, 3, 128, 64), cond)
    z = network.hyper_analyse(y, cond)
    pick, rate = network.pick(y), []

    def code(step, mean, scale):  # type: ignore[no-untyped-def]
        residual = pick(step) - mean
        rate.append((residual.abs() * (-scale).exp() + scale).mean())
        return residual + (residual.round() - residual).detach() + mean

    x_hat = network.synthesise(network.traverse(z, cond, code), cond)
    (x_hat.square().mean() + sum(rate) + network.z_scale(cond).mean() + z.abs().mean()).backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []
