"""lite in 2, 4 or 8 groups at the finest scale: what each step holds and may know, sizes, files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import variant_kit as kit

from hpcmcodec import errors, info
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.config import from_dict, to_dict
from hpcmcodec.models.lite import Lite, LiteConfig
from hpcmcodec.models.presets import preset
from hpcmcodec.nn.operations import signed_log_feature
from tests.codec.conftest import TINY
from tests.codec.conftest import picture as make_picture

FEWER = {groups: replace(TINY, checkerboard_groups=groups) for groups in (2, 4)}
M, H, W = TINY.latent_channels, 8, 12
PRESETS = {"lite-g4": (11736688, 57.73), "lite-g2": (11522608, 56.32)}
"""Parameters, kMAC/px; lite itself is in test_variants.py."""
SHARES = {8: [4] * 6, 4: [8, 8, 8], 2: [8, 16]}
"""Thirty-seconds of the latent in each step at scale 3."""


@pytest.mark.parametrize("name", PRESETS)
def test_costs(name: str) -> None:
    kit.check_cost(preset(name), *PRESETS[name])


@pytest.mark.parametrize("groups", SHARES)
def test_steps_partition_the_latent(groups: int) -> None:
    network = Lite(replace(TINY, checkerboard_groups=groups))
    pick = network.pick(np.arange(M * H * W, dtype=np.float32).reshape(1, M, H, W))
    held = [pick(step) for step in network.schedule]
    assert np.array_equal(np.sort(np.concatenate([part.ravel() for part in held])), np.arange(M * H * W))
    assert [part.shape[1] for part in held] == [step.elements for step in network.schedule]
    assert [part.size * 32 // (M * H * W) for part in held] == [1, 1, 2, 2, 2, *SHARES[groups]]
    assert [step.index for step in network.schedule] == list(range(len(held)))


def test_two_groups_are_a_checkerboard_in_every_channel() -> None:
    network = Lite(FEWER[2])
    pick = network.pick(np.arange(M * H * W, dtype=np.float32).reshape(1, M, H, W))
    last = np.isin(np.arange(M * H * W).reshape(M, H, W), pick(network.schedule[-1]))
    colour = np.add.outer(np.arange(H), np.arange(W)) % 2 == 1
    for channel in last:
        assert np.array_equal(channel, colour) or np.array_equal(channel, ~colour)


@pytest.mark.parametrize("groups", SHARES)
def test_no_step_sees_what_is_not_decoded(groups: int) -> None:
    """A change of what step k holds leaves the predictions of steps 0 .. k alone and reaches a later one."""
    network = Lite(replace(TINY, checkerboard_groups=groups))
    network.load(kit.formula_weights(network))
    rng = np.random.default_rng(0)
    latent = np.rint(rng.normal(0, 3, (1, M, H, W))).astype(np.float32)
    z = np.zeros((1, network.hyper_channels, H // 4, W // 4), np.float32)
    before = kit.predictions(network, np.ascontiguousarray, latent, z)
    places = network.pick(np.arange(latent.size).reshape(latent.shape))
    for k, step in enumerate(network.schedule):
        changed = latent.copy()
        changed.reshape(-1)[places(step).ravel().astype(int)] += 2
        after = kit.predictions(network, np.ascontiguousarray, changed, z)
        same = [np.array_equal(a, b) for a, b in zip(before, after, strict=True)]  # means and scales in turn
        assert all(same[: 2 * k + 2])
        assert k == len(network.schedule) - 1 or not all(same[2 * k + 2 :])


@pytest.mark.parametrize("groups", FEWER)
def test_exact_and_decodable_at_every_level(groups: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit.install(tmp_path, "few", FEWER[groups])
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    data = kit.check_exact("few", Picture(make_picture(70, 90), None))
    assert info(data).model == "few"
    kit.check_backends_agree(FEWER[groups])
    for height, width in ((1, 1), (15, 17), (33, 130)):
        source = make_picture(height, width)
        assert Decoder().decode(Encoder("few").encode(Picture(source, None))).pixels.shape == source.shape


@pytest.mark.parametrize("groups", FEWER)
def test_every_parameter_learns(groups: int) -> None:
    config = FEWER[groups]
    assert kit.dead_after_a_step(config, kit.formula_weights(Lite(config)), 64) == set()


def test_the_state_of_a_step_holds_the_latest_group() -> None:
    """The networks of fewer groups read whole slots: embeddings and heads have the sizes of what a step codes."""
    shapes = {name: spec.shape for name, spec in Lite(FEWER[2]).specs().items()}
    assert shapes["ctx_b.embed.1.weight"][1] == 2 * M  # signed magnitudes and magnitudes of slot 1
    assert shapes["ctx_b.heads.1.weight"][0] == 2 * 2 * M  # mean and scale of slots 2 and 3
    assert shapes["ctx_b.direct.1.weight"][0] == 2 * 2 * 2 * M  # from slots 0 and 1
    assert "ctx_b.heads.2.weight" not in shapes
    assert signed_log_feature(np.ones((1, 2 * M, 2, 2), "f4"), np.ones((1, 2 * M), "f4")).shape[1] == 4 * M


def test_configs_without_the_number_are_of_eight_groups() -> None:
    values = json.loads(json.dumps(to_dict(FEWER[2])))
    assert from_dict(LiteConfig, values) == FEWER[2]
    del values["checkerboard_groups"]
    assert from_dict(LiteConfig, values) == TINY


@pytest.mark.parametrize("groups", [0, 1, 3, 16])
def test_other_numbers_are_refused(groups: int) -> None:
    with pytest.raises(errors.ModelFileError, match="must be 2, 4 or 8"):
        replace(TINY, checkerboard_groups=groups)


def test_a_memory_bank_needs_eight_groups() -> None:
    memory = preset("lite-multiref-p1").memory
    assert replace(TINY, memory=memory).checkerboard_groups == 8
    with pytest.raises(errors.ModelFileError, match="memory bank needs"):
        replace(FEWER[2], memory=memory)


def test_the_closed_form_start_fits_steps_of_two_slots() -> None:
    torch = pytest.importorskip("torch")
    from hpcmcodec.train.start import from_statistics

    crops = np.stack([make_picture(64, 64, seed=seed).transpose(2, 0, 1) for seed in range(24)])
    found = from_statistics(FEWER[2], crops, 0, torch.device("cpu")).arrays
    network = Lite(FEWER[2])
    network.load(found)
    weights = found["ctx_b.direct.1.weight"][: 2 * 2 * M].reshape(2, 2, M, 9)  # of means: slot known, slot coded
    assert all(np.isfinite(array).all() for array in found.values())
    assert (np.abs(weights).sum((2, 3)) > 0).all()
