"""Does this installation work? What `hpcm doctor` finds out, as data.

The arithmetic is what matters most: a file decodes to the same pixels everywhere only if every kernel gives the
recorded bits, at every instruction set that this processor has.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata, resources, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hpcmcodec import __version__
from hpcmcodec.errors import HpcmError, NoKernelsError

if TYPE_CHECKING:
    from hpcmcodec.codec import Decoder
    from hpcmcodec.formats.pictures import Picture

Status = Literal["ok", "note", "failed"]
RECORD = "pixels.json"
"""In a folder of conformance files: file name -> what `pixels_hash` gives for the decoded picture."""


@dataclass(frozen=True)
class Check:
    """One finding. `note` is information, or something that is missing but not needed."""

    name: str
    status: Status
    detail: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def diagnose(conformance: Path | None = None) -> Iterator[Check]:
    """All findings, as they are made. conformance: a folder of files to decode instead of the package's own."""
    yield Check("hpcmcodec", "ok", f"{__version__} in {Path(__file__).parent}")
    yield Check("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    yield Check("packages", "ok", ", ".join(f"{name} {_version(name)}" for name in ("numpy", "pillow")))
    yield _torch()
    for name, section in (
        ("kernels", _kernels()),
        ("models", _models()),
        ("conformance", _conformance(conformance)),
    ):
        try:
            yield from section
        except Exception as error:  # whatever is broken: the other sections still have something to say
            yield Check(name, "failed", f"{type(error).__name__}: {error}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def _torch() -> Check:
    if util.find_spec("torch") is None:
        return Check("torch", "note", "not installed; only training and models import need it")
    return Check("torch", "note", f"{_version('torch')}; not used to decode")


def _kernels() -> Iterator[Check]:
    """Whether the extension loads, what it runs on, and whether its results are the recorded ones at every level."""
    from hpcmcodec import kernels
    from hpcmcodec.kernels import selftest

    try:
        levels = kernels.available_levels()
        current = f"{kernels.simd_level()}, {kernels.get_threads()} threads"
    except (NoKernelsError, ValueError) as error:
        yield Check("kernels", "failed", str(error))
        return
    chosen = f" (HPCM_SIMD={os.environ['HPCM_SIMD']})" if os.environ.get("HPCM_SIMD") else ""
    yield Check("kernels", "ok", f"built by {kernels.compiler()}; levels here: {', '.join(levels)}")
    yield Check("simd level", "ok", f"{current}, {os.cpu_count()} processors{chosen}")
    rate = kernels.multiply_add_rate() / 1e9
    yield Check("speed", "note", f"{rate:.3g} thousand million multiply-adds a second on one thread")
    for level in levels:
        wrong = selftest.differences(level)
        detail = (
            f"differs from the recorded bits: {', '.join(wrong)}" if wrong else "all operations give the recorded bits"
        )
        yield Check(f"arithmetic {level}", "failed" if wrong else "ok", detail)


def _models() -> Iterator[Check]:
    """Folders that are searched, and whether every model in them is sound, weights included."""
    from hpcmcodec.models import store

    for folder in store.folders():
        yield Check("models in", "note", f"{folder}{'' if folder.is_dir() else ' (not there)'}")
    summaries = store.list_models()
    for summary in summaries:
        try:
            store.sound(summary.path)
        except HpcmError as error:
            yield Check(f"model {summary.name}", "failed", str(error))
        else:
            yield Check(f"model {summary.name}", "ok", f"{summary.identity[:8].hex()}, {summary.path}")
    for path, problem in store.unreadable():
        yield Check(f"model file {path.name}", "note", f"passed over: {problem}")
    if not any(summary.name == store.DEFAULT_MODEL for summary in summaries):
        yield Check(f"model {store.DEFAULT_MODEL}", "failed", "the default model is missing; install the package again")


def conformance_folders() -> list[Path]:
    """The files that the package brings and, in a source tree, those of its tests."""
    package = Path(str(resources.files("hpcmcodec")))
    return [folder for folder in (package / "conformance", package.parent / "tests" / "conformance") if folder.is_dir()]


def _conformance(folder: Path | None) -> Iterator[Check]:
    """Decodes files to pixels whose hashes are recorded beside them."""
    from hpcmcodec.codec import Decoder

    decoder = Decoder()
    checked = False
    for place in [folder] if folder else conformance_folders():
        try:
            recorded: dict[str, str] = json.loads((place / RECORD).read_text())
        except (OSError, ValueError) as error:
            yield Check("conformance", "failed" if folder else "note", f"no {RECORD} in {place} ({error})")
            continue
        for name, expected in sorted(recorded.items()):
            checked = True
            yield _conforms(decoder, place / name, expected)
    if not checked and not folder:
        yield Check("conformance", "note", "no files to decode; give a folder of them with --conformance")


def _conforms(decoder: Decoder, file: Path, expected: str) -> Check:
    name = f"conformance {file.name}"
    try:
        found = pixels_hash(decoder.decode(file.read_bytes()))
    except (HpcmError, OSError) as error:
        return Check(name, "failed", str(error))
    if found != expected:
        return Check(name, "failed", "decodes to other pixels than recorded")
    return Check(name, "ok", "decodes to the recorded pixels")


def pixels_hash(picture: Picture) -> str:
    """SHA-256 of a picture's size, samples and alpha, as `pixels.json` records it.

    Hashed are the ASCII text "HEIGHT WIDTH CHANNELS\\n", the samples in the order row, column, channel, of one byte or,
    with more than 8 bits, two (little-endian), and then the alpha samples, if there are any.
    """
    height, width, channels = picture.pixels.shape
    digest = hashlib.sha256(f"{height} {width} {channels}\n".encode())
    for samples in (picture.pixels, picture.alpha):
        if samples is not None:
            digest.update(samples.astype(f"<u{samples.itemsize}").tobytes())
    return digest.hexdigest()
