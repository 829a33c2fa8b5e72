"""Phase 5 of the wavelet family: groups, what a network may know of them, all combinations of its settings."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import variant_kit as kit
from wavelet_configs import CONFIGS, M, Walk, latents, network, small

from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.registry import build
from hpcmcodec.models.wavelet import bands
from hpcmcodec.models.wavelet.coding import BandSource
from hpcmcodec.train.initial import Start, fitted
from tests.codec.conftest import picture as pixels


@pytest.mark.parametrize(("name", "groups"), [("p5", 4), ("p5-light", 8), ("p5-basic", 2)])
def test_steps_are_as_many_as_groups(name: str, groups: int) -> None:
    """(W24)"""
    schedule = network(name).schedule
    assert [step.bands for step in schedule] == groups * [bands.LOW] + groups * [bands.HIGH]
    assert [step.label for step in schedule] == 2 * list(range(groups))


def test_a_step_codes_its_group() -> None:
    """(W24)"""
    net = network("p5")
    places = net.places((10, 14))
    for step in net.schedule:
        for band, index in zip(step.bands, places.of(step).indexes(*places.grid), strict=True):
            rows, columns = bands.defined(band, 10, 14)
            channel, i, j = np.unravel_index(index, (M, *places.grid))
            assert set(2 * (i % 2) + j % 2) == {step.label} and set(channel) == set(range(M))
            assert i.max() < rows and j.max() < columns


def test_groups_without_elements_are_skipped() -> None:
    """A latent of one element has one step, or with rotation one for every channel."""
    for name, counts in (("p5", {0: M}), ("p5-light", dict.fromkeys(range(8), 1))):
        assert Walk(network(name), *latents(1, 1)).counts == counts


@pytest.mark.parametrize("name", ["p5", "p5-light", "p5-basic"])
def test_a_decoded_zero_is_not_what_is_unknown(name: str) -> None:
    """Predictions differ by the mask alone (W27)."""
    net = network(name)
    rng = np.random.default_rng(0)
    params, prior = (rng.normal(size=(1, c, 5, 7)).astype(np.float32) for c in (2 * M, M))
    nothing, places = np.zeros((1, M, 5, 7), np.float32), net.places((10, 14))
    for source in (BandSource(0, params), BandSource(1, params, prior=prior)):
        steps = [step for step in net.schedule if source.number in step.bands]
        found = [net.context.predict(step, source, nothing, places) for step in steps]
        assert all(not np.array_equal(found[i], found[j]) for i in range(len(found)) for j in range(i))


def test_context_networks_start_as_nothing() -> None:
    """All groups are predicted by the hyper parameters at first."""
    config = small("wavelet-p5")
    one, four = build(replace(config, checkerboard_groups=1)), build(config)
    arrays = four.initial()
    for net in (one, four):
        net.load(arrays)
    y, z = latents(6, 7)
    single, several = Walk(one, y, z), Walk(four, y, z)
    assert np.array_equal(
        np.sort(single.found[0][0]), np.sort(np.concatenate([several.found[k][0] for k in range(4)], 1))
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skip_s3_for_hf": True}, "skip_s3_for_hf is of phases 1 to 4"),
        ({"lightweight_context": True, "use_enhanced_context": False}, "lightweight_context"),
        ({"checkerboard_groups": 3}, "checkerboard_groups"),
    ],
)
def test_impossible_combinations_are_refused(changes: dict[str, Any], message: str) -> None:
    """(W6)"""
    with pytest.raises(errors.ModelFileError, match=message):
        small("wavelet-p5", **changes)


def test_other_groups_start_with_the_same_weights() -> None:
    """`--init` of a model in eight groups; those of lite are joined, these are not."""
    arrays = kit.formula_weights(build(CONFIGS["p5-light"]))
    found = fitted(Start(CONFIGS["p5-light"], arrays, {}), replace(CONFIGS["p5-light"], checkerboard_groups=2), 0)
    assert found.about["new"] == found.about["left_out"] == []
    assert all(found.arrays[name] is arrays[name] for name in arrays)


# ------------------------------------------------------------------------------------------ files
def round_trip(folder: Path, monkeypatch: pytest.MonkeyPatch, config: Any) -> None:
    """A fresh decoder reads what an encoder wrote; the file's check value is that of the encoder's latents."""
    monkeypatch.setenv("HPCM_MODELS", str(folder))
    kit.install(folder, "one", config)
    source = pixels(33, 50)
    assert Decoder().decode(Encoder("one").encode(Picture(source, None))).pixels.shape == source.shape


@pytest.mark.parametrize(("groups", "light", "adaptive"), [(1, True, True), (2, True, False), (8, False, True)])
def test_combinations_survive(
    groups: int, light: bool, adaptive: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(W21, W24)"""
    changes = {"checkerboard_groups": groups, "lightweight_context": light, "use_adaptive_quant": adaptive}
    round_trip(tmp_path, monkeypatch, small("wavelet-p5", **changes))


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "light", "adaptive", "rotate"), list(product((1, 2, 4, 8), *3 * [(False, True)])))
def test_all_combinations_survive(
    groups: int, light: bool, adaptive: bool, rotate: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small("wavelet-p5", checkerboard_groups=groups, lightweight_context=light, checkerboard_rotate=rotate)
    round_trip(tmp_path, monkeypatch, replace(config, use_adaptive_quant=adaptive))
