"""Model files under the names that the web build asks for, `<id>.safetensors`.

python web/models.py TARGET [FOLDER...]     FOLDER: of model files; the shipped ones if none is given
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from hpcmcodec.formats import model_file
from hpcmcodec.models import store

ID_BYTES = 8


def collect(target: Path, folders: list[Path]) -> list[Path]:
    """Copies model files; what was in `target` is replaced file by file. Returns the copies."""
    target.mkdir(parents=True, exist_ok=True)
    made = []
    for path in (path for folder in folders for path in sorted(folder.glob(f"*{store.SUFFIX}"))):
        copy = target / f"{model_file.peek(path).identity[:ID_BYTES].hex()}{store.SUFFIX}"
        shutil.copyfile(path, copy)
        made.append(copy)
    return made


def main() -> None:
    target, *folders = map(Path, sys.argv[1:])
    for path in collect(target, folders or [store.shipped_folder()]):
        print(path)


if __name__ == "__main__":
    main()
