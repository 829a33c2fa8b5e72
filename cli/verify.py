"""`hpcm verify`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from hpcmcodec.batch import Place
from hpcmcodec.batch.convert import limits
from hpcmcodec.batch.reading import read_coded
from hpcmcodec.cli import options, planning
from hpcmcodec.cli.text import echo, shown

if TYPE_CHECKING:
    from hpcmcodec.codec import Decoder


@click.command()
@options.sources
@options.decoding_model
@options.threads
@options.max_pixels
@options.max_memory
@options.ignore_unknown
@options.as_json
@click.option("--quiet", is_flag=True, help="Print problems only.")
def command(
    sources: tuple[Place, ...],
    model: str | None,
    threads: int | None,
    max_pixels: int | None,
    max_memory: int | None,
    ignore_unknown: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Check that hpc files are whole and decode here to what was encoded.

    Tests structure and checksums, finds the model, decodes, and compares the latents with the encoder's check value.
    SOURCE is an hpc file, a folder (all .hpc files in it and below) or - for standard input. Files and folders may be
    URLs: s3://, gs://, whatever fsspec knows. The exit code is 0 if all files are sound. Whether they are all the files
    that there should be, and what was encoded, only hpcm archive can tell.

    \b
    Examples:
      hpcm verify photo.hpc
      hpcm verify pictures/ --quiet
    """
    options.start_kernels(arrays=False)
    from hpcmcodec.codec import Decoder

    decoder = Decoder(threads, limits(max_pixels, max_memory), model)
    return planning.for_each(
        sources,
        lambda path: _check(path, decoder, as_json, quiet),
        as_json=as_json,
        verb="verify",
        quiet=quiet,
        ignore_unknown=ignore_unknown,
    )


def _check(path: Place, decoder: Decoder, as_json: bool, quiet: bool) -> int:
    from hpcmcodec.codec.inspect import check

    report = check(read_coded(path, decoder.limits.max_memory), decoder)
    if as_json:
        echo(json.dumps({"source": str(path), **report.to_dict()}))
    elif not report.ok:
        echo(f"hpcm: {shown(path)}: {shown(report.problem)}", err=True)
    elif not quiet:
        echo(f"{shown(path)}: ok")
    return report.exit_code
