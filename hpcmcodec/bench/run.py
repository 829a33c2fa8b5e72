"""A whole benchmark: pictures in, a folder with results.json, results.csv, plots and report.html out."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcmcodec import __version__
from hpcmcodec.bench import machine
from hpcmcodec.bench import sweep as sweeping
from hpcmcodec.bench.crops import FOLDER as CROPS
from hpcmcodec.bench.crops import make_scenes
from hpcmcodec.bench.plots import PLOTS, write_plots
from hpcmcodec.bench.published import published_curves
from hpcmcodec.bench.report import NAME as REPORT_NAME
from hpcmcodec.bench.report import write_report
from hpcmcodec.bench.results import CSV_NAME, JSON_NAME, Measurement, PictureFile, Results
from hpcmcodec.bench.summary import first_other, summarise
from hpcmcodec.bench.sweep import Options, Step
from hpcmcodec.errors import HpcmError, InputError, OutputError, UsageError
from hpcmcodec.formats.paths import identity


@dataclass(frozen=True)
class Listener:
    """What hears of a run: `complain` of pictures that cannot be read, `note` of anything worth a sentence, `step` of
    each measurement, `crop` of the viewer's pictures: done, of how many, and the codec."""

    complain: Callable[[Path, HpcmError], None]
    note: Callable[[str], None]
    step: Callable[[Step], None]
    crop: Callable[[int, int, str], None] = lambda done, total, spec: None


def bench(
    paths: Sequence[Path],
    options: Options,
    folder: Path,
    listener: Listener,
    *,
    anchor: str | None = None,
    fresh: bool = False,
    crops: int = 4,
    published: bool = False,
) -> Results:
    """Measures, compares and writes everything to a folder, which may hold the results of an earlier run.

    anchor: the codec to compare with; None: the first of those that could be measured after hpcm. fresh: measure
    everything anew. crops: pictures in the report's viewer. published: show what others published for Kodak.
    Raises UsageError, InputError (no picture at all) or OutputError.
    """
    _check_libraries()
    if anchor is not None and anchor not in options.codecs:
        raise UsageError(f"the anchor {anchor} is not among the codecs: {', '.join(options.codecs)}")
    _keep_sources(folder, paths)
    pictures = sweeping.read_pictures(paths, options.max_pixels, listener.complain)
    if not pictures:
        raise InputError("no picture to measure with")
    results = _open(folder)
    if fresh:
        results.forget()
    chosen, specs = _measure(pictures, options, results, folder, listener)
    results.summary = _summary(chosen, pictures, specs, anchor, results.codecs)
    results.save(folder)
    specs = list(results.summary["codecs"])
    shown = _spread(pictures, crops) if specs else []
    scenes = make_scenes(shown, chosen, specs, options, results, folder, listener.crop)
    curves = published_curves() if published else []
    write_plots(folder, results, curves)
    write_report(folder, results, pictures, scenes, curves)
    return results


def _measure(
    pictures: Sequence[PictureFile], options: Options, results: Results, folder: Path, listener: Listener
) -> tuple[list[Measurement], list[str]]:
    """All measurements of the run and the codecs that could be used; `results` gets them and what the run was like."""
    results.run = _describe(options, results.run.get("busy") if any(results) else None)
    _note_load(results.run, "before", machine.of_others(results.run["load"]["before"]), listener)
    codecs = sweeping.introduce(options)
    for spec, about in codecs.items():
        if "unavailable" in about:
            listener.note(f"{spec} is left out: {about['unavailable']}")
    results.codecs |= codecs
    results.pictures |= {p.digest: {"name": p.name, "width": p.width, "height": p.height} for p in pictures}
    tasks = sweeping.tasks_of(pictures, codecs, options)
    chosen, measured = [], False
    for step in sweeping.sweep(tasks, options, results, lambda: results.save(folder)):
        chosen.append(step.measurement)
        measured = measured or not step.cached
        listener.step(step)
    if measured:
        results.run["load"]["after"] = machine.load()
        _note_load(results.run, "after", machine.of_others(results.run["load"]["after"], options.threads), listener)
    return chosen, list(tasks)


def _spread(pictures: Sequence[PictureFile], count: int) -> list[PictureFile]:
    """So many of them, evenly taken."""
    count = min(count, len(pictures))
    return [pictures[i * len(pictures) // count] for i in range(count)]


def _summary(
    measurements: Sequence[Measurement],
    pictures: Sequence[PictureFile],
    specs: Sequence[str],
    anchor: str | None,
    codecs: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    if not specs:
        raise UsageError("none of the codecs can be used here")
    lossless = [spec for spec in specs if codecs[spec]["settings"].get("lossless")]
    lossy = [spec for spec in specs if spec not in lossless]
    if anchor in lossless:
        raise UsageError(f"{anchor} loses nothing: choose an anchor that has qualities")
    return summarise(measurements, pictures, lossy, anchor or first_other(lossy), lossless=lossless)


def _check_libraries() -> None:
    try:
        import bjontegaard  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("comparing needs more libraries: pip install 'hpcmcodec[bench]'") from None


def _keep_sources(folder: Path, paths: Sequence[Path]) -> None:
    """Raises OutputError where a picture is one of the files of an earlier report, which would be replaced."""
    own = [folder / name for name in (JSON_NAME, CSV_NAME, REPORT_NAME)]
    written = {identity(path) for path in [*own, *(folder / name for name in PLOTS), *(folder / CROPS).glob("*")]}
    for path in paths:
        if identity(path) in written - {None}:
            raise OutputError(f"{path} is where the report writes; choose another -o, or leave it out")


def _open(folder: Path) -> Results:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    return Results.load(folder / JSON_NAME)


def _describe(options: Options, busy: float | None) -> dict[str, Any]:
    """The machine and how it was used, without its name. busy: of earlier runs whose measurements may be used again."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "hpcmcodec": __version__,
        "processor": machine.processor_name(),
        "processors": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": options.threads,
        "pinned": list(options.processors),
        "repeats": options.repeats,
        "codecs": list(options.codecs),
        "load": {"before": machine.load(), "after": None},
        "busy": busy,
    }


def _note_load(run: dict[str, Any], when: str, others: float | None, listener: Listener) -> None:
    """Warns if the load by other programs, `before` or `after` measuring, spoils times, and keeps the highest."""
    if others is None:
        return
    found, so = {"before": ("is", "will be"), "after": ("was", "may be")}[when]
    listener.note(f"this machine {found} busy with other programs (load {others:.1f}): times {so} too long")
    run["busy"] = max(run["busy"] or 0.0, others)
