"""A network's tables read at another range of slopes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from hpcmcodec.errors import UsageError  # noqa: E402
from hpcmcodec.formats import model_file  # noqa: E402
from hpcmcodec.models.lite import Lite  # noqa: E402
from hpcmcodec.models.presets import preset  # noqa: E402
from hpcmcodec.train.config import RunConfig  # noqa: E402
from hpcmcodec.train.export import export_run  # noqa: E402
from hpcmcodec.train.initial import Start  # noqa: E402
from hpcmcodec.train.reanchor import with_range  # noqa: E402
from hpcmcodec.train.run import train  # noqa: E402
from hpcmcodec.train.slopes import quality_of  # noqa: E402
from tests.codec.conftest import TINY, picture, tiny_arrays  # noqa: E402

from .conftest import quiet  # noqa: E402

WIDE = (0.0012, 0.15)


def straight(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same with every table a straight line through its outer rows."""
    share = np.linspace(0, 1, 5, dtype=np.float32)[:, None]
    lines = {k: v[:1] + share * (v[4:] - v[:1]) for k, v in arrays.items() if k == "log_s0" or k.endswith(".rows")}
    return {**arrays, **lines}


def up_at(start: Start, slope: float) -> np.ndarray:
    network = Lite(start.config)
    network.load(start.arrays)
    return network.condition(np.array([quality_of(slope, start.config.slopes)], np.float32)).up


def test_slopes_mean_what_they_meant() -> None:
    old = Start(TINY, straight(tiny_arrays(0)), {})
    new = with_range(old, WIDE)
    assert new.config == replace(TINY, slopes=WIDE) and new.about == {"range": [0.0012, 0.15]}
    for slope in (0.0018, 0.013, 0.0932):
        np.testing.assert_allclose(up_at(new, slope), up_at(old, slope), rtol=1e-4)
    assert np.abs(new.arrays["log_up.rows"] - old.arrays["log_up.rows"]).max() > 1e-3
    for name in ("linear.ana", "ctx_a.heads.0.weight"):
        assert new.arrays[name] is old.arrays[name]


def test_the_same_range_changes_nothing() -> None:
    start = Start(TINY, tiny_arrays(0), {})
    assert with_range(start, TINY.slopes) is start


def test_networks_of_one_rate_have_no_range() -> None:
    with pytest.raises(UsageError, match="variable rate"):
        with_range(Start(preset("base"), {}, {}), WIDE)


def test_a_run_with_another_range(settings: dict[str, Any], tmp_path: Path) -> None:
    valid = tmp_path / "valid"
    valid.mkdir()
    Image.fromarray(picture(256, 256, seed=1)).save(valid / "picture.png")
    settings |= {"range": WIDE, "valid": valid, "valid_coded": 0}
    train(RunConfig(**settings, steps=1), quiet)
    train(RunConfig(**settings, steps=2, resume=True), quiet)
    output = settings["out"] / "wide.safetensors"
    export_run(settings["out"], output)
    found = model_file.peek(output)
    assert found.config["slopes"] == list(WIDE)
    # The yardstick keeps its slopes: they lie inside the wider range.
    qualities = [point["quality"] for point in found.measured["validation"]["points"]]
    assert 0 < qualities[0] < 0.1 and 0.85 < qualities[-1] < 1
    with pytest.raises(UsageError, match="another network"):
        train(RunConfig(**{**settings, "range": None}, steps=3, resume=True), quiet)
