"""The run: every codec over every picture at every setting, as far as results.json does not have it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpcmcodec.bench.codecs import Settings, Unavailable
from hpcmcodec.bench.process import Worker, WorkerError
from hpcmcodec.bench.results import Measurement, PictureFile, Results, digest_of
from hpcmcodec.errors import HpcmError, UsageError
from hpcmcodec.formats.pictures import MAX_PIXELS, read_picture

_SAVE_SECONDS = 5.0
_MOST_DEATHS = 3


@dataclass(frozen=True)
class Options:
    """threads: of every codec.   repeats: of every encoding and decoding, the median counts.   points: settings per
    codec, None for all.   qualities: {spec: settings} instead.   timeout: seconds for one picture at one setting.
    processors: numbers of those that every codec is pinned to; none: it runs wherever the system likes."""

    codecs: tuple[str, ...]
    threads: int = 1
    repeats: int = 3
    points: int | None = None
    qualities: dict[str, tuple[float, ...]] = field(default_factory=dict)
    max_pixels: int = MAX_PIXELS
    timeout: float = 600.0
    processors: tuple[int, ...] = ()
    ssimulacra2: bool = False


@dataclass(frozen=True)
class Task:
    """One picture, one codec, one setting."""

    picture: PictureFile
    spec: str
    version: str
    setting: float


@dataclass(frozen=True)
class Step:
    """What a run tells: `done` of `total` tasks; the measurement is fresh, unless `cached`."""

    done: int
    total: int
    measurement: Measurement
    picture: PictureFile
    cached: bool


def read_pictures(
    paths: Sequence[Path], max_pixels: int, complain: Callable[[Path, HpcmError], None]
) -> list[PictureFile]:
    """The pictures among the files, each content once; `complain` hears of those that cannot be read."""
    found: dict[str, PictureFile] = {}
    for path in paths:
        try:
            height, width = read_picture(path, max_pixels=max_pixels).pixels.shape[:2]
        except HpcmError as error:
            complain(path, error)
            continue
        digest = digest_of(path)
        found.setdefault(digest, PictureFile(path, _text(path.name), digest, width, height))
    return list(found.values())


def _text(name: str) -> str:
    """A file's name for reports: bytes that are no text, and control characters, are escaped."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def introduce(options: Options, worker: Callable[..., Worker] = Worker) -> dict[str, dict[str, Any]]:
    """What the codecs say of themselves, as in results.json: {spec: {label, version, about, settings}}, or
    {spec: {unavailable}} for those that cannot be used here."""
    found: dict[str, dict[str, Any]] = {}
    for spec in options.codecs:
        try:
            with worker(spec, options.threads, options.processors) as open_worker:
                found[spec] = {
                    "label": open_worker.label,
                    "version": open_worker.version,
                    "about": open_worker.about,
                    "settings": open_worker.settings.to_dict(),
                }
        except (Unavailable, WorkerError) as error:
            found[spec] = {"unavailable": str(error)}
    return found


def tasks_of(
    pictures: Sequence[PictureFile], codecs: dict[str, dict[str, Any]], options: Options
) -> dict[str, list[Task]]:
    """What is to be measured, by codec. Raises UsageError for settings that a codec does not have."""
    return {
        spec: [
            Task(picture, spec, about["version"], setting)
            for picture in pictures
            for setting in _settings(spec, Settings.from_dict(about["settings"]), options)
        ]
        for spec, about in codecs.items()
        if "unavailable" not in about
    }


def sweep(
    tasks: dict[str, list[Task]],
    options: Options,
    results: Results,
    save: Callable[[], None],
    worker: Callable[..., Worker] = Worker,
) -> Iterator[Step]:
    """Measures what `results` does not have and adds it there, one codec after the other, so that nothing else runs.

    `save` is called every few seconds and at the end, also when the run is interrupted. A picture that a codec cannot
    code, or at which its process dies, is a measurement with an error; a codec whose process dies three times on end is
    given up.
    """
    total, done, saved = sum(map(len, tasks.values())), 0, time.monotonic()
    try:
        for spec, of_codec in tasks.items():
            for task, measurement, cached in _one_codec(spec, of_codec, options, results, worker):
                results.add(measurement)
                done += 1
                if time.monotonic() - saved > _SAVE_SECONDS:
                    save()
                    saved = time.monotonic()
                yield Step(done, total, measurement, task.picture, cached)
    finally:
        save()


def _one_codec(
    spec: str, tasks: Sequence[Task], options: Options, results: Results, start: Callable[..., Worker]
) -> Iterator[tuple[Task, Measurement, bool]]:
    worker, deaths, cause = None, 0, ""
    try:
        for task in tasks:
            key = (task.picture.digest, spec, task.version, task.setting, options.threads)
            known = results.find(key, options.repeats, pinned=bool(options.processors), ssimulacra2=options.ssimulacra2)
            if known:
                yield task, known, True
                continue
            if deaths >= _MOST_DEATHS:
                yield task, _measurement(task, options, {"error": f"given up, the process died before: {cause}"}), False
                continue
            try:
                worker = worker or start(spec, options.threads, options.processors)
                answer = worker.ask("measure", options.timeout, **_request(task, options))
                deaths = 0
            except (WorkerError, Unavailable) as error:
                if worker:
                    worker.close()
                worker, deaths, cause = None, deaths + 1, str(error)
                answer = {"error": cause}
            yield task, _measurement(task, options, answer), False
    finally:
        if worker:
            worker.close()


def _request(task: Task, options: Options) -> dict[str, Any]:
    return {
        "picture": str(task.picture.path.resolve()),
        "setting": task.setting,
        "repeats": options.repeats,
        "max_pixels": options.max_pixels,
        "ssimulacra2": options.ssimulacra2,
    }


def _measurement(task: Task, options: Options, answer: dict[str, Any]) -> Measurement:
    fixed = (task.picture.digest, task.spec, task.version, task.setting, options.threads, options.repeats)
    return Measurement(*fixed, pinned=bool(options.processors), **answer)


def _settings(spec: str, settings: Settings, options: Options) -> tuple[float, ...]:
    chosen = options.qualities.get(spec)
    if chosen is None:
        return settings.points(options.points)
    wrong = [value for value in chosen if not settings.allows(value)]
    if wrong:
        values = f"{settings.low:g} to {settings.high:g} in steps of {settings.step:g}"
        raise UsageError(f"{spec} has no setting {wrong[0]:g}: it takes {values}")
    return tuple(dict.fromkeys(chosen))
