"""A reader of model files written from FORMAT.md sections 8, 10 and 12 alone, without a line of the product's code.

It takes the whole of a file, also what a decoder need not look at.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from reference_exact import UNSUPPORTED, Refused
from reference_operations import OPERATIONS, PARAMETERS, number

F = np.float32
Array = np.ndarray
MISSING_MODEL, MODEL_FILE = 14, 15
KINDS = {"F32": "<f4", "F16": "<f2", "I8": "i1", "I32": "<i4"}
TABLES = {
    "cdf": "I32", "starts": "I32", "lengths": "I32", "offsets": "I32", "y_thresholds": "F32", "z_thresholds": "F32",
}  # fmt: skip


def require(good: object, what: str, kind: int = MODEL_FILE) -> None:
    if not good:
        raise Refused(kind, what)


def whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


# ------------------------------------------------------------------------------------------------ 8: model file
def checked(data: bytes, bases: dict[bytes, bytes]) -> None:
    """The whole of a model: what `model` looks at, and on small grids, which takes networks of some size minutes,
    whether the program's maps fit."""
    program, tensors, _ = model(data, bases)
    Trial(program, {name: one for name, one in tensors.items() if not name.startswith("entropy.")}).check()


def model(source: Path | bytes, bases: dict[bytes, bytes] | None = None) -> tuple[dict, dict[str, Array], bytes]:
    """-> program, tensors (parameters as binary32), identity. bases: files by identity."""
    data = source if isinstance(source, bytes) else source.read_bytes()
    manifest, stored = tensors_of(data)
    identity = hashlib.sha256(manifest.encode()).digest()
    described = parsed(manifest)
    tensors = widened(stored)
    check_tables({name[8:]: one for name, one in stored.items() if name.startswith("entropy.")})
    program = described.get("program")
    require(type(program) is dict, "program")
    given = {name: one for name, one in tensors.items() if not name.startswith("entropy.")}
    if "base" in described:
        given = {**inherited(described["base"], bases or {}), **given}
        tensors = {**given, **tensors}
    check_program(program, given)  # type: ignore[arg-type]
    return program, tensors, identity  # type: ignore[return-value]


def parsed(text: str | bytes) -> dict[str, Any]:
    """A JSON object."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        require(len(dict(found)) == len(found), "a name twice")
        return dict(found)

    def word(_: str) -> None:
        raise Refused(MODEL_FILE, "a number that is not finite")

    try:
        value = json.loads(
            text if isinstance(text, str) else text.decode(), object_pairs_hook=pairs, parse_constant=word
        )
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refused(MODEL_FILE, "not JSON") from error
    count, levels = extent(value)
    require(count <= 1 << 20 and levels <= 33, "too much JSON")
    require(type(value) is dict, "not an object")
    return value  # type: ignore[no-any-return]


def extent(value: object) -> tuple[int, int]:
    """Values of a JSON value, and how deep they lie."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    found = [extent(one) for one in inner]
    return 1 + sum(n for n, _ in found), 1 + max((deep for _, deep in found), default=0)


def tensors_of(data: bytes) -> tuple[str, dict[str, Array]]:
    """-> manifest, tensors as they are stored."""
    require(len(data) >= 8, "the file ends")
    (length,) = struct.unpack_from("<Q", data)
    require(length <= min(1 << 23, len(data) - 8), "length of the head")
    head, body = parsed(data[8 : 8 + length]), data[8 + length :]
    metadata = head.pop("__metadata__", None)
    require(type(metadata) is dict and type(metadata.get("hpcmcodec")) is str, "no manifest")
    about = parsed(metadata.get("hpcmcodec.about", "{}"))  # type: ignore[union-attr]
    require(type(about.get("name", "")) is str, "name")
    manifest: str = metadata["hpcmcodec"]  # type: ignore[index]
    entries = parsed(manifest).get("tensors")
    require(type(entries) is dict and len(entries) <= 1 << 14, "tensors")
    require(entries.keys() == head.keys(), "tensors of head and manifest")  # type: ignore[union-attr]
    end, stored = 0, {}
    try:
        places = sorted(head.items(), key=lambda item: item[1]["data_offsets"])
        for name, place in places:
            kind, shape, digest = entries[name]  # type: ignore[index]
            require(re.fullmatch("[A-Za-z0-9_.]{1,200}", name), "name of a tensor")
            require(len(shape) <= 6 and all(whole(n, 1, len(body)) for n in shape), "shape")
            require(type(digest) is str and kind in KINDS, "type or hash")
            require((kind, shape) == (place["dtype"], place["shape"]), "a tensor of head and manifest")
            first, last = place["data_offsets"]
            require(first == end and whole(last, first, len(body)), "holes or overlaps")
            require(hashlib.sha256(body[first:last]).hexdigest() == digest, "hash")
            stored[name], end = np.frombuffer(body[first:last], KINDS[kind]).reshape(shape), last
            require(kind != "I32" or name.startswith("entropy."), "a parameter of integers")
            require(not name.startswith("entropy.") or len(shape) == 1, "a table that is no vector")
    except (TypeError, ValueError, KeyError) as error:
        raise Refused(MODEL_FILE, "description of a tensor") from error
    require(end == len(body), "bytes after the tensors")
    require(all(one.dtype.kind != "f" or np.isfinite(one).all() for one in stored.values()), "a tensor is not finite")
    return manifest, stored


def widened(stored: dict[str, Array]) -> dict[str, Array]:
    tensors = {}
    for name, value in stored.items():
        if value.dtype == np.int8:
            factor = stored.get(f"{name}.scale")
            fits = factor is not None and factor.dtype == F and value.ndim > 0 and factor.shape == value.shape[:1]
            require(fits, "factors")
            size = np.abs(factor.astype(np.float64))  # type: ignore[union-attr]
            require(((size == 0) | ((size >= 2.0**-126) & (size <= 2.0**120))).all(), "a factor")
            tensors[name] = value.astype(F) * factor.reshape(-1, *[1] * (value.ndim - 1))  # type: ignore[union-attr]
        else:
            tensors[name] = value.astype(F) if value.dtype == np.float16 else value
    return tensors


def check_tables(tables: dict[str, Array]) -> None:
    levels = tables.get("levels")
    names = {**TABLES, **({} if levels is None else {"levels": "F32"})}
    require({name: one.dtype.str for name, one in tables.items()} == {n: KINDS[k] for n, k in names.items()}, "tables")
    cdf, starts, lengths, offsets = (tables[name].astype(int) for name in ("cdf", "starts", "lengths", "offsets"))
    rows = len(starts)
    require(len(lengths) == len(offsets) == rows <= 768, "rows")
    require(np.abs(offsets).max() <= 1 << 24, "an offset")
    for start, length in zip(starts, lengths, strict=True):
        require(start >= 0 and 3 <= length <= 65537 and start + length <= len(cdf), "a row outside of the cdf")
        row = cdf[start : start + length]
        require(row[0] == 0 and row[-1] == 65536 and (np.diff(row) > 0).all(), "a row that does not rise")
    y, z = tables["y_thresholds"], tables["z_thresholds"]
    for one in (y, z):
        require(len(one) <= 255 and len(one) < rows and (one[1:] > one[:-1]).all(), "thresholds")
    if levels is not None:
        count = len(y) + 1
        require(rows == 3 * count and len(z) <= count - 1 and len(levels) == 8 * count, "rows of a trellis")
        first, second, third, step = levels.reshape(-1, 4).T
        rise = (first > 0) & (second > first) & (third > second) & (step > 0)
        require(rise.all() and levels.max() <= 1 << 24, "levels")


def inherited(identity: object, bases: dict[bytes, bytes]) -> dict[str, Array]:
    """The parameters of a base that its decoding entries use."""
    require(type(identity) is str and re.fullmatch("[0-9a-f]{64}", identity), "identity of a base")
    name = bytes.fromhex(identity)  # type: ignore[arg-type]
    require(name in bases, "a base that is missing", MISSING_MODEL)
    program, tensors, found = model(bases[name], bases)
    require(found == name, "a base that is missing", MISSING_MODEL)
    used = {one for entry in decoding(program).values() for one in parameters(entry)}
    return {name: one for name, one in tensors.items() if name in used}


def decoding(program: dict[str, Any]) -> dict[str, Any]:
    return {name: entry for name, entry in program["entries"].items() if name not in ("analysis", "hyper_analysis")}


def parameters(entry: dict[str, Any]) -> set[str]:
    operands = [one for _, given, *_ in entry["nodes"] for one in given]
    return {one if isinstance(one, str) else one[0] for one in operands if isinstance(one, str | list)} - {None}


# ------------------------------------------------------------------------------------------------ 10: programs
HEAD = {
    "stride": (1, 256),
    "unit": (1, 1 << 16),
    "hyper_stride": (1, 1 << 16),
    "latent_channels": (1, 1 << 16),
    "hyper_channels": (1, 1 << 16),
    "streams": (2, 8),
}


def check_program(program: dict[str, Any], tensors: dict[str, Array]) -> None:
    version = program.get("version")
    require(whole(version, 0, 1 << 20), "version")
    require(version == 1, "a newer program", UNSUPPORTED)
    for name, (low, high) in HEAD.items():
        require(whole(program.get(name), low, high), name)
    stride, unit = program["stride"], program["unit"]
    cell = program.get("coded_unit", stride)
    require(whole(cell, 1, 1 << 16), "coded_unit")
    require(unit % cell == 0 and cell % stride == 0 and program["hyper_stride"] % stride == 0, "strides")
    entries = program.get("entries")
    require(type(entries) is dict and len(entries) <= 16, "entries")
    require({"condition", "latents", "picture"} <= entries.keys(), "an entry is missing")  # type: ignore[union-attr]
    for entry in decoding(program).values():
        check_entry(entry, tensors)


def check_entry(entry: Any, tensors: dict[str, Array]) -> None:
    require(type(entry) is dict and {"inputs", "nodes", "outputs"} <= entry.keys(), "an entry")
    inputs, nodes, outputs = entry["inputs"], entry["nodes"], entry["outputs"]
    require(all(type(one) is list for one in (inputs, nodes, outputs)), "an entry")
    require(len(inputs) <= 64 and len(nodes) <= 8192 and 1 <= len(outputs) <= 64, "sizes of an entry")
    for one in inputs:
        require(type(one) is list and len(one) == 4 and whole(one[1], 1, 1 << 16), "an input")
        require(one[2:] == [None, None] or all(is_size(side) for side in one[2:]), "an input")
    for number_, node in enumerate(nodes):
        require(type(node) is list and len(node) >= 2 and type(node[1]) is list and len(node[1]) <= 256, "a node")
        require(is_name(node[0]), "a node")
        require(node[0] == "code" or node[0] in OPERATIONS, "an unknown operation", UNSUPPORTED)
        for operand in node[1]:
            check_operand(operand, len(inputs) + number_, tensors)
        check_attributes(*node)
    for one in outputs:
        require(type(one) is list and len(one) == 2 and whole(one[1], 0, len(inputs) + len(nodes) - 1), "an output")
    for named in (inputs, outputs):
        names = [one[0] for one in named]
        require(all(map(is_name, names)) and len(set(names)) == len(names), "names")


def is_name(value: object) -> bool:
    return type(value) is str and 1 <= len(value.encode()) <= 256


def is_size(value: object) -> bool:
    m, d = value if type(value) is list and len(value) == 2 else (None, None)
    return whole(m, 0, 1 << 20) and whole(d, -(1 << 20), 1 << 20) and d != 0


def is_bits(value: object) -> bool:
    return whole(value, 0, 2**32 - 1) and bool(np.isfinite(number(value)))  # type: ignore[arg-type]


def check_operand(operand: Any, values: int, tensors: dict[str, Array]) -> None:
    if operand is None or type(operand) is int:
        require(operand is None or 0 <= operand < values, "an operand")
    elif type(operand) is list and len(operand) == 1:
        require(is_bits(operand[0]), "a number")
    else:
        name, *rows = operand if type(operand) is list and len(operand) == 3 else [operand]
        require(type(name) is str and name in tensors and 1 <= tensors[name].ndim <= 4, "a parameter")
        if rows:
            require(whole(rows[0], 0, len(tensors[name]) - 1), "rows")
            require(whole(rows[1], 1, len(tensors[name]) - rows[0]), "rows")


def between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: whole(value, low, high)


def is_pair(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(whole(one, 1, 64) for one in value)


def is_positive(value: Any) -> bool:
    return is_bits(value) and number(value) > 0


def is_parts(value: Any) -> bool:
    fit = type(value) is list and 1 <= len(value) <= 16
    return fit and all(type(one) is list and len(one) == 2 and all(map(is_size, one)) for one in value)


def is_labels(value: Any) -> bool:
    return type(value) is list and 1 <= len(value) <= 1 << 16 and all(whole(one, -1, 1 << 15) for one in value)


def anything(value: Any) -> bool:
    return True


KERNEL, SIDE, HEADS, GROUPS = between(0, 15), between(1, 64), between(1, 4096), between(1, 4096)
LABELS = [between(1, 1 << 20), GROUPS, is_pair, is_labels]
SHAPES: dict[str, tuple[int | None, list[Callable[[Any], bool]]]] = {
    "conv2d": (3, [between(1, 16), KERNEL]),
    "conv_transpose2d": (3, [between(1, 16), KERNEL]),
    "depthwise": (3, [KERNEL]),
    "grouped": (3, []),
    "pconv_rb": (7, []),
    "dwconv_rb": (7, []),
    **{name: (2, []) for name in ("add", "subtract", "multiply", "divide", "maximum")},
    "fma": (3, []),
    **{name: (1, []) for name in ("absolute", "exp", "sigmoid", "step_sizes", "unit", "sum_channels", "pooled")},
    "leaky_relu": (1, [is_bits]),
    "signed_log_feature": (2, []),
    "blend_rows": (2, []),
    "layer_norm": (3, [is_positive]),
    "concat": (None, []),
    "slice": (1, [between(0, 1 << 30), between(1, 1 << 30)]),
    "pixel_shuffle": (1, [SIDE]),
    "pixel_unshuffle": (1, [SIDE]),
    "double": (1, []),
    "regroup": (None, [GROUPS, is_pair, anything, anything, anything]),
    "crop": (1, [is_size] * 4),
    "extend": (1, [is_size] * 2),
    "pad": (1, [is_size] * 2),
    "concat_columns": (2, []),
    "fill": (0, [between(1, 1 << 20), is_size, is_size, is_bits]),
    "select": (None, [*LABELS, between(-1, 1 << 15), is_parts]),
    "place": (1, [*LABELS, between(-1, 1 << 15), is_parts, between(0, 15), is_size, is_size]),
    "label_mask": (0, [*LABELS, between(-1, 1 << 16), *[is_size] * 4]),
    "haar": (1, []),
    "inverse_haar": (1, []),
    "lapped_filter": (2, []),
    "cell_sum": (1, [SIDE]),
    "cell_rms": (1, [is_positive]),
    "window_attention": (3, [SIDE, HEADS]),
    "wkv": (4, [between(0, 4096)] * 2),
    "recall": (None, [between(1, 8), between(1, 8), is_positive]),
    "summarise": (2, [HEADS]),
    "join_summaries": (2, []),
    "attend_summary": (2, [HEADS]),
    "code": (4, [between(1, 7)]),
}
"""Number of operands, and what each attribute may be."""
OPTIONAL = {"conv2d": 2, "conv_transpose2d": 2, "depthwise": 2, "code": 2}
"""The operand that may be absent."""
WHOLE = {"pooled", "regroup",
         "extend", "pad", "concat_columns", "fill", "select", "place", "label_mask", "wkv", "recall",
         "summarise", "join_summaries", "attend_summary", "blend_rows"}  # fmt: skip
"""Operations that a picture cannot have of its latents."""


def check_attributes(name: str, operands: list[Any], *attributes: Any) -> None:
    count, rules = SHAPES[name]
    require(count is None or len(operands) == count, "number of operands")
    require(operands or name in ("fill", "label_mask"), "no operands")
    require(all(one is not None or OPTIONAL.get(name) == i for i, one in enumerate(operands)), "an absent operand")
    require(len(attributes) == len(rules), "number of attributes")
    require(all(rule(one) for rule, one in zip(rules, attributes, strict=True)), "an attribute")
    if name in ("select", "place", "label_mask"):
        require(len(attributes[3]) == attributes[1] * attributes[2][0] * attributes[2][1], "a table of labels")
    if name == "select":
        require(len(attributes[5]) == len(operands), "parts")
    if name == "place":
        require(attributes[6] < len(attributes[5]), "a part")
    if name == "recall":
        require(len(operands) == 1 + 2 * attributes[0], "number of operands")
    if name == "regroup":
        check_regroup(len(operands), *attributes)


def check_regroup(inputs: int, groups: int, tile: list[int], in_groups: Any, in_tiles: Any, table: Any) -> None:
    require(all(type(one) is list for one in (in_groups, in_tiles, table)), "a regrouping")
    require(1 <= inputs <= 64 and len(in_groups) == len(in_tiles) == inputs, "inputs of a regrouping")
    require(all(whole(one, 1, 4096) for one in in_groups) and all(map(is_pair, in_tiles)), "a regrouping's inputs")
    require(len(table) == groups * tile[0] * tile[1] <= 1 << 16, "a regrouping's table")
    for item in table:
        if item is None:
            continue
        require(type(item) is list and len(item) == 4 and whole(item[0], 0, inputs - 1), "an item")
        limits = (in_groups[item[0]], *in_tiles[item[0]])
        require(all(whole(one, 0, most - 1) for one, most in zip(item[1:], limits, strict=True)), "an item")


class Trial:
    """A program on small grids: whether its maps fit."""

    def __init__(self, program: dict[str, Any], tensors: dict[str, Array]) -> None:
        self.program, self.tensors = program, tensors
        self.shapes: list[tuple[int, ...]] = []

    def check(self) -> None:
        program = self.program
        m, n, k = program["latent_channels"], program["hyper_channels"], program["hyper_stride"] // program["stride"]
        side = program["unit"] // program["stride"]
        condition = program["entries"]["condition"]
        require(all(one == ["quality", 1, None, None] for one in condition["inputs"]), "inputs of condition")
        vectors = self.run(condition, {}, (1, 1))
        require(all(shape[1:] == (1, 1) for shape in vectors.values()), "condition gives a map")
        require(vectors.get("z_scale", (0,))[0] == n, "z_scale")
        self.vectors = vectors
        for grid in ((side, side), (3 * side, 2 * side)):
            hyper = {"hyper": (n, [1, k]), "layout": (m, [1, 1])}
            self.gives("latents", hyper, grid, {"latent": (m, *grid)}, code=True)
            pixels = tuple(program["stride"] * one for one in grid)
            for name in ("picture", "preview"):
                if name in program["entries"]:
                    self.gives(name, {"latent": (m, [1, 1])}, grid, {"picture": (3, *pixels)})
                    self.check_local(program["entries"][name])

    def gives(
        self, name: str, own: dict[str, Any], grid: tuple[int, int], wanted: dict[str, Any], *, code: bool = False
    ) -> None:
        entry = self.program["entries"][name]
        for given, channels, *sizes in entry["inputs"]:
            if given in own:
                require((channels, sizes) == (own[given][0], [own[given][1]] * 2), "an input has another shape")
            else:
                require(sizes == [None, None] and self.vectors.get(given) == (channels, 1, 1), "a vector")
        require(self.run(entry, {}, grid, code=code) == wanted, "an output has another shape")

    def run(
        self, entry: dict[str, Any], given: dict[str, Array], grid: tuple[int, int], *, code: bool = False
    ) -> dict[str, tuple[int, ...]]:
        values: list[Array] = []
        self.known: list[bool] = []
        for name, channels, rows, columns in entry["inputs"]:
            sides = [1, 1] if rows is None else [self.side(rows, grid[0]), self.side(columns, grid[1])]
            require(min(sides) >= 1, "an input is empty")
            values.append(np.ones((channels, *sides), F))
            self.known.append(name == "layout")
        for op, operands, *attributes in entry["nodes"]:
            found = [self.operand(one, values, op in PARAMETERS) for one in operands]
            made = [type(one) is not int or self.known[one] for one in operands]
            if op == "code":
                require(code, "symbols outside of latents")
                require(attributes[0] < self.program["streams"], "a stream")
                require(len({one.shape for one in found if one is not None}) == 1, "shapes of code")
                require(made[3], "a layout that depends on symbols")
                values.append(found[0])
            else:
                values.append(self.value(op, found, attributes, grid))
            self.known.append(op != "code" and all(made))
        self.shapes = [one.shape for one in values]
        return {name: values[index].shape for name, index in entry["outputs"]}

    @staticmethod
    def side(size: list[int], n: int) -> int:
        m, d = size
        return m * -(-n // d) if d > 0 else m * (n // -d)

    def operand(self, one: Any, values: list[Array], as_is: bool) -> Any:
        if one is None or isinstance(one, int):
            return None if one is None else values[one]
        if isinstance(one, list) and len(one) == 1:
            return np.full((1, 1, 1), number(one[0]), F)
        found = self.tensors[one] if isinstance(one, str) else self.tensors[one[0]][one[1] : one[1] + one[2]]
        return found if as_is else found.reshape(-1, 1, 1)

    def value(self, op: str, found: list[Any], attributes: list[Any], grid: tuple[int, int]) -> Array:
        check_fit(op, found, attributes, grid)
        try:
            with np.errstate(all="ignore"):
                made = np.asarray(OPERATIONS[op](found, attributes, grid), F)
        except (ValueError, IndexError, TypeError, ZeroDivisionError) as error:
            raise Refused(MODEL_FILE, "operands that do not fit") from error
        require(made.ndim == 3 and min(made.shape[1:]) >= 1, "a map is empty")
        return made

    def is_local(self, op: str, operands: list[Any], attributes: list[Any]) -> bool:
        if op in ("conv2d", "conv_transpose2d", "depthwise"):
            name = operands[1] if isinstance(operands[1], str) else operands[1][0]
            k, s, p = self.tensors[name].shape[2], (attributes[0] if op != "depthwise" else 1), attributes[-1]
            return s <= k <= s + 2 * p and 2 * p < k if op == "conv2d" else bool(k == s + 2 * p)
        return op not in WHOLE and (op != "crop" or all(one[0] == 0 for one in attributes[:2]))

    def check_local(self, entry: dict[str, Any]) -> None:
        """What depends on the latent goes through local operations only, and the picture does."""
        latent = [name for name, *_ in entry["inputs"]]
        require("latent" in latent, "a picture without its latent")
        depends = [name == "latent" for name in latent]
        for op, operands, *attributes in entry["nodes"]:
            used = any(type(one) is int and depends[one] for one in operands)
            require(not used or self.is_local(op, operands, attributes), "an operation that is not local")
            others = [self.shapes[one] for one in operands if type(one) is int and not depends[one]]
            require(
                not used or all(shape[1:] == (1, 1) for shape in others), "a map that does not depend on its latent"
            )
            depends.append(used)
        require(depends[entry["outputs"][0][1]], "a picture that does not depend on its latent")


def check_fit(op: str, found: list[Any], attributes: list[Any], grid: tuple[int, int]) -> None:
    """Section 11, where numpy would take more."""
    x = found[0] if found else np.ones((1, 1, 1), F)
    if op in ("conv2d", "conv_transpose2d", "depthwise", "grouped"):
        w, b = found[1:]
        require(w.ndim == 4 and w.shape[2] == w.shape[3] <= 16, "a kernel")
        if op == "grouped":
            fits = w.shape[0] == len(x) and len(x) % w.shape[1] == 0 and w.shape[2] % 2 == 1
        elif op == "depthwise":
            fits = w.shape[:2] == (len(x), 1) and attributes[-1] < w.shape[2]
        else:
            fits = w.shape[op == "conv2d"] == len(x) and attributes[-1] < w.shape[2]
        require(fits, "weights")
        outputs = w.shape[1] if op == "conv_transpose2d" else w.shape[0]
        require(b is None or b.size == outputs, "a bias")
    elif op == "pconv_rb":
        require(
            found[1].ndim == 4 and found[1].shape[1:] == (len(found[1]), 3, 3) and len(found[1]) <= len(x), "a residual"
        )
    elif op in ("add", "subtract", "multiply", "divide", "maximum", "fma"):
        sides = [{one.shape[i] for one in found} - {1} for i in range(3)]
        require(all(len(one) <= 1 for one in sides), "maps that do not broadcast")
    elif op == "slice":
        require(sum(attributes) <= len(x), "channels that are not there")
    elif op in ("pixel_unshuffle", "cell_sum"):
        require(all(side % attributes[0] == 0 for side in x.shape[1:]), "cells")
    elif op == "pixel_shuffle":
        require(len(x) % attributes[0] ** 2 == 0, "phases")
    elif op in ("crop", "extend", "pad"):
        *at, rows, columns = (Trial.side(one, grid[i % 2]) for i, one in enumerate(attributes))
        top, left = at or (0, 0)
        inside = top + rows <= x.shape[1] and left + columns <= x.shape[2]
        require(inside if op == "crop" else rows >= x.shape[1] and columns >= x.shape[2], "a rectangle")
    elif op == "fill":
        sides = [Trial.side(one, grid[i]) for i, one in enumerate(attributes[1:3])]
        require(min(sides) >= 1 and np.prod(sides) <= 1 << 30, "a map is empty or too large")
    elif op == "inverse_haar":
        require(len(x) % 4 == 0, "bands")
    elif op == "lapped_filter":
        require(found[1].shape == (16, 16) and all(side % 16 == 0 for side in x.shape[1:]), "blocks")
    elif op in ("window_attention", "wkv", "summarise"):
        require(len({one.shape for one in found[: 3 if op == "window_attention" else 2]}) == 1, "shapes")
        heads = 1 if op == "wkv" else attributes[-1]
        require(len(x) % heads == 0 and (op != "summarise" or len(x) // heads <= 64), "heads")
    elif op == "recall":
        keys, values = found[1 : 1 + attributes[0]], found[1 + attributes[0] :]
        require({one.shape for one in keys} == {x.shape} and len({one.shape for one in values}) == 1, "entries")
        require(x.shape[1:] in ((1, 1), values[0].shape[1:]), "queries")
    elif op == "join_summaries":
        require(x.shape == found[1].shape and x.shape[1] == 1 and 2 < x.shape[2] <= 66, "summaries")
    elif op == "attend_summary":
        require(len(x) % attributes[0] == 0 and found[1].shape == (len(x), 1, 2 + len(x) // attributes[0]), "a summary")
    elif op == "select":
        for one, part in zip(found, attributes[5], strict=True):
            rows, columns = (Trial.side(size, n) for size, n in zip(part, grid, strict=True))
            require(len(one) == attributes[0] and rows <= one.shape[1] and columns <= one.shape[2], "a part")
    elif op == "regroup":
        groups, tiles = attributes[2:4]
        units = {
            (len(one) / g, one.shape[1] / r, one.shape[2] / s)
            for one, g, (r, s) in zip(found, groups, tiles, strict=True)
        }
        require(len(units) == 1 and all(n == int(n) for n in next(iter(units))), "maps of a regrouping")
