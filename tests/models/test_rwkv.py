"""RWKV parts: the recorded blocks, every phase on both backends and in files, and one test per defect of the published
code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import variant_kit as kit

from hpcmcodec import errors, kernels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.inspect import info
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.config import from_dict, to_dict
from hpcmcodec.models.hpcm import Hpcm
from hpcmcodec.models.presets import BASE, PRESETS, RWKV
from hpcmcodec.models.registry import build
from hpcmcodec.models.rwkv.blocks import Block, ChannelMix, OmniShift, SpatialMix, merge
from hpcmcodec.models.rwkv.config import RwkvConfig
from hpcmcodec.models.rwkv.export import merged
from hpcmcodec.models.rwkv.parts import ContextCell, FusionNet
from tests.codec.conftest import picture as pixels
from tests.codec.test_hpcm_family import LEGACY

GOLDEN = np.load(Path(__file__).parents[1] / "data/rwkv/blocks.npz")
COSTS = {
    "rwkv-p1": (73469147, 1006.86),
    "rwkv-p2": (80939243, 1019.52),
    "rwkv-p3": (91688699, 1045.68),
    "rwkv-p4": (158543163, 2101.64),
}
SMALL = RwkvConfig(
    cell_rates=(1, 2, 2), fusion_rate=1, prior_rate=1, coarse_prior_blocks=(1, 1), fine_prior_blocks=(1, 1)
)
CONFIGS = {
    "p2": replace(LEGACY, rwkv=replace(SMALL, phase=2)),
    "p4": replace(
        LEGACY,
        context=replace(LEGACY.context, hyper_placement="aligned"),
        rwkv=replace(SMALL, phase=4, windows=(4, 4, 8)),
    ),
    "cross": replace(LEGACY, rwkv=replace(SMALL, phase=1, scan="cross")),
}


folder, installed = kit.installed_models(CONFIGS)


# ------------------------------------------------------------------------------------------ every preset
@pytest.mark.parametrize("name", COSTS)
def test_costs(name: str) -> None:
    kit.check_cost(PRESETS[name], *COSTS[name])


def test_parameters_are_those_of_base_but_for_what_is_replaced() -> None:
    assert RWKV.keys() == COSTS.keys()
    base = set(Hpcm(BASE).specs())
    replaced = [
        ("attn_s3.",),
        ("attn_s1.", "attn_s2."),
        ("context_net.",),
        ("y_spatial_prior_s1_s2.", "y_spatial_prior_s3."),
    ]
    gone: tuple[str, ...] = ()
    for config, more in zip(RWKV.values(), replaced, strict=True):
        gone += more
        names = set(Hpcm(config).specs())
        assert {name for name in base if not name.startswith(gone)} == {n for n in names if not n.startswith(gone)}
        assert sum(name.startswith("adaptive_params_list.") for name in names) == 10
        assert not any(name.endswith(".kernel") for name in names)
        coded = set(Hpcm(kit.exported(config)).specs())
        assert sum(".omni_shift." in name for name in names) == 4 * sum(n.endswith("omni_shift.kernel") for n in coded)


@pytest.mark.parametrize("name", CONFIGS)
def test_files_are_exact_at_every_level(name: str) -> None:
    data = kit.check_exact(name, Picture(pixels(*((70, 90) if name == "p4" else (40, 50))), None))
    assert info(data).model == name


@pytest.mark.parametrize("name", CONFIGS)
def test_backends_agree(name: str) -> None:
    kit.check_backends_agree(kit.exported(CONFIGS[name]))


@pytest.mark.parametrize("name", ["p4", "cross"])
def test_a_step_of_training_reaches_every_parameter(name: str) -> None:
    config = CONFIGS[name]
    dead = kit.dead_after_a_step(config, kit.formula_weights(build(config)), 256)
    assert dead == set()


def test_models_hold_merged_kernels_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, arrays = CONFIGS["p2"], kit.formula_weights(build(CONFIGS["p2"]))
    coded, tensors = merged(config, arrays)
    assert merged(coded, tensors) == (coded, tensors)
    monkeypatch.setattr("hpcmcodec.models.export.merged", lambda *form: form)
    with pytest.raises(TypeError, match="a program cannot index"):
        kit.install(tmp_path, "branches", config, arrays)


@pytest.mark.parametrize(
    "change", [{"cell_rates": (0, 1, 1)}, {"windows": (4, 8, 12)}, {"fusion_blocks": 65}, {"gamma": float("nan")}]
)
def test_impossible_configurations(change: dict[str, Any]) -> None:
    with pytest.raises(errors.ModelFileError, match="rwkv"):
        RwkvConfig(**change)


def test_configurations_survive_json() -> None:
    for config in (*CONFIGS.values(), *RWKV.values()):
        assert from_dict(type(config), to_dict(config)) == config
    with pytest.raises(errors.ModelFileError, match="window fusion"):
        replace(BASE, context=replace(BASE.context, fusion="none"), rwkv=RwkvConfig())


# ------------------------------------------------------------------------------------------ recorded blocks
def loaded(module: Any, group: str, names: dict[str, str]) -> Any:
    """A module on torch in float64 with recorded weights; `names`: from a parameter to its recorded name."""
    torch = pytest.importorskip("torch")
    arrays = {}
    for name, spec in module.specs().items():
        owner, shift, last = name.rpartition("omni_shift.")
        branch = {"alpha": "alpha", "conv1x1.weight": "k1", "conv3x3.weight": "k3", "conv5x5.weight": "k5"}.get(last)
        key = f"{names[owner + shift[:-1]]}.{branch}" if shift else names[name]
        arrays[name] = torch.from_numpy(GOLDEN[f"{group}.{key}"].reshape(spec.shape))
    module.load(arrays)
    return module


def planes(name: str) -> Any:
    """Recorded maps, or tokens of a 5 x 7 grid as maps."""
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(GOLDEN[name])
    return x if x.ndim == 4 else x.transpose(1, 2).reshape(x.shape[0], -1, 5, 7)


def legacy(module: SpatialMix) -> None:
    """The published rule: one sequence, decay and bonus over its length (35 positions)."""
    module.decay, module.boost = module.decay / 35 * 64**2, module.boost / 35


PROJECTIONS = {"key": "Wk", "value": "Wv", "receptance": "Wr", "output": "Wo"}


def test_recorded_shift() -> None:
    torch = pytest.importorskip("torch")
    shift = OmniShift(6, False)
    branches = {
        f"conv{side}x{side}.weight": GOLDEN[f"omni.k{side}"][:, None].reshape(6, 1, side, side) for side in (1, 3, 5)
    }
    shift.load({name: torch.from_numpy(a) for name, a in ({"alpha": GOLDEN["omni.alpha"]} | branches).items()})
    np.testing.assert_allclose(shift(planes("omni.x")).numpy(), GOLDEN["omni.y_train"], rtol=0, atol=1e-12)
    kernel = merge(GOLDEN["omni.alpha"], *branches.values())
    assert (kernel[:, 0] == GOLDEN["omni.merged"].astype(np.float32)).all()


def test_recorded_mixes() -> None:
    names = {f"{ours}.weight": theirs for ours, theirs in PROJECTIONS.items()}
    spatial = SpatialMix(6, RwkvConfig())
    loaded(spatial, "smix", {**names, "decay": "decay", "boost": "boost", "omni_shift": "omni"})
    legacy(spatial)
    expected = planes("smix.y").numpy()
    np.testing.assert_allclose(spatial(planes("smix.x"), 64).numpy(), expected, rtol=0, atol=1e-10)
    channel = loaded(ChannelMix(6, 3, RwkvConfig()), "cmix", {**names, "omni_shift": "omni"})
    np.testing.assert_allclose(channel(planes("cmix.x")).numpy(), planes("cmix.y").numpy(), rtol=0, atol=1e-10)


def block_names(separator: str) -> dict[str, str]:
    names = {"gamma1": "gamma1", "gamma2": "gamma2"}
    for ours, theirs in (("spatial_mix", "att"), ("channel_mix", "ffn")):
        names |= {f"{ours}.{p}.weight": f"{theirs}{separator}{w}" for p, w in PROJECTIONS.items()}
        names[f"{ours}.omni_shift"] = f"{theirs}.omni"
    names |= {f"spatial_mix.{name}": name for name in ("decay", "boost")}
    return names | {
        f"ln{i}.{kind}": f"ln{i}_{kind[0] if kind == 'bias' else 'g'}" for i in (1, 2) for kind in ("weight", "bias")
    }


def test_recorded_block() -> None:
    block = loaded(Block(6, 2, RwkvConfig()), "block", block_names("_"))
    legacy(block.spatial_mix)
    np.testing.assert_allclose(block(planes("block.x"), 64).numpy(), GOLDEN["block.y"], rtol=0, atol=1e-10)


def test_recorded_cell() -> None:
    """Windows of 4 x 4 on a grid of 6 x 10: three quarters of them are clipped."""
    names = block_names(".")
    names |= {
        "input_proj.weight": "Win",
        "input_proj.bias": "bin",
        "output_proj.weight": "Wout",
        "output_proj.bias": "bout",
    }
    cell = loaded(ContextCell(8, 2, 4, RwkvConfig()), "cell", names)
    np.testing.assert_allclose(cell(planes("cell.x"), planes("cell.h")).numpy(), GOLDEN["cell.y"], rtol=0, atol=1e-10)


# ------------------------------------------------------------------------------------------ what must hold
def test_a_new_block_is_the_identity() -> None:
    net = FusionNet(8, 4, RwkvConfig())
    arrays = net.initial(1)
    net.load(arrays)
    x = np.random.default_rng(2).normal(size=(1, 8, 6, 10)).astype(np.float32)
    assert (net.blocks[0](x) == x).all()
    assert (net(x) == net.out_proj(x)).all()  # base's context_net


def test_merged_and_trained_forms_agree() -> None:
    """Also after other weights were loaded into the same network: nothing is kept from before."""
    config = CONFIGS["p2"]
    trained, coded = build(config), build(kit.exported(config))
    for gain in (0.5, 1.0):
        arrays = kit.formula_weights(trained, gain)
        trained.load(arrays)
        coded.load(merged(config, arrays)[1])
        first, second = (net.context.attn_s3 for net in (trained, coded))
        width = first.input_proj.weight.shape[0]
        x, h = np.random.default_rng(3).normal(size=(2, 1, width, 8, 12)).astype(np.float32)
        np.testing.assert_allclose(first(x, h), second(x, h), rtol=0, atol=1e-4)


def centred(scan: Any) -> tuple[SpatialMix, dict[str, np.ndarray]]:
    """A token mixing whose neighbourhood sees only the centre, so that keys and values depend on the place alone."""
    mix = SpatialMix(8, RwkvConfig(scan=scan, merged=True))
    arrays = mix.initial(4)
    arrays["omni_shift.kernel"][...] = 0
    arrays["omni_shift.kernel"][:, :, 2, 2] = 1
    arrays["boost"] = np.linspace(-1, 1, 8, dtype=np.float32)
    return mix, arrays


MAP = np.random.default_rng(5).normal(size=(1, 8, 48, 40)).astype(np.float32)
CROP = np.s_[:, :, 16:32, 16:32]


def test_a_crop_behaves_as_the_large_map() -> None:
    """Decay and bonus are constants of the model: an aligned window has the same bits alone and in a large map."""
    mix, arrays = centred("window")
    mix.load(arrays)
    assert (mix(np.ascontiguousarray(MAP[CROP]), 16) == mix(MAP, 16)[CROP]).all()


def test_rows_and_columns_decay_alike_in_crop_and_map() -> None:
    """Where the decay leaves only the next tokens, the inner part of a crop does not notice its shorter rows."""
    mix, arrays = centred("cross")
    arrays["decay"][...] = 1000
    mix.load(arrays)
    alone, inside = mix(np.ascontiguousarray(MAP[CROP]), 16), mix(MAP, 16)[CROP]
    inner = np.s_[:, :, 1:-1, 1:-1]
    np.testing.assert_allclose(alone[inner], inside[inner], rtol=0, atol=1e-6)
    assert np.abs(alone - inside).max() > 1e-2  # the border does


def test_boost_learns() -> None:
    """At 256 tokens the bonus has a gradient of the size of the decay per token's, to a factor of 100. By the published
    rule, bonus over number of tokens, it would be smaller by another 256."""
    torch = pytest.importorskip("torch")
    mix = SpatialMix(8, RwkvConfig())
    tensors = {name: torch.from_numpy(a).requires_grad_() for name, a in mix.initial(6).items()}
    mix.load(tensors)
    x = torch.from_numpy(np.random.default_rng(7).normal(size=(2, 8, 16, 16)).astype(np.float32))
    mix(x, 16).square().sum().backward()
    boost, decay = tensors["boost"].grad.abs().mean(), tensors["decay"].grad.abs().mean() * 256
    assert 0.01 < float(boost / decay) < 100


def test_the_scan_is_linear() -> None:
    """In the tokens of one sequence, where the quadratic form would show."""
    rng = np.random.default_rng(8)
    decay, boost = np.full(16, 0.1, np.float32), np.zeros(16, np.float32)

    def tokens(count: int) -> list[np.ndarray]:
        return [rng.normal(size=(1, count, 16)).astype(np.float32) for _ in range(2)]

    kit.check_linear(lambda pair: kernels.wkv(decay, boost, *pair), tokens(1024), tokens(4096))


def test_no_cell_runs_after_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = ContextCell.__call__
    monkeypatch.setattr(ContextCell, "__call__", lambda self, *a: calls.append(self) or original(self, *a))
    network = build(kit.exported(CONFIGS["p2"]))
    network.load(kit.formula_weights(network))
    latent = np.zeros((1, network.latent_channels, 8, 8), np.float32)
    kit.predictions(network, np.ascontiguousarray, latent, np.zeros((1, network.hyper_channels, 2, 2), np.float32))
    assert len(calls) == 1 + 3 + 5


# ------------------------------------------------------------------------------------------ full size
@pytest.mark.slow
@pytest.mark.parametrize("name", RWKV)
def test_full_size_files_are_exact(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formula weights, a small picture, the best level: decoding checks the latents bit for bit."""
    kit.install(tmp_path, name, RWKV[name])
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    data = Encoder(name).encode(Picture(pixels(60, 100), None))
    assert Decoder().decode(data).pixels.shape == (60, 100, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", RWKV)
def test_a_step_of_training_at_full_size(name: str) -> None:
    """From the weights that training starts with: at full size the formula's grow beyond float32."""
    assert kit.dead_after_a_step(RWKV[name], build(RWKV[name]).initial(1), 256) == set()
