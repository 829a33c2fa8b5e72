"""`hpcm thumbnail`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("destination", metavar="DESTINATION", type=click.Path(path_type=Path))
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

    SOURCE is an hpc file or - for standard input. DESTINATION is replaced.

    \b
    Examples:
      hpcm thumbnail photo.hpc small.png
      hpcm thumbnail --size 128 photo.hpc small.png
    """
    from io import BytesIO

    from hpcmcodec import decode, info
    from hpcmcodec.batch.convert import read_coded
    from hpcmcodec.cli.options import start_kernels
    from hpcmcodec.formats.atomic import atomic_write

    start_kernels()
    data = read_coded(source)
    about = info(data)
    larger = max(about.width, about.height) // size  # how many times
    image = decode(data, scale=max(scale for scale in (1, 2, 4, 8) if scale <= max(1, larger)))
    image.thumbnail((size, size))
    small = BytesIO()
    image.save(small, "PNG", icc_profile=image.info.get("icc_profile"))
    atomic_write(destination, small.getvalue())
