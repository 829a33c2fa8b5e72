"""`hpcm decode`."""

from __future__ import annotations

from pathlib import Path

import click

from hpcmcodec.batch import Place
from hpcmcodec.cli import options, planning
from hpcmcodec.errors import HpcmError, InputError, NotHpcError, UsageError

FORMATS = ("png", "jpeg", "webp", "tiff", "ppm", "bmp")
SUFFIXES = {"jpeg": ".jpg", "tiff": ".tif"}
OUTPUTS = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pnm", ".bmp"})
"""Suffixes of `formats.picture_output.FORMATS`, which would load numpy; a test compares them."""


@click.command(cls=options.StripCommand)
@options.sources
@click.option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    help="Format of the pictures. Default: by the name given with -o, else png.",
)
@click.option(
    "--region",
    metavar="X,Y,W,H",
    callback=options.rectangle,
    help="Decode only this rectangle: left, top, width, height in pixels.",
)
@click.option(
    "--scale",
    type=click.Choice(["1/2", "1/4", "1/8"]),
    help="A small picture, in about a third of the time.",
)
@click.option("--preview", is_flag=True, help="The same as --scale 1/8.")
@click.option(
    "--allow-truncated",
    is_flag=True,
    help="Decode what is there of a file that was cut off, coarser scales first; the exit code is 19 then.",
)
@options.decoding_model
@options.conversion
def command(
    sources: tuple[Place, ...],
    format: str | None,
    region: tuple[int, int, int, int] | None,
    scale: str | None,
    preview: bool,
    allow_truncated: bool,
    model: str | None,
    given: options.Conversion,
) -> int:
    """Turn hpc files back into pictures.

    SOURCE is an hpc file, a folder (all .hpc files in it and below) or - for standard input. Files and folders may be
    URLs: s3://, gs://, whatever fsspec knows. a.hpc becomes a.png beside it unless -o or --format say otherwise. A
    folder given with -o is mirrored there; where several sources are given, each folder keeps its name. Pixels are
    the same on every machine; png, tiff, ppm and bmp keep them exactly.

    \b
    Examples:
      hpcm decode photo.hpc
      hpcm decode photo.hpc photo.jpg
      hpcm decode archive/ -o shots/ --format webp --jobs 2
      hpcm decode panorama.hpc --region 4000,1500,800,600 -o part.png
      hpcm decode photo.hpc --scale 1/4 -o small.png
      hpcm decode --allow-truncated half.hpc -o what-is-left.png
      hpcm decode s3://archive -o shots/ --engine ray
      hpcm decode - -o - --format ppm < photo.hpc | display
    """
    if preview and scale not in (None, "1/8"):
        raise UsageError("--preview is --scale 1/8: choose one of them")
    from hpcmcodec.batch import CODED, PICTURES, DecodeJob
    from hpcmcodec.cli.convert import convert

    suffix = "." + (format or "png") if format not in SUFFIXES else SUFFIXES[format]
    work = planning.make_plan(
        sources,
        given,
        suffix=suffix,
        accepted=CODED,
        opposite=PICTURES,
        outputs=OUTPUTS,
        probe=_not_hpc,
    )
    job = DecodeJob(
        **given.common(),
        format=format,
        model=model,
        region=region,
        allow_truncated=allow_truncated,
        scale=8 if preview else int((scale or "1/1")[2:]),
    )
    return convert(work, job, "decode", given)


def _not_hpc(source: Path) -> HpcmError | None:
    """The error of a file that does not begin like an hpc file."""
    from hpcmcodec.formats.limits import SIGNATURE

    try:
        with source.open("rb") as file:
            begins = file.read(len(SIGNATURE)) == SIGNATURE
    except OSError as error:
        return InputError(f"{source}: {error.strerror or error}")
    return None if begins else NotHpcError(f"{source} is not an hpc file")
