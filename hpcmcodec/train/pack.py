"""Everything that training on a rented machine needs, in one folder: source, pictures, a model to start from.

    python -m hpcmcodec.train.pack --data photos/ --valid kodak/ --init lite-8.safetensors --out bundle --limit-mb 60

There, with torch, numpy and Pillow alone: `cd bundle && python -m hpcmcodec.train --data train ...`
"""

from __future__ import annotations

import argparse
import io
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, features

from hpcmcodec.errors import HpcmError, InputError, OutputError

from .data import find_pictures, quiet

QUALITIES = (95, 90, 85, 80)
"""Tried from the best; below the last one pictures are left out instead."""
_SAMPLE = 12  # pictures by which a quality is judged
_NOT_NEEDED = ("__pycache__", "*.so", "*.safetensors", "*.pyc")


def pack(data: Path, out: Path, limit: int, valid: Path | None = None, init: Path | None = None) -> dict[str, int]:
    """Fill the new folder `out` with at most `limit` bytes; returns counts of pictures: taken, left out, quality used
    (0: files as they were).

    Raises InputError without pictures, OutputError if `out` exists, cannot be written, or the limit is too low.
    """
    if out.exists():
        raise OutputError(f"{out} exists; choose another --out")
    pictures = find_pictures(data)
    try:
        out.mkdir(parents=True)
        shutil.copytree(Path(__file__).parents[1], out / "hpcmcodec", ignore=shutil.ignore_patterns(*_NOT_NEEDED))
        if init is not None:
            shutil.copy(init, out / "start.safetensors")
        if valid is not None:
            _copy_as_they_are(find_pictures(valid), out / "valid")
        room = limit - sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        if room <= 0:
            raise OutputError(f"source, model and validation pictures alone ({limit - room} bytes) exceed --limit-mb")
        return _add_pictures(pictures, out / "train", room)
    except OSError as error:
        raise OutputError(f"cannot write {out}: {error.strerror or error}") from error


def _add_pictures(pictures: list[Path], folder: Path, room: int) -> dict[str, int]:
    if sum(path.stat().st_size for path in pictures) <= room:
        _copy_as_they_are(pictures, folder)
        return {"pictures": len(pictures), "left_out": 0, "quality": 0}
    shuffled = random.Random(0).sample(pictures, len(pictures))  # what is left out is no part of the folder's order
    quality = _quality_that_fits(shuffled, room)
    folder.mkdir()
    taken = 0
    for name, content in _encoded(shuffled, quality):
        if len(content) > room:
            break
        (folder / f"{taken:06d}-{name}").write_bytes(content)
        room, taken = room - len(content), taken + 1
    if not taken:
        raise InputError("no picture fits: raise --limit-mb")
    return {"pictures": taken, "left_out": len(pictures) - taken, "quality": quality}


def _quality_that_fits(pictures: list[Path], room: int) -> int:
    """The best quality at which all pictures should fit, judged by a few of them; else the lowest."""
    for quality in QUALITIES:
        sizes = [len(content) for _, content in _encoded(pictures[:_SAMPLE], quality)]
        if sizes and sum(sizes) / len(sizes) * len(pictures) <= room:
            return quality
    return QUALITIES[-1]


def _encoded(pictures: list[Path], quality: int) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every readable picture: AVIF or JPEG, with full chroma."""
    for path in pictures:
        memory = io.BytesIO()
        try:
            with quiet(), Image.open(path) as opened:
                picture = opened.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        if features.check("avif"):
            picture.save(memory, "AVIF", quality=quality, subsampling="4:4:4", speed=6)
            yield f"{path.stem}.avif", memory.getvalue()
        else:
            picture.save(memory, "JPEG", quality=quality, subsampling=0, optimize=True)
            yield f"{path.stem}.jpg", memory.getvalue()


def _copy_as_they_are(pictures: list[Path], folder: Path) -> None:
    folder.mkdir()
    for i, path in enumerate(pictures):
        shutil.copy(path, folder / f"{i:06d}-{path.name}")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of training pictures")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    parser.add_argument("--limit-mb", type=float, default=60, metavar="MIB", help="its largest size; default 60")
    parser.add_argument("--valid", type=Path, metavar="DIR", help="folder of validation pictures, taken as they are")
    parser.add_argument("--init", type=Path, metavar="FILE", help="model file, which becomes start.safetensors")
    options = parser.parse_args()
    try:
        found = pack(options.data, options.out, int(options.limit_mb * (1 << 20)), options.valid, options.init)
    except HpcmError as error:
        print(f"hpcmcodec.train.pack: {error}", file=sys.stderr)
        return error.exit_code
    kept = "as they were" if found["quality"] == 0 else f"at quality {found['quality']}"
    print(f"{options.out}: {found['pictures']} pictures {kept}, {found['left_out']} left out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
