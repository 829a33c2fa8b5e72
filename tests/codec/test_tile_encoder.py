"""Latents to streams by the core: the bits of the network's own traversal, what is kept for encoders, its limits."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcmcodec.codec.encoder import encode_tiles
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.codec.parallel import normative
from hpcmcodec.codec.refine import condition_of
from hpcmcodec.codec.tiling import Tile, TileGrid
from hpcmcodec.errors import ModelFileError
from hpcmcodec.formats import container, model_file
from hpcmcodec.kernels.encode import GivenTile, Keep
from hpcmcodec.models import store
from hpcmcodec.models.registry import config_from_dict

from . import eager

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
import variant_kit as kit

from tests.levels import every_way

RECORD = Path(__file__).parents[1] / "conformance/variants/models.json"
VARIANTS = {name: config_from_dict(entry["config"]) for name, entry in json.loads(RECORD.read_text()).items()}
SHIPPED = ("lite-8", "lite-g2-1", "lite-g4-1", "lite-msssim", "lite-multiref-1", "lite-rwkv-1")
SIZES = ((128, 64), (70, 140), (1, 1))


@cache
def model_of(name: str) -> CodecModel:
    if name in SHIPPED:
        return CodecModel.load(store.find(name))
    with tempfile.TemporaryDirectory() as folder:
        kit.install(Path(folder), name, VARIANTS[name])
        return CodecModel.load(model_file.read(Path(folder, f"{name}.safetensors")))


def drawn(model: CodecModel, height: int, width: int, spread: float = 2.0) -> np.ndarray:
    """Latents of a tile, with a few far ones, whose symbols are escapes."""
    rng = np.random.default_rng(height)
    y = rng.normal(0, spread, (model.latent_channels, *TileGrid.of(model, height, width, 0).latent)).astype(np.float32)
    y.reshape(-1)[::997] *= 50
    return y


def by_the_network(model: CodecModel, y: np.ndarray, quality: float, tile: Tile) -> tuple[list[bytes], np.ndarray]:
    with normative():
        cond = None if model.rate == "fixed" else condition_of(model.network, quality)
        z = model.network.hyper_analyse(y[None], cond)
        streams, y_hat = eager.encode_latents(model, y[None], z, cond, tile)
    return streams, y_hat[0]


def by_the_core(model: CodecModel, y: np.ndarray, quality: float, tile: Tile, keep: Keep = Keep.LATENTS) -> Any:
    condition = model.condition(quality if model.rate == "variable" else None)
    return encode_tiles(model, condition, [(tile, y)], 1, keep)[0]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", [*SHIPPED, *VARIANTS])
def test_the_core_codes_as_the_network_does(name: str, size: tuple[int, int]) -> None:
    model, tile = model_of(name), Tile(0, *size, 0, 0)
    for quality in (15, 90) if name in SHIPPED else (50,):
        y = drawn(model, *size)
        streams, y_hat = by_the_network(model, y, quality, tile)
        coded = by_the_core(model, y, quality, tile)
        assert coded.streams == streams
        assert coded.latents.tobytes() == y_hat.tobytes()
        assert coded.check == container.latent_check(np.ascontiguousarray(y_hat))


def test_levels_threads_and_workers_do_not_matter() -> None:
    model = model_of("lite-8")
    tiles = [
        (Tile(0, h, w, 0, 0), drawn(model, h, w)) for h, w in ((64, 64), (70, 140), (64, 64), (30, 200), (100, 100))
    ]
    found = set()
    for _ in every_way(1, 3):
        for workers in (1, 5):
            made = encode_tiles(model, model.condition(60), tiles, workers)
            found.add(tuple((tile.check, *tile.streams) for tile in made))
    assert len(found) == 1
    assert [by_the_core(model, y, 60, tile).check for tile, y in tiles] == [tile[0] for tile in found.pop()]


@pytest.mark.parametrize("name", ["lite-8", "lite-msssim"], ids=["trellis", "rounded"])
@pytest.mark.parametrize("size", [(128, 64), (70, 140)], ids=str)
def test_what_is_kept_of_steps(name: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    model, tile = model_of(name), Tile(0, *size, 0, 0)
    y, seen = drawn(model, *size, 1.0), []
    quantise = type(model.coder).quantise

    def watched(self: Any, residual: np.ndarray, rows: np.ndarray, strength: float) -> Any:
        seen.append((residual.ravel(), rows.ravel()))
        return quantise(self, residual, rows, strength)

    monkeypatch.setattr(type(model.coder), "quantise", watched)
    _, y_hat = by_the_network(model, y, 40, tile)
    kept = by_the_core(model, y, 40, tile, Keep.RESIDUALS).steps
    assert [(a.tobytes(), b.tobytes()) for a, b in kept] == [(a.tobytes(), b.tobytes()) for a, b in seen]

    steps = by_the_core(model, y, 40, tile, Keep.NEAR).steps
    near = model.network.assemble([step[None] for step in steps])[0]
    rows, columns = (-(-side // model.stride) for side in size)
    own = np.zeros(y.shape, bool)
    own[:, :rows, :columns] = True
    half = (y_hat + y) * np.float32(0.5)
    decoded = near == y_hat
    assert (decoded | (near == half)).all() and decoded[~own].all()
    assert 0.05 < decoded[own].mean() < 0.95


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_latents_that_are_no_numbers(value: float) -> None:
    model, tile = model_of("lite-8"), Tile(0, 64, 64, 0, 0)
    y = drawn(model, 64, 64)
    y[3, 1, 1] = value
    with pytest.raises(ModelFileError, match="'lite-8' cannot code this picture: its weights are bad"):
        by_the_core(model, y, 50, tile)


def test_hyper_latents_may_be_given() -> None:
    model, y = model_of("lite-8"), drawn(model_of("lite-8"), 64, 64)
    z = model.program.run("hyper_analysis", {**model.condition(50), "latent": y}, y.shape[1:])["hyper"]
    own, given = (model.tiles.encode([GivenTile(64, 64, y, h)], model.condition(50))[0] for h in (None, z))
    assert own.streams == given.streams
    with pytest.raises(ModelFileError, match="hyper-latent"):
        model.tiles.encode([GivenTile(64, 64, y, np.full_like(z, 1e10))], model.condition(50))


def test_arguments_that_do_not_fit() -> None:
    model, y = model_of("lite-8"), drawn(model_of("lite-8"), 64, 64)
    good, condition = GivenTile(64, 64, y), dict(model.condition(50))
    for tile in (good._replace(height=65), good._replace(width=0), good._replace(latents=y.astype(np.float64))):
        with pytest.raises(ValueError, match=r"pixels|latents"):
            model.tiles.encode([tile], condition)
    for bad in ({**condition, "z_scale": np.ones((1, 1, 1), np.float32)}, {"z_scale": condition["z_scale"]}):
        with pytest.raises(ValueError, match="condition"):
            model.tiles.encode([good], bad)


def test_memory_of_a_tile() -> None:
    model = model_of("lite-8")
    small, large = model.tiles.bytes(256, 256), model.tiles.bytes(512, 512)
    assert 3.0 < large / small < 4.5
    rounding = replace(model, coder=type(model.coder).of(store.find("lite-msssim")))
    assert rounding.tiles.bytes(512, 512) < large


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers that raise signals")
def test_a_signal_ends_it() -> None:
    class Stop(Exception):
        pass

    def handler(*_: object) -> None:
        raise Stop

    model, y = model_of("lite-8"), drawn(model_of("lite-8"), 256, 256)
    tiles = [GivenTile(256, 256, y)] * 400
    before = signal.signal(signal.SIGALRM, handler)
    start = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Stop):
            model.tiles.encode(tiles, model.condition(50), workers=2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - start < 10


def test_seconds_of_coding_add_up() -> None:
    model, y = replace(model_of("lite-8")), drawn(model_of("lite-8"), 64, 64)
    assert model.tiles.coding_seconds == 0
    model.tiles.encode([GivenTile(64, 64, y)] * 2, model.condition(50), workers=2)
    assert 0 < model.tiles.coding_seconds < 10
