"""Lattices, patterns and hyper placement against the official index maps, and their inverses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpcmcodec.models import geometry
from hpcmcodec.models.geometry import SCALE1, SCALE2
from hpcmcodec.models.schedule import hpcm_schedule

OPS = np.load(Path(__file__).parent.parent / "data/hpcm/ops.npz")
C, H, W = (int(v) for v in OPS["geo.chw"])
STEPS = hpcm_schedule()


@pytest.fixture
def index() -> np.ndarray:
    """Flat index of every latent, (1, C, H, W)."""
    return np.arange(C * H * W).reshape(1, C, H, W)


def grids(t: np.ndarray) -> dict[int, np.ndarray]:
    half = geometry.sample(t, SCALE2)
    return {1: geometry.sample(half, SCALE1), 2: half, 3: t}


def test_sampling_reads_the_official_positions(index: np.ndarray) -> None:
    assert np.array_equal(grids(index)[2][0], OPS["geo.s2_index"])
    assert np.array_equal(grids(index)[1][0], OPS["geo.s1_index"])


def test_every_latent_is_coded_once_at_its_official_step(index: np.ndarray) -> None:
    found = np.full(C * H * W, -1)
    for step in STEPS:
        packed = geometry.pack(grids(index)[step.scale], step.pattern).astype(int)
        assert np.all(found[packed] == -1)
        found[packed] = step.index
    assert np.array_equal(found.reshape(C, H, W), OPS["geo.step"])


def test_step_sizes() -> None:
    sizes = [geometry.pack(grids(np.zeros((1, C, H, W)))[step.scale], step.pattern).size for step in STEPS]
    total = C * H * W
    assert sizes == [total // 32] * 2 + [total // 16] * 3 + [total // 8] * 6


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"step{step.index}")
def test_unpack_inverts_pack(step) -> None:
    values = np.random.default_rng(step.index).normal(size=(1, C // step.pattern.count, 8, 12)).astype(np.float32)
    full = geometry.unpack(values, step.pattern)
    assert np.count_nonzero(full) == values.size
    assert np.array_equal(geometry.pack(full, step.pattern), values)


@pytest.mark.parametrize("lattice", [SCALE1, SCALE2])
@pytest.mark.parametrize("parts", [1, 2])
def test_sample_inverts_scatter_and_overlay(lattice, parts: int) -> None:
    coarse = np.random.default_rng(0).normal(size=(1, C * parts, 4, 6)).astype(np.float32)
    fine = np.random.default_rng(1).normal(size=(1, C * parts, 8, 12)).astype(np.float32)
    assert np.array_equal(geometry.sample(geometry.scatter(coarse, lattice, parts), lattice, parts), coarse)
    both = geometry.overlay(fine, coarse, lattice, parts)
    assert np.array_equal(geometry.sample(both, lattice, parts), coarse)
    empty = geometry.overlay(fine, np.zeros_like(coarse), lattice, parts)
    assert np.array_equal(empty + geometry.scatter(coarse, lattice, parts), both)


def holes_at_coded(params: np.ndarray, lattice) -> np.ndarray:
    n, c, h, w = params.shape
    return geometry.overlay(params, np.full((n, c, h // 2, w // 2), -1), lattice, parts=2)


def test_legacy_hyper_placement_is_the_official_one(index: np.ndarray) -> None:
    params = np.concatenate([index, index + index.size], 1)
    merged = holes_at_coded(geometry.hyper_at_scale2(params, legacy=True), SCALE1)
    expected = OPS["geo.s2_hyper_legacy_index"].astype(int)
    assert np.array_equal(merged[0, :C], expected)
    assert np.array_equal(merged[0, C:], np.where(expected < 0, -1, expected + index.size))


def test_aligned_hyper_placement_agrees_with_legacy_only_in_the_first_two_groups(index: np.ndarray) -> None:
    params = np.concatenate([index, index], 1)
    legacy = holes_at_coded(geometry.hyper_at_scale2(params, legacy=True), SCALE1)
    aligned = holes_at_coded(geometry.hyper_at_scale2(params, legacy=False), SCALE1)
    same = [np.array_equal(a, b) for a, b in zip(np.split(legacy, 16, 1), np.split(aligned, 16, 1), strict=True)]
    assert same == [True, True, *[False] * 6] * 2


def test_scale3_hyper_merge_is_the_official_one(index: np.ndarray) -> None:
    merged = geometry.overlay(index, np.full((1, C, H // 2, W // 2), -1), SCALE2)
    assert np.array_equal(merged[0], OPS["geo.s3_hyper_index"])


def test_torch_gives_the_same_regroupings(index: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    params = np.concatenate([index, index + index.size], 1)
    ours = geometry.hyper_at_scale2(torch.tensor(params), legacy=True)
    pairs = [(ours, geometry.hyper_at_scale2(params, legacy=True))]
    for step in STEPS:
        pairs.append((geometry.pack(torch.tensor(index), step.pattern), geometry.pack(index, step.pattern)))
    for ours, theirs in pairs:
        assert np.array_equal(ours.numpy(), theirs)
