"""Which conformance file shows what, read from the files and their models: the tables of README.md beside this file.

python tests/conformance/features.py        writes README.md anew
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hpcmcodec.formats import container, model_file
from hpcmcodec.formats.chunks import EXIF, FLAT, ICC, KNOWN, TILE_INDEX, XMP
from hpcmcodec.formats.container import Container
from hpcmcodec.formats.exact import ALPHA, COLOURS, ON_TOP
from hpcmcodec.formats.header import Header
from hpcmcodec.formats.model_head import Head
from hpcmcodec.formats.model_rules import LEVELS, PREFIX
from hpcmcodec.models import store
from hpcmcodec.models.program import program_of
from hpcmcodec.models.registry import build, config_from_dict

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "formats"))
import reference_exact  # noqa: E402

README = FOLDER / "README.md"
ENTRIES = ("condition", "latents", "picture", "preview")
"""Of a program: those that decoders execute."""
UNUSED = {"pixel_unshuffle"}
"""Operations that only encoders' entries use so far."""
COMMON = 12
"""A feature that more files show is not told of each of them."""


TYPES = {int, str, bytes, tuple, dict, float, bool, type(None)}
"""Of values in a header."""


def _types(value: object) -> set[type]:
    """Those of a value and of all in it."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    return {type(value)}.union(*map(_types, inner))


def _header(file: Container) -> Iterator[str]:
    head = file.header
    yield from ("grey",) if head.channels == 1 else ("colour",)
    yield from ("alpha",) if head.alpha else ()
    yield from ("grey with alpha",) if head.channels == 1 and head.alpha else ()
    deep = "" if head.bit_depth == 8 else "more than 8 bits" if head.bit_depth < 16 else "16 bits"
    yield deep or "8 bits"
    if deep:
        yield "learned, of more than 8 bits" if head.learned else "exact, of more than 8 bits"
        yield from ("alpha of more than 8 bits",) if head.alpha else ()
    yield from ("an unknown field of the header",) if head.unknown else ()
    yield from ("unknown fields of every type",) if _types(head.unknown) == TYPES else ()
    if head.cicp:
        yield "code points of colour"
        yield "full range" if head.cicp[2] else "limited range"
    yield from ("a greatest error of 255",) if head.most_error == 255 else ()
    yield from ("an exact tile larger than the picture",) if head.exact_tile_size > max(head.width, head.height) else ()
    yield from ("one pixel",) if head.width * head.height == 1 else ()
    yield from ("a promise of the greatest error",) if head.most_error else ()
    yield from ("a promise of no error",) if head.most_error == 0 else ()


def _learned(file: Container, program: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    head = file.header
    if head.quality is None:
        yield "a model of one rate"
    else:
        names = {1: "the least quality", 100: "the greatest quality"}
        yield names.get(head.quality, "a whole quality" if isinstance(head.quality, int) else "a quality between two")
    yield (
        "a size that is padded"
        if head.width % program["unit"] or head.height % program["unit"]
        else "a size without padding"
    )
    yield from ("latents in cells of their own size",) if "coded_unit" in program else ()
    yield "several entropy tiles" if head.tiles > 1 else "one entropy tile"
    yield "another number of streams" if head.streams != 4 else "four streams"
    yield "a trellis" if model["trellis"] else "rounding"
    yield from ("an adapter",) if model["adapter"] else ()
    yield (
        "a small picture of its own entry" if "preview" in program["entries"] else "a small picture from the whole one"
    )


def _chunks(file: Container) -> Iterator[str]:
    kinds = {chunk.kind for chunk in file.others}
    names = {ICC: "ICC", TILE_INDEX: "an index of tiles", EXIF: "EXIF", XMP: "XMP", FLAT: "flat blocks"}
    yield from (name for kind, name in names.items() if kind in kinds)
    yield from ("an unknown optional chunk",) if kinds - set(KNOWN) else ()
    places = [chunk.kind in KNOWN for chunk in file.others]
    yield from ("an unknown chunk before known ones",) if places != sorted(places, reverse=True) else ()
    metadata = {bytes(chunk.payload[:1]) for chunk in file.others if chunk.kind in (ICC, EXIF, XMP)}
    yield from ("metadata as they are",) if b"\0" in metadata else ()
    yield from ("metadata packed",) if b"\1" in metadata else ()
    yield from ("EXIF of either order of bytes",) if (file.exif or b"").startswith(b"MM") else ()
    if (file.header.tile_size or file.header.exact_tile_size) and TILE_INDEX not in kinds:
        yield "tiles without an index"
    what = {part.what for part in file.exact}
    parts = {
        COLOURS: "exact colours alone",
        ALPHA: "exact alpha",
        COLOURS | ALPHA: "exact colours beside alpha",
        COLOURS | ON_TOP: "exact colours given the learned picture",
    }
    yield from (name for kind, name in parts.items() if kind in what)
    yield from ("several exact tiles",) if file.exact and file.header.exact_grid != (1, 1) else ()
    tiles = {part.tile for part in file.exact if part.what & COLOURS}
    yield from ("exact tiles beside learned ones",) if 0 < len(tiles) < math.prod(file.header.exact_grid) else ()
    yield from ("tiles of both sorts",) if file.header.tile_size and file.header.exact_tile_size else ()
    if FLAT in kinds:
        yield "flat blocks of more than 8 bits" if file.header.bit_depth > 8 else "flat blocks of 8 bits"
        yield from ("flat blocks below exact tiles",) if tiles else ()
    for part in file.exact:
        yield from _exact(bytes(part.stream), file.header, part.what)


def _exact(payload: bytes, head: Header, what: int) -> Iterator[str]:
    """What EXACT.md leaves to the writer of a tile."""
    channels = head.channels * bool(what & COLOURS) + bool(what & ALPHA)
    on_top = bool(what & ON_TOP)
    method, streams = reference_exact.streams(payload)
    if method == 0:
        yield "exact samples as they are"
        yield from ("samples as they are on top",) if on_top else ()
        return
    plan = reference_exact.read_plan(streams[0], channels, head.bit_depth, on_top)
    yield "one exact stream" if len(streams) == 1 else "an exact stream for each channel"
    yield from (f"{len(streams)} exact streams",) if len(streams) > 1 else ()
    yield from ("exact streams with copies",) if len(streams) > 1 and plan.copies else ()
    yield f"{len(plan.coded)} coded channels" if len(plan.coded) != 1 else "1 coded channel"
    yield from (f"bases {plan.bases}",) if len(plan.coded) > 2 else ()
    yield from ("samples of more than 13 bits, modelled",) if any(last >> 13 for _, last in plan.coded) else ()
    mode = "copies" if plan.copies else "no copies"
    if plan.palette is not None:
        yield f"a palette, {mode}"
        yield "a palette of one colour" if len(plan.palette) == 1 else "a palette of up to 256 colours"
        yield from ("a palette of more than 256 colours",) if len(plan.palette) > 256 else ()
        yield from ("a palette of 1024 colours",) if len(plan.palette) == 1024 else ()
        yield from (f"a palette of {channels} channels",)
        return
    if plan.near:
        yield f"within an error, {mode}"
        yield from ("within an error of 255",) if plan.near == 255 else ()
        yield from ("within an error, on top",) if on_top else ()
    else:
        yield f"without loss, {mode}"
    yield from (f"{mode}, on top",) if on_top else ()
    names = ("a channel of all values", "a channel of a range", "a channel of listed values", "a channel like another")
    for k, (kind, _) in enumerate(plan.stored):
        yield names[kind]
        last = dict(plan.coded).get(k)
        yield from ("a channel of one value",) if kind == 1 and last is None else ()
        yield from ("a range within an error",) if kind == 1 and plan.near and last else ()


FEATURES = (
    "colour", "grey", "alpha", "8 bits", "more than 8 bits", "16 bits", "one pixel", "a promise of no error",
    "a promise of the greatest error", "an unknown field of the header", "code points of colour",
    "the least quality", "a whole quality",
    "a quality between two", "the greatest quality", "a model of one rate", "a size without padding",
    "a size that is padded", "latents in cells of their own size",
    "one entropy tile", "several entropy tiles", "four streams", "another number of streams",
    "rounding", "a trellis", "an adapter", "a small picture of its own entry",
    "a small picture from the whole one", "ICC", "EXIF", "XMP", "an index of tiles",
    "flat blocks", "an unknown optional chunk", "exact colours alone", "exact alpha", "exact colours beside alpha",
    "exact colours given the learned picture", "exact samples as they are", "one exact stream",
    "an exact stream for each channel", "several exact tiles",
    "grey with alpha", "learned, of more than 8 bits", "exact, of more than 8 bits", "alpha of more than 8 bits",
    "unknown fields of every type", "full range", "limited range", "a greatest error of 255",
    "an exact tile larger than the picture", "an unknown chunk before known ones", "metadata as they are",
    "metadata packed", "EXIF of either order of bytes", "tiles without an index", "exact tiles beside learned ones",
    "tiles of both sorts", "flat blocks of 8 bits", "flat blocks of more than 8 bits", "flat blocks below exact tiles",
    "samples as they are on top", "2 exact streams", "3 exact streams", "4 exact streams", "exact streams with copies",
    "0 coded channels", "1 coded channel", "2 coded channels", "3 coded channels", "4 coded channels", "bases 0",
    "bases 1", "bases 2", "bases 3", "samples of more than 13 bits, modelled", "a palette, copies",
    "a palette, no copies", "a palette of one colour", "a palette of up to 256 colours",
    "a palette of more than 256 colours", "a palette of 1024 colours", "a palette of 1 channels",
    "a palette of 2 channels", "a palette of 3 channels", "a palette of 4 channels", "within an error, copies",
    "within an error, no copies", "within an error of 255", "within an error, on top", "without loss, copies",
    "without loss, no copies", "copies, on top", "no copies, on top", "a channel of all values",
    "a channel of a range", "a channel of listed values", "a channel like another", "a channel of one value",
    "a range within an error",
)  # fmt: skip
"""All that a file can show besides its program's operations; each is shown by some file."""


def files() -> list[Path]:
    """All that decode."""
    return sorted(path for path in FOLDER.rglob("*.hpc") if path.parent.name != "refused")


@cache
def features(path: Path) -> tuple[str, ...]:
    """What a file shows, in the order of FEATURES."""
    file = container.read(path.read_bytes())
    found = {*_header(file), *_chunks(file)}
    if file.header.learned:
        found |= {*_learned(file, program(file.header.model_name), _model(file.header.model_name))}
    assert found <= set(FEATURES), found - set(FEATURES)
    return tuple(name for name in FEATURES if name in found)


@cache
def _model(name: str) -> dict[str, Any]:
    path = store.shipped_folder() / f"{name}{store.SUFFIX}"
    if not path.exists():
        configs = json.loads((FOLDER / "variants/models.json").read_text())
        made = program_of(build(config_from_dict(configs[name]["config"])))
        return {
            "program": made,
            "trellis": False,
            "adapter": False,
        }  # variants.py: tables of lite-msssim, without levels
    read = model_file.peek(path)
    trellis = PREFIX + LEVELS in Head(path).entries
    return {"program": read.program, "trellis": trellis, "adapter": read.base is not None}


def program(name: str) -> dict[str, Any]:
    """The program of a model by its name."""
    found: dict[str, Any] = _model(name)["program"]
    return found


@cache
def operations(path: Path) -> frozenset[str]:
    """Those that decoding a file executes, `code` too."""
    head = container.read(path.read_bytes()).header
    if not head.learned:
        return frozenset()
    entries = program(head.model_name)["entries"]
    return frozenset(node[0] for name in ENTRIES if name in entries for node in entries[name]["nodes"])


def _name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


def _some(paths: list[Path]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(map(_name, paths[:3])) + more


def _models(path: Path) -> list[str]:
    name = container.read(path.read_bytes()).header.model_name
    return [f"`{name}`"] if name else []


def _refused() -> list[str]:
    """What no decoder may accept."""
    record = json.loads((FOLDER / "refused/refused.json").read_text())
    rows = [(f"{one['reason']}, {one['code']}", name) for name, one in record.items()]
    return [
        "",
        "Files that decoders refuse, in `refused/`, with the numbers that `hpcm` exits with: 10 not an hpc file, 11",
        "truncated, 12 damaged, 13 of a newer version, 14 no model, 16 too large for this reader, 17 other arithmetic.",
        "Made by `refusals.py`; `refused.json` has what the decoder says, and what the second one says, which was",
        "written from FORMAT.md alone.",
        *_table("reason/file", rows),
        "",
        "Model files that are refused, in `refused_models/models.zip`, each beside `accepted`, which they were made of",
        "by `model_refusals.py`; 15 is a damaged model file. `models.json` has what the core says, in full, and the",
        "second reader.",
        *_table("reason/model", _refused_models()),
    ]


def _refused_models() -> list[tuple[str, str]]:
    record = json.loads((FOLDER / "refused_models/models.json").read_text())
    return [(f"{one['reason']}, {one['code']}", name) for name, one in record.items()]


def _table(head: str, rows: list[tuple[str, str]]) -> list[str]:
    left, right = head.split("/")
    return ["", f"| {left} | {right} |", "| --- | --- |", *(f"| {one} | {other} |" for one, other in rows)]


def tables() -> str:
    """README.md."""
    by_feature = {name: [path for path in files() if name in features(path)] for name in FEATURES}
    used = sorted({name for path in files() for name in operations(path)})
    rare = {name for name, paths in by_feature.items() if len(paths) <= COMMON}
    apart = {path: [name for name in features(path) if name in rare] for path in files()}
    by_operation = [(f"`{name}`", _some([path for path in files() if name in operations(path)])) for name in used]
    lines = [
        "# Conformance files",
        "",
        "Files of version 1 and, in `pixels.json` of each folder, hashes of the pixels they decode to, on every",
        "machine. Made by `make.py` and `variants/variants.py`, these tables by `features.py`. Files in `variants/`",
        "are of small models that `variants/variants.py --models FOLDER` writes, the others of shipped ones.",
        *_table("feature/files", [(name, _some(paths)) for name, paths in by_feature.items()]),
        "",
        "Operations of programs (FORMAT.md, section 11) and files that execute them:",
        *_table("operation/files", by_operation),
        "",
        f"Each file with its model and what at most {COMMON} files show:",
        *_table("file/shows", [(_name(path), ", ".join([*_models(path), *shown])) for path, shown in apart.items()]),
        *_refused(),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(README.write_text(tables()) == 0)
