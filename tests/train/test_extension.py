"""`--preset` with `--init` of a plain network: additions that start as identities leave its loss to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hpcmcodec.models.export import exact, export_model  # noqa: E402
from hpcmcodec.models.multiref.config import MemoryConfig  # noqa: E402
from hpcmcodec.models.presets import PRESETS  # noqa: E402
from hpcmcodec.models.registry import build  # noqa: E402
from hpcmcodec.models.rwkv.config import RwkvConfig  # noqa: E402
from hpcmcodec.train import checkpoint  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.initial import Start, fitted  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402
from tests.codec.conftest import TINY, tiny_arrays  # noqa: E402
from tests.models import variant_kit as kit  # noqa: E402
from tests.models.wavelet_configs import small  # noqa: E402

from .conftest import losses, quiet  # noqa: E402

WIDE = replace(TINY, context_widths=(32, 64))
MEMORIES = {
    "lite-multiref-p1": MemoryConfig(phase=1, value_ratio=2),
    "lite-multiref-p2": MemoryConfig(phase=2, max_refs=(2, 3, 4), transfer_refs=2),
    "lite-multiref-p3": MemoryConfig(phase=3, max_refs=(2, 3, 4), topk=0, transfer_refs=2, compress_ratio=1),
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain model whose context is wide enough for heads."""
    path = tmp_path_factory.mktemp("wide") / "wide.safetensors"
    arrays = build(WIDE).initial(0)
    same = {name: array for name, array in tiny_arrays(3).items() if arrays[name].shape == array.shape}
    export_model(path, "wide", WIDE, {**arrays, **same}, storage=exact)
    return path


def losses_of(settings: dict[str, Any], **more: Any) -> dict[int, float]:
    train(RunConfig(**{**settings, "steps": 3, "warmup": 1, **more}), quiet)
    return losses(more["out"])


def test_what_is_added_starts_at_the_plain_networks_loss(
    settings: dict[str, Any], wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = losses_of(settings, init=str(wide), out=tmp_path / "plain")
    grown = {name: replace(WIDE, memory=memory) for name, memory in MEMORIES.items()}
    grown["lite-rwkv"] = replace(WIDE, rwkv=RwkvConfig(cell_rates=(1, 1, 1), windows=(4, 4, 8), added=1))
    for name, config in grown.items():
        monkeypatch.setitem(PRESETS, name, config)
        found = losses_of(settings, init=str(wide), preset=name, out=tmp_path / name, lr=0.05)
        assert found[1] == plain[1]
        assert found[3] != plain[3]


def test_further_blocks_start_at_the_plain_networks_loss(
    settings: dict[str, Any], wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {name: tuple(n + 1 for n in getattr(WIDE, name)) for name in ("blocks", "context_blocks")}
    monkeypatch.setitem(PRESETS, "deep", replace(WIDE, **more))
    plain = losses_of(settings, init=str(wide), out=tmp_path / "plain")
    found = losses_of(settings, init=str(wide), preset="deep", out=tmp_path / "deep", lr=0.05)
    assert found[1] == plain[1]
    assert found[3] != plain[3]


def test_wavelet_phases_grow(settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Phase 2 starts at the loss of the phase 1 that it grows from, to the bit, and learns; either kind of WeConv block
    (W12)."""
    p1, p2 = small("wavelet-p1"), small("wavelet-p2")
    p1 = replace(p1, base=p2.base)
    monkeypatch.setitem(PRESETS, "wavelet-p2", p2)
    export_model(tmp_path / "p1.safetensors", "p1", p1, build(p1).initial(0), storage=exact)
    more = {"init": str(tmp_path / "p1.safetensors"), "lambda_": 0.013, "lr": 0.05}
    plain = losses_of(settings, out=tmp_path / "plain", **more)
    for simple in (True, False):
        out = tmp_path / f"simple-{simple}"
        found = losses_of(settings, preset="wavelet-p2", use_simple_weconv=simple, out=out, **more)
        assert found[1] == plain[1] and found[3] != plain[3]
        assert checkpoint.load(out)["network"]["use_simple_weconv"] is simple


def test_the_plain_networks_range_of_qualities_is_taken_over(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are read at the slopes that they were trained for, whatever the preset has; also in a run that goes
    on."""
    own = replace(WIDE, slopes=(0.0012, 0.15))
    export_model(tmp_path / "own.safetensors", "own", own, build(own).initial(0), storage=exact)
    monkeypatch.setitem(PRESETS, "grown", replace(WIDE, memory=MEMORIES["lite-multiref-p1"]))
    more = {"init": str(tmp_path / "own.safetensors"), "preset": "grown", "out": tmp_path / "run"}
    losses_of(settings, **more)
    assert checkpoint.load(tmp_path / "run")["network"]["slopes"] == [0.0012, 0.15]
    assert max(losses_of(settings, **{**more, "steps": 4, "resume": True})) == 4


def test_what_a_model_file_lacks_is_begun_anew() -> None:
    arrays = kit.formula_weights(build(TINY))
    kept = {name: array for name, array in arrays.items() if name.startswith("g_")}
    found = fitted(Start(TINY, kept, {}), TINY, 0)
    assert found.arrays.keys() == arrays.keys() and found.about["new"] and not found.about["left_out"]
    assert all(found.arrays[name] is array for name, array in kept.items())
    whole = Start(TINY, arrays, {})
    assert fitted(whole, TINY, 0) is whole


@pytest.mark.parametrize(("own", "wanted"), [(8, 4), (8, 2), (4, 2)])
def test_fewer_groups_start_from_the_joined_steps(own: int, wanted: int) -> None:
    """Every parameter comes from the start, and up to the first joined step nothing changes."""
    more, fewer = (replace(TINY, checkerboard_groups=n) for n in (own, wanted))
    arrays = kit.formula_weights(build(more))
    found = fitted(Start(more, arrays, {}), fewer, 0)
    assert found.about == {"new": [], "left_out": []}
    rng = np.random.default_rng(0)
    latent = np.rint(rng.normal(0, 3, (1, 16, 8, 8))).astype(np.float32)
    z = np.rint(rng.normal(0, 2, (1, 8, 2, 2))).astype(np.float32)
    sides = []
    for config, weights in ((more, arrays), (fewer, found.arrays)):
        network = build(config)
        network.load({name: torch.from_numpy(array) for name, array in weights.items()})
        with torch.no_grad():
            sides.append((network.schedule, kit.predictions(network, torch.from_numpy, latent, z)))
    (schedule, before), (_, after) = sides
    first = next(step.index for step in schedule if step.scale == 3)
    for i in range(2 * first + 2):
        count = before[i].shape[1]
        np.testing.assert_allclose(after[i][:, :count], before[i], rtol=0, atol=1e-5)
