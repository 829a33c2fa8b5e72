"""`hpcm info`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from hpcmcodec.batch import Place
from hpcmcodec.batch.reading import read_coded
from hpcmcodec.cli import options, planning
from hpcmcodec.cli.report import human_bytes
from hpcmcodec.cli.text import echo, shown

if TYPE_CHECKING:
    from hpcmcodec import Info

_PRIMARIES = {1: "BT.709", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_TRANSFERS = {1: "BT.709", 8: "linear", 13: "sRGB", 14: "BT.2020", 15: "BT.2020", 16: "PQ", 18: "HLG"}


@click.command()
@options.sources
@options.max_memory
@options.as_json
def command(sources: tuple[Place, ...], max_memory: int | None, as_json: bool) -> int:
    """Show what hpc files hold: size, model, quality, streams, metadata. Needs no model and decodes nothing.

    SOURCE is an hpc file, a folder (all .hpc files in it and below) or - for standard input. Files and folders may be
    URLs: s3://, gs://, whatever fsspec knows.

    \b
    Examples:
      hpcm info photo.hpc
      hpcm info archive/ --json | jq -r '[.source, .bits_per_pixel] | @tsv'
    """
    options.start_kernels(arrays=False)
    return planning.for_each(
        sources, lambda path: _show(path, max_memory, as_json), as_json=as_json, verb="info", ignore_unknown=True
    )


def _show(path: Place, max_memory: int | None, as_json: bool) -> None:
    from hpcmcodec import info

    found = info(read_coded(path, max_memory))
    if as_json:
        echo(json.dumps({"source": str(path), **found.to_dict()}))
    else:
        echo(_text(path, found))


def _text(path: Place, info: Info) -> str:
    alpha = ", alpha" if info.has_alpha else ""
    rows = {
        "picture": f"{info.width}x{info.height}, {info.channels} channels of {info.bit_depth} bits{alpha}",
        "model": f"{info.model} ({info.model_id})" if info.model else "none is needed",
        "quality": _quality(info),
        "file": f"{human_bytes(info.size)}, {info.bits_per_pixel:.3f} bits per pixel",
        "streams": _sizes(info.streams),
        "metadata": _sizes(info.metadata) or "none",
        "overhead": f"{info.overhead} B",
    }
    if info.cicp:
        rows["colour"] = _colour(*info.cicp)
    if info.tile_size:
        rows["tiles"] = f"{info.tiles} of {info.tile_size}x{info.tile_size}"
    if info.exact_tiles:
        kinds = ", ".join(f"{count} {name}" for name, count in info.exact_tiles.items())
        rows["exact"] = kinds + (f", of {info.exact_tile_size}x{info.exact_tile_size}" if info.exact_tile_size else "")
    if info.truncated:
        rows["warning"] = "the file is cut off"
    return "\n".join([shown(path), *(f"  {name:9}{shown(value)}" for name, value in rows.items())])


def _colour(primaries: int, transfer: int, full: int) -> str:
    names = _PRIMARIES.get(primaries, "other primaries"), _TRANSFERS.get(transfer, "other transfer")
    return f"{', '.join(names)}{'' if full else ', narrow range'} (CICP {primaries}, {transfer})"


def _quality(info: Info) -> str:
    learned = "" if not info.model else "fixed by the model" if info.quality is None else f"{info.quality:g}"
    bound = {None: "", 0: "lossless"}.get(info.most_error, f"samples differ by at most {info.most_error}")
    return ", ".join(part for part in (learned, bound) if part) or "not stated"


def _sizes(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name} {human_bytes(size)}" for name, size in sizes.items())
