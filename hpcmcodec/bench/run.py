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
from hpcmcodec.bench import sweep as sweeping
from hpcmcodec.bench.crops import make_scenes
from hpcmcodec.bench.plots import write_plots
from hpcmcodec.bench.published import published_curves
from hpcmcodec.bench.report import write_report
from hpcmcodec.bench.results import JSON_NAME, Measurement, PictureFile, Results
from hpcmcodec.bench.summary import summarise
from hpcmcodec.bench.sweep import Options, Step
from hpcmcodec.errors import HpcmError, InputError, OutputError, UsageError

_BUSY_SHARE = 0.25
"""Of the processors in use before the run begins, from which times are not to be trusted."""


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
    pictures = sweeping.read_pictures(paths, options.max_pixels, listener.complain)
    if not pictures:
        raise InputError("no picture to measure with")
    results = _open(folder)
    if fresh:
        results.forget()
    earlier, results.run = results.run.get("busy"), _describe(options)
    if results.run["busy"]:
        listener.note(f"this machine is busy (load {results.run['busy']:.1f}): times will be too long")
    if earlier and not fresh:  # measurements of then may be used again
        results.run["busy"] = max(earlier, results.run["busy"] or 0.0)
    codecs = sweeping.introduce(options)
    for spec, about in codecs.items():
        if "unavailable" in about:
            listener.note(f"{spec} is left out: {about['unavailable']}")
    results.codecs |= codecs
    results.pictures |= {p.digest: {"name": p.name, "width": p.width, "height": p.height} for p in pictures}
    tasks = sweeping.tasks_of(pictures, codecs, options)
    chosen = []
    for step in sweeping.sweep(tasks, options, results, lambda: results.save(folder)):
        chosen.append(step.measurement)
        listener.step(step)
    results.summary = _summary(chosen, pictures, list(tasks), anchor)
    results.save(folder)
    specs = list(results.summary["codecs"])
    scenes = make_scenes(_spread(pictures, crops), chosen, specs, options, results, folder, listener.crop)
    curves = published_curves() if published else []
    write_plots(folder, results, curves)
    write_report(folder, results, pictures, scenes, curves)
    return results


def _spread(pictures: Sequence[PictureFile], count: int) -> list[PictureFile]:
    """So many of them, evenly taken."""
    count = min(count, len(pictures))
    return [pictures[i * len(pictures) // count] for i in range(count)]


def _summary(
    measurements: Sequence[Measurement], pictures: Sequence[PictureFile], specs: Sequence[str], anchor: str | None
) -> dict[str, Any]:
    if not specs:
        raise UsageError("none of the codecs can be used here")
    others = [spec for spec in specs if spec.partition(":")[0] != "hpcm"]
    return summarise(measurements, pictures, specs, anchor or (others or list(specs))[0])


def _check_libraries() -> None:
    try:
        import bjontegaard  # noqa: F401
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("comparing needs more libraries: pip install 'hpcmcodec[bench]'") from None


def _open(folder: Path) -> Results:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    return Results.load(folder / JSON_NAME)


def _describe(options: Options) -> dict[str, Any]:
    """The machine and how it was used, without its name."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    processors = os.cpu_count() or 1
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "hpcmcodec": __version__,
        "processor": _processor(),
        "processors": processors,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": options.threads,
        "repeats": options.repeats,
        "codecs": list(options.codecs),
        "busy": load if load > _BUSY_SHARE * processors else None,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
