"""What the research code of wavelet latents got wrong and no other test holds (defects W-D1 to W14 of the family)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import variant_kit as kit
from wavelet_configs import CONFIGS, GOLDEN, M, Walk, latents, network

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import geometry, store
from hpcmcodec.models.export import export_model
from hpcmcodec.models.geometry import SCALE1, SCALE2
from hpcmcodec.models.registry import build
from hpcmcodec.models.wavelet import bands
from hpcmcodec.train.initial import Start, fitted
from tests.codec.conftest import picture as pixels

STREAMS = 3


def changed(config: Any, edit: Any) -> Any:
    """A network with formula weights that `edit` has changed."""
    net = build(config)
    arrays = kit.formula_weights(net)
    edit(arrays)
    net.load(arrays)
    return net


def test_maps_are_sampled_where_their_latents_are() -> None:
    """Prior and hyper parameters at the coarser scales are samples of the same places as the latent (W4, W8)."""
    half = geometry.sample(np.arange(512, dtype=np.float32).reshape(1, 8, 8, 8), SCALE2)
    assert np.array_equal(half, GOLDEN["gather_s2"])
    assert np.array_equal(geometry.sample(half, SCALE1), GOLDEN["gather_s1"])


@pytest.mark.parametrize("name", ["p1", "p3"])
def test_the_prior_has_channels_of_its_own(name: str) -> None:
    """What the networks know of the low band is neither added to what is decoded nor unused (W3)."""

    def forget(arrays: dict[str, np.ndarray]) -> None:
        for key, array in arrays.items():
            if key.startswith("high_adaptors.") and key.endswith("weight"):
                array[:, 3 * M :] = 0

    y, z = latents(8, 8)
    plain, other = (Walk(changed(CONFIGS[name], edit), y, z) for edit in (lambda arrays: None, forget))
    high = [step.index for step in network(name).schedule if step.bands == bands.HIGH]
    same = plain.same(other)
    assert all(same[: high[1]]) and not any(same[high[1] :])
    assert not build(CONFIGS[name]).initial()["high_adaptors.0.weight"][:, 3 * M :].any()


def test_bands_have_vectors_and_embeddings_of_their_own() -> None:
    """They are parameters: saved, and each of them matters to its own band only (W8)."""
    y, z = latents(16, 16)
    plain = Walk(network("p1"), y, z)
    second = next(step.index for step in network("p1").schedule if step.bands == bands.HIGH) + 1
    third = len(plain.found[second][0][0]) // 3
    for band in range(3):
        for key in (f"high_vectors.{band}.0", f"high_embeddings.{band}"):

            def edit(arrays: dict[str, np.ndarray], key: str = key) -> None:
                arrays[key] += np.float32(0.5)

            found = Walk(changed(CONFIGS["p1"], edit), y, z).found[second]
            parts = [np.split(a != b, [third, 2 * third], 1) for a, b in zip(found, plain.found[second], strict=True)]
            assert [any(part[i].any() for part in parts) for i in range(3)] == [i == band for i in range(3)], key


@pytest.mark.parametrize("name", ["p1", "p3"])
def test_models_are_saved_whole(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with the weights rounded as shipped models have them (W8)."""
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    net, arrays = network(name), kit.formula_weights(network(name))
    export_model(tmp_path / "own.safetensors", "own", CONFIGS[name], arrays, distribution=net.distribution)
    loaded = CodecModel.load(store.find("own")).network
    assert loaded.config == CONFIGS[name] and loaded.arrays().keys() == net.specs().keys()
    source = pixels(40, 50)
    assert Decoder().decode(Encoder("own").encode(Picture(source, None))).pixels.shape == source.shape


@pytest.mark.parametrize("name", ["p1", "p3"])
def test_a_file_that_ends_after_the_low_band_is_a_picture(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The high bands are then what is predicted of them (W2)."""
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    kit.install(tmp_path, name, CONFIGS[name])
    data = Encoder(name).encode(Picture(pixels(70, 50), None))
    streams = container.read(data).tile(0).streams
    end = data.index(b"".join(map(bytes, streams))) + sum(map(len, streams[:2]))
    part = Decoder().decode(data[:end], allow_truncated=True)
    assert part.incomplete and f"2 of {STREAMS} streams" in part.warnings[0]
    assert part.pixels.shape == (70, 50, 3)
    assert not np.array_equal(part.pixels, Decoder().decode(data).pixels)


def test_phase_1_takes_over_all_of_a_plain_network() -> None:
    """Even what is trained for whole latents is a start; nothing of it is without use (W8, W12)."""
    base = replace(CONFIGS["p1"].base)
    found = fitted(Start(base, kit.formula_weights(build(base)), {}), CONFIGS["p1"], 0)
    assert found.about["left_out"] == []
    new = {name.partition(".")[0] for name in found.about["new"]}
    assert new == {"band_hyper", "refine", "high_adaptors", "high_vectors", "high_embeddings"}
