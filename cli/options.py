"""Options that several commands share."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from hpcmcodec.batch import CODED, STREAM, Existing, Plan, find, plan
from hpcmcodec.batch.places import Place, place
from hpcmcodec.batch.run import combine
from hpcmcodec.cli.report import error_dict, with_source
from hpcmcodec.errors import HpcmError, InputError, UsageError

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
        as_json,
        click.option("--quiet", is_flag=True, help="Print errors only."),
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


def make_plan(
    sources: tuple[Place, ...],
    output: str | None,
    *,
    force: bool,
    skip_existing: bool,
    suffix: str,
    accepted: frozenset[str],
) -> Plan:
    """The plan that the options ask for. Raises UsageError for options that contradict each other."""
    if force and skip_existing:
        raise UsageError("--force and --skip-existing exclude each other")
    existing = Existing.REPLACE if force else Existing.SKIP if skip_existing else Existing.REFUSE
    folder = output is not None and output.endswith(("/", os.sep))
    made = plan(
        sources,
        None if output is None else place(output),
        suffix=suffix,
        accepted=accepted,
        existing=existing,
        folder=folder,
    )
    if any(task.source == STREAM for task in made.tasks) and sys.stdin.isatty():
        raise UsageError("standard input is a terminal; pipe a file into it or name one")
    if any(task.destination == STREAM for task in made.tasks) and sys.stdout.isatty():
        raise UsageError("will not write binary data to a terminal; redirect standard output or use -o FILE")
    return made


def start_kernels() -> None:
    """Loads the kernels into this process, which is ours. Raises UsageError where HPCM_SIMD or HPCM_THREADS ask for
    what cannot be, NoKernelsError without kernels."""
    with _one_blas_thread():
        from hpcmcodec import kernels

    try:
        kernels.simd_level()
        kernels.get_threads()
        kernels.map_large_blocks()
    except ValueError as error:
        raise UsageError(str(error)) from error


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


def for_each(sources: tuple[Place, ...], action: Callable[[Place], int | None], *, as_json: bool) -> int:
    """Calls the action for every hpc file that the sources mean; returns the exit code of all together.

    The action returns an exit code (None: 0); what it raises is reported and the others go on.
    """
    codes = []
    for source in find(sources, CODED):
        try:
            if source.error:
                raise source.error
            codes.append(action(source.path) or 0)
        except BrokenPipeError:
            raise
        except (HpcmError, OSError) as error:
            codes.append(print_error(source.path, error, as_json=as_json))
    if not codes:
        raise InputError("no hpc file found")
    return combine(codes)


def print_error(source: Place, error: HpcmError | OSError, *, as_json: bool) -> int:
    """Reports what is wrong with one file and returns its exit code."""
    if isinstance(error, OSError):
        error = InputError(error.strerror or str(error))
    if as_json:
        click.echo(json.dumps({"source": str(source), "error": error_dict(error)}))
    click.echo(f"hpcm: {with_source(source, error)}", err=True)
    return error.exit_code
