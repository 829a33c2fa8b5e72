"""Options that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from hpcmcodec.batch.places import Place, place
from hpcmcodec.batch.shaping import Size
from hpcmcodec.errors import LimitExceededError, UsageError

F = TypeVar("F", bound=Callable[..., Any])


class PlaceType(click.ParamType):
    """A path, which shells complete, or a URL, which they cannot."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        return place(value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return click.Path(allow_dash=True).shell_complete(ctx, param, incomplete)


sources = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=PlaceType())
threads = click.option(
    "--threads",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Threads of the computation. Default: HPCM_THREADS, or all processors.",
)
max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1, 2**60),
    metavar="N",
    help="Refuse pictures of more pixels. Default: 268435456.",
)


def size(ctx: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """A number of bytes such as 800M, 1.5G or 20000."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d*)?)([kKmMgG]?)[bB]?", value.strip())
    size = int(float(match[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[match[2].lower()]) if match else 0
    if size < 1:
        raise click.BadParameter(f"{value!r} is not a size: a number of bytes, or with k, M or G as in 800M")
    return size


max_memory = click.option(
    "--max-memory",
    callback=size,
    metavar="SIZE",
    help="Work within this memory (800M, 2G) or refuse at once. Default: what the machine has.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object per line instead of text.")
quiet = click.option("--quiet", is_flag=True, help="Print errors only.")
ignore_unknown = click.option(
    "--ignore-unknown",
    is_flag=True,
    help="Exit with 0 though files of kinds that are not read were left out, instead of 21.",
)
strip = click.option("--strip", is_flag=True, help="Leave out metadata: ICC profile, EXIF, XMP.")


def conversion(command: F) -> F:
    """The options of commands that make files of files."""
    options = [
        click.option(
            "-o",
            "--output",
            metavar="PATH",
            help="File or folder to write, or its URL; - for standard output. Default: beside the source.",
        ),
        click.option("-f", "--force", is_flag=True, help="Replace existing files."),
        click.option("--skip-existing", is_flag=True, help="Leave existing files as they are and go on."),
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(1, 64),
            default=1,
            metavar="N",
            help="Files worked on at a time. Default: 1.",
        ),
        click.option(
            "--engine",
            type=click.Choice(["local", "dask", "ray"]),
            default="local",
            help="Who works: this process, or workers of Dask or Ray. Default: local.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Of a running cluster. Default: DASK_SCHEDULER_ADDRESS or RAY_ADDRESS, else --jobs workers here.",
        ),
        threads,
        max_pixels,
        max_memory,
        strip,
        click.option(
            "--keep-suffix",
            is_flag=True,
            help="Add the suffix to the source's name instead of replacing its own: a.jpg and a.png stay apart.",
        ),
        ignore_unknown,
        as_json,
        click.option("-v", "--verbose", is_flag=True, help="Also name each file that is left out."),
        quiet,
    ]
    for option in reversed(options):
        command = option(command)
    return command


decoding_model = click.option(
    "-m",
    "--model",
    metavar="NAME|FILE",
    help="A model to decode with besides the installed ones; see hpcm models install.",
)


def per_job(max_memory: int | None, jobs: int) -> int | None:
    """The share of each of the files that are worked on at a time."""
    return None if max_memory is None else max_memory // jobs


def rectangle(ctx: click.Context, option: click.Parameter, value: str | None) -> tuple[int, int, int, int] | None:
    """Four whole numbers with commas between them."""
    if value is None:
        return None
    try:
        x, y, width, height = (int(number) for number in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not X,Y,W,H: four whole numbers with commas between them") from None
    return x, y, width, height


def picture_size(ctx: click.Context, option: click.Parameter, value: str | None) -> Size | None:
    """1600, 1600x1200 or 50%."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6}))?|(\d+(?:\.\d+)?)%", value.strip().lower())
    numbers = [float(number) for number in match.groups() if number] if match else [0.0]
    if 0 in numbers or (match and match[3] and not 0 < numbers[0] <= 1000):
        raise click.BadParameter(f"{value!r} is not a size of pictures: 1600, 1600x1200 or 50%")
    assert match is not None
    if match[3]:
        return Size(percent=float(match[3]))
    return Size(width=int(match[1]), height=int(match[2] or match[1]))


def start_kernels() -> None:
    """Loads the kernels into this process, which is ours. Raises UsageError where HPCM_SIMD or HPCM_THREADS ask for
    what cannot be, NoKernelsError without kernels."""
    check_memory()
    with _one_blas_thread():
        from hpcmcodec import kernels

    try:
        kernels.simd_level()
        kernels.get_threads()
        kernels.map_large_blocks()
    except ValueError as error:
        raise UsageError(str(error)) from error


LEAST_MEMORY = 96 << 20
"""Bytes of address space that numpy and its linear algebra take; without them they end the process without a word."""


def check_memory() -> None:
    """Raises LimitExceededError where the system gives this process too little memory to load what it needs."""
    import mmap

    try:
        mmap.mmap(-1, LEAST_MEMORY).close()
    except (OSError, ValueError) as error:
        raise LimitExceededError("the system allows this process too little memory (ulimit -v)") from error


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """While numpy is imported: it starts a thread of its linear algebra for every processor, which nothing here uses,
    and these spin for longer than the import takes."""
    name = "OPENBLAS_NUM_THREADS"
    if name in os.environ:
        yield
        return
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]
