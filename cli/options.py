"""Options that several commands share."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from hpcmcodec.batch import CODED, PICTURES, STREAM, Existing, LeftOut, Plan, Source, find, plan
from hpcmcodec.batch.places import Place, place
from hpcmcodec.batch.run import combine, from_system, left_out_code
from hpcmcodec.batch.shaping import Size
from hpcmcodec.batch.sizes import pixels_of
from hpcmcodec.cli.bar import Bar
from hpcmcodec.cli.report import error_dict, left_out_line, with_source
from hpcmcodec.cli.text import echo, is_terminal
from hpcmcodec.errors import HpcmError, InputError, LimitExceededError, OutputError, UsageError
from hpcmcodec.progress import watch

F = TypeVar("F", bound=Callable[..., Any])


class _PlaceType(click.ParamType):
    """A path, which shells complete, or a URL, which they cannot."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        return place(value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return click.Path(allow_dash=True).shell_complete(ctx, param, incomplete)


sources = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...", type=_PlaceType())
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


def make_plan(
    sources: tuple[Place, ...],
    output: str | None,
    *,
    force: bool,
    skip_existing: bool,
    keep_suffix: bool,
    suffix: str,
    accepted: frozenset[str],
    opposite: frozenset[str],
    outputs: frozenset[str],
    never: frozenset[str] = frozenset(),
    probe: Callable[[Path], HpcmError | None] = lambda source: None,
) -> Plan:
    """The plan that the options ask for. outputs: suffixes that a file to write may have.

    Raises UsageError for options that contradict each other, OutputError for an output that looks like something else.
    """
    if force and skip_existing:
        raise UsageError("--force and --skip-existing exclude each other")
    existing = Existing.REPLACE if force else Existing.SKIP if skip_existing else Existing.REFUSE
    folder = output is not None and output.endswith(("/", os.sep))
    target = None if output is None else _standard(place(output), _STDOUT)
    sources = tuple(_standard(source, _STDIN) for source in sources)
    if target is None:
        sources, target = _second_is_output(sources, accepted, outputs, suffix)
    made = plan(
        sources,
        target,
        suffix=suffix,
        accepted=accepted,
        opposite=opposite,
        never=never,
        existing=existing,
        folder=folder,
        keep_suffix=keep_suffix,
        probe=probe,
    )
    if not (force or folder):
        _check_suffix(target, made, outputs)
    if any(task.source == STREAM for task in made.tasks) and is_terminal(sys.stdin):
        raise UsageError("standard input is a terminal; pipe a file into it or name one")
    if any(task.destination == STREAM for task in made.tasks) and is_terminal(sys.stdout):
        raise UsageError("will not write binary data to a terminal; redirect standard output or use -o FILE")
    return made


_STDIN = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_STDOUT = ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def _standard(place: Place, names: tuple[str, ...]) -> Place:
    """STREAM for the names that systems have for a standard stream."""
    return STREAM if str(place) in names else place


def _second_is_output(
    sources: tuple[Place, ...], accepted: frozenset[str], outputs: frozenset[str], suffix: str
) -> tuple[tuple[Place, ...], Place | None]:
    """`in.png out.hpc` without -o, as other codecs take it: (sources, output).

    Raises OutputError where the second path has the right suffix and exists, for it may be meant as either, UsageError
    where it does not exist and could be neither.
    """
    if len(sources) != 2:
        return sources, None
    first, second = sources
    if not isinstance(second, Path) or second in (STREAM, first):
        return sources, None
    if any(isinstance(place, Path) and os.path.isdir(place) for place in sources):  # noqa: PTH112 (never raises)
        return sources, None
    there, own = os.path.lexists(second), second.suffix.lower()
    if own in outputs and Path(first.name).suffix.lower() not in outputs:
        if there and (first == STREAM or first.with_suffix(suffix) != second):
            raise OutputError(f"{second} exists: if it is the output, replace it with -o {second} --force")
        return (first,), second
    if not there and own not in accepted:
        raise UsageError(f"{second}: no such file; if it is to be the output, name it with -o")
    return sources, None


def _check_suffix(target: Place | None, made: Plan, outputs: frozenset[str]) -> None:
    """Raises OutputError for an output whose name says that it is something else."""
    if target is None or target == STREAM or all(task.destination != target for task in made.tasks):
        return
    suffix = Path(target.name).suffix.lower()
    if suffix in (PICTURES | CODED | _OTHER_PICTURES) - outputs:
        raise OutputError(f"{target}: a file of this name would be taken for a {suffix} file; --force writes it")


_OTHER_PICTURES = frozenset({".heic", ".heif", ".jxl", ".svg"})


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


def for_each(
    sources: tuple[Place, ...],
    action: Callable[[Place], int | None],
    *,
    as_json: bool,
    verb: str,
    quiet: bool = False,
    ignore_unknown: bool = False,
) -> int:
    """Calls the action for every hpc file that the sources mean; returns the exit code of all together.

    The action returns an exit code (None: 0); what it raises is reported and the others go on. Files of other kinds are
    counted, and have an exit code of their own unless `ignore_unknown`.
    """
    found = list(find(tuple(_standard(source, _STDIN) for source in sources), CODED, PICTURES))
    files = [item for item in found if isinstance(item, Source)]
    left = [item for item in found if isinstance(item, LeftOut)]
    codes = []
    with Bar(verb, [file.path for file in files], pixels_of, quiet=quiet) as bar:
        for file in files:
            with watch(partial(bar.tell, file.path)):
                codes.append(_one(file.path, file.error, action, as_json=as_json))
            bar.finish(file.path, failed=codes[-1] != 0)
    if left and not quiet:
        echo(f"hpcm: {left_out_line(left)}", err=True)
    if not codes:
        raise InputError("no hpc file found")
    return combine(codes) or left_out_code(left, ignore=ignore_unknown)


def _one(path: Place, error: HpcmError | None, action: Callable[[Place], int | None], *, as_json: bool) -> int:
    try:
        if error:
            raise error
        return action(path) or 0
    except BrokenPipeError:
        raise
    except (HpcmError, OSError) as problem:
        return print_error(path, problem, as_json=as_json)


def print_error(source: Place, error: HpcmError | OSError, *, as_json: bool) -> int:
    """Reports what is wrong with one file and returns its exit code."""
    if isinstance(error, OSError):
        error = from_system(error)
    if as_json:
        echo(json.dumps({"source": str(source), "error": error_dict(error)}))
    echo(f"hpcm: {with_source(source, error)}", err=True)
    return error.exit_code
