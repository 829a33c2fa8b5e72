"""`hpcm archive`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpcmcodec.batch import Outcome, Plan, Summary, Task, run
from hpcmcodec.batch.archive import CheckJob, Manifest, Recipe, StoreJob, archive_plan, check_plan, missed
from hpcmcodec.batch.archive.check import strangers
from hpcmcodec.batch.sizes import pixels_of
from hpcmcodec.cli import options
from hpcmcodec.cli.bar import Bar
from hpcmcodec.cli.report import error_dict, human_bytes, left_out_line, with_source
from hpcmcodec.cli.text import echo, shown
from hpcmcodec.errors import UsageError

if TYPE_CHECKING:
    from hpcmcodec.batch.archive import Stored

DEFAULT_QUALITY = 90
_MOST_REASONS = 4


@click.command()
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path), required=False)
@click.argument("dest", metavar="DEST", type=click.Path(path_type=Path), required=False)
@click.option("--check", metavar="DEST", type=click.Path(path_type=Path), help="Look through an archive instead.")
@click.option(
    "-q",
    "--quality",
    type=click.FloatRange(1, 100),
    metavar="1..100",
    help=f"Of the pictures, as of hpcm encode. Default: {DEFAULT_QUALITY}.",
)
@click.option("--lossless", is_flag=True, help="Pictures exactly as they are: no sample changes.")
@click.option(
    "--visually-lossless",
    is_flag=True,
    help="Pictures without a visible difference, as of hpcm encode; each decoded one is measured.",
)
@click.option("-e", "--effort", type=click.IntRange(0, 9), metavar="0..9", default=0, help="As of hpcm encode.")
@click.option("-m", "--model", metavar="NAME|FILE", help="Model to encode with; see hpcm models list.")
@click.option(
    "--min-psnr",
    type=click.FloatRange(0, 100),
    metavar="DB",
    help="Copy a picture whose decoded form has less than this. Default: 20 and a tenth of the quality.",
)
@click.option("-f", "--force", is_flag=True, help="Store anew what has changed since it was archived.")
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 64), default=1, metavar="N", help="Files worked on at a time. Default: 1."
)
@options.threads
@options.max_pixels
@options.max_memory
@options.as_json
@options.quiet
def command(
    source: Path | None,
    dest: Path | None,
    check: Path | None,
    quality: float | None,
    lossless: bool,
    visually_lossless: bool,
    effort: int,
    model: str | None,
    min_psnr: float | None,
    force: bool,
    jobs: int,
    threads: int | None,
    max_pixels: int | None,
    max_memory: int | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Store a whole folder and check every file of it.

    Everything below SOURCE, hidden files too, goes to the folder DEST: pictures become hpc files, everything else is
    copied. a.jpg becomes a.hpc, or a.jpg.hpc beside another picture a. Each hpc file is read from the disk again,
    decoded and compared with its picture: size, alpha and metadata must be equal, PSNR must not be below --min-psnr.
    A picture is copied as it is where it cannot be read, where that is smaller, where the comparison fails, or where
    more than its quality would be lost (frames of an animation, a depth that is not read).

    DEST/hpcm-manifest.jsonl has the SHA-256 of every file, before and after. A run that was interrupted goes on when
    it is started again, and one that is complete finds that out. SOURCE is never changed. The last line is "every file
    is safe in DEST", with exit code 0, or there is a list of what is not safe.

    \b
    Examples:
      hpcm archive shots/ archive/
      hpcm archive shots/ archive/ -q 75 --jobs 4
      hpcm archive pages/ archive/ --lossless
      hpcm archive shots/ archive/ --visually-lossless
      hpcm archive --check archive/
    """
    if check is not None:
        if source is not None:
            raise UsageError("--check DEST takes no other folder")
        return _check(check, jobs, CheckJob(threads, max_pixels, max_memory), as_json=as_json, quiet=quiet)
    if source is None or dest is None:
        raise UsageError("name the folder to store and the folder to store it in, or --check DEST")
    if lossless and (quality, effort, model, min_psnr) != (None, 0, None, None):
        raise UsageError("--lossless leaves nothing to choose: leave --quality, --effort, --model and --min-psnr out")
    if visually_lossless and (lossless, quality, min_psnr) != (False, None, None):
        raise UsageError("--visually-lossless chooses for itself: leave --quality, --lossless and --min-psnr out")
    chosen = float(DEFAULT_QUALITY if quality is None else quality)
    floor = 20 + chosen / 10 if min_psnr is None else min_psnr
    recipe = Recipe(int(chosen) if chosen == int(chosen) else chosen, effort, model, floor, lossless, visually_lossless)
    manifest = Manifest.load(dest)
    work = archive_plan(source, dest, manifest, force=force)
    job = StoreJob(manifest, recipe, threads, max_pixels, options.per_job(max_memory, jobs))
    if any(task.item.kind == "picture" for task in work.tasks):  # type: ignore[attr-defined]
        options.start_kernels()
        job.prepare()
    manifest.begin()
    report = _Report("archive", work, dest, as_json=as_json, quiet=quiet)
    with report:
        run(work, job, jobs=jobs, report=report.add, progress=report.progress)
        for task, error in missed(source, work):
            report.add(Outcome(task, "failed", error=error))
        if not report.summary.failures:
            manifest.seal()
    return report.finish()


def _check(dest: Path, jobs: int, job: CheckJob, *, as_json: bool, quiet: bool) -> int:
    manifest = Manifest.load(dest)
    work = check_plan(dest, manifest)
    options.start_kernels()
    report = _Report("check", work, dest, as_json=as_json, quiet=quiet)
    with report:
        run(work, job, jobs=jobs, report=report.add, progress=report.progress)
    others = strangers(dest, manifest)
    if others and not quiet:
        echo(f"hpcm: {others} more files are in {shown(dest)}; the archive knows nothing of them", err=True)
    return report.finish()


class _Report:
    """Lines or JSON objects for files as they are done, and what follows from all of them."""

    def __init__(self, verb: str, plan: Plan, dest: Path, *, as_json: bool, quiet: bool) -> None:
        self.summary = Summary()
        self._plan, self._dest, self._verb = plan, dest, verb
        self._json, self._quiet = as_json, quiet
        self._tasks = set(plan.tasks)
        self._bar = Bar(verb, plan.tasks, _weight, quiet=quiet)

    def __enter__(self) -> _Report:
        self._bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.__exit__(*error)
        if error[0] is not None and not issubclass(error[0], Exception):
            done, total = len(self.summary.outcomes), len(self._plan)
            echo(f"hpcm: {done} of {total} files are done; the same command goes on from there", err=True)

    @property
    def progress(self) -> Callable[[Task, float], None] | None:
        return self._bar.tell if self._bar.enabled else None

    def add(self, outcome: Outcome) -> None:
        """Takes one outcome."""
        self.summary.outcomes.append(outcome)
        if self._json:
            echo(json.dumps(_to_dict(outcome)))
        elif outcome.result and not self._quiet:
            echo(_line(outcome))
        if outcome.task in self._tasks:
            self._bar.finish(outcome.task, failed=outcome.status == "failed")

    def finish(self) -> int:
        """Says whether every file is safe. The exit code."""
        summary = self.summary
        for outcome in summary.failures:
            if outcome.error:
                echo(f"hpcm: {with_source(outcome.task.source, outcome.error)}", err=True)
        safe = not summary.failures
        if self._json:
            echo(json.dumps({"kind": "summary", "safe": safe, **self._sums()}))
        elif not self._quiet:
            echo(self._closing())
        if safe and not self._json:
            echo(f"every file is safe in {shown(self._dest)}")
        elif not safe:
            count = len(summary.failures)
            which = "1 file is" if count == 1 else f"{count} files are"
            echo(f"hpcm: {which} not safe in {shown(self._dest)}, see above", err=True)
        return summary.exit_code

    def _sums(self) -> dict[str, Any]:
        entries = [stored(outcome).entry for outcome in self.summary.outcomes if outcome.result]
        hows = {how: sum(entry.how == how for entry in entries) for how in ("encoded", "copied", "link", "folder")}
        return hows | {
            "pictures_copied": sum(entry.why is not None for entry in entries),
            "before": self.summary.count("skipped"),
            "failed": len(self.summary.failures),
            "special": len(self._plan.left_out),
            "bytes_in": sum(entry.source_size for entry in entries),
            "bytes_out": sum(entry.stored_size for entry in entries),
            "exit_code": self.summary.exit_code,
        }

    def _closing(self) -> str:
        sums = self._sums()
        copied = f"{sums['copied']} copied"
        if sums["pictures_copied"]:
            copied += f" ({sums['pictures_copied']} of them pictures: {self._why()})"
        parts = [f"{sums['encoded']} encoded", copied]
        parts += [f"{sums[name]} {name}{'s' * (sums[name] > 1)}" for name in ("link", "folder") if sums[name]]
        parts += [f"{sums['before']} of these before"] if sums["before"] else []
        parts += [f"{sums['failed']} failed"] if sums["failed"] else []
        parts += [left_out_line(self._plan.left_out)] if self._plan.left_out else []
        return f"{', '.join(parts)}: {human_bytes(sums['bytes_in'])} -> {human_bytes(sums['bytes_out'])}"

    def _why(self) -> str:
        """Why pictures were copied, the commonest reasons first."""
        results = [stored(outcome) for outcome in self.summary.outcomes if outcome.result]
        reasons = Counter(result.entry.why for result in results if result.entry.why)
        told = [f"{count}: {shown(reason)}" for reason, count in reasons.most_common(_MOST_REASONS)]
        others = sum(reasons.values()) - sum(count for _, count in reasons.most_common(_MOST_REASONS))
        return "; ".join([*told, *([f"{others}: other reasons"] if others else [])])


def stored(outcome: Outcome) -> Stored:
    """The result of an outcome of these commands."""
    result: Any = outcome.result
    return result


def _weight(task: Task) -> int | None:
    """Pixels; of other files a number that takes about as long."""
    found = pixels_of(task.source)
    if found is not None:
        return found
    try:
        return 1 + task.source.stat().st_size // 100 if isinstance(task.source, Path) else None
    except OSError:
        return None


def _line(outcome: Outcome) -> str:
    result = stored(outcome)
    entry = result.entry
    if outcome.status == "skipped":
        return f"{shown(entry.source)}: {result.not_written}"
    if entry.how == "encoded":
        level = "exact" if entry.psnr is None else f"{entry.psnr:.2f} dB"
        sizes = f"{human_bytes(entry.source_size)} -> {human_bytes(entry.stored_size)}"
        return f"{shown(entry.source)} -> {shown(entry.stored)}  {sizes}  {level}, checked"
    why = f", {shown(entry.why)}" if entry.why else ""
    return f"{shown(entry.source)}: {entry.how}{why}"


def _to_dict(outcome: Outcome) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": "file", "status": outcome.status, "path": str(outcome.task.source)}
    if outcome.result:
        entry = stored(outcome).entry
        values |= {key: value for key, value in vars(entry).items() if value not in (None, "")}
    if outcome.error:
        values["error"] = error_dict(outcome.error)
    return values
