"""The exact coder beside WebP, JPEG XL and PNG: bytes of files, and speeds.

    python benchmarks/exact_pictures.py GRAPHICS
    python benchmarks/exact.py graphics=GRAPHICS -o docs/figures/exact-graphics.json
    python benchmarks/exact.py photographs=KODAK -o docs/figures/exact.json
    python benchmarks/deep_pictures.py RAMPS DEEP --of PHOTO...
    python benchmarks/exact.py ramps=RAMPS photographs=DEEP --without WebP 'JPEG XL 9' -o docs/figures/exact-deep.json
    python benchmarks/exact.py photographs=KODAK --near --every 8 -o docs/figures/near-lossless.json

Debian: webp. PyPI: imagecodecs. Every picture is decoded and compared. Speeds are of one core, by the time of the
processor.
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import imagecodecs
import numpy as np
import record
from PIL import Image

from hpcmcodec import kernels
from hpcmcodec.codec.decoder import Decoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.formats.picture import Picture, Samples
from hpcmcodec.formats.picture_input import read_picture

SUFFIXES = {".png", ".webp", ".ppm", ".pgm"}
Found = TypeVar("Found")


class Codec(NamedTuple):
    """most: the greatest error that a sample may have; None: any."""

    encode: Callable[[Picture], bytes]
    decode: Callable[[bytes], Samples]
    most: int | None = 0


class Row(NamedTuple):
    """Of a picture: bytes, seconds of encoding and decoding, the greatest and the mean squared error."""

    bytes: int
    encode: float
    decode: float
    error: int
    squares: float


def planes(picture: Picture) -> Samples:
    """Colours, and alpha if there is any, (H, W, C); grey alone is (H, W)."""
    if picture.alpha is not None:
        return np.dstack((picture.pixels, picture.alpha))
    return picture.pixels[..., 0] if picture.pixels.shape[2] == 1 else picture.pixels


def exact(near: int = 0, effort: int = 0) -> Codec:
    """Files of `hpcm encode --lossless` or `--near-lossless`."""
    return Codec(
        lambda picture: encode_exactly(picture, near, effort=effort), lambda data: planes(Decoder().decode(data)), near
    )


def cwebp(picture: Picture, near: int) -> bytes:
    """near: of its own scale, 100 lossless."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a.png"), Path(folder, "a.webp")
        Image.fromarray(planes(picture)).save(source, compress_level=1)
        command = ["cwebp", "-quiet", "-lossless", "-exact", "-m", "6", "-q", "100", "-near_lossless", str(near)]
        subprocess.run([*command, str(source), "-o", str(target)], check=True)
        return target.read_bytes()


def png(picture: Picture) -> bytes:
    """Of Pillow's best; of libpng's where there are more than 8 bits, which Pillow has not in colour."""
    if picture.depth > 8:
        return bytes(imagecodecs.png_encode(planes(picture), level=9))
    buffer = io.BytesIO()
    Image.fromarray(planes(picture)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def jxl(picture: Picture, **options: Any) -> bytes:
    bits = picture.depth if picture.depth > 8 else None
    return bytes(imagecodecs.jpegxl_encode(planes(picture), bitspersample=bits, numthreads=1, **options))


def by_pillow(data: bytes) -> Samples:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def by_png(data: bytes) -> Samples:
    return np.asarray(imagecodecs.png_decode(data))


def by_jxl(data: bytes) -> Samples:
    return np.asarray(imagecodecs.jpegxl_decode(data, numthreads=1))


LOSSLESS = {
    "hpc": exact(),
    "hpc, effort 1": exact(effort=1),
    "WebP": Codec(partial(cwebp, near=100), by_pillow),
    "JPEG XL 7": Codec(partial(jxl, lossless=True, effort=7), by_jxl),
    "JPEG XL 9": Codec(partial(jxl, lossless=True, effort=9), by_jxl),
    "PNG": Codec(png, by_png),
}
NEAR = {
    **{f"hpc, within {near}": exact(near) for near in (1, 2)},
    **{f"WebP, near-lossless {near}": Codec(partial(cwebp, near=near), by_pillow, None) for near in (80, 60, 40)},
    **{
        f"JPEG XL 7, distance {distance}": Codec(partial(jxl, distance=distance, effort=7), by_jxl, None)
        for distance in (0.05, 0.1)
    },
}


def timed(work: Callable[[], Found]) -> tuple[Found, float]:
    """A result, and the seconds of the processor for it, other processes' too that it started."""
    before = _seconds()
    found = work()
    return found, _seconds() - before


def _seconds() -> float:
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def row(codec: Codec, picture: Picture) -> Row:
    """Raises SystemExit for a picture that comes back otherwise than it should."""
    data, encoding = timed(lambda: codec.encode(picture))
    decoded, decoding = timed(lambda: codec.decode(data))
    errors = np.atleast_3d(decoded).astype(np.int64) - np.atleast_3d(planes(picture))
    most = int(np.abs(errors).max())
    if codec.most is not None and most > codec.most:
        raise SystemExit(f"a sample came back wrong, by {most}")
    return Row(len(data), encoding, decoding, most, float(np.square(errors).mean()))


def measured(folder: Path, codecs: dict[str, Codec], every: int) -> dict[str, Any]:
    """Of a folder of pictures: pixels in all, and a row by picture and codec."""
    rows: dict[str, dict[str, Row]] = {}
    pixels = 0
    for path in sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES)[::every]:
        picture = read_picture(path)
        pixels += picture.pixels.shape[0] * picture.pixels.shape[1]
        rows[path.stem] = {name: row(codec, picture) for name, codec in codecs.items()}
        print(path.stem, *(f"{name} {one.bytes}" for name, one in rows[path.stem].items()), sep=", ", file=sys.stderr)
    return {"columns": Row._fields, "pixels": pixels, "pictures": rows}


def sums(found: dict[str, Any], column: str) -> dict[str, float]:
    """Of each codec over all pictures."""
    rows = found["pictures"].values()
    return {name: sum(getattr(one[name], column) for one in rows) for name in next(iter(rows))}


def lossless(found: dict[str, Any]) -> record.Table:
    """Bytes in all, beside others', of how many pictures they are no more than others', and speeds."""
    sizes, pictures = sums(found, "bytes"), list(found["pictures"].values())
    speeds = [sums(found, "encode"), sums(found, "decode")]
    others = [name for name in ("WebP", "JPEG XL 7", "JPEG XL 9") if name in sizes]
    lines = []
    for name, size in sizes.items():
        ratios = [f"{size / sizes[other]:.3f}" for other in others]
        won = [f"{sum(one[name].bytes <= one[other].bytes for one in pictures)} of {len(pictures)}" for other in others]
        lines.append([name, f"{size:,}", *ratios, *won, *(f"{found['pixels'] / 1e6 / s[name]:.3g}" for s in speeds)])
    heads = [*(f"of {name}'s" for name in others), *(f"no larger than {name}'s" for name in others)]
    return record.table(["codec", "bytes", *heads, "encode MP/s", "decode MP/s"], lines)


def near_lossless(found: dict[str, Any]) -> record.Table:
    """Bytes in all beside the greatest error that there really is, and the PSNR of all samples."""
    sizes, squares, pictures = sums(found, "bytes"), sums(found, "squares"), list(found["pictures"].values())
    lines = []
    for name, size in sizes.items():
        psnr = 10 * np.log10(255**2 * len(pictures) / squares[name])
        most = max(one[name].error for one in pictures)
        lines.append([name, f"{size:,}", f"{8 * size / found['pixels']:.2f}", most, f"{psnr:.2f}"])
    return record.table(["codec", "bytes", "bits per pixel", "greatest error", "PSNR in dB"], lines)


def by_picture(found: dict[str, Any]) -> record.Table:
    """Bytes of every picture, and ours as a share of JPEG XL's."""
    lines = []
    for name, one in found["pictures"].items():
        sizes = [f"{each.bytes:,}" for each in one.values()]
        lines.append([name.replace("_", " "), *sizes, f"{one['hpc'].bytes / one['JPEG XL 7'].bytes:.2f}"])
    return record.table(["picture", *next(iter(found["pictures"].values())), "hpc of JPEG XL 7's"], lines)


def versions() -> str:
    """Of the other codecs."""
    words = subprocess.run(["cwebp", "-version"], check=True, capture_output=True, text=True).stdout.split()
    return f"cwebp {words[0]}, {imagecodecs.jpegxl_version()}, Pillow {Image.__version__}"


def tables(name: str, found: dict[str, Any], near: bool) -> dict[str, record.Table]:
    if near:
        return {name: near_lossless(found)}
    return {name: lossless(found), f"{name}-by-picture": by_picture(found)}


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", metavar="[NAME=]FOLDER", help="pictures; their tables have this name")
    parser.add_argument("--near", action="store_true", help="within an error, or nearly so, instead of without loss")
    parser.add_argument("--every", type=int, default=1, help="only each so many of a folder's pictures")
    parser.add_argument("--without", nargs="+", default=[], choices=[*LOSSLESS, *NEAR], metavar="CODEC")
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args(words)


def main() -> None:
    options = parsed()
    kernels.set_threads(1)
    codecs = {k: v for k, v in (NEAR if options.near else LOSSLESS).items() if k not in options.without}
    found: dict[str, Any] = {}
    made: dict[str, record.Table] = {}
    for word in options.folders:
        name, _, folder = word.rpartition("=")
        name = name or Path(folder).name
        found[name] = measured(Path(folder), codecs, options.every)
        made |= tables(name, found[name], options.near)
    record.report(found, made, options.output, versions())


if __name__ == "__main__":
    main()
