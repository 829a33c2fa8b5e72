"""results.json: everything that was measured, and the cache of a run that goes on.

The file is one JSON object, `schema` 1:

    pictures      {SHA-256 of the file: {name, width, height}}
    codecs        {spec: {label, version, about, settings}}, or {spec: {unavailable}} for codecs that could not be used
    measurements  a list of objects, see `Measurement`
    run           the machine and options of the last run: {processor, processors, system, python, hpcmcodec, threads,
                  pinned (numbers of the processors that each codec was confined to, empty: none in particular),
                  repeats, codecs, load: {before, after} (its average over a minute as measuring began and ended, null
                  where the system does not tell or the run did not end), busy (the highest load by other programs then
                  or in a run that this one goes on from, null if little), date}
    crops         of coded pictures: {picture, codec, version, setting, box: [left, top, width, height], bytes, psnr}
    summary       what `bench.summary` made of it

A measurement is used again when picture, codec, version, setting and threads are the same, it was repeated often
enough, and was pinned if others are to be. Failures are tried again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hpcmcodec.errors import InputError
from hpcmcodec.formats.atomic import atomic_write

SCHEMA = 1
JSON_NAME, CSV_NAME = "results.json", "results.csv"
Key = tuple[str, str, str, float, int]
_TIMES = ("seconds", "cpu_seconds", "network_seconds", "entropy_seconds", "peak_bytes", "runs")


@dataclass(frozen=True)
class PictureFile:
    """A picture to code. digest: SHA-256 of the file, hexadecimal."""

    path: Path
    name: str
    digest: str
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """How many it has."""
        return self.width * self.height


@dataclass(frozen=True)
class Measurement:
    """One picture, coded by one codec at one setting.

    bytes: of the whole file.   psnr: RGB, dB.   ms_ssim: 0..1, None for small pictures.   encode, decode: `seconds`
    (wall clock, median of `runs`), `cpu_seconds` (all threads), `network_seconds` and `entropy_seconds` (their sum is
    `seconds`; None where the codec does not tell), `peak_bytes` (resident memory of the whole process).
    ssimulacra2: None where it was not asked for.   error: why there is nothing of that.   pinned: whether the process
    was confined to as many processors as it had threads.
    """

    picture: str
    codec: str
    version: str
    setting: float
    threads: int
    repeats: int
    bytes: int | None = None
    psnr: float | None = None
    ms_ssim: float | None = None
    encode: dict[str, Any] = field(default_factory=dict)
    decode: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    pinned: bool = False
    ssimulacra2: float | None = None

    @property
    def key(self) -> Key:
        """What it is a measurement of."""
        return self.picture, self.codec, self.version, self.setting, self.threads


class Results:
    """The content of results.json."""

    def __init__(self) -> None:
        self.pictures: dict[str, dict[str, Any]] = {}
        self.codecs: dict[str, dict[str, Any]] = {}
        self.run: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self._measurements: dict[Key, Measurement] = {}
        self._crops: list[dict[str, Any]] = []

    @classmethod
    def load(cls, path: Path) -> Results:
        """What a file holds; empty if there is none. Raises InputError for a file that is no results.json."""
        results = cls()
        if not path.exists():
            return results
        try:
            content = json.loads(path.read_text())
            if content["schema"] != SCHEMA:
                raise InputError(f"{path} has schema {content['schema']}, this is {SCHEMA}: choose another -o")
            results.pictures, results.codecs = dict(content["pictures"]), dict(content["codecs"])
            results.run, results.summary = dict(content["run"]), dict(content["summary"])
            for values in content["measurements"]:
                results.add(Measurement(**values))
            results._crops = list(content["crops"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a results.json of hpcm bench ({error}): choose another -o") from error
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        return results

    def add(self, measurement: Measurement) -> None:
        """Keep a measurement; an earlier one of the same thing is replaced."""
        self._measurements[measurement.key] = measurement

    def forget(self) -> None:
        """Drop all measurements."""
        self._measurements.clear()
        self._crops.clear()

    def add_crop(self, crop: dict[str, Any]) -> None:
        """Keep what a crop is of; see the module."""
        self._crops.append(crop)

    def find_crop(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The crop with these values."""
        return next((crop for crop in self._crops if crop.items() >= key.items()), None)

    def find(self, key: Key, repeats: int, *, pinned: bool, ssimulacra2: bool = False) -> Measurement | None:
        """A sound measurement that was repeated at least so often, by a process that was pinned or was not; with
        SSIMULACRA2 if that is wanted."""
        found = self._measurements.get(key)
        sound = found and not found.error and found.repeats >= repeats and found.pinned == pinned
        return found if sound and found and (found.ssimulacra2 is not None or not ssimulacra2) else None

    def __iter__(self) -> Iterator[Measurement]:
        return iter(self._measurements.values())

    def save(self, folder: Path) -> None:
        """Write results.json and results.csv. Raises OutputError."""
        atomic_write(folder / JSON_NAME, (json.dumps(self.to_dict(), indent=1) + "\n").encode())
        atomic_write(folder / CSV_NAME, self.to_csv(self).encode())

    def to_dict(self) -> dict[str, Any]:
        """The file's content."""
        return {
            "schema": SCHEMA,
            "run": self.run,
            "pictures": self.pictures,
            "codecs": self.codecs,
            "summary": self.summary,
            "crops": self._crops,
            "measurements": [asdict(measurement) for measurement in self],
        }

    def to_csv(self, measurements: Iterable[Measurement]) -> str:
        """One line per measurement."""
        columns = ["picture", "width", "height", "codec", "version", "setting", "threads", "bytes", "bits_per_pixel"]
        columns += ["psnr", "ms_ssim", "ssimulacra2"]
        columns += [f"{side}_{name}" for side in ("encode", "decode") for name in _TIMES] + ["error"]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        for m in measurements:
            about = self.pictures.get(m.picture, {})
            width, height = about.get("width"), about.get("height")
            bpp = 8 * m.bytes / (width * height) if m.bytes and width and height else None
            row = [about.get("name", m.picture), width, height, m.codec, m.version, m.setting, m.threads, m.bytes, bpp]
            row += [m.psnr, m.ms_ssim, m.ssimulacra2]
            row += [*(side.get(name) for side in (m.encode, m.decode) for name in _TIMES), m.error]
            writer.writerow(map(_cell, row))
        return text.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, such as a file's name, gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
