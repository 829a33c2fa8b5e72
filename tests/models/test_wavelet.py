"""The wavelet family: bands, order of coding, what each step may know, files."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import variant_kit as kit
from wavelet_configs import CONFIGS, GOLDEN, M, Walk, latents, network, small

from hpcmcodec import errors, kernels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.tiling import Tile
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store
from hpcmcodec.models.config import to_dict
from hpcmcodec.models.presets import LITE_WAVELET, PRESETS, WAVELET
from hpcmcodec.models.registry import config_from_dict
from hpcmcodec.models.wavelet import bands
from hpcmcodec.models.wavelet.hyper import BandHyper
from hpcmcodec.models.wavelet.schedule import Places, hpcm_labels
from hpcmcodec.nn import operations as ops
from tests.codec.conftest import picture as pixels
from tests.codec.eager import encode_latents

COSTS = {
    "wavelet-p1": (PRESETS["wavelet-p1"], 90466579, 927.19),
    "wavelet-p2": (PRESETS["wavelet-p2"], 96370967, 950.23),
    "wavelet-p2, full": (replace(WAVELET["wavelet-p2"], use_simple_weconv=False), 97048339, 1022.08),
    "wavelet-p3": (PRESETS["wavelet-p3"], 105306601, 945.14),
    "wavelet-p4": (PRESETS["wavelet-p4"], 110319481, 950.00),
    "wavelet-p4, fixed steps": (replace(WAVELET["wavelet-p4"], use_adaptive_quant=False), 109499001, 949.20),
    "wavelet-p5": (PRESETS["wavelet-p5"], 93125563, 635.34),
    "wavelet-p5, two groups": (replace(WAVELET["wavelet-p5"], checkerboard_groups=2), 93125563, 474.41),
    "wavelet-p5, eight groups": (replace(WAVELET["wavelet-p5"], checkerboard_groups=8), 93125563, 957.22),
    "wavelet-p5, light": (replace(WAVELET["wavelet-p5"], lightweight_context=True), 58943833, 435.89),
    "wavelet-p5, basic": (replace(WAVELET["wavelet-p5"], use_enhanced_context=False), 77771001, 544.55),
    "lite-wavelet-p1": (PRESETS["lite-wavelet-p1"], 5696359, 58.90),
    "lite-wavelet-p2": (PRESETS["lite-wavelet-p2"], 6066539, 60.34),
    "lite-wavelet-p3": (PRESETS["lite-wavelet-p3"], 6627505, 60.02),
    "lite-wavelet-p4": (PRESETS["lite-wavelet-p4"], 6944725, 60.35),
    "lite-wavelet-p5": (PRESETS["lite-wavelet-p5"], 5843047, 40.18),
}
"""The specification's counts; its kMAC/px less 6.72 for the attention of HPCM's last step in each band, never used."""
SHOWN = [
    ("p1", 0, "none"),
    ("p1-skip", 16, "skip_s3_for_hf"),
    ("p2", 64, "use_simple_weconv"),
    ("p2-full", 16, "skip_s3_for_hf"),
    ("p3", 64, "use_simple_weconv"),
    ("p4-fixed", 80, "skip_s3_for_hf, use_simple_weconv"),
    ("p5", 101, "checkerboard, use_enhanced_context, use_adaptive_quant, use_simple_weconv"),
]
SIZES = [(1, 1), (1, 2), (2, 1), (3, 5), (16, 16), (17, 18), (32, 48)]
PICTURES = [(1, 1), (15, 17), (16, 16), (33, 257)]
LARGE_PICTURES = [(271, 257), (256, 320), (512, 768), (768, 512)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of every small configuration."""
    folder = tmp_path_factory.mktemp("wavelet")
    for name, config in CONFIGS.items():
        kit.install(folder, name, config)
    return folder


@pytest.fixture(autouse=True)
def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCM_MODELS", str(folder))


# ------------------------------------------------------------------------------------------ every preset
@pytest.mark.parametrize("name", COSTS)
def test_costs(name: str) -> None:
    """(W18, W25)"""
    kit.check_cost(*COSTS[name])


def test_every_preset_has_a_cost_and_survives_json() -> None:
    assert WAVELET.keys() | LITE_WAVELET.keys() == {name.partition(",")[0] for name in COSTS}
    for config in (*WAVELET.values(), *LITE_WAVELET.values()):
        assert config_from_dict(to_dict(config)) == config


@pytest.mark.parametrize("name", CONFIGS)
def test_files_are_exact_at_every_level(name: str) -> None:
    kit.check_exact(name, Picture(pixels(70, 90), None))


@pytest.mark.parametrize("name", CONFIGS)
def test_backends_agree(name: str) -> None:
    kit.check_backends_agree(CONFIGS[name], 20, 12)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_training_reaches_every_parameter(name: str) -> None:
    """(W8, W11, W21, W24)"""
    assert kit.dead_after_a_step(CONFIGS[name], kit.formula_weights(network(name)), 128) == set()


# ------------------------------------------------------------------------------------------ bands
@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("name", ["even", "odd_h", "odd_both", "one"])
def test_bands_are_the_recorded_ones(name: str, backend: str) -> None:
    """(W-D2, W-D3)"""
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    x = GOLDEN[f"dwt_{name}_x"]
    found = bands.split(make(x))
    for band, (array, which) in enumerate(zip(found, ("ll", "lh", "hl", "hh"), strict=True)):
        assert np.array_equal(array, GOLDEN[f"dwt_{name}_{which}"])
        rows, columns = bands.defined(band, *x.shape[2:])
        valid = GOLDEN[f"valid_{name}_{which}"]
        assert valid[:rows, :columns].all() and valid.sum() == rows * columns
    assert np.array_equal(bands.join(found, *x.shape[2:]), x)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_integers_of_any_size_come_back_exactly(backend: str) -> None:
    """(W-D1, W-D2)"""
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    rng = np.random.default_rng(0)
    for rows, columns in product((1, 2, 3, 8, 13, 33), repeat=2):
        x = rng.integers(-(2**20), 2**20, (1, 3, rows, columns)).astype(np.float32)
        assert np.array_equal(bands.join(bands.split(make(x)), rows, columns), x)
    unit = np.zeros((1, 1, 2, 2), np.float32)
    unit[..., 1, 1] = 1
    assert np.asarray(ops.haar(make(unit))).ravel().tolist() == [0.5, -0.5, -0.5, 0.5]


@pytest.mark.parametrize(("rows", "columns"), [(4, 6), (3, 5), (1, 1), (2, 7)])
def test_gradients_of_the_bands(rows: int, columns: int) -> None:
    """(W-D2)"""
    torch = pytest.importorskip("torch")
    x = torch.randn(1, 2, rows, columns, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ops.haar, x)
    assert torch.autograd.gradcheck(lambda t: bands.join(bands.split(t), rows, columns), x)


# ------------------------------------------------------------------------------------------ hyper parameters
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_band_parameters_start_as_what_the_transform_makes(backend: str) -> None:
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    module = BandHyper(2)
    module.load({name: make(array) for name, array in module.initial().items()})
    spatial = np.concatenate([GOLDEN["bh_scale"], GOLDEN["bh_mean"]], 1).astype(np.float32)
    found = [np.asarray(part) for part in module(make(spatial))]
    np.testing.assert_allclose(np.concatenate([p[:, 2:] for p in found], 1), GOLDEN["bh_band_mean"], atol=1e-6)
    np.testing.assert_allclose(np.concatenate([p[:, :2] for p in found], 1), GOLDEN["bh_band_scale"], rtol=1e-6)


def test_a_constant_mean_is_the_low_bands_alone() -> None:
    """(W5)"""
    module = BandHyper(2)
    module.load(module.initial())
    low, *high = module(np.full((1, 4, 7, 6), 1.5, np.float32))
    assert (low[:, 2:] == 3).all() and all((part[:, 2:] == 0).all() for part in high)


@pytest.mark.parametrize("name", CONFIGS)
def test_bands_have_parameters_of_their_own(name: str) -> None:
    """(W5, W14)"""
    found = network(name).hyper_synthesise(latents(10, 7)[1], (10, 7))
    assert all(part.shape == (1, 2 * M, 5, 4) for part in found)
    assert all(not np.array_equal(found[i], found[j]) for i in range(4) for j in range(i))


# ------------------------------------------------------------------------------------------ order of coding
def test_labels_are_the_recorded_ones() -> None:
    """(W6)"""
    assert np.array_equal(hpcm_labels(), GOLDEN["hpcm_label"])
    for name, suffix in (("p1", ""), ("p1-skip", "_skip")):
        schedule = network(name).schedule
        places = network(name).places((10, 14))
        labels = np.full((8, 8, 8), -1)
        for step in schedule:
            if step.bands == bands.HIGH:
                labels.ravel()[places.of(step).indexes(*places.grid)[2]] = step.label
        assert np.array_equal(labels, GOLDEN[f"hpcm_label_5x7{suffix}"])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_every_coefficient_is_coded_once(name: str, size: tuple[int, int]) -> None:
    """(W6, W24)"""
    y, z = latents(*size)
    walk = Walk(network(name), y, z)
    assert sum(walk.counts.values()) == y.size and 0 not in walk.counts.values()
    assert np.array_equal(walk.decoded, y)
    pick = network(name).pick(np.arange(1, y.size + 1, dtype=np.float32).reshape(y.shape))
    assert sum(np.count_nonzero(pick(step) == 0) for step in network(name).schedule) <= y.size // 2


@pytest.mark.parametrize("name", CONFIGS)
def test_no_step_sees_what_is_not_decoded(name: str) -> None:
    """What a step codes changes later predictions only, and of the high bands only those of the same band; the low
    band changes those of all (W3, W4, W19)."""
    net = network(name)
    y, z = latents(10, 13)
    plain = Walk(net, y, z)
    places = net.places(y.shape[2:])
    for step in net.schedule[:-1]:
        for number, index in zip(step.bands, places.of(step).indexes(*places.grid), strict=True):
            changed = [band.copy() for band in bands.split(y)]
            rows, columns = changed[number].shape[2:]
            inside = np.ravel_multi_index(np.indices((M, rows, columns)), (M, *places.grid)).ravel()
            changed[number].reshape(-1)[np.isin(inside, index)] += 2
            other = Walk(net, bands.join(changed, *y.shape[2:]), z)
            same = plain.same(other)
            assert all(same[: step.index + 1]), step
            assert not all(same[step.index + 1 :]), step
            if step.bands == bands.HIGH:
                _check_other_bands(plain, other, net, places, number)
        if step.bands == bands.LOW and step.label in (0, 5):
            first_high = next(s.index for s in net.schedule if s.bands == bands.HIGH)
            assert not same[first_high]


def _check_other_bands(plain: Walk, other: Walk, net: Any, places: Places, number: int) -> None:
    for step in net.schedule:
        ends = np.cumsum([0, *(len(index) for index in places.of(step).indexes(*places.grid))])
        for band, start, end in zip(step.bands, ends, ends[1:], strict=False):
            if band != number:
                pairs = zip(plain.found[step.index], other.found[step.index], strict=True)
                assert all(np.array_equal(a[:, start:end], b[:, start:end]) for a, b in pairs)


def test_steps_are_as_many_as_stated() -> None:
    """(W6)"""
    counts = {
        name: [sum(s.bands == b for s in network(name).schedule) for b in (bands.LOW, bands.HIGH)] for name in CONFIGS
    }
    assert counts["p1"] == [11, 11] and counts["p1-skip"] == [11, 6]


@pytest.mark.parametrize("name", CONFIGS)
def test_batches_are_independent(name: str) -> None:
    """(W22)"""
    torch = pytest.importorskip("torch")
    net, _ = kit.torch_network(CONFIGS[name], kit.formula_weights(network(name)))
    parts = [[torch.from_numpy(t) for t in latents(10, 9, seed)] for seed in range(2)]
    y, z = (torch.cat(pair) for pair in zip(*parts, strict=True))
    with torch.no_grad():
        together = Walk(net, y, z)
        for i, (own_y, own_z) in enumerate(parts):
            alone = Walk(net, own_y, own_z)
            for k, pair in together.found.items():
                for ours, theirs in zip(pair, alone.found[k], strict=True):
                    torch.testing.assert_close(ours[i : i + 1], theirs, rtol=1e-4, atol=1e-4)


# ------------------------------------------------------------------------------------------ files
@pytest.mark.parametrize("size", PICTURES, ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_pictures_of_any_size_survive(name: str, size: tuple[int, int]) -> None:
    """A fresh decoder gets the encoder's latents from the bytes alone: their check value is in the file (W1, W2, W7,
    W9, W14, W19, W21, W26)."""
    source = pixels(*size)
    decoded = Decoder().decode(Encoder(name).encode(Picture(source, None)))
    assert decoded.pixels.shape == source.shape


@pytest.mark.slow
@pytest.mark.parametrize("size", LARGE_PICTURES, ids=str)
@pytest.mark.parametrize("name", CONFIGS)
def test_larger_pictures_survive(name: str, size: tuple[int, int]) -> None:
    """(W7)"""
    test_pictures_of_any_size_survive(name, size)


def test_tiles_are_coded_like_pictures() -> None:
    source = Picture(pixels(150, 170), None)
    data = Encoder("p1").encode(source, tile_size=64)
    assert Decoder().decode(data).pixels.shape == (150, 170, 3)
    part = Decoder().decode(data, region=(60, 70, 50, 40)).pixels
    assert np.array_equal(part, Decoder().decode(data).pixels[70:110, 60:110])


@pytest.mark.parametrize("name", CONFIGS)
def test_streams_are_as_long_as_estimated(name: str) -> None:
    """(W21, W22)"""
    model = CodecModel.load(store.find(name))
    net = model.network
    y, z = latents(40, 33)
    streams, _ = encode_latents(model, y, z, None, Tile(0, 640, 528, 0, 0))
    pick, bits = net.pick(y), {1: 0.0, 2: 0.0}

    def code(step: Any, mean: np.ndarray, scale: np.ndarray, delta: Any = 1) -> np.ndarray:
        delta = np.float32(delta)
        symbols = np.rint((pick(step) - mean) / delta)
        rows = kernels.scale_index(np.ascontiguousarray(scale), model.file.y_thresholds)
        bits[step.scale] += float(model.coder.bits(symbols.astype(np.int32), rows).sum())
        return symbols.astype(np.float32) * delta + mean

    net.traverse_grid(z, None, code, y.shape[2:])
    assert len(streams) == 3
    for stream, estimate in bits.items():
        assert 8 * len(streams[stream]) == pytest.approx(estimate, rel=0.01, abs=64)


def test_the_low_bands_stream_does_not_depend_on_the_others() -> None:
    model = CodecModel.load(store.find("p1"))
    y, z = latents(16, 16)
    changed = bands.split(y)
    changed[1] = changed[1] + 3
    first, second = (
        encode_latents(model, t, z, None, Tile(0, 256, 256, 0, 0))[0] for t in (y, bands.join(changed, 16, 16))
    )
    assert first[:2] == second[:2] and first[2] != second[2]


# ------------------------------------------------------------------------------------------ configurations
@pytest.mark.parametrize(
    "make",
    [
        lambda: small("wavelet-p1", use_simple_weconv=False),
        lambda: replace(small("wavelet-p1"), base=PRESETS["base"]),
        lambda: replace(small("wavelet-p1"), base=PRESETS["1b"]),
        lambda: replace(small("wavelet-p1"), base=PRESETS["multiref-p1"]),
        lambda: replace(small("wavelet-p1"), base=PRESETS["rwkv-p1"]),
    ],
)
def test_unusable_configurations_are_refused(make: Any) -> None:
    with pytest.raises(errors.ModelFileError, match="wavelet"):
        make()
