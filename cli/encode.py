"""`hpcm encode`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hpcmcodec.batch import Place
from hpcmcodec.cli import options, planning
from hpcmcodec.errors import UsageError

if TYPE_CHECKING:
    from hpcmcodec.batch.shaping import Size
    from hpcmcodec.codec.target import Target

DEFAULT_QUALITY, DEFAULT_EFFORT = 50, 0  # those of hpcmcodec.codec, which would load numpy; a test compares them


@click.command(cls=options.StripCommand)
@options.sources
@click.option(
    "-q",
    "--quality",
    type=click.FloatRange(1, 100),
    metavar="1..100",
    help="1 is smallest, 100 is best; 75.5 is a quality too. Default: 50.",
)
@click.option(
    "--target-size",
    callback=options.size,
    metavar="SIZE",
    help="The best quality whose file has at most this size (200k, 1.5M); within 2 % of it.",
)
@click.option(
    "--target-bpp",
    type=click.FloatRange(0, min_open=True),
    metavar="BITS",
    help="The same in bits per pixel.",
)
@click.option(
    "--target-psnr",
    type=click.FloatRange(0, 100, min_open=True),
    metavar="DB",
    help="The least quality that gives at least this PSNR; within 0.1 dB.",
)
@click.option(
    "--target-ssimulacra2",
    type=click.FloatRange(0, 100, min_open=True),
    metavar="POINTS",
    help="The same for SSIMULACRA2, which rates what people see: 50 fair, 70 good, 90 no visible difference; within "
    "half a point.",
)
@click.option(
    "--visually-lossless",
    is_flag=True,
    help="No visible difference: as --target-ssimulacra2 90. Beyond -q 100 targets are met by files that are nearly "
    "lossless, or lossless.",
)
@click.option(
    "--lossless",
    is_flag=True,
    help="The very picture, in a file that needs no model. With -q as well: the learned picture of that quality first, "
    "what makes it exact on top; larger, but a reader that stops early shows the learned one.",
)
@click.option(
    "--near-lossless",
    type=click.IntRange(1, 255),
    metavar="N",
    help="The same, but samples of colour may differ by up to N, in a smaller file.",
)
@click.option(
    "-e",
    "--effort",
    type=click.IntRange(0, 9),
    metavar="0..9",
    help="Time spent on a better picture at the same -q, in a file of about the same size or a little larger; with "
    "a --target-psnr on a smaller file. Decoding takes the same. With --lossless and --near-lossless, any but 0 is for "
    "smaller files of photographs, that take two to four times as long to decode. Default: 0.",
)
@click.option("-m", "--model", metavar="NAME|FILE", help="Model to encode with; see hpcm models list.")
@click.option(
    "--tune",
    type=click.Choice(["psnr", "ms-ssim"]),
    help="What to preserve: every pixel's value, or the local structure that MS-SSIM measures. Default: psnr.",
)
@click.option("--crop", metavar="X,Y,W,H", callback=options.rectangle, help="Encode only this rectangle, in pixels.")
@click.option(
    "--rotate",
    type=click.Choice(["90", "180", "270"]),
    help="Turn clockwise, after --crop. What EXIF says is done already.",
)
@click.option(
    "--resize",
    metavar="SIZE",
    callback=options.picture_size,
    help="Make smaller, after --crop and --rotate: 1600 (longer side at most), 1600x1200 (fits in), 50%.",
)
@click.option(
    "--keep-smaller",
    is_flag=True,
    help="Write no file that would be larger than its source; such sources are counted as skipped.",
)
@click.option("--bits", type=click.Choice(["8"]), help="Round samples of more than 8 bits, which are kept otherwise.")
@click.option("--verify", is_flag=True, help="Decode what was made and compare before reporting success.")
@options.conversion
def command(
    sources: tuple[Place, ...],
    quality: float | None,
    target_size: int | None,
    target_bpp: float | None,
    target_psnr: float | None,
    target_ssimulacra2: float | None,
    visually_lossless: bool,
    lossless: bool,
    near_lossless: int | None,
    effort: int | None,
    model: str | None,
    tune: str | None,
    crop: tuple[int, int, int, int] | None,
    rotate: str | None,
    resize: Size | None,
    keep_smaller: bool,
    bits: str | None,
    verify: bool,
    given: options.Conversion,
) -> int:
    """Compress pictures into hpc files.

    SOURCE is a picture, a folder (all pictures in it and below, hidden ones excepted) or - for standard input. Files
    and folders may be URLs: s3://, gs://, whatever fsspec knows. a.png becomes a.hpc beside it unless -o says
    otherwise. A folder given with -o is mirrored there; where several sources are given, each folder keeps its
    name. Files that are no pictures are counted by kind, and the exit code is 21 then. To put a folder away and be
    sure of every file in it, take hpcm archive.

    \b
    Examples:
      hpcm encode photo.png
      hpcm encode photo.png small.hpc -q 20
      hpcm encode photo.png -q 80 --verify -o photo80.hpc
      hpcm encode photo.png --target-size 200k
      hpcm encode photo.png --visually-lossless
      hpcm encode page.png --lossless
      hpcm encode photo.png --effort 6 --target-psnr 36
      hpcm encode photo.png --resize 1600 -o web.hpc
      hpcm encode photo.png --tune ms-ssim
      hpcm encode shots/ -o archive/ --skip-existing
      convert photo.tif png:- | hpcm encode - -o photo.hpc
      hpcm encode s3://shots -o s3://archive --engine dask --scheduler tcp://head:8786
      hpcm encode *.jpg --json | jq .bits_per_pixel
    """
    target = _target(quality, visually_lossless, target_size, target_bpp, target_psnr, target_ssimulacra2)
    near = _near(lossless, near_lossless, target, learned=quality is not None or not (model or tune))
    model = _tuned(model, tune, effort)
    from hpcmcodec.batch import CODED, PICTURES, EncodeJob
    from hpcmcodec.batch.shaping import Shape
    from hpcmcodec.cli.convert import convert
    from hpcmcodec.formats.kinds import RAW

    work = planning.make_plan(
        sources,
        given,
        suffix=".hpc",
        accepted=PICTURES,
        opposite=CODED,
        outputs=CODED,
        never=CODED | RAW,
    )
    shape = Shape(crop, int(rotate or 0), resize)
    job = EncodeJob(
        **given.common(),
        quality=_quality(quality, near),
        near_lossless=near,
        target=target,
        effort=DEFAULT_EFFORT if effort is None else effort,
        model=model,
        verify=verify,
        shape=shape if shape != Shape() else None,
        keep_smaller=keep_smaller,
        bits=None if bits is None else int(bits),
    )
    return convert(work, job, "encode", given)


def _quality(quality: float | None, near: int | None) -> float | None:
    """None where there is to be no learned picture."""
    if quality is None:
        return DEFAULT_QUALITY if near is None else None
    return int(quality) if quality == int(quality) else quality


def _near(lossless: bool, near: int | None, target: Target | None, *, learned: bool) -> int | None:
    """The greatest error that the options ask for, None for any. learned: whether they fit a file without model."""
    if not lossless and near is None:
        return None
    if lossless and near is not None:
        raise UsageError("--lossless and --near-lossless exclude each other")
    if target is not None:
        raise UsageError(
            "--lossless and --near-lossless leave no size or quality to choose: leave --target-... and "
            "--visually-lossless out"
        )
    if not learned:
        raise UsageError("without -q an exact file has no learned picture: leave --model and --tune out")
    return 0 if lossless else near


def _target(quality: float | None, visually_lossless: bool, *targets: float | None) -> Target | None:
    """The target that the options ask for; targets: as the fields of `Target`. Raises UsageError for two that exclude
    each other."""
    given = [value for value in (quality, *targets) if value is not None]
    if len(given) + visually_lossless > 1:
        raise UsageError(
            "--quality, --target-size, --target-bpp, --target-psnr, --target-ssimulacra2 and --visually-lossless "
            "exclude each other"
        )
    if quality is not None or not (given or visually_lossless):
        return None
    from hpcmcodec.codec.target import VISUALLY_LOSSLESS, Target

    return Target(ssimulacra2=VISUALLY_LOSSLESS) if visually_lossless else Target(*targets)  # type: ignore[arg-type]


def _tuned(model: str | None, tune: str | None, effort: int | None) -> str | None:
    """The model to encode with. Raises UsageError if two are asked for, or effort that would work against the model."""
    if tune is not None and model is not None:
        raise UsageError("--tune chooses the model, so it excludes --model")
    if tune is None and not effort:
        return model  # which is most often, and needs no numpy yet
    from hpcmcodec.models import store

    chosen = model if tune is None else store.TUNED[tune]
    if effort and chosen == store.TUNED["ms-ssim"]:
        raise UsageError("--effort refines for PSNR, which this model was not trained for: leave one of them out")
    return chosen
