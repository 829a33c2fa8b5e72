"""Seeds for fuzz_program: small programs that together use every operation. Weights are named by their
dimensions, w3 or w4233; g is 16.

usage: python -m tests.fuzz.program_seeds FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SLOPE, EPS, THIRD = 1008981770, 925353388, 1050253722
"""Bits of 0.01, 0.00001 and 0.3."""
LABELS = [4, 2, [2, 2], [0, 1, 2, 0, 1, 1, 0, 2]]
PART = [[[1, 1], [1, 1]]]


def program(channels: int = 4, stride: int = 2, unit: int = 4, **entries: Any) -> bytes:
    """The text of a program of stride 2 whose hyper-latents have 3 channels."""
    head = {"version": 1, "stride": stride, "unit": unit, "hyper_stride": 8, "latent_channels": channels}
    made = {**head, "hyper_channels": 3, "streams": 3, "entries": entries}
    return json.dumps(made, separators=(",", ":")).encode()


CONDITION = {
    "inputs": [["quality", 1, None, None]],
    "nodes": [
        ["multiply", [0, [1082130432]]],
        ["concat", [1, [0], [THIRD], 1]],
        ["subtract", [[THIRD], 2]],
        ["absolute", [3]],
        ["blend_rows", [4, "w44"]],
        ["exp", [5]],
        ["slice", [6], 0, 3],
    ],
    "outputs": [["gain", 6], ["z_scale", 7]],
}


def _latents(*nodes: Any, after: Any = ()) -> dict[str, Any]:
    """Value 3 is what comes of the hyper-latent, 4 channels on the latent's grid; the last node gives the latent."""
    first = [
        ["conv_transpose2d", [0, "w3444", "w4"], 4, 0],
        ["crop", [3], [0, 1], [0, 1], [1, 1], [1, 1]],
    ]
    inputs = [["hyper", 3, [1, 4], [1, 4]], ["layout", 4, [1, 1], [1, 1]], ["gain", 4, None, None]]
    all_nodes = [*first, *nodes]
    return {"inputs": inputs, "nodes": all_nodes, "outputs": [["latent", len(inputs) + len(all_nodes) - 1]]}


def _picture(*nodes: Any) -> dict[str, Any]:
    """Value 0 is the latent, 1 the gain; "x" is the value before, at first the latent. The last one has 4 channels."""
    chain = []
    for number, (op, operands, *attributes) in enumerate(nodes):
        before = number + 1 if number else 0
        chain.append([op, [before if operand == "x" else operand for operand in operands], *attributes])
    last = len(chain) + 1
    end = [["concat", [last] * 3], ["fma", [last + 1, [THIRD], [SLOPE]]], ["pixel_shuffle", [last + 2], 2]]
    inputs = [["latent", 4, [1, 1], [1, 1]], ["gain", 4, None, None]]
    return {"inputs": inputs, "nodes": [*chain, *end], "outputs": [["picture", last + 3]]}


PICTURES = [
    [["multiply", ["x", 1]], ["leaky_relu", ["x"], SLOPE], ["depthwise", ["x", "w4133", "w4"], 1]],
    [["pconv_rb", ["x", "w1133", "w1", "w8411", "w8", "w4811", "w4"]], ["sigmoid", ["x"]], ["add", ["x", 0]]],
    [["dwconv_rb", ["x", "w4133", "w4", "w6411", "w6", "w4611", "w4"]], ["layer_norm", ["x", "w4", "w4"], EPS]],
    [["haar", ["x"]], ["inverse_haar", ["x"]], ["window_attention", ["x", "x", "x"], 2, 2], ["maximum", ["x", [0]]]],
    [["double", ["x"]], ["cell_sum", ["x"], 2], ["grouped", ["x", "w4233", "w4"]], ["unit", ["x"]]],
    [["conv2d", ["x", "w8422", None], 2, 0], ["conv_transpose2d", ["x", "w8422", None], 2, 0], ["step_sizes", ["x"]]],
    [["signed_log_feature", ["x", 1]], ["slice", ["x"], 2, 4], ["sum_channels", ["x"]], ["add", ["x", 0]]],
    [
        ["pixel_unshuffle", ["x"], 2],
        ["pixel_shuffle", ["x"], 2],
        ["subtract", [0, "x"]],
        ["divide", ["x", [1082130432]]],
    ],
]
PICTURES += [
    [["double", ["x"]], ["crop", ["x"], [0, 1], [0, 1], [1, 1], [1, 1]], ["cell_rms", ["x"], THIRD], ["double", ["x"]]],
]
LATENTS = [
    [["code", [4, 4, None, 1], 1]],
    [["step_sizes", [4]], ["exp", [4]], ["code", [4, 4, 6, 1], 2]],
    [
        ["regroup", [1], 4, [1, 1], [2], [[2, 2]], [[0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1], [0, 1, 1, 0]]],
        ["regroup", [4], 4, [1, 1], [2], [[2, 2]], [[0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1], [0, 1, 1, 0]]],
        ["code", [6, 6, None, 5], 1],
        [
            "regroup",
            [7],
            2,
            [2, 2],
            [4],
            [[1, 1]],
            [[0, 0, 0, 0], [0, 1, 0, 0], None, [0, 2, 0, 0], [0, 3, 0, 0], None, None, None],
        ],
        ["cell_rms", [8], THIRD],
        ["extend", [9], [1, 1], [1, 1]],
    ],
    [
        ["select", [4], *LABELS, 1, PART],
        ["select", [1], *LABELS, 1, PART],
        ["code", [5, 5, None, 6], 1],
        ["place", [7], *LABELS, 1, PART, 0, [1, 1], [1, 1]],
        ["label_mask", [], *LABELS, 2, [1, 1], [1, -2], [1, 1], [1, 1]],
        ["multiply", [8, 9]],
    ],
    [
        ["recall", [4, 4, 4, 4, 4], 2, 2, THIRD],
        ["summarise", [4, 5], 2],
        ["join_summaries", [6, 6]],
        ["attend_summary", [5, 7], 2],
        ["pooled", [8]],
        ["wkv", [8, 4, "w4", 9], 2, 0],
        ["code", [10, 4, None, 1], 1],
    ],
    [
        ["fill", [], 4, [1, 1], [1, 1], THIRD],
        ["concat_columns", [4, 5]],
        ["pad", [6], [16, 1], [16, 1]],
        ["lapped_filter", [7, "wgg"]],
        ["crop", [8], [0, 1], [0, 1], [1, 1], [1, 1]],
        ["code", [9, 5, None, 1], 1],
    ],
]


def seeds() -> list[bytes]:
    """One program for every list of nodes above."""
    made = [program(condition=CONDITION, picture=_picture(*nodes)) for nodes in PICTURES]
    return made + [program(condition=CONDITION, latents=_latents(*nodes)) for nodes in LATENTS]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
