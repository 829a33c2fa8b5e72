"""Options that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from hpcmcodec.batch.places import Place, place
from hpcmcodec.batch.shaping import Size
from hpcmcodec.errors import LimitExceededError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

KINDS, ALL = ("icc", "exif", "xmp"), "all"
"""Kinds of metadata, as `formats.strip` has them, which would load numpy; a test compares them."""


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


class _Kinds(click.ParamType):
    """Kinds of metadata with commas between them; `all` is every kind."""

    name = "kinds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        kinds = value if isinstance(value, frozenset) else kinds_of(value)
        if kinds is None:
            self.fail(f"{value!r} is not a kind of metadata: all, or of {', '.join(KINDS)} those to leave out")
        return kinds


def kinds_of(text: str) -> frozenset[str] | None:
    """The kinds of metadata that a text names, None if it names anything else."""
    names = text.lower().split(",")
    if names == [ALL]:
        return frozenset(KINDS)
    return frozenset(names) if set(names) <= set(KINDS) else None


class StripCommand(click.Command):
    """A command whose --strip may stand without a value, which the next argument is only if it can be one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = list(args)
        end = words.index("--") if "--" in words else len(words)
        for number in range(end):
            following = words[number + 1] if number + 1 < end else ""
            if words[number] == "--strip" and kinds_of(following) is None:
                words[number] = f"--strip={ALL}"
        return super().parse_args(ctx, words)


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What the options of `conversion` say. `strip`: kinds of metadata to leave out."""

    output: str | None
    force: bool
    skip_existing: bool
    jobs: int
    engine: str
    scheduler: str | None
    threads: int | None
    max_pixels: int | None
    max_memory: int | None
    strip: frozenset[str]
    keep_suffix: bool
    ignore_unknown: bool
    as_json: bool
    verbose: bool
    quiet: bool

    def common(self) -> dict[str, Any]:
        """The arguments that both kinds of jobs have."""
        return {
            "threads": self.threads,
            "max_pixels": self.max_pixels,
            "max_memory": per_job(self.max_memory, self.jobs),
            "strip": self.strip,
        }


def conversion(command: Callable[..., int]) -> Callable[..., int]:
    """The options of commands that make files of files, which the function gets as one `Conversion` named `given`."""

    @wraps(command)
    def gathered(**values: Any) -> int:
        shared = {field.name: values.pop(field.name) for field in fields(Conversion)}
        return command(**values, given=Conversion(**shared))

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
        click.option(
            "--strip",
            type=_Kinds(),
            default=frozenset(),
            metavar="KINDS",
            help=f"Leave out metadata: {', '.join(KINDS)}, or several with commas between them, or all, which --strip "
            "alone means. Before an ICC profile goes, colours are converted to sRGB.",
        ),
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
        gathered = option(gathered)
    return gathered


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


def start_kernels(*, arrays: bool = True) -> None:
    """Loads the kernels into this process, which is ours. arrays: and numpy, which decoding does without. Raises
    UsageError where HPCM_SIMD or HPCM_THREADS ask for what cannot be, NoKernelsError without kernels."""
    check_memory()
    if arrays:
        with _one_blas_thread():
            import numpy  # noqa: F401
    from hpcmcodec.kernels import runtime

    try:
        runtime.simd_level()
        runtime.get_threads()
        runtime.map_large_blocks()
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
