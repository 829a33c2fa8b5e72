"""Programs: every family becomes one, and doing what it says gives the bits of the network itself."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import interpreter
import numpy as np
import pytest
import variant_kit as kit

from hpcmcodec.codec.parallel import normative
from hpcmcodec.models.presets import PRESETS
from hpcmcodec.models.program import canonical, program_of
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.nn.sizes import Size, ceil_div

RECORD = Path(__file__).parents[1] / "conformance/variants/models.json"
CONFIGS = {name: config_from_dict(entry["config"]) for name, entry in json.loads(RECORD.read_text()).items()}
GRIDS = ((1, 1), (2, 3))
"""In units of the padding."""


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_program(name: str) -> None:
    network = build(kit.exported(PRESETS[name]))
    program = program_of(network)
    assert json.loads(canonical(program)) == program
    assert canonical(program) == canonical(program_of(build(kit.exported(PRESETS[name]))))
    steps = [node for node in program["entries"]["latents"]["nodes"] if node[0] == "code"]
    assert [node[2] for node in steps] == [step.scale for step in network.schedule]


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", CONFIGS)
def test_a_program_gives_the_bits_of_its_network(name: str, grid: tuple[int, int]) -> None:
    with normative():
        _compare(CONFIGS[name], grid)


def _compare(config: Any, grid: tuple[int, int]) -> None:
    network = build(config)
    arrays = kit.formula_weights(network)
    network.load(arrays)
    program = program_of(network)
    unit = network.pad_multiple // network.stride
    rows, columns = (unit * side for side in grid)
    if network.pad_multiple == network.stride:
        rows, columns = 7 * grid[0], 5 * grid[1]
    size = rows, columns
    rng = np.random.default_rng(1)

    given, cond = {}, None
    if network.rate == "variable":
        given = {"quality": np.full((1, 1, 1), 0.3, np.float32)}
        cond = network.condition(np.array([0.3], np.float32))
    made = interpreter.run(program, "condition", arrays, given, size)
    assert np.array_equal(made.pop("z_scale").ravel(), network.z_scale(cond).ravel())
    for field in fields(cond) if cond is not None else ():
        assert np.array_equal(made[field.name].ravel(), getattr(cond, field.name).ravel()), field.name

    def draw(channels: int, h: int, w: int, scale: float = 1.0) -> np.ndarray:
        return (scale * rng.standard_normal((channels, h, w))).astype(np.float32)

    picture = draw(3, network.stride * rows, network.stride * columns)
    latent = draw(network.latent_channels, rows, columns)
    pairs = [
        ("analysis", "picture", picture, network.analyse),
        ("hyper_analysis", "latent", latent, network.hyper_analyse),
        ("picture", "latent", latent, network.synthesise),
        ("preview", "latent", latent, network.sketch),
    ]
    for entry, source, data, part in pairs:
        if entry in program["entries"]:
            (found,) = interpreter.run(program, entry, arrays, {source: data, **made}, size).values()
            assert np.array_equal(found, part(data[None], cond)[0]), entry
    _compare_latents(network, program, arrays, made, cond, size, latent, draw)


def _compare_latents(
    network: Any, program: Any, arrays: Any, made: Any, cond: Any, size: tuple[int, int], latent: Any, draw: Any
) -> None:
    """Coding steps in their order, with the elements of a latent that the network picks itself."""
    cell = 64 // network.stride
    hyper = np.rint(draw(network.hyper_channels, *(ceil_div(side, cell) for side in size), 3.0))
    pick, seen = network.pick(latent[None]), []

    def code(step: Any, mean: Any, scale: Any, delta: Any = None) -> Any:
        own = pick(step)
        seen.append((step.scale, mean, scale, delta, own))
        return _coded(mean, scale, delta, own)

    y_hat = network.traverse_grid(hyper[None], cond, code, size)
    steps = iter(seen)

    def same(stream: int, *given: Any) -> Any:
        wanted = next(steps)
        assert stream == wanted[0]
        for what, theirs, ours in zip(("mean", "scale", "delta", "layout"), given, wanted[1:], strict=True):
            assert (theirs is None) == (ours is None), what
            assert ours is None or np.array_equal(theirs.ravel(), ours.ravel()), what
        mean, scale, delta, layout = given
        return _coded(mean, scale, delta, layout)

    inputs = {"hyper": hyper, "layout": latent, **made}

    def lenient(stream: int, mean: Any, scale: Any, delta: Any, layout: Any) -> Any:
        return mean if not mean.size else same(stream, mean, scale, delta, layout)

    (found,) = interpreter.run(program, "latents", arrays, inputs, size, lenient).values()
    assert next(steps, None) is None
    assert np.array_equal(found, y_hat[0])


def _coded(mean: Any, scale: Any, delta: Any, own: Any) -> Any:
    values = np.rint((own - mean) * np.float32(0.7) + np.minimum(scale, 1))
    return (values if delta is None else values * delta) + mean


@pytest.mark.parametrize("grain", [1, 4, 16])
def test_sizes_are_what_numbers_would_be(grain: int) -> None:
    for n in range(grain, 8 * grain, grain):
        size = Size.of(1, 1, grain)
        assert (ceil_div(size, 2) * 2).at(n) == -(-n // 2) * 2
        assert ceil_div(ceil_div(size, 2), 8).at(n) == -(-n // 16)
        assert (ceil_div(size, 16) * 8).over(4, whole=True).at(n) == -(-n // 16) * 2
        assert size.half_down().at(n) == n // 2
