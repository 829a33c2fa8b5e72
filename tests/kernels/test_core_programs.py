"""Programs in the C++ core: small ones written by hand, what the core refuses, limits, symbols read from streams."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from hpcmcodec import kernels
from hpcmcodec.errors import CorruptError, LimitExceededError, ModelFileError, UnsupportedVersionError
from hpcmcodec.kernels import TableSet, rans_encode
from hpcmcodec.kernels.program import Program, StreamCoder, run_operation
from tests.fuzz.program_seeds import PICTURES, SLOPE, seeds

Array = np.ndarray


class Weights(dict[str, Array]):
    """Those of the seeds: names are dimensions."""

    def __missing__(self, name: str) -> Array:
        dims = [16 if digit == "g" else int(digit) for digit in name[1:]]
        return np.random.default_rng(len(name)).standard_normal(dims).astype(np.float32)


def names_in(value: Any) -> set[str]:
    if isinstance(value, str) and value[0] == "w" and all(c in "123456789g" for c in value[1:]):
        return {value}
    if isinstance(value, list | dict):
        return set().union(*map(names_in, value.values() if isinstance(value, dict) else value))
    return set()


def loaded(program: dict[str, Any]) -> Program:
    arrays = Weights()
    return Program(json.dumps(program), {name: arrays[name] for name in names_in(program)})


def drawn(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


SEEDS = [json.loads(seed) for seed in seeds()]


def values(stream: int, mean: Array, scale: Array, delta: Array | None, layout: Array | None) -> Array:
    return np.rint(mean * 3) + (0 if layout is None else np.rint(layout))


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_small_programs_run_whole_and_in_strips(number: int) -> None:
    core, grid = loaded(SEEDS[number]), (6, 4)
    vectors = core.run("condition", {"quality": np.full((1, 1, 1), 0.3, np.float32)}, grid)
    gain = {"gain": vectors["gain"]}
    if "latents" in SEEDS[number]["entries"]:
        maps = {"hyper": drawn(3, 2, 1), "layout": drawn(4, 6, 4)}
        found = core.run("latents", {**gain, **maps}, grid, values)["latent"]
        assert found.shape == (4, 6, 4) and np.isfinite(found).all()
        return
    latent = drawn(4, 6, 4)
    whole = core.run("picture", {**gain, "latent": latent}, grid)["picture"]
    parts = []

    def read(rows: tuple[int, int], columns: tuple[int, int]) -> Array:
        return np.ascontiguousarray(latent[:, slice(*rows), slice(*columns)])

    core.rows("picture", gain, grid, read, lambda rows, columns, x: parts.append(x), (1, 12), (2, 8), 3)
    assert np.array_equal(np.concatenate(parts, 1), whole[:, 1:12, 2:8])


def test_convolutions_take_what_follows_along() -> None:
    """leaky_relu and additions after a convolution run in its pass, in whichever order they come."""
    x, other = drawn(4, 6, 4), drawn(4, 6, 4)[::-1].copy()
    weights = {"w4411": drawn(4, 4, 1, 1), "w4433": drawn(4, 4, 3, 3)}
    for kernel, padding in (("w4411", 0), ("w4433", 1)):
        conv = run_operation("conv2d", [x, weights[kernel], None], [1, padding])
        leaky = run_operation("leaky_relu", [conv], [SLOPE])
        node = ["conv2d", [0, kernel, None], 1, padding]
        for nodes, wanted in (
            ([node, ["leaky_relu", [3], SLOPE], ["add", [4, 2]]], leaky + other),
            ([node, ["add", [2, 3]], ["leaky_relu", [4], SLOPE]], run_operation("leaky_relu", [conv + other], [SLOPE])),
            ([node, ["leaky_relu", [3], SLOPE], ["add", [3, 4]]], conv + leaky),
            ([node, ["add", [3, 3]], ["add", [4, 0]]], conv + conv + x),
            ([["multiply", [2, 0]], node, ["add", [4, 3]]], conv + other * x),
            ([node, ["multiply", [2, 0]], ["add", [3, 4]]], conv + other * x),
        ):
            inputs = [[name, 4, [1, 1], [1, 1]] for name in ("x", "unused", "other")]
            entry = {"inputs": inputs, "nodes": nodes, "outputs": [["y", 2 + len(nodes)]]}
            program = {**SEEDS[0], "entries": {"trial": entry}}
            core = Program(json.dumps(program), weights)
            given = {"x": x, "unused": x, "other": other}
            assert np.array_equal(core.run("trial", given, (6, 4))["y"], wanted)


def broken(*path: Any, value: Any) -> dict[str, Any]:
    program = copy.deepcopy(SEEDS[0])
    place = program
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return program


PICTURE = ("entries", "picture")


@pytest.mark.parametrize(
    "program",
    [
        broken("stride", value=3),
        broken("coded_unit", value=3),
        broken("coded_unit", value=8),
        broken("streams", value=0),
        broken("latent_channels", value=1 << 20),
        broken("hyper_channels", value=5),
        broken("entries", value=[]),
        broken(*PICTURE, "nodes", 0, 1, 0, value=2),
        broken(*PICTURE, "nodes", 0, 1, 0, value=-1),
        broken(*PICTURE, "nodes", 0, 1, 0, value=True),
        broken(*PICTURE, "nodes", 0, 1, 1, value="w5"),
        broken(*PICTURE, "nodes", 0, 1, 1, value="none"),
        broken(*PICTURE, "nodes", 0, 1, 1, value=["w4", 3, 2]),
        broken(*PICTURE, "nodes", 0, value=["code", [0, 0, None, 0], 1]),
        broken(*PICTURE, "nodes", 0, value=["pooled", [0]]),
        broken(*PICTURE, "outputs", 0, 0, value="other"),
        broken(*PICTURE, "outputs", 0, 1, value=0),
        broken(*PICTURE, "inputs", 0, 1, value=5),
        broken(*PICTURE, "inputs", 0, 2, value=[2, 1]),
        broken(*PICTURE, "inputs", 1, 0, value="loss"),
        broken(*PICTURE, "inputs", 1, 0, value="latent"),
        broken("entries", "condition", "inputs", 0, 0, value="mood"),
    ],
)
def test_damaged_programs_are_refused(program: dict[str, Any]) -> None:
    arrays = {"w4": drawn(4), "w5": drawn(5), "w44": drawn(4, 4), "w4133": drawn(4, 1, 3, 3)}
    with pytest.raises(ModelFileError):
        core = Program(json.dumps(program), arrays)
        gain = {"gain": np.zeros((4, 1, 1), np.float32)}  # what is not local is found out where strips are asked for
        core.rows("picture", gain, (6, 4), lambda r, c: 1 / 0, lambda r, c, x: None, (0, 12), (0, 8), 4)


def test_newer_programs_are_told_from_damaged_ones() -> None:
    with pytest.raises(UnsupportedVersionError):
        loaded(broken("version", value=2))
    with pytest.raises(UnsupportedVersionError, match="no_such"):
        loaded(broken(*PICTURE, "nodes", 0, 0, value="no_such"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        '{"a":1,"a":2}',
        "[01]",
        '["\\ud800"]',
        '["\x01"]',
        "[1] 2",
        "[" * 100 + "]" * 100,
        "nul",
        '["\xff"]',
    ],
)
def test_texts_that_are_no_json_are_refused(text: str) -> None:
    with pytest.raises(ModelFileError):
        Program(text, {})


def test_memory_and_work_are_refused_before_they_are_taken() -> None:
    core = loaded(SEEDS[0])
    inputs = {"gain": np.ones((4, 1, 1), np.float32), "latent": drawn(4, 6, 4)}
    memory, work = core.needs("picture", (6, 4))
    assert core.run("picture", inputs, (6, 4), memory=memory, work=work)
    for limit in ({"memory": memory - 1}, {"work": work / 24 - 1}):
        with pytest.raises(LimitExceededError):
            core.run("picture", inputs, (6, 4), **limit)
    with pytest.raises(ModelFileError):
        core.needs("picture", (1 << 20, 1 << 20))


LATENTS = SEEDS[len(PICTURES)]
"""One step of stream 1, whose scales and means are one map."""


def stream_of(symbols: Array, scales: Array, tables: TableSet, thresholds: Array) -> bytes:
    return rans_encode(symbols.astype(np.int32), kernels.scale_index(scales, thresholds), tables)


def some_tables() -> TableSet:
    cdf = np.array([0, 20000, 45000, 65000, 65536] * 2, np.int32)
    starts, lengths, offsets = (np.array(x, np.int32) for x in ([0, 5], [5, 5], [-1, -1]))
    return TableSet(cdf, starts, lengths, offsets)


@pytest.mark.parametrize("own", [(6, 4), (5, 3)])
def test_symbols_come_from_streams(own: tuple[int, int]) -> None:
    core, tables, thresholds = loaded(LATENTS), some_tables(), np.array([0.2], np.float32)
    gain, grid = {"gain": np.ones((4, 1, 1), np.float32)}, (6, 4)
    hyper = np.rint(drawn(3, 2, 1) * 2)
    hyper[:, 1:] = 0 if own == (5, 3) else hyper[:, 1:]
    z_scale = np.array([0.1, 0.3, 0.1], np.float32)
    own_hyper = (1, 1) if own == (5, 3) else (2, 1)
    part = np.ascontiguousarray(hyper[:, : own_hyper[0], : own_hyper[1]])
    z_stream = stream_of(
        part, np.ascontiguousarray(np.broadcast_to(z_scale[:, None, None], part.shape)), tables, thresholds
    )
    layout = np.zeros((4, 6, 4), np.float32)
    layout[:, : own[0], : own[1]] = 1
    seen: dict[str, Array] = {}

    def choose(stream: int, mean: Array, scale: Array, delta: Array | None, given: Array | None) -> Array:
        inside = layout != 0
        symbols = np.rint(drawn(4, 6, 4) * 9) * inside
        seen["stream"] = stream_of(symbols[inside], scale[inside], tables, thresholds)  # type: ignore[assignment]
        assert given is None or np.array_equal(given, layout)
        return symbols.astype(np.float32)

    inputs = {**gain, "hyper": hyper, **({} if own == (6, 4) else {"layout": layout})}
    wanted = core.run("latents", inputs, grid, choose)["latent"]
    coder = StreamCoder([z_stream, seen["stream"]], tables, thresholds, thresholds)  # type: ignore[list-item]
    assert np.array_equal(coder.hyper(z_scale, (2, 1), own_hyper), hyper)
    assert np.array_equal(core.run("latents", inputs, grid, coder)["latent"], wanted)
    coder.finish()
    missing = StreamCoder([z_stream], tables, thresholds, thresholds)
    zeros = core.run("latents", inputs, grid, lambda stream, mean, *rest: np.zeros_like(mean))["latent"]
    assert np.array_equal(core.run("latents", inputs, grid, missing)["latent"], zeros)
    cut = StreamCoder([z_stream, seen["stream"][:-1]], tables, thresholds, thresholds)
    with pytest.raises(CorruptError):
        core.run("latents", inputs, grid, cut)
        cut.finish()
