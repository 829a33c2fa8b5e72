"""Parts of decoded pictures at matched sizes, for the report's viewer.

For a few pictures and two sizes each (those of the first codec at points of its sweep), every codec's setting is sought
that makes a file of about that many bytes: a first guess from what was measured, then secant steps. The crops lie
beside results.json in `crops/`; what is there already is not made again.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.bench.codecs import Settings, Unavailable
from hpcmcodec.bench.metrics import Pixels
from hpcmcodec.bench.process import Worker, WorkerError
from hpcmcodec.bench.results import Measurement, PictureFile, Results
from hpcmcodec.bench.sweep import Options
from hpcmcodec.bench.worker import load
from hpcmcodec.formats.pictures import Picture, encode_picture

FOLDER = "crops"
WIDTH, HEIGHT = 480, 320
PLACES = (0.3, 0.6)
"""Where in the reference's sweep the sizes are taken, 0..1."""
_CLOSE = 0.02
_TRIES = 4


@dataclass(frozen=True)
class Shot:
    """A crop of a coded picture. bytes, psnr: of the whole picture."""

    spec: str
    setting: float
    bytes: int
    psnr: float
    file: Path


@dataclass(frozen=True)
class Scene:
    """A picture's crop, its original and, per size in bytes, the shots of all codecs. box: left, top, width, height."""

    picture: PictureFile
    box: tuple[int, int, int, int]
    original: Path
    shots: dict[int, list[Shot]]


def make_scenes(
    pictures: Sequence[PictureFile],
    measurements: Sequence[Measurement],
    specs: Sequence[str],
    options: Options,
    results: Results,
    folder: Path,
    tell: Callable[[int, int, str], None] = lambda done, total, spec: None,
    worker: Callable[..., Worker] = Worker,
) -> list[Scene]:
    """Crops of these pictures; `tell` hears what is done of how much, and the codec at work.

    A codec that fails on a picture is missing there. results.json is saved after each codec. Raises OutputError or
    OSError.
    """
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    scenes = []
    for picture in pictures:
        pixels = load(str(picture.path.resolve()), options.max_pixels)
        box = liveliest(pixels)
        original = place / f"{picture.digest[:16]}-original.webp"
        original.write_bytes(_lossless(pixels, box))
        sizes = _sizes([m for m in measurements if m.codec == specs[0] and m.picture == picture.digest])
        scenes.append(Scene(picture, box, original, {size: [] for size in sizes}))
    wanted = [(scene, target) for scene in scenes for target in scene.shots]
    for i, spec in enumerate(specs):
        photographer = _Photographer(spec, options, results, place, worker)
        known: dict[str, dict[float, int]] = defaultdict(dict)
        for m in measurements:
            if m.codec == spec and m.bytes:
                known[m.picture][m.setting] = m.bytes
        try:
            for k, (scene, target) in enumerate(wanted):
                tell(i * len(wanted) + k, len(specs) * len(wanted), spec)
                shot = photographer.near(scene, target, known[scene.picture.digest])
                if shot:
                    scene.shots[target].append(shot)
        finally:
            photographer.close()
            results.save(folder)
    return [scene for scene in scenes if any(scene.shots.values())]


def liveliest(pixels: Pixels) -> tuple[int, int, int, int]:
    """The box of at most WIDTH x HEIGHT with the most coarse structure, which says more than a patch of sky."""
    rows, columns = pixels.shape[:2]
    height, width = min(HEIGHT, rows), min(WIDTH, columns)
    grey = pixels[: rows // 4 * 4, : columns // 4 * 4].mean(2)
    if grey.size == 0:
        return 0, 0, width, height
    coarse = grey.reshape(rows // 4, 4, columns // 4, 4).mean((1, 3))
    slope = (
        np.abs(np.gradient(coarse, axis=0)) + np.abs(np.gradient(coarse, axis=1)) if min(coarse.shape) > 1 else coarse
    )
    sums = np.pad(np.minimum(slope, 24).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    h, w = min(height // 4, coarse.shape[0]), min(width // 4, coarse.shape[1])
    total = sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w] if h and w else np.zeros((1, 1))
    top, left = (int(i) * 4 for i in np.unravel_index(int(total.argmax()), total.shape))
    return min(left, columns - width), min(top, rows - height), width, height


def nearest_setting(known: Mapping[float, int], settings: Settings, target: int) -> float | None:
    """The setting that should give files of `target` bytes, from sizes that are known; None if it is known already.

    Between two known settings by interpolation of the logarithm of bytes, beyond them the end of the range.
    """
    by_size = sorted(known.items(), key=lambda item: item[1])
    below = [item for item in by_size if item[1] <= target]
    above = [item for item in by_size if item[1] >= target]
    if below and above:
        (s0, b0), (s1, b1) = below[-1], above[0]
        share = 0.5 if b0 == b1 else math.log(target / b0) / math.log(b1 / b0)
        guess = settings.nearest(s0 + (s1 - s0) * share)
    else:
        low_is_small = settings.sweep[0] <= settings.sweep[-1]
        guess = settings.high if bool(below) == low_is_small else settings.low
    return None if guess in known else guess


def _sizes(measurements: Sequence[Measurement]) -> list[int]:
    found = sorted(m.bytes for m in measurements if m.bytes)
    return sorted({found[round(place * (len(found) - 1))] for place in PLACES}) if found else []


class _Photographer:
    """Takes the shots of one codec; its process is started when something has to be coded."""

    def __init__(
        self, spec: str, options: Options, results: Results, folder: Path, start: Callable[..., Worker]
    ) -> None:
        self.spec, self._options, self._results, self._folder, self._start = spec, options, results, folder, start
        about = results.codecs[spec]
        self.settings, self._version = Settings.from_dict(about["settings"]), about["version"]
        self._worker: Worker | None = None

    def close(self) -> None:
        if self._worker:
            self._worker.close()
        self._worker = None

    def near(self, scene: Scene, target: int, measured: dict[float, int]) -> Shot | None:
        """The shot whose file comes nearest to `target` bytes; None where the codec fails, of which the sweep told.

        measured: bytes by setting; what is learned here is added.
        """

        def miss(setting: float) -> float:
            return abs(math.log(measured[setting] / target))

        try:
            for _ in range(_TRIES if measured else 0):
                guess = nearest_setting(measured, self.settings, target)
                if guess is None or min(map(miss, measured)) < _CLOSE:
                    break
                measured[guess] = self._shot(scene, guess).bytes
            return self._shot(scene, min(measured, key=miss)) if measured else None
        except (WorkerError, Unavailable):
            self.close()
            return None

    def _shot(self, scene: Scene, setting: float) -> Shot:
        slug = re.sub("[^a-z0-9]+", "-", self.spec.lower())
        file = self._folder / f"{scene.picture.digest[:16]}-{slug}-{setting:g}.webp"
        key = {"picture": scene.picture.digest, "codec": self.spec, "version": self._version, "setting": setting}
        key["box"] = list(scene.box)
        found = self._results.find_crop(key) if file.exists() else None
        if found is None:
            self._worker = self._worker or self._start(self.spec, self._options.threads, self._options.processors)
            found = key | self._take(self._worker, scene, setting, file)
            self._results.add_crop(found)
        return Shot(self.spec, setting, found["bytes"], found["psnr"], file)

    def _take(self, worker: Worker, scene: Scene, setting: float, file: Path) -> dict[str, Any]:
        answer = worker.ask(
            "crop",
            self._options.timeout,
            picture=str(scene.picture.path.resolve()),
            setting=setting,
            box=scene.box,
            output=str(file.resolve()),
            max_pixels=self._options.max_pixels,
        )
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer


def _lossless(pixels: Pixels, box: tuple[int, int, int, int]) -> bytes:
    left, top, width, height = box
    return encode_picture(Picture(np.ascontiguousarray(pixels[top : top + height, left : left + width])), "webp")[0]
