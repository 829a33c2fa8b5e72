"""CompressAI's models: what is told when they are not there, and real files where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpcmcodec.bench.codecs import Unavailable, open_codec
from hpcmcodec.bench.codecs.compressai import _margins

from .conftest import photo


def test_margins_are_those_of_its_own_tools() -> None:
    assert _margins(128, 64) == (0, 0, 0, 0)
    assert _margins(100, 90) == (19, 19, 14, 14)
    assert _margins(1, 127) == (0, 1, 31, 32)


def test_told_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(Unavailable, match=r"pip install compressai|weights of CompressAI's mbt2018"):
        open_codec("compressai:mbt2018", 1)


def test_files_of_untrained_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = pytest.importorskip("compressai.zoo")
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    name = "mbt2018-mean"
    network = zoo.image_models[name](quality=2, pretrained=False)
    network.update()
    file = Path(zoo.image.model_urls[name]["mse"][2])
    folder = tmp_path / "hub/checkpoints"
    folder.mkdir(parents=True)
    torch.save(network.state_dict(), folder / file.name)
    codec = open_codec(f"compressai:{name}", 1)
    assert codec.settings.sweep == (2,)
    picture = photo(100, 90, 1)
    data = codec.encode(picture, 2)
    decoded = codec.decode(data)
    assert decoded.shape == picture.shape and decoded.dtype == np.uint8 and len(data) > 31
    with pytest.raises(Unavailable, match="no model 'nope'"):
        open_codec("compressai:nope", 1)
