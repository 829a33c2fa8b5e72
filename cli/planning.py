"""What a command line's paths mean: a plan, or files to look at one after the other."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hpcmcodec.batch import CODED, PICTURES, STREAM, Existing, LeftOut, Plan, Source, find, plan
from hpcmcodec.batch.places import Place, place
from hpcmcodec.batch.run import combine, from_system, left_out_code
from hpcmcodec.batch.sizes import pixels_of
from hpcmcodec.cli.bar import Bar
from hpcmcodec.cli.options import Conversion
from hpcmcodec.cli.report import error_dict, left_out_line, with_source
from hpcmcodec.cli.text import echo, is_terminal
from hpcmcodec.errors import HpcmError, InputError, OutputError, UsageError
from hpcmcodec.progress import watch


def make_plan(
    sources: tuple[Place, ...],
    given: Conversion,
    *,
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
    output, force = given.output, given.force
    if force and given.skip_existing:
        raise UsageError("--force and --skip-existing exclude each other")
    existing = Existing.REPLACE if force else Existing.SKIP if given.skip_existing else Existing.REFUSE
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
        keep_suffix=given.keep_suffix,
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
