"""Where models come from: an explicit path, `$HPCM_MODELS`, the user's data folder, the package's own weights.

Folders are searched in this order and not below; a model is any `*.safetensors` file in them that is one of ours. Names
and identities come from the file's head, not from the file's name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hpcmcodec.errors import MissingModelError, ModelFileError
from hpcmcodec.formats import model_head
from hpcmcodec.formats.model_head import Summary
from hpcmcodec.kernels import decode as core

if TYPE_CHECKING:  # loads numpy
    from hpcmcodec.formats.model_file import ModelFile

T = TypeVar("T")
DEFAULT_MODEL = "lite-8"
TUNED = {"psnr": DEFAULT_MODEL, "ms-ssim": "lite-msssim"}
"""What a shipped model was trained to preserve -> its name."""
ENVIRONMENT = "HPCM_MODELS"
SUFFIX = ".safetensors"


def user_folder() -> Path:
    """The folder for a user's own models, whether or not it exists."""
    from platformdirs import user_data_path

    return user_data_path("hpcmcodec", appauthor=False) / "models"


def shipped_folder() -> Path:
    """The folder of the models that come with the package."""
    return Path(__file__).parent.parent / "weights"


def folders() -> list[Path]:
    """All folders that are searched, in order, each once, whether or not they exist."""
    chosen = [Path(part).expanduser() for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part]
    return list(dict.fromkeys([*chosen, user_folder(), shipped_folder()]))


def list_models() -> list[Summary]:
    """Every model that can be found, by its head alone. Damaged files and files of other kinds are left out."""
    return [summary for _, summary in scan()]


def unreadable() -> list[tuple[Path, ModelFileError]]:
    """Files that are looked at and passed over, and why: damaged models, and safetensors files of other kinds."""
    problems = []
    for path in _candidates():
        try:
            model_head.peek(path)
        except ModelFileError as error:
            problems.append((path, error))
    return problems


def find(model: str | Path | None = None) -> ModelFile:
    """The model of this name, or in the file of this path; None: the default model.

    A name without a folder or suffix is looked up; where several models have it, the first one found counts. A name
    without a number, such as lite, is also that of the model with the highest one, lite-8. Raises MissingModelError
    with what to do, ModelFileError for a damaged file.
    """
    return _first(DEFAULT_MODEL if model is None else model, _read_whole)


def default_path() -> Path | None:
    """The file that the default model is taken from, damaged copies passed over as everywhere. None without any."""
    try:
        return first_sound(paths_called(DEFAULT_MODEL), lambda path: path if _is_shipped(path) else sound(path))
    except (StopIteration, ModelFileError, MissingModelError):
        return None


def path_of(model: str | Path) -> Path:
    """The file of a model that `find` takes. Raises as it does."""
    return _first(model, lambda path: model_head.peek(path).path)


def _first(model: str | Path, read: Callable[[Path], T]) -> T:
    """What `read` makes of the file that is meant."""
    if isinstance(model, Path) or model.endswith(SUFFIX) or os.sep in model:
        path = Path(model).expanduser()
        if not path.is_file():
            raise MissingModelError(f"there is no model file {path}; `hpcm models list` shows the installed ones")
        return read(path)
    try:
        return first_sound(paths_called(model), read)
    except StopIteration:
        raise MissingModelError(f"model {model!r} is not installed{_advice(model)}") from None


def by_identity(identity: bytes) -> ModelFile:
    """The model that an adapter builds on. Raises MissingModelError, ModelFileError."""
    return first_sound(_bases(identity), _read_whole)


def for_core(path: Path) -> core.Model:
    """The model in a file, for decoding. Raises ModelFileError, MissingModelError."""
    try:
        return core.Model(core.file_bytes(path), core_by_identity)
    except OSError as error:
        raise MissingModelError(f"{path} cannot be read ({error.strerror or error})") from None


def core_by_identity(identity: bytes) -> core.Model:
    """The same for decoding."""
    return first_sound(_bases(identity), for_core)


def _bases(identity: bytes) -> Iterator[Path]:
    found = [path for path, summary in scan() if summary.identity == identity]
    if not found:
        raise MissingModelError(
            f"an adapter needs the model {identity[:8].hex()} that it builds on, which is not installed: get its"
            f" {SUFFIX} file and run `hpcm models install FILE`"
        )
    return iter(found)


def paths_called(name: str) -> Iterator[Path]:
    """Files of models with a name, in order of search; without any, those of its newest version."""
    versions: dict[int, list[Path]] = {}
    exact = False
    for path, summary in scan():
        if summary.name == name:
            exact = True
            yield path
        elif match := re.fullmatch(re.escape(name) + r"-(\d{1,9})", summary.name):
            versions.setdefault(int(match[1]), []).append(path)
    if versions and not exact:
        yield from versions[max(versions)]


def path_by_id(identity: bytes, name: str) -> Path:
    """The first of `paths_by_id`."""
    return next(paths_by_id(identity, name))


def paths_by_id(identity: bytes, name: str) -> Iterator[Path]:
    """Files of the model that a file names. identity: its first 8 bytes or all 32.   name: for the message.

    Raises MissingModelError if no model has this identity, even if one has the name.
    """
    found = same_name = False
    for path, summary in scan(name):
        if summary.identity.startswith(identity):
            found = True
            yield path
        same_name |= summary.name == name
    if found:
        return
    wanted = f"model {name!r} with identity {identity[:8].hex()}"
    if same_name:
        raise MissingModelError(f"{wanted} is not installed, only another version of it{_advice(name)}")
    raise MissingModelError(f"{wanted} is not installed{_advice(name)}")


def first_sound(paths: Iterator[Path], read: Callable[[Path], T]) -> T:
    """What `read` makes of the first file that is not damaged; one that is, is logged as a warning and passed over.

    Raises what it raised for the first one if all are, StopIteration if there are none.
    """
    problem: ModelFileError | None = None
    for path in paths:
        try:
            made = read(path)
        except ModelFileError as error:
            problem = problem or error
            continue
        if problem is not None:
            import logging

            logging.getLogger("hpcmcodec").warning("%s; %s was taken instead", problem, path)
        return made
    raise problem or StopIteration


def _read_whole(path: Path) -> ModelFile:
    """A model file with its weights compared, which a copy may be needed for, except the package's own."""
    file = _read(path)
    if not _is_shipped(path):
        file.verify()
    return file


def _is_shipped(path: Path) -> bool:
    return path.parent == shipped_folder()


def sound(path: Path) -> Path:
    """The path of a model file, if its weights, those of its bases included, are what heads say: else ModelFileError,
    or MissingModelError for a base."""
    _read(path).verify()
    return path


def scan(likely: str | None = None) -> Iterator[tuple[Path, Summary]]:
    """Models in order of search, but files called `likely` before all others, the package's own first: reading a head
    takes milliseconds, and finding the user's folder too."""
    for path in _candidates() if likely is None else _likely_first(likely):
        try:
            yield path, model_head.peek(path)
        except ModelFileError:
            continue


def _likely_first(name: str) -> Iterator[Path]:
    shipped = shipped_folder() / Path(f"{name}{SUFFIX}").name
    if shipped.is_file():
        yield shipped
    yield from (path for path in sorted(_candidates(), key=lambda path: path.stem != name) if path != shipped)


def _candidates() -> Iterator[Path]:
    """Files that may be models, in order of search; within a folder by file name."""
    for folder in folders():
        try:
            yield from sorted(p for p in folder.iterdir() if p.suffix == SUFFIX and p.is_file())
        except OSError as error:
            if error.errno in model_head.SCARCE:  # which is no matter of this folder
                raise
            continue


def _read(path: Path) -> ModelFile:
    from hpcmcodec.formats import model_file

    return model_file.read(path, by_identity)


def _advice(name: str) -> str:
    from hpcmcodec.models.presets import OFFICIAL, PRESETS

    known = next(
        (p for p in sorted(PRESETS, key=len, reverse=True) if re.fullmatch(re.escape(p) + r"(-[\d.]+)?", name)), None
    )
    make = ""
    if known in OFFICIAL:
        make = ", or make it of an official checkpoint: `hpcm models import FILE`"
    elif known is not None:
        start = f" --init {DEFAULT_MODEL}" if known.startswith("lite") else " --lambda 0.013"
        make = f", or train it: `hpcm train --preset {known}{start} --data PICTURES --out RUN`"
    return (
        f": get its {SUFFIX} file and run `hpcm models install FILE`, or name its folder in ${ENVIRONMENT}{make};"
        " `hpcm models list` shows what is installed"
    )
