"""`hpcm thumbnail`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hpcmcodec.cli.text import is_terminal
from hpcmcodec.errors import UsageError


@click.command()
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("destination", metavar="DESTINATION", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "-s",
    "--size",
    type=click.IntRange(1, 4096),
    default=256,
    show_default=True,
    metavar="N",
    help="Pixels of the longer side; a smaller picture stays as it is.",
)
def command(source: Path, destination: Path, size: int) -> None:
    """Make a small PNG of an hpc file, as desktops ask for it.

    SOURCE is an hpc file or - for standard input. DESTINATION is replaced; - is standard output.

    \b
    Examples:
      hpcm thumbnail photo.hpc small.png
      hpcm thumbnail --size 128 photo.hpc small.png
      hpcm thumbnail photo.hpc - | display
    """
    from io import BytesIO

    from hpcmcodec.cli.options import start_kernels

    start_kernels(arrays=False)
    from hpcmcodec.batch import STREAM
    from hpcmcodec.batch.reading import read_coded
    from hpcmcodec.batch.writing import status_of, write_stream
    from hpcmcodec.codec import Decoder
    from hpcmcodec.formats.atomic import atomic_write
    from hpcmcodec.formats.paths import keep_sources
    from hpcmcodec.formats.picture_output import picture_to_image

    if STREAM not in (source, destination):
        keep_sources(destination, [source])
    if destination == STREAM and is_terminal(sys.stdout):
        raise UsageError("will not write binary data to a terminal; redirect standard output or name a file")
    data = read_coded(source)
    decoder = Decoder()
    about = decoder.open(data)
    larger = max(about.width, about.height) // size  # how many times
    scale = max(scale for scale in (1, 2, 4, 8) if scale <= max(1, larger))
    image = picture_to_image(decoder.samples(data, scale=scale))
    image.thumbnail((size, size))
    small = BytesIO()
    image.save(small, "PNG", icc_profile=image.info.get("icc_profile"))
    if destination == STREAM:
        write_stream(small.getvalue())
    else:
        atomic_write(destination, small.getvalue(), like=status_of(source))
