"""Configs survive JSON, and damaged ones are refused."""

from __future__ import annotations

import json

import pytest

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.config import HpcmConfig, from_dict, to_dict
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.presets import OFFICIAL


@pytest.mark.parametrize("name", OFFICIAL)
def test_presets_survive_json(name: str) -> None:
    assert from_dict(HpcmConfig, json.loads(json.dumps(to_dict(OFFICIAL[name])))) == OFFICIAL[name]


def test_pad_multiples() -> None:
    assert {name: config.pad_multiple for name, config in OFFICIAL.items()} == {
        "base": 256,
        "large": 256,
        "phi": 128,
        "1b": 128,
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("transform", "widths"), [96, 192, 384]),
        (("transform", "widths"), [96, 192, 384, -8]),
        (("transform", "widths"), [96, 192, 384, 12]),
        (("transform", "edge_kernel"), 3),
        (("transform", "naming"), "other"),
        (("hyper", "analysis_blocks"), [1, 10**9]),
        (("hyper", "channels"), "256"),
        (("context", "heads"), 0),
        (("context", "heads"), 7),
        (("context", "windows"), [4, 8]),
        (("context", "windows"), [4, 8, 65]),
        (("context", "windows"), [61, 59, 53]),
        (("context", "coarse_prior"), None),
        (("context", "unknown"), 1),
        (("hyper",), []),
    ],
)
def test_unusable_configs_are_refused(path: tuple[str, ...], value: object) -> None:
    values = json.loads(json.dumps(to_dict(OFFICIAL["base"])))
    target = values
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    with pytest.raises(ModelFileError):
        from_dict(HpcmConfig, values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latent_channels", 0),
        ("latent_channels", 100),
        ("hyper_channels", 10**9),
        ("widths", [96, 192]),
        ("widths", [96, -192, 320]),
        ("blocks", [1, 10**9, 1]),
        ("context_blocks", [3, -1]),
    ],
)
def test_unusable_configs_of_lite_are_refused(name: str, value: object) -> None:
    values = json.loads(json.dumps(to_dict(LiteConfig())))
    assert from_dict(LiteConfig, values) == LiteConfig()
    with pytest.raises(ModelFileError):
        from_dict(LiteConfig, values | {name: value})


def test_missing_fields_are_refused() -> None:
    values = to_dict(OFFICIAL["base"])
    del values["hyper"]
    with pytest.raises(ModelFileError, match="hyper"):
        from_dict(HpcmConfig, values)


def test_a_field_that_an_older_file_lacks_takes_its_default() -> None:
    values = to_dict(LiteConfig())
    del values["blocks"]
    assert from_dict(LiteConfig, values) == LiteConfig()
