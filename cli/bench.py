"""`hpcm bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hpcmcodec.cli import options
from hpcmcodec.cli.text import echo, shown
from hpcmcodec.errors import UsageError


@click.command()
@options.sources
@click.option(
    "-c",
    "--codecs",
    metavar="LIST",
    help="Codecs to compare, separated by commas; see below. Default: hpcm,jpeg,webp,avif,avif:psnr,jxl.",
)
@click.option("--lossless", is_flag=True, help="Measure hpcm:lossless,png,webp:lossless,jxl:lossless.")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), required=True, metavar="FOLDER")
@click.option("--anchor", metavar="CODEC", help="What to compare with. Default: the first codec that is not hpcm.")
@click.option("--points", type=click.IntRange(4, 50), metavar="N", help="Settings per codec. Default: 7 to 9.")
@click.option(
    "--qualities",
    multiple=True,
    metavar="CODEC=LIST",
    help="These settings of a codec instead, as avif=20,50,80; several times for several codecs.",
)
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Of every codec.")
@click.option(
    "--pin/--no-pin",
    default=True,
    help="Confine each codec to as many processors as it has threads (Linux). Default: pin.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    metavar="N",
    help="Times that each picture is coded, within 3 s; the median time counts.",
)
@click.option(
    "--crops",
    type=click.IntRange(0, 50),
    default=4,
    show_default=True,
    metavar="N",
    help="Pictures in the report's viewer.",
)
@click.option("--ssimulacra2", is_flag=True, help="Measure SSIMULACRA2 too, which takes a second for each megapixel.")
@click.option("--published", is_flag=True, help="Show curves that others published for the 24 Kodak pictures.")
@click.option("--fresh", is_flag=True, help="Measure everything anew, whatever FOLDER has.")
@click.option("--timeout", type=click.FloatRange(1), default=600, show_default=True, help="Seconds for one picture.")
@options.max_pixels
@click.option("--quiet", is_flag=True, help="Print errors only.")
def command(
    sources: tuple[Path, ...],
    codecs: str | None,
    lossless: bool,
    output: Path,
    anchor: str | None,
    points: int | None,
    qualities: tuple[str, ...],
    threads: int,
    pin: bool,
    repeats: int,
    crops: int,
    ssimulacra2: bool,
    published: bool,
    fresh: bool,
    timeout: float,
    max_pixels: int | None,
    quiet: bool,
) -> int:
    """Compare codecs on your own pictures.

    Every codec codes every picture at several qualities, one after the other and in a process of its own. FOLDER gets
    report.html (tables, plots, a viewer that holds codecs side by side at equal sizes), plots as PNG, results.json and
    results.csv: bytes of whole files, RGB PSNR, MS-SSIM, SSIMULACRA2 if asked for, times, memory, BD-rate and its
    confidence over the pictures. Codecs that lose nothing have a table of their own.
    A run that was interrupted goes on when it is started again. Needs pip install 'hpcmcodec[bench]'.

    \b
    Codecs:
      hpcm        this codec; hpcm:MODEL for another model, hpcm:@3 or
                  hpcm:MODEL@3 for another --effort; hpcm:lossless
      jpeg        4:2:0; jpeg:444
      png         no loss
      webp        method 4; webp:best method 6; webp:lossless
      avif        as Pillow sets it: 4:2:0, speed 6; avif:444; avif:psnr 4:4:4
                  and tuned for PSNR; avif:best the same at speed 3
      j2k         JPEG 2000
      jxl         JPEG XL, effort 7; jxl:best effort 9; jxl:lossless
      compressai  compressai:NAME, a pretrained model of CompressAI

    \b
    Examples:
      hpcm bench photos/ -o report/
      hpcm bench photos/ -o report/ --codecs hpcm,hpcm:lite,avif:best --anchor avif:best
      hpcm bench a.png b.png -o report/ --codecs hpcm,jpeg --qualities jpeg=30,50,70,90
      hpcm bench screenshots/ -o report/ --lossless
    """
    options.check_memory()
    from hpcmcodec.bench.codecs import DEFAULTS, LOSSLESS, check
    from hpcmcodec.bench.machine import choose_processors
    from hpcmcodec.bench.report import NAME as REPORT_NAME
    from hpcmcodec.bench.run import bench
    from hpcmcodec.bench.sweep import Options
    from hpcmcodec.cli.bench_report import Progress, table

    named = [spec for spec in (codecs or "").split(",") if spec.strip()]
    wanted = [*named, *LOSSLESS] if lossless else named or DEFAULTS
    specs = tuple(dict.fromkeys(check(spec) for spec in wanted))
    chosen: dict[str, Any] = {} if max_pixels is None else {"max_pixels": max_pixels}
    run = Options(
        specs,
        threads,
        repeats,
        points,
        {check(k): v for k, v in map(_qualities, qualities)},
        timeout=timeout,
        processors=choose_processors(threads) if pin else (),
        ssimulacra2=ssimulacra2,
        **chosen,
    )
    with Progress(quiet=quiet) as progress:
        results = bench(
            _files(sources, progress),
            run,
            output,
            progress.listener,
            anchor=anchor and check(anchor),
            fresh=fresh,
            crops=crops,
            published=published,
        )
    if not quiet:
        echo(table(results))
        echo(f"{shown(output / REPORT_NAME)} has plots and a viewer")
    return progress.exit_code


def _files(sources: tuple[Path, ...], progress: Any) -> list[Path]:
    from hpcmcodec.batch import CODED, PICTURES, STREAM, LeftOut, find
    from hpcmcodec.cli.report import left_out_line

    if STREAM in sources:
        raise UsageError("standard input cannot be measured: name files or folders")
    files, left = [], []
    for source in find(sources, PICTURES, CODED):
        if isinstance(source, LeftOut):
            left.append(source)
        elif source.error:
            progress.complain(source.path, source.error)
        elif isinstance(source.path, Path):
            files.append(source.path)
        else:
            raise UsageError(f"{source.path}: only files of this machine are measured")
    if left:
        progress.note(left_out_line(left))
    return files


def _qualities(text: str) -> tuple[str, tuple[float, ...]]:
    spec, equals, values = text.rpartition("=")
    try:
        numbers = tuple(float(value) for value in values.split(","))
    except ValueError:
        numbers = ()
    if not equals or not numbers:
        raise UsageError(f"--qualities takes CODEC=LIST as in jpeg=30,50,70,90, not {text!r}")
    return spec, numbers
