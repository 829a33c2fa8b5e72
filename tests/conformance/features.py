"""Which conformance file shows what, read from the files and their models: the tables of README.md beside this file.

python tests/conformance/features.py        writes README.md anew
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hpcmcodec.formats import container, model_file
from hpcmcodec.formats.chunks import EXIF, FLAT, ICC, KNOWN, TILE_INDEX, XMP
from hpcmcodec.formats.container import Container
from hpcmcodec.formats.exact import ALPHA, COLOURS, ON_TOP
from hpcmcodec.formats.model_head import Head
from hpcmcodec.formats.model_rules import LEVELS, PREFIX
from hpcmcodec.models import store
from hpcmcodec.models.program import program_of
from hpcmcodec.models.registry import build, config_from_dict

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"
ENTRIES = ("condition", "latents", "picture", "preview")
"""Of a program: those that decoders execute."""
UNUSED = {"pixel_unshuffle"}
"""Operations that only encoders' entries use so far."""
COMMON = 12
"""A feature that more files show is not told of each of them."""


def _header(file: Container) -> Iterator[str]:
    head = file.header
    yield from ("grey",) if head.channels == 1 else ("colour",)
    yield from ("alpha",) if head.alpha else ()
    yield "8 bits" if head.bit_depth == 8 else "more than 8 bits" if head.bit_depth < 16 else "16 bits"
    yield from ("an unknown field of the header",) if head.unknown else ()
    yield from ("code points of colour",) if head.cicp else ()
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
    what = {part.what for part in file.exact}
    parts = {
        COLOURS: "exact colours alone",
        ALPHA: "exact alpha",
        COLOURS | ALPHA: "exact colours beside alpha",
        COLOURS | ON_TOP: "exact colours given the learned picture",
    }
    yield from (name for kind, name in parts.items() if kind in what)
    methods = {part.stream[0] for part in file.exact}
    yield from ("exact samples as they are",) if 0 in methods else ()
    yield from ("one exact stream",) if 1 in methods else ()
    yield from ("an exact stream for each channel",) if max(methods, default=0) > 15 else ()
    yield from ("several exact tiles",) if file.exact and file.header.exact_grid != (1, 1) else ()


FEATURES = (
    "colour", "grey", "alpha", "8 bits", "more than 8 bits", "16 bits", "one pixel", "a promise of no error",
    "a promise of the greatest error", "an unknown field of the header", "code points of colour",
    "the least quality", "a whole quality",
    "a quality between two", "the greatest quality", "a model of one rate", "a size without padding",
    "a size that is padded", "one entropy tile", "several entropy tiles", "four streams", "another number of streams",
    "rounding", "a trellis", "an adapter", "a small picture of its own entry",
    "a small picture from the whole one", "ICC", "EXIF", "XMP", "an index of tiles",
    "flat blocks", "an unknown optional chunk", "exact colours alone", "exact alpha", "exact colours beside alpha",
    "exact colours given the learned picture", "exact samples as they are", "one exact stream",
    "an exact stream for each channel", "several exact tiles",
)  # fmt: skip
"""All that a file can show besides its program's operations; each is shown by some file."""


def files() -> list[Path]:
    """All conformance files."""
    return sorted(FOLDER.rglob("*.hpc"))


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
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(README.write_text(tables()) == 0)
