"""A photo there and back: encoded, decoded, compared with the original and with a JPEG of as many bytes.

    python benchmarks/demo.py [FOLDER] [--quality N] [--photo NAME]     or: make demo

The photo is one that the scikit-image package brings; its wheel is downloaded without dependencies and not installed.
Writes photo.png, photo.hpc, decoded.png and jpeg.jpg to the folder and prints what they weigh and how good they are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import installed
import numpy as np
from PIL import Image

from hpcmcodec.bench.metrics import psnr

PACKAGE = "scikit-image"
PHOTOS = ("coffee", "astronaut", "chelsea")


def fetch_photo(name: str) -> Image.Image:
    """A photo from the data folder of the scikit-image wheel."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--only-binary=:all:", "--dest", folder, PACKAGE], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = (entry for entry in archive.namelist() if entry.endswith(f"/data/{name}.png"))
            return Image.open(BytesIO(archive.read(member))).convert("RGB")


def jpeg_of_size(image: Image.Image, size: int) -> bytes:
    """The best JPEG (4:2:0, optimised) of at most `size` bytes, or the smallest there is."""
    best = b""
    for quality in range(1, 96):
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if best and buffer.tell() > size:
            break
        best = buffer.getvalue()
    return best


def hpcm(*arguments: object) -> None:
    """Runs a command as a user would, and shows it."""
    print("$ hpcm", *arguments, flush=True)
    subprocess.run(installed.hpcm(*arguments), check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A photo encoded, decoded and compared with JPEG.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("demo"))
    parser.add_argument("--quality", type=int, default=50)
    parser.add_argument("--photo", choices=PHOTOS, default=PHOTOS[0])
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    source, coded, decoded, jpeg = (folder / name for name in ("photo.png", "photo.hpc", "decoded.png", "jpeg.jpg"))
    if not source.exists():
        fetch_photo(options.photo).save(source)
    hpcm("encode", source, "-q", options.quality, "--verify", "--force", "-o", coded)
    hpcm("decode", coded, "--force", "-o", decoded)
    with Image.open(source) as opened:
        photo = opened.convert("RGB")
    jpeg.write_bytes(jpeg_of_size(photo, coded.stat().st_size))
    print(f"\n{'':12}{'bytes':>8}{'bpp':>8}{'PSNR':>11}")
    for name, file, picture in (("hpcm", coded, decoded), ("JPEG", jpeg, jpeg)):
        size = file.stat().st_size
        with Image.open(picture) as image:
            quality = psnr(np.asarray(photo), np.asarray(image))
        print(f"{name:12}{size:8}{8 * size / (photo.width * photo.height):8.3f}{quality:8.2f} dB")
    print(f"\nlook at {decoded} and {jpeg} beside {source}")


if __name__ == "__main__":
    main()
