"""Models put into the user's folder and taken out of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hpcmcodec.errors import MissingModelError, OutputError, UsageError
from hpcmcodec.formats import model_file
from hpcmcodec.formats.atomic import atomic_write, make_folder
from hpcmcodec.formats.model_file import Summary
from hpcmcodec.models import store


def install(data: bytes, *, force: bool = False) -> tuple[Summary, bool]:
    """Put a model into the user's folder, under its own name; -> what it is, and whether it was not there before.

    data: of a model file. All of it is checked first, the program included. Raises ModelFileError for what is no sound
    model, MissingModelError for an adapter whose base is not installed, OutputError for another model of the same name
    unless `force` is set.
    """
    found = _checked(data)
    target = store.user_folder() / f"{found.name}{store.SUFFIX}"
    for path, installed in store.scan():
        if installed.identity == found.identity:
            return model_file.peek(path), False
    if target.exists() and not force:
        raise OutputError(f"another model {found.name!r} is installed ({target}); use --force to replace it")
    make_folder(target.parent)
    atomic_write(target, data, overwrite=force)
    return model_file.peek(target), True


def remove(name: str, *, force: bool = False) -> Path:
    """Take a model out of the user's folder, by a name as `store.find` takes it; -> the file that is gone.

    Its pictures cannot be decoded without it. Raises MissingModelError if there is none, UsageError for a model
    elsewhere, or on which adapters build unless `force` is set.
    """
    found = list(store.paths_called(name))
    own = [path for path in found if path.parent == store.user_folder()]
    if not found:
        raise MissingModelError(f"model {name!r} is not installed; `hpcm models list` shows what is")
    if not own:
        raise UsageError(f"{found[0]} is not in the folder of your own models ({store.user_folder()}); it stays")
    path, identity = own[0], model_file.peek(own[0]).identity
    adapters = [other.name for _, other in store.scan() if other.base == identity]
    if adapters and not force:
        raise UsageError(f"{', '.join(adapters)} builds on {name}; use --force to remove it all the same")
    path.unlink()
    return path


def _checked(data: bytes) -> Summary:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"model{store.SUFFIX}"
        path.write_bytes(data)
        model_file.read(path, store.by_identity).verify()
        store.for_core(path)
        return model_file.peek(path)
