"""The C++ executor runs every family's program with the bits of the interpreter on eager operations."""

from __future__ import annotations

from typing import Any

import interpreter
import numpy as np
import pytest
import variant_kit as kit
from test_program import CONFIGS

from hpcmcodec.codec.parallel import normative
from hpcmcodec.kernels.program import Program
from hpcmcodec.models.program import canonical, program_of
from hpcmcodec.models.registry import build
from hpcmcodec.nn.sizes import ceil_div
from tests.levels import every_way

Array = np.ndarray
LOCAL = ("analysis", "picture", "preview")


class Made:
    """A network's program, weights, and inputs on a grid."""

    def __init__(self, config: Any, units: tuple[int, int]) -> None:
        network = build(config)
        self.network, self.weights = network, kit.formula_weights(network)
        network.load(self.weights)
        self.program = program_of(network)
        self.core = Program(canonical(self.program), {k: np.ascontiguousarray(v) for k, v in self.weights.items()})
        unit = network.pad_multiple // network.stride
        self.grid = (7 * units[0], 5 * units[1]) if unit == 1 else (unit * units[0], unit * units[1])
        rng = np.random.default_rng(1)
        quality = {"quality": np.full((1, 1, 1), 0.3, np.float32)} if network.rate == "variable" else {}
        self.vectors = self.interpreted("condition", quality)
        assert_same(self.core.run("condition", quality, self.grid), self.vectors)
        del self.vectors["z_scale"]
        rows, columns = self.grid
        stride, cell = network.stride, 64 // network.stride
        draw = lambda *shape: rng.standard_normal(shape).astype(np.float32)  # noqa: E731
        self.maps = {
            "picture": draw(3, stride * rows, stride * columns),
            "latent": draw(network.latent_channels, rows, columns),
            "hyper": np.rint(3 * draw(network.hyper_channels, ceil_div(rows, cell), ceil_div(columns, cell))),
        }

    def interpreted(self, entry: str, inputs: dict[str, Array], code: Any = None) -> dict[str, Array]:
        with normative():
            return interpreter.run(self.program, entry, self.weights, inputs, self.grid, code)

    def source(self, entry: str) -> Array:
        return self.maps["picture" if entry == "analysis" else "latent"]

    def inputs(self, entry: str) -> dict[str, Array]:
        return {**self.vectors, "picture" if entry == "analysis" else "latent": self.source(entry)}


def assert_same(found: dict[str, Array], wanted: dict[str, Array]) -> None:
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == np.ascontiguousarray(array).tobytes(), name


def values(stream: int, mean: Array, scale: Array, delta: Array | None, layout: Array | None) -> Array:
    """What an encoder might find in a step, of its elements alone."""
    own = np.zeros_like(mean) if layout is None else layout
    return np.rint((own - mean) * np.float32(0.7) + np.minimum(scale, np.float32(stream)))


def coded(stream: int, mean: Array, scale: Array, delta: Array | None, layout: Array | None) -> Array:
    found = values(stream, mean, scale, delta, layout)
    return (found if delta is None else found * delta) + mean


@pytest.mark.parametrize("units", [(1, 1), (2, 3)])
@pytest.mark.parametrize("name", CONFIGS)
def test_the_executor_gives_the_bits_of_the_network(name: str, units: tuple[int, int]) -> None:
    made = Made(CONFIGS[name], units)
    for entry in (*LOCAL, "hyper_analysis"):
        if entry in made.program["entries"]:
            wanted = made.interpreted(entry, made.inputs(entry))
            assert_same(made.core.run(entry, made.inputs(entry), made.grid), wanted)
    inputs = {**made.vectors, "hyper": made.maps["hyper"]}
    with_layout = {**inputs, "layout": made.maps["latent"]}
    wanted = made.interpreted("latents", with_layout, coded)
    assert_same(made.core.run("latents", with_layout, made.grid, values), wanted)
    wanted = made.interpreted("latents", with_layout, lambda *step: coded(*step[:4], None))
    assert_same(made.core.run("latents", inputs, made.grid, values), wanted)


@pytest.mark.parametrize("name", CONFIGS)
def test_strips_give_the_bits_of_the_whole(name: str) -> None:
    made = Made(CONFIGS[name], (3, 2))
    for entry in LOCAL:
        if entry not in made.program["entries"]:
            continue
        whole = next(iter(made.core.run(entry, made.inputs(entry), made.grid).values()))
        _, height, width = whole.shape
        unit = max(1, 64 * height // made.maps["picture"].shape[1])
        for rows, columns, step in (
            ((0, height), (0, width), unit),
            ((0, height), (0, width), 3 * unit + 1),
            ((height // 3, height - 1), (width // 2, width), unit),
            ((unit // 2, unit // 2 + 1), (1, 2), 1),
        ):
            check_rectangle(made, entry, whole, rows, columns, step)


def check_rectangle(
    made: Made, entry: str, whole: Array, rows: tuple[int, int], columns: tuple[int, int], step: int
) -> None:
    found = np.full((whole.shape[0], rows[1] - rows[0], columns[1] - columns[0]), np.nan, np.float32)
    source, done = made.source(entry), -1

    def read(own: tuple[int, int], across: tuple[int, int]) -> Array:
        nonlocal done
        assert own[0] >= done >= -1 and 0 <= own[0] < own[1] <= source.shape[1]
        done = own[1]
        return np.ascontiguousarray(source[:, own[0] : own[1], across[0] : across[1]])

    def write(own: tuple[int, int], across: tuple[int, int], piece: Array) -> None:
        assert across == columns
        found[:, own[0] - rows[0] : own[1] - rows[0]] = piece

    made.core.rows(entry, made.vectors, made.grid, read, write, rows, columns, step)
    wanted = whole[:, rows[0] : rows[1], columns[0] : columns[1]]
    assert found.tobytes() == np.ascontiguousarray(wanted).tobytes(), (entry, rows, columns, step)


@pytest.mark.parametrize("name", list(CONFIGS)[:1])
def test_levels_and_threads_do_not_matter(name: str) -> None:
    made = Made(CONFIGS[name], (1, 2))
    inputs = {**made.vectors, "hyper": made.maps["hyper"], "layout": made.maps["latent"]}
    wanted = made.core.run("latents", inputs, made.grid, values)
    for _ in every_way(1, 3):
        assert_same(made.core.run("latents", inputs, made.grid, values), wanted)
