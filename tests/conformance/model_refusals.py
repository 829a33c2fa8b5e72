"""Model files that no reader may accept, one for each reason: refused_models/.

python tests/conformance/model_refusals.py        adds those that are missing to models.zip and models.json

All are `accepted`, which is in models.zip too, with one thing changed, or adapters of it or of `spare`. Codes are the
kinds of FORMAT.md, sections 8 and 12, by the numbers that `hpcm` exits with.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from refusals import LATENT, file

from hpcmcodec.errors import HpcmError
from hpcmcodec.kernels import decode

FOLDER = Path(__file__).parent / "refused_models"
ARCHIVE, RECORD = FOLDER / "models.zip", FOLDER / "models.json"
SUFFIX = ".safetensors"
sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
import reference_model  # noqa: E402
from reference_exact import Refused  # noqa: E402

UNSUPPORTED, MISSING_MODEL, MODEL_FILE, LIMIT = 13, 14, 15, 16
DTYPES = {"F32": "<f4", "F16": "<f2", "I8": "i1", "I32": "<i4"}
Tensors = dict[str, tuple[str, Any]]
Json = dict[str, Any]


class Case(NamedTuple):
    """One file. decoding: whether it shows only when something is decoded."""

    name: str
    reason: str
    data: bytes
    code: int = MODEL_FILE
    decoding: bool = False


ONE_MAP = [[1, 1], [1, 1]]
PROGRAM: Json = {
    "version": 1,
    "stride": 1,
    "unit": 1,
    "hyper_stride": 1,
    "latent_channels": 1,
    "hyper_channels": 1,
    "streams": 2,
    "entries": {
        "condition": {"inputs": [], "nodes": [["multiply", ["w", [1065353216]]]], "outputs": [["z_scale", 0]]},
        "latents": {
            "inputs": [["hyper", 1, *ONE_MAP], ["layout", 1, *ONE_MAP]],
            "nodes": [["code", [0, 0, None, 1], 1]],
            "outputs": [["latent", 2]],
        },
        "picture": {
            "inputs": [["latent", 1, *ONE_MAP]],
            "nodes": [["concat", [0, 0, 0]]],
            "outputs": [["picture", 1]],
        },
    },
}
TENSORS: Tensors = {
    "w": ("F32", [0.5]),
    "entropy.cdf": ("I32", [0, 65000, 65536]),
    "entropy.starts": ("I32", [0, 0]),
    "entropy.lengths": ("I32", [3, 3]),
    "entropy.offsets": ("I32", [0, 0]),
    "entropy.y_thresholds": ("F32", [1]),
    "entropy.z_thresholds": ("F32", [1]),
}
TRELLIS: Tensors = {
    "entropy.starts": ("I32", [0] * 6),
    "entropy.lengths": ("I32", [3] * 6),
    "entropy.offsets": ("I32", [0] * 6),
    "entropy.levels": ("F32", [1, 2, 3, 1] * 4),
}


class Model:
    """A file that is being made; `build` puts it together as section 8 says."""

    def __init__(self, program: Json | None = None, tensors: Tensors | None = None, base: object = None) -> None:
        self.program: Any = copy.deepcopy(PROGRAM if program is None else program)
        self.tensors = {name: (kind, np.array(one, DTYPES[kind])) for name, (kind, one) in (tensors or TENSORS).items()}
        data = [one.tobytes() for _, one in self.tensors.values()]
        ends = [sum(map(len, data[: i + 1])) for i in range(len(data))]
        self.data = b"".join(data)
        self.entries: Any = {
            name: [kind, list(one.shape), hashlib.sha256(one.tobytes()).hexdigest()]
            for name, (kind, one) in self.tensors.items()
        }
        self.head: Any = {
            name: {"dtype": kind, "shape": list(one.shape), "data_offsets": [end - one.nbytes, end]}
            for (name, (kind, one)), end in zip(self.tensors.items(), ends, strict=True)
        }
        self.manifest: Any = {"config": {"family": "lite"}, "program": self.program, "tensors": self.entries}
        if base is not None:
            self.manifest["base"] = base
        self.about: Any = {"name": "tiny"}

    def text(self) -> str:
        return json.dumps(self.manifest, separators=(",", ":"))

    def build(self, manifest: str | None = None) -> bytes:
        """manifest: another text of it."""
        texts = {"hpcmcodec": self.text() if manifest is None else manifest, "hpcmcodec.about": json.dumps(self.about)}
        return self.with_head({"__metadata__": texts, **self.head})

    def with_head(self, head: Json | str) -> bytes:
        text = (head if isinstance(head, str) else json.dumps(head, separators=(",", ":"))).encode()
        return struct.pack("<Q", len(text)) + text + self.data


ACCEPTED = Model().build()
IDENTITY = hashlib.sha256(Model().text().encode()).digest()
SPARE = Model(tensors={**TENSORS, "v": ("F32", [1])})
"""With a parameter that it does not use."""


def changed(change: Callable[[Model], object], **model: Any) -> bytes:
    made = Model(**model)
    change(made)
    return made.build()


def placed(value: object, *path: Any) -> Callable[[Any], None]:
    """Puts a value where the keys lead."""

    def put(thing: Any) -> None:
        for key in path[:-1]:
            thing = thing[key]
        thing[path[-1]] = value

    return put


def with_tensors(tensors: Tensors) -> bytes:
    return Model(tensors={**TENSORS, **tensors}).build()


def without_tensor(name: str) -> bytes:
    return Model(tensors={key: one for key, one in TENSORS.items() if key != name}).build()


# ------------------------------------------------------------------------------------------------ 8: the file
def files() -> Iterator[Case]:
    whole = Model()
    bare = {"__metadata__": {}, **whole.head}
    yield Case("empty", "no bytes", b"")
    yield Case("short", "a file that ends in its length", ACCEPTED[:7])
    yield Case("cut-head", "a file that ends in its head", ACCEPTED[:200])
    large = struct.pack("<Q", (1 << 23) + 1) + b" " * ((1 << 23) + 1)
    yield Case("head-large", "a head of more than 8 MiB", large)
    yield Case("cut-data", "a file that ends in its tensors", ACCEPTED[:-1])
    yield Case("longer", "bytes after the tensors", ACCEPTED + b"\0")
    yield Case("head-array", "a head that is no object", whole.with_head("[]"))
    yield Case("no-metadata", "no metadata", whole.with_head({**whole.head}))
    yield Case("no-manifest", "no manifest", whole.with_head(bare))
    for name, value in (("manifest-object", {}), ("manifest-null", None)):
        yield Case(name, "a manifest that is no text", whole.with_head({**bare, "__metadata__": {"hpcmcodec": value}}))
    yield Case("no-tensors", "a manifest without tensors", changed(lambda m: m.manifest.pop("tensors")))
    yield Case("no-program", "a manifest without a program", changed(lambda m: m.manifest.pop("program")))
    yield Case("program-array", "a program that is no object", changed(lambda m: m.manifest.update(program=[])))
    yield Case("about-damaged", "an about that is not JSON", changed_about("{"))
    yield Case("about-name", "a name that is no text", changed(lambda m: m.about.update(name=5)))


def changed_about(text: str) -> bytes:
    made = Model()
    texts = {"hpcmcodec": made.text(), "hpcmcodec.about": text}
    return made.with_head({"__metadata__": texts, **made.head})


def texts() -> Iterator[Case]:
    """JSON: manifests with one member more."""
    wrong = {
        "follows": ("bytes after the manifest", None, "x"),
        "ends": ("a manifest that ends early", '"x":', None),
        "word": ("a word that JSON does not have", '"x":nothing', ""),
        "nan": ("a number that is not finite", '"x":NaN', ""),
        "infinity": ("an infinite number", '"x":-Infinity', ""),
        "zero": ("a number that begins with 0", '"x":01', ""),
        "point": ("a number that ends in a point", '"x":1.', ""),
        "exponent": ("a number without an exponent's digits", '"x":1e', ""),
        "array": ("an array that is not closed", '"x":[1 2]', ""),
        "object": ("an object that is not closed", '"x":{"a":1 "b":2}', ""),
        "name": ("a name that is no text", '"x":{1:2}', ""),
        "colon": ("a name without a colon", '"x":{"a" 1}', ""),
        "twice": ("a name twice", '"x":{"a":1,"a":2}', ""),
        "control": ("a line feed in a text", '"x":"a\nb"', ""),
        "escape": ("an unknown escape", '"x":"\\x41"', ""),
        "hex": ("an escape of no hexadecimal digits", '"x":"\\u00g1"', ""),
        "surrogate": ("half of a surrogate pair", '"x":"\\ud800"', ""),
        "deep": ("33 arrays in one another", '"x":' + "[" * 33 + "]" * 33, ""),
    }
    text = Model().text()
    for name, (reason, member, after) in wrong.items():
        inner = text if member is None else f"{text[:-1]},{member}" + ("" if after is None else "}")
        yield Case(f"json-{name}", reason, Model().build(inner + (after or "")))
    made = Model()
    head = json.dumps({"__metadata__": {"hpcmcodec": made.text(), "hpcmcodec.about": "{}"}, **made.head})
    twice = head[:-1] + ',"w":' + json.dumps(made.head["w"]) + "}"
    yield Case("json-head-twice", "a tensor's place twice", made.with_head(twice))
    utf8 = made.with_head(head.replace("lite", "l\x7fte")).replace(b"l\x7fte", b"l\xffte")
    yield Case("json-utf-8", "a text that is not UTF-8", utf8)
    values = f'{text[:-1]},"x":[{"0," * (1 << 20)}0]}}'
    yield Case("json-values", "more than 2^20 values", Model().build(values))


def tensors() -> Iterator[Case]:
    """What the manifest and the head say of tensors, and their bytes."""

    def entry(*path: Any, value: object) -> bytes:
        return changed(lambda m: placed(value, *path)(m.entries))

    def place(value: object, *path: Any) -> bytes:
        return changed(lambda m: placed(value, *path)(m.head))

    def shaped(shape: list[object]) -> bytes:
        """In both."""
        return changed(lambda m: (placed(shape, "w", 1)(m.entries), placed(shape, "w", "shape")(m.head)))

    yield Case("entry-short", "a tensor without a hash", entry("w", value=["F32", [1]]))
    yield Case("entry-object", "a tensor that is no array", entry("w", value={}))
    yield Case("entry-type-number", "a type that is no text", entry("w", 0, value=1))
    yield Case("entry-hash", "another hash", entry("w", 2, value="0" * 64))
    yield Case("tensor-name", "a name with a blank", with_tensors({"w w": ("F32", [1])}))
    yield Case("tensor-name-empty", "a name of no characters", with_tensors({"": ("F32", [1])}))
    yield Case("tensor-name-long", "a name of 201 characters", with_tensors({"w" * 201: ("F32", [1])}))
    yield Case(
        "tensor-type",
        "an unknown type",
        changed(lambda m: (placed("F64", "w", 0)(m.entries), placed("F64", "w", "dtype")(m.head))),
    )
    yield Case("tensor-integers", "a parameter of integers", with_tensors({"w": ("I32", [1])}))
    yield Case("shape-0", "a side of 0", shaped([0]))
    yield Case("shape-negative", "a negative side", shaped([-1]))
    yield Case("shape-fraction", "a side that is no whole number", shaped([1.5]))
    yield Case("shape-large", "a shape of 2^62 elements", shaped([1 << 31, 1 << 31]))
    yield Case("shape-long", "a shape of 7 sides", with_tensors({"w": ("F32", [[[[[[[1]]]]]]])}))
    yield Case("place-missing", "a tensor that lies nowhere", changed(lambda m: m.head.pop("entropy.z_thresholds")))
    unlisted = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    yield Case("place-unlisted", "a tensor that the manifest does not list", place(unlisted, "v"))
    yield Case("place-type", "another type than the manifest says", place("F16", "w", "dtype"))
    yield Case("place-shape", "another shape than the manifest says", place([1, 1], "w", "shape"))
    yield Case("place-no-offsets", "a tensor without offsets", changed(lambda m: m.head["w"].pop("data_offsets")))
    yield Case("place-one-offset", "a tensor with one offset", place([0], "w", "data_offsets"))
    yield Case("place-negative", "an offset below 0", place([-4, 0], "w", "data_offsets"))
    yield Case("place-beyond", "an offset beyond the file", place([1 << 40, (1 << 40) + 4], "w", "data_offsets"))
    yield Case("place-long", "more bytes than type and shape say", place([0, 8], "w", "data_offsets"))
    yield Case("place-overlap", "tensors that overlap", place([4, 8], "w", "data_offsets"))
    hole = Model()
    hole.data = b"\0" * 4 + hole.data
    for one in hole.head.values():
        one["data_offsets"] = [offset + 4 for offset in one["data_offsets"]]
    yield Case("place-hole", "a hole between tensors", hole.build())
    many = {f"w{i}": 0 for i in range((1 << 14) + 1)}
    yield Case("tensors-many", "more than 16384 tensors", changed(lambda m: m.manifest.update(tensors=many)))
    yield Case("nan", "a parameter that is no number", with_tensors({"w": ("F32", [np.nan])}))
    yield Case("infinite-half", "an infinite parameter of half precision", with_tensors({"w": ("F16", [np.inf])}))
    int8: Tensors = {"w": ("I8", [3])}
    yield Case("int8-alone", "int8 without factors", with_tensors(int8))
    yield Case("int8-scalar", "int8 without rows", with_tensors({"w": ("I8", 3), "w.scale": ("F32", [1])}))
    yield Case("int8-rows", "more factors than rows", with_tensors({**int8, "w.scale": ("F32", [1, 1])}))
    yield Case("int8-half", "factors of half precision", with_tensors({**int8, "w.scale": ("F16", [1])}))
    for name, factor in (("large", 2.0**121), ("small", 2.0**-127), ("nan", np.nan)):
        yield Case(f"int8-{name}", f"a factor that is {name}", with_tensors({**int8, "w.scale": ("F32", [factor])}))


def tables() -> Iterator[Case]:
    def table(name: str, kind: str, values: Any, **more: Any) -> bytes:
        return with_tensors({f"entropy.{name}": (kind, values), **{f"entropy.{key}": one for key, one in more.items()}})

    for name in ("cdf", "y_thresholds"):
        yield Case(f"table-no-{name}", f"no {name}", without_tensor(f"entropy.{name}"))
    yield Case("table-type", "a table of another type", table("y_thresholds", "I32", [1]))
    yield Case("table-matrix", "a table that is no vector", table("cdf", "I32", [[0, 65000, 65536]]))
    yield Case("table-unknown", "a table that there is none of", table("other", "F32", [1]))
    yield Case("rows-differ", "fewer offsets than rows", table("offsets", "I32", [0]))
    rows = {name: ("I32", [value] * 769) for name, value in (("starts", 0), ("lengths", 3))}
    yield Case("rows-769", "769 rows", table("offsets", "I32", [0] * 769, **rows))
    for name, values in (("starts", [0, -1]), ("starts", [0, 1]), ("lengths", [3, 2]), ("lengths", [3, 4])):
        reason = f"{name} {values[1]}, outside of the cdf"
        yield Case(f"row-{name}-{values[1]}".replace("--", "-minus-"), reason, table(name, "I32", values))
    yield Case("row-begins", "a row that does not begin with 0", table("cdf", "I32", [1, 65000, 65536]))
    yield Case("row-ends", "a row that does not end with 65536", table("cdf", "I32", [0, 65000, 65535]))
    yield Case("row-falls", "a row that does not rise", table("cdf", "I32", [0, 65536, 65536]))
    yield Case("row-offset", "an offset above 2^24", table("offsets", "I32", [0, (1 << 24) + 1]))
    for name, values in (("falls", [2, 1]), ("level", [1, 1])):
        three = {key: ("I32", [value] * 3) for key, value in (("starts", 0), ("lengths", 3), ("offsets", 0))}
        reason = "thresholds that do not rise"
        yield Case(f"thresholds-{name}", reason, table("y_thresholds", "F32", values, **three))
    yield Case("thresholds-many", "as many thresholds as rows", table("z_thresholds", "F32", [1, 2]))
    yield Case("thresholds-infinite", "an infinite threshold", table("z_thresholds", "F32", [np.inf]))
    several = {key: ("I32", [value] * 300) for key, value in (("starts", 0), ("lengths", 3), ("offsets", 0))}
    yield Case("thresholds-256", "256 thresholds", table("z_thresholds", "F32", range(256), **several))  # type: ignore[arg-type]
    trellis = {"entropy.levels": ("F32", [[1, 2, 3, 1]] * 4)}
    yield Case("levels-matrix", "levels that are no vector", with_tensors({**TRELLIS, **trellis}))
    yield Case(
        "levels-few", "levels of one state", with_tensors({**TRELLIS, "entropy.levels": ("F32", [1, 2, 3, 1] * 2)})
    )
    yield Case(
        "levels-half",
        "levels of half precision",
        with_tensors({**TRELLIS, "entropy.levels": ("F16", [1, 2, 3, 1] * 4)}),
    )
    yield Case(
        "levels-rows",
        "rows that are not three times those of a trellis",
        with_tensors({"entropy.levels": TRELLIS["entropy.levels"]}),
    )
    hyper = {"entropy.z_thresholds": ("F32", [1, 2])}
    yield Case(
        "levels-hyper", "more thresholds of hyper-latents than a trellis has rows", with_tensors({**TRELLIS, **hyper})
    )
    group: dict[str, list[float]] = {
        "zero": [0, 2, 3, 1],
        "fall": [1, 3, 2, 1],
        "step": [1, 2, 3, 0],
        "large": [1, 2, 2**25, 1],
        "nan": [1, 2, 3, np.nan],
    }
    for name, four in group.items():
        levels: Tensors = {"entropy.levels": ("F32", [1, 2, 3, 1] * 3 + four)}
        yield Case(f"levels-{name}", f"levels {four}", with_tensors({**TRELLIS, **levels}))


def adapters() -> Iterator[Case]:
    def named(name: str) -> Json:
        program = copy.deepcopy(PROGRAM)
        program["entries"]["condition"]["nodes"][0][1][0] = name
        return program

    own = {name: one for name, one in TENSORS.items() if name != "w"}
    identity = IDENTITY.hex()
    for name, reason, base in (
        ("number", "a base that is no text", 5),
        ("short", "an identity of 63 digits", identity[:-1]),
        ("capital", "an identity with capital letters", identity.upper()),
    ):
        yield Case(f"base-{name}", reason, Model(tensors=own, base=base).build())
    yield Case("base-missing", "a base that nobody has", Model(tensors=own, base="0" * 64).build(), MISSING_MODEL)
    missing = Model(named("v"), own, identity).build()
    yield Case("base-parameter", "a parameter that the base does not have either", missing)
    yield Case(
        "base-unused",
        "a parameter that no decoding entry of the base uses",
        Model(named("v"), own, hashlib.sha256(SPARE.text().encode()).hexdigest()).build(),
    )


BASES = {IDENTITY: ACCEPTED, hashlib.sha256(SPARE.text().encode()).digest(): SPARE.build()}


# ------------------------------------------------------------------------------------------------ 10: programs
def programs() -> Iterator[Case]:
    def part(value: object, *path: Any) -> bytes:
        return changed(lambda m: placed(value, *path)(m.program))

    def entry(value: object, *path: Any) -> bytes:
        return part(value, "entries", *path)

    def without(*path: Any) -> bytes:
        def drop(m: Model) -> None:
            place = m.program
            for key in path[:-1]:
                place = place[key]
            place.pop(path[-1])

        return changed(drop)

    for name, least, most in (
        ("stride", 1, 256), ("unit", 1, 65536), ("hyper_stride", 1, 65536), ("latent_channels", 1, 65536),
        ("hyper_channels", 1, 65536), ("streams", 2, 8),
    ):  # fmt: skip
        yield Case(f"no-{name}", f"no {name}", without(name))
        yield Case(f"{name}-{least - 1}", f"{name} {least - 1}", part(least - 1, name))
        yield Case(f"{name}-{most + 1}", f"{name} {most + 1}", part(most + 1, name))
    for cell in (0, 65537):
        yield Case(f"coded_unit-{cell}", f"coded_unit {cell}", part(cell, "coded_unit"))
    for cell, unit in ((3, 6), (4, 6)):
        reason = f"a coded_unit of {cell}, strides of 2 and {unit}"
        divided = changed(
            lambda m, cell=cell, unit=unit: m.program.update(stride=2, coded_unit=cell, unit=unit, hyper_stride=2)
        )
        yield Case(f"coded_unit-{cell}", reason, divided)
    yield Case("stride-text", "a stride that is no number", part("1", "stride"))
    yield Case("stride-fraction", "a stride that is no whole number", part(1.0, "stride"))
    yield Case("version-2", "a program of version 2", part(2, "version"), UNSUPPORTED)
    yield Case("version-text", "a version that is no number", part("1", "version"))
    yield Case("version-negative", "a version below 0", part(-1, "version"))
    odd = changed(lambda m: m.program.update(stride=2, unit=3, hyper_stride=2))
    yield Case("unit-odd", "a padding that is no multiple of the stride", odd)
    odd = changed(lambda m: m.program.update(stride=2, unit=2, hyper_stride=3))
    yield Case("hyper-odd", "a hyper-latent's stride that is no multiple of the stride", odd)
    yield Case("entries-array", "entries that are no object", part([], "entries"))
    more = {f"later{i}": PROGRAM["entries"]["picture"] for i in range(14)}
    yield Case("entries-17", "17 entries", changed(lambda m: m.program["entries"].update(more)))
    for name in PROGRAM["entries"]:
        yield Case(f"no-{name}", f"no entry {name}", without("entries", name))
        for key in ("inputs", "nodes", "outputs"):
            if name == "picture":
                yield Case(f"no-{key}", f"an entry without {key}", without("entries", name, key))
    picture = PROGRAM["entries"]["picture"]
    latent = picture["inputs"][0]
    vectors = [[f"v{i}", 1, None, None] for i in range(64)]
    yield Case("inputs-65", "65 inputs", entry([latent, *vectors], "picture", "inputs"))
    yield Case("input-short", "an input without columns", entry(latent[:3], "picture", "inputs", 0))
    yield Case("input-twice", "two inputs of one name", entry([latent, latent], "picture", "inputs"))
    yield Case("input-unnamed", "an input of no name", entry("", "picture", "inputs", 0, 0))
    yield Case("input-name-long", "an input of a name of 257 characters", entry("a" * 257, "picture", "inputs", 0, 0))
    yield Case("input-channels", "an input of 2 channels for 1", entry(2, "picture", "inputs", 0, 1))
    yield Case("input-channels-0", "an input of no channels", entry(0, "picture", "inputs", 0, 1))
    yield Case("input-size", "an input of another size", entry([2, 1], "picture", "inputs", 0, 2))
    yield Case("input-half", "an input with rows and no columns", entry(None, "picture", "inputs", 0, 3))
    yield Case("input-vector", "a map that is a vector", entry(["latent", 1, None, None], "picture", "inputs", 0))
    yield Case("input-hyper", "hyper-latents of another size", entry([1, 2], "latents", "inputs", 0, 2))
    yield Case("input-layout", "a layout of another size", entry([1, 2], "latents", "inputs", 1, 2))
    yield Case("input-unknown", "a vector that condition does not give",
               entry([latent, ["gain", 1, None, None]], "picture", "inputs"))  # fmt: skip
    yield Case("input-wide", "a vector of more channels than condition gives",
               entry([latent, ["z_scale", 2, None, None]], "picture", "inputs"))  # fmt: skip
    yield Case("size-short", "a size of one number", entry([1], "picture", "inputs", 0, 2))
    for name, size in (
        ("div-0", [1, 0]),
        ("mul-negative", [-1, 1]),
        ("mul", [(1 << 20) + 1, 1]),
        ("div", [1, (1 << 20) + 1]),
    ):
        yield Case(f"size-{name}", f"a size {size}", entry(size, "picture", "inputs", 0, 2))
    yield Case("nodes-8193", "8193 nodes", entry([["absolute", [0]]] * 8193, "picture", "nodes"))
    yield Case("node-short", "a node without operands", entry(["concat"], "picture", "nodes", 0))
    yield Case("node-unnamed", "a node without an operation", entry("", "picture", "nodes", 0, 0))
    yield Case("operation-unknown", "an unknown operation", entry("later", "picture", "nodes", 0, 0), UNSUPPORTED)
    yield Case("operands-257", "257 operands", entry([0] * 257, "picture", "nodes", 0, 1))
    yield Case("operand-itself", "a node that uses its own value", entry(1, "picture", "nodes", 0, 1, 0))
    yield Case("operand-negative", "a negative operand", entry(-1, "picture", "nodes", 0, 1, 0))
    yield Case("operand-boolean", "an operand that is true", entry(True, "picture", "nodes", 0, 1, 0))
    yield Case("operand-parameter", "a parameter that is not there", entry("v", "picture", "nodes", 0, 1, 0))
    yield Case("operand-two", "an operand of two numbers", entry(["w", 0], "picture", "nodes", 0, 1, 0))
    yield Case("operand-rows", "rows that are not there", entry(["w", 1, 1], "picture", "nodes", 0, 1, 0))
    yield Case("operand-rows-many", "more rows than there are", entry(["w", 0, 2], "picture", "nodes", 0, 1, 0))
    yield Case("operand-scalar", "a parameter without sides", with_tensors({"w": ("F32", 1)}))
    yield Case("operand-five", "a parameter of five sides", with_tensors({"w": ("F32", [[[[[1]]]]])}))
    for name, bits in (("33", 1 << 32), ("negative", -1), ("infinite", 0x7F800000), ("nan", 0x7FC00000)):
        yield Case(f"bits-{name}", f"a number of bits {bits}", entry([bits], "condition", "nodes", 0, 1, 1))
    yield Case("no-output", "an entry without an output", entry([], "picture", "outputs"))
    yield Case("outputs-65", "65 outputs", entry([[f"v{i}", 1] for i in range(65)], "picture", "outputs"))
    yield Case("output-short", "an output without a value", entry(["picture"], "picture", "outputs", 0))
    yield Case("output-twice", "two outputs of one name", entry([["picture", 1]] * 2, "picture", "outputs"))
    yield Case("output-beyond", "an output of a value that is not there", entry(2, "picture", "outputs", 0, 1))
    yield Case("output-name", "an entry that gives something else", entry("latent", "picture", "outputs", 0, 0))
    yield Case("output-more", "an entry that gives more", entry([["picture", 1], ["more", 1]], "picture", "outputs"))
    yield Case("output-shape", "a picture of one channel", entry(0, "picture", "outputs", 0, 1))
    yield Case("condition-input", "a condition of something else than the quality",
               entry([["mood", 1, None, None]], "condition", "inputs"))  # fmt: skip
    yield Case("condition-map", "a condition that gives a map",
               entry([["fill", [], 1, [2, 1], [1, 1], 0]], "condition", "nodes"))  # fmt: skip
    yield Case("condition-no-scale", "a condition without z_scale", entry("scale", "condition", "outputs", 0, 0))
    yield Case("condition-scales", "more scales than hyper-latents",
               entry([["concat", ["w", "w"]]], "condition", "nodes"))  # fmt: skip
    yield Case("condition-code", "a condition that reads symbols",
               entry([["code", ["w", "w", None, "w"], 1]], "condition", "nodes"))  # fmt: skip
    code = ["code", [0, 0, None, 0], 1]
    coding = {**picture, "nodes": [code, ["concat", [1, 1, 1]]], "outputs": [["picture", 2]]}
    yield Case("picture-code", "a picture that reads symbols", entry(coding, "picture"))
    yield Case("code-operands", "symbols without a layout", entry([0, 0, None], "latents", "nodes", 0, 1))
    yield Case("code-absent", "symbols without a scale", entry([0, None, None, 1], "latents", "nodes", 0, 1))
    yield Case("code-shape", "symbols whose scales have another shape",
               entry([["concat", [0, 0]], ["code", [0, 2, None, 1], 1]], "latents", "nodes"))  # fmt: skip
    yield Case("code-layout", "a layout that depends on symbols", entry([0, 0, None, 0], "latents", "nodes", 0, 1))
    yield Case("code-stream-0", "symbols in the stream of hyper-latents", entry(0, "latents", "nodes", 0, 2))
    yield Case("code-stream", "symbols in a stream that is not there", entry(2, "latents", "nodes", 0, 2))
    yield Case("code-more", "symbols with an attribute too many", entry([*code, 1], "latents", "nodes", 0))
    constant = [["fill", [], 3, [1, 1], [1, 1], 0]]
    unasked = {"inputs": [], "nodes": constant, "outputs": [["picture", 0]]}
    yield Case("picture-unasked", "a picture that does not take its latents", entry(unasked, "picture"))
    for name, nodes, reason in (
        ("pooled", [["pooled", [0]], ["add", [0, 1]]], "a picture that takes all latents at once"),
        ("constant", [["absolute", [0]], *constant], "a picture that does not depend on its latents"),
        (
            "map",
            [["fill", [], 1, *ONE_MAP, 0], ["add", [0, 1]]],
            "a picture of a map that does not depend on its latents",
        ),
    ):
        whole = [*nodes, *([] if name == "constant" else [["concat", [2, 2, 2]]])]
        made = {"inputs": [latent], "nodes": whole, "outputs": [["picture", len(whole)]]}
        yield Case(f"picture-{name}", reason, entry(made, "picture"))
    shrunk = [["conv_transpose2d", [0, "k", None], 1, 0], ["conv2d", [1, "k", None], 1, 0], ["concat", [2, 2, 2]]]
    made = Model(tensors={**TENSORS, "k": ("F16", np.ones((1, 1, 3, 3)))})
    made.program["entries"]["picture"] = {"inputs": [latent], "nodes": shrunk, "outputs": [["picture", 3]]}
    yield Case("picture-padding", "a picture by convolutions of other sizes than their padding", made.build())
    nodes = [["fill", [], 1, [1 << 15, 1], [1 << 15, 1], 0], *[["absolute", [i]] for i in range(17)], ["pooled", [17]]]
    work = {"inputs": [], "nodes": nodes, "outputs": [["z_scale", 18]]}
    yield Case("work", "more work than this reader does", entry(work, "condition"), LIMIT, decoding=True)


def operations() -> Iterator[Case]:
    """Each in a picture, whose other node takes the latent as before; values 0 and 1 are maps of 1 and 2 channels."""

    def pictured(nodes: list[Any], tensors: Tensors, unit: int = 1) -> bytes:
        made = Model({**PROGRAM, "unit": unit}, {**TENSORS, **tensors})
        picture = made.program["entries"]["picture"]
        picture["nodes"] = [["concat", [0, 0]], *nodes, *picture["nodes"]]
        picture["outputs"] = [["picture", 2 + len(nodes)]]
        return made.build()

    tall = ["fill", [], 1, [2, 1], [1, 1], 0]
    none: Tensors = {}
    labels = [1, 1, [1, 1], [0]]
    part = [[1, 1], [1, 1]]
    table = [[0, 0, 0, 0]]
    cases: dict[str, tuple[str, list[Any], Tensors]] = {
        "operand-few": ("too few operands", [["add", [0]]], none),
        "operand-null": ("an operand that is absent", [["add", [0, None]]], none),
        "attribute-missing": ("an attribute too few", [["cell_sum", [0]]], none),
        "attribute-more": ("an attribute too many", [["add", [0, 0], 1]], none),
        "attribute-0": ("cells of no side", [["cell_sum", [0], 0]], none),
        "attribute-65": ("cells of side 65", [["cell_sum", [0], 65]], none),
        "attribute-text": ("an attribute that is no number", [["cell_sum", [0], "1"]], none),
        "attribute-positive": ("an epsilon of 0", [["layer_norm", [0, "w", "w"], 0]], none),
        "attribute-null": ("a size that is null", [["crop", [0], [0, 1], [0, 1], None, [1, 1]]], none),
        "list-empty": ("no labels", [["label_mask", [], 1, 1, [1, 1], [], 1, *part, *part]], none),
        "list-range": ("a label of 2^16", [["label_mask", [], 1, 1, [1, 1], [1 << 16], 1, *part, *part]], none),
        "pair": ("a tile of one side", [["label_mask", [], 1, 1, [1], [0], 1, *part, *part]], none),
        "weights-rank": ("weights of one side", [["conv2d", [0, "w", None], 1, 0]], none),
        "weights-shape": ("weights of other channels", [["conv2d", [1, "k", None], 1, 0]], {"k": ("F32", [[[[1]]]])}),
        "weights-bias": ("a bias of other channels", [["conv2d", [0, "k", "b"], 1, 0]],
                         {"k": ("F32", [[[[1]]]]), "b": ("F32", [1, 2])}),
        "kernel": ("a kernel that is not square", [["conv2d", [0, "k", None], 1, 0]], {"k": ("F32", [[[[1, 1]]]])}),
        "kernel-17": ("a kernel of side 17", [["depthwise", [0, "k", None], 8]], {"k": ("F16", [[[[1] * 17] * 17]])}),
        "padding": ("a padding as large as the kernel", [["conv2d", [0, "k", None], 1, 1]], {"k": ("F32", [[[[1]]]])}),
        "residual": ("a residual block of other channels", [["pconv_rb", [0, "s", "b", "e", "w", "e", "w"]]],
                     {"s": ("F16", np.ones((2, 2, 3, 3))), "b": ("F16", [1, 1]), "e": ("F16", [[[[1]]]])}),
        "groups": ("groups of two channels of one", [["grouped", [0, "k", "w"]]], {"k": ("F32", [[[[1]], [[1]]]])}),
        "groups-even": ("groups with an even kernel", [["grouped", [0, "k", "w"]]], {"k": ("F32", [[[[1] * 2] * 2]])}),
        "broadcast": ("maps of 2 and 3 channels added", [["concat", [0, 0, 0]], ["add", [1, 2]]], none),
        "concat-none": ("nothing joined", [["concat", []]], none),
        "concat-sizes": ("maps of other sizes joined", [tall, ["concat", [0, 2]]], none),
        "slice": ("channels that are not there", [["slice", [0], 0, 2]], none),
        "shuffle": ("one channel shuffled", [["pixel_shuffle", [0], 2]], none),
        "unshuffle": ("an odd map unshuffled", [["pixel_unshuffle", [0], 2]], none),
        "crop": ("a rectangle outside of its map", [["crop", [0], [1, 1], [0, 1], *part]], none),
        "extend": ("a map extended to less", [["extend", [0], [0, 1], [1, 1]]], none),
        "map-empty": ("a map of no rows", [["fill", [], 1, [0, 1], [1, 1], 0]], none),
        "map-large": ("a map of 2^40 positions", [["fill", [], 1, [1 << 20, 1], [1 << 20, 1], 0]], none),
        "bands": ("bands of one channel", [["inverse_haar", [0]]], none),
        "lapped": ("blocks of 16 of smaller maps", [["lapped_filter", [0, "p"]]], {"p": ("F16", np.ones((16, 16)))}),
        "recall-sizes": ("queries of another size", [tall, ["recall", [2, 2, 0], 1, 1, 1]], none),
        "recall-shapes": ("entries of other shapes", [["recall", [0, 1, 0], 1, 1, 1]], none),
        "window-shapes": ("attention of other shapes", [["window_attention", [0, 0, 1], 1, 1]], none),
        "window-heads": ("two heads of one channel", [["window_attention", [0, 0, 0], 1, 2]], none),
        "wkv": ("keys and values of other shapes", [["wkv", [0, 1, "w", "w"], 1, 1]], none),
        "summary-heads": ("a summary of two heads of one channel", [["summarise", [0, 0], 2]], none),
        "summary-join": ("summaries that are none", [["join_summaries", [0, 0]]], none),
        "summary-attend": ("a summary of other channels", [["attend_summary", [0, 1], 1]], none),
        "labels-few": ("labels that do not fill their table", [["select", [0], 1, 1, [1, 2], [0], 0, [part]]], none),
        "parts-short": ("a part without columns", [["select", [0], *labels, 0, [[[1, 1]]]]], none),
        "parts-17": ("17 parts", [["select", [0] * 17, *labels, 0, [part] * 17]], none),
        "parts-none": ("nothing selected from", [["select", [], *labels, 0, []]], none),
        "part-outside": ("a part larger than its map", [["select", [0], *labels, 0, [[[2, 1], [1, 1]]]]], none),
        "place-part": ("a part that is not there", [["place", [0], *labels, 0, [part], 1, *part]], none),
        "regroup-tiles": ("groups without tiles", [["regroup", [0], 1, [1, 1], [1], [], table]], none),
        "regroup-tile": ("a tile of one side", [["regroup", [0], 1, [1, 1], [1], [[1]], table]], none),
        "regroup-tile-0": ("a tile of no rows", [["regroup", [0], 1, [1, 1], [1], [[0, 1]], table]], none),
        "regroup-table": ("two items for one", [["regroup", [0], 1, [1, 1], [1], [[1, 1]], table * 2]], none),
        "regroup-item": ("an item of three numbers", [["regroup", [0], 1, [1, 1], [1], [[1, 1]], [[0, 0, 0]]]], none),
        "regroup-place": ("an item of no place", [["regroup", [0], 1, [1, 1], [1], [[1, 1]], [[0, 1, 0, 0]]]], none),
        "regroup-maps": ("a map that is in no groups", [["regroup", [0], 1, [1, 1], [2], [[1, 1]], table]], none),
    }  # fmt: skip
    for name, (reason, nodes, more) in cases.items():
        yield Case(f"op-{name}", reason, pictured(nodes, more))
    large = [["select", [0], *labels, 0, [[[1 << 20, 1], [1, 1]]]]]
    yield Case("op-part-large", "a part of more than 2^20 rows", pictured(large, none, unit=2))


def cases() -> list[Case]:
    """All files."""
    found = [case for group in (files, texts, tensors, tables, adapters, programs, operations) for case in group()]
    assert len({case.name for case in found}) == len(found)
    return found


# ------------------------------------------------------------------------------------------------ readers
def find_base(identity: bytes) -> decode.Model:
    """A wrong one where there is none."""
    return decode.Model(BASES.get(identity, ACCEPTED), find_base)


def picture_of(data: bytes) -> bytes:
    """A file of one pixel whose model this is."""
    (length,) = struct.unpack_from("<Q", data)
    identity = hashlib.sha256(json.loads(data[8 : 8 + length])["__metadata__"]["hpcmcodec"].encode()).digest()
    return file({0: 1, 1: 1, 2: identity[:8], 3: "tiny", 7: 2}, [(LATENT, bytes(4) + b"\0")])


def refusal(data: bytes, *, decoding: bool = False) -> HpcmError | None:
    """What the core says of a model. decoding: or of a picture of it."""
    try:
        model = decode.Model(data, find_base)
        if decoding:
            decode.decode(decode.File(picture_of(data), 1 << 28, 1 << 24), model)
    except HpcmError as error:
        return error
    return None


def second_refusal(data: bytes) -> Refused | None:
    """What the second reader says."""
    try:
        reference_model.checked(data, BASES)
    except Refused as error:
        return error
    return None


# ------------------------------------------------------------------------------------------------ what the core may say
CORE = Path(__file__).parents[2] / "kernels"
SOURCES = [
    CORE / "core/model_file.cpp", CORE / "core/model.cpp", CORE / "core/program.cpp", CORE / "core/json.cpp",
    CORE / "core/strips.cpp", CORE / "core/executor.cpp", CORE / "entropy/rans_tables.cpp",
    CORE / "entropy/trellis.cpp", *sorted(CORE.glob("ops/op*.*")), CORE / "ops/attributes.cpp",
]  # fmt: skip
SAYING = re.compile(
    r"\b(?:damaged|refuse|bounded|list_of|require|ModelCorrupt|LimitExceeded|invalid_argument|(?<!void )fail)\("
)


def reasons() -> set[str]:
    """Texts in the calls by which the core refuses a model, by its source."""
    found: set[str] = set()
    for path in SOURCES:
        source = path.read_text()
        for match in SAYING.finditer(source):
            found |= set(re.findall(r'"((?:[^"\\]|\\.)*)"', _call(source[match.end() :])))
    return {text for text in found if re.search("[a-z]{2}", text)}


def _call(source: str) -> str:
    """Up to the bracket that closes."""
    depth = 1
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[()]', source):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return source[: match.start()]
    return source


def stored() -> dict[str, bytes]:
    """The files of the archive by name."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        return {name.removesuffix(SUFFIX): archive.read(name) for name in archive.namelist()}


def store(name: str, data: bytes) -> None:
    with zipfile.ZipFile(ARCHIVE, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}{SUFFIX}"), data, zipfile.ZIP_DEFLATED)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    before = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    known = stored() if ARCHIVE.exists() else {}
    record = {}
    for name, data in (("accepted", ACCEPTED), ("spare", SPARE.build())):
        if name not in known:
            store(name, data)
    for case in cases():
        if case.name in known:
            record[case.name] = before[case.name]
            continue
        store(case.name, case.data)
        error = refusal(case.data, decoding=case.decoding)
        second = None if case.decoding else second_refusal(case.data)
        record[case.name] = {
            "reason": case.reason,
            "code": case.code,
            "message": str(error),
            "second": str(second or ""),
        }
        if error is None or error.exit_code != case.code:
            print(f"{case.name} is not refused as it should be: {error!r}")
        if not case.decoding and (second is None or second.kind != case.code):
            print(f"{case.name} is not refused as it should be by the second reader: {second!r}")
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
