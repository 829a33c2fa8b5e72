"""The decoder in WebAssembly: sizes of code and model, and seconds of CPU beside the native one and other formats.

    python benchmarks/web.py PICTURE [--turns 3] [--runs 3] [--quality 50] [--level avx2] [--jsquash FOLDER] \\
        [--chromium] [-o docs/figures/web.json]

--level: the native decoder's instructions. Needs `make web`, node, and imagecodecs for files of other formats.
--jsquash: a folder in which `npm install @jsquash/jxl @jsquash/avif` was run: the decoders of libjxl and libavif in the
same engine, on files of about the same size. --chromium: in headless Chromium instead of Node, the decoders alone,
without the sizes of code and model; needs websocket-client.
One thread everywhere. A turn runs each decoder in a process of its own, warmed up; of its runs the least counts, and
ratios are those within a turn: medians, with the least and the greatest. A browser's seconds are of all its processes.
The software multiply-add has one turn.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import record
from PIL import Image

from hpcmcodec import Decoder, encode, kernels
from hpcmcodec.formats import model_file
from hpcmcodec.models import store

WEB = Path(__file__).parents[1] / "web"
RELAXED = "--experimental-wasm-relaxed-simd"
NATIVE = "native"
OWN = ("relaxed", "software")
SLOW = "software"
"""Takes part in the first turn alone."""
BROTLI = "console.log(require('zlib').brotliCompressSync(require('fs').readFileSync(process.argv[1])).length)"


def brotli_bytes(path: Path) -> int:
    """Bytes by Node's brotli, at its best setting, as servers keep files."""
    return int(subprocess.run(["node", "-e", BROTLI, str(path)], capture_output=True, text=True, check=True).stdout)


def code_sizes() -> dict[str, dict[str, int]]:
    """Bytes of both modules and of all JavaScript, as they are and packed."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        scripts = Path(folder, "scripts")
        scripts.write_bytes(b"".join(path.read_bytes() for path in sorted((WEB / "src").glob("*.js"))))
        for name, path in (
            ("hpcm.wasm", WEB / "dist/hpcm.wasm"),
            ("hpcm-fma.wasm", WEB / "dist/hpcm-fma.wasm"),
            ("JavaScript", scripts),
        ):
            data = path.read_bytes()
            found[name] = {"bytes": len(data), "gzip": len(gzip.compress(data, 9)), "brotli": brotli_bytes(path)}
    return found


def entropy_bytes(values: np.ndarray[Any, Any]) -> float:
    """Bytes that a coder with the values' own frequencies takes, the frequencies not counted."""
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return float(-(counts * np.log2(counts / counts.sum())).sum() / 8)


def channel_entropy_bytes(tensor: np.ndarray[Any, Any]) -> float:
    """The same with a normal distribution per output channel instead of frequencies: two numbers for each."""
    rows = tensor.reshape(tensor.shape[0], -1).astype(np.float64)
    deviation = np.sqrt((rows**2).mean(axis=1, keepdims=True) + 1 / 12)
    levels = np.arange(-128, 128)
    density = np.exp(-0.5 * (levels / deviation) ** 2)
    cost = -np.log2(density / density.sum(axis=1, keepdims=True) + 2.0**-20)
    return float(np.take_along_axis(cost, tensor.reshape(rows.shape).astype(np.int64) + 128, axis=1).sum() / 8)


def model_sizes(name: str | None = None) -> dict[str, Any]:
    """Bytes of a model file, packed by general packers, and of int8 weights with an entropy coder of their own."""
    path = store.shipped_folder() / f"{store.find(name).name}{store.SUFFIX}"
    data = path.read_bytes()
    tensors = model_file.stored_tensors(path).values()
    small = [tensor for tensor in tensors if tensor.dtype == np.int8]
    int8 = sum(tensor.nbytes for tensor in small)
    rest = len(data) - int8
    by_tensor = sum(entropy_bytes(tensor) for tensor in small)
    by_channel = sum(channel_entropy_bytes(tensor) if tensor.ndim > 1 else entropy_bytes(tensor) for tensor in small)
    return {
        "model": path.stem,
        "bytes": len(data),
        "gzip": len(gzip.compress(data, 6)),
        "xz": len(lzma.compress(data, preset=6)),
        "int8": int8,
        "rest": rest,
        "int8 by frequencies of a tensor": round(by_tensor),
        "int8 by a normal distribution of a channel": round(by_channel),
    }


def other_file(image: Image.Image, kind: str, size: int) -> bytes:
    """A file of another format, the quality whose size is nearest to `size`."""
    import imagecodecs

    def made(quality: int) -> bytes:
        if kind == "jxl":
            return bytes(imagecodecs.jpegxl_encode(np.asarray(image), level=quality))
        target = BytesIO()
        image.save(target, "AVIF", quality=quality)
        return target.getvalue()

    low, high = 5, 95
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(made(middle)) < size else (low, middle)
    return min((made(low), made(high)), key=lambda data: abs(len(data) - size))


def native_seconds(data: bytes, runs: int) -> list[float]:
    """CPU seconds of the native decoder on one thread, in this process."""
    decoder, found = Decoder(threads=1), []
    for run in range(-2, runs):
        start = time.process_time()
        decoder.decode(data)
        if run >= 0:
            found.append(time.process_time() - start)
    return found


def node_seconds(codec: str, path: Path, runs: int, folder: Path | None) -> list[float]:
    known = subprocess.run(["node", RELAXED, "-e", "0"], capture_output=True).returncode == 0
    more = [] if folder is None else [str(folder.resolve())]
    command = ["node", *([RELAXED] if known else []), str(WEB / "bench/decode.js"), codec, str(path), str(runs), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout)["seconds"]
    return seconds


PAGE = """(async () => {
  const bytes = new Uint8Array(await (await fetch("/files/CODEC")).arrayBuffer());
  if (HPCM) {
    const { HpcmDecoder } = await import("/web/src/index.js");
    const decoder = new HpcmDecoder({ fma: "CODEC" });
    window.decodeOnce = async () => (await decoder.decode(bytes)).width;
  } else {
    const { default: decode } = await import("/jsquash/node_modules/@jsquash/CODEC/decode.js");
    window.decodeOnce = async () => (await decode(bytes.buffer)).width;
  }
})()"""


def tree_seconds(root: int) -> float:
    """CPU seconds so far of a process and all that it started (Linux)."""
    parents, seconds = {}, {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        parents[int(place.parent.name)] = int(fields[1])
        seconds[int(place.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    found = {root}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return sum(seconds.get(process, 0.0) for process in found)


def chromium_seconds(codec: str, path: Path, runs: int, folder: Path | None) -> list[float]:
    """The same in a browser of its own, by the processors' time of all its processes."""
    from tests.web.browser import Browser
    from tests.web.server import Site, serve

    folders = {"web": WEB, "files": path.parent} | ({} if folder is None else {"jsquash": folder})
    found = []
    site, page = Site(folders, {"empty": "<!doctype html>"}), PAGE.replace("CODEC", codec)
    with tempfile.TemporaryDirectory() as profile, serve(site), Browser(Path(profile)) as browser:
        browser.open(site.address + "empty")
        browser.run(page.replace("HPCM", "true" if codec in OWN else "false"))
        for run in range(-2, runs):
            before = tree_seconds(browser.process)
            browser.run("window.decodeOnce()")
            if run >= 0:
                found.append(tree_seconds(browser.process) - before)
    return found


def times(
    files: dict[str, bytes], turns: int, runs: int, folder: Path | None, chromium: bool = False
) -> dict[str, Any]:
    """By decoder: size of its file, the least seconds of CPU of each turn, and their ratios to the native one's."""
    least: dict[str, list[float]] = {name: [] for name in files}
    with tempfile.TemporaryDirectory() as place:
        for name, data in files.items():
            Path(place, name).write_bytes(data)
        for turn in range(turns):
            for name, data in files.items():
                if name == SLOW and turn > 0:
                    continue
                engine = chromium_seconds if chromium else node_seconds
                own = native_seconds(data, runs) if name == NATIVE else engine(name, Path(place, name), runs, folder)
                least[name].append(min(own))
                print(f"turn {turn + 1}, {name}: {min(own):.3f} s of CPU", file=sys.stderr)
    found = {}
    for name, seconds in least.items():
        ratios = [own / native for own, native in zip(seconds, least[NATIVE], strict=False)]
        ratio = [round(value, 2) for value in (statistics.median(ratios), min(ratios), max(ratios))]
        found[name] = {
            "file": len(files[name]),
            "cpu_seconds": [round(s, 3) for s in seconds],
            "ratio to native": ratio,
        }
    return found


def engine_version(chromium: bool) -> str:
    """What runs the WebAssembly, in its own words."""
    command = ["chromium", "--version"] if chromium else ["node", "--version"]
    told = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return told if chromium else f"Node {told}"


TITLES = {
    NATIVE: "native",
    "relaxed": "ours, fused `relaxed_madd`",
    SLOW: "ours, software multiply-add",
    "jxl": "libjxl, `@jsquash/jxl`",
    "avif": "libavif, `@jsquash/avif`",
}


def tables(results: dict[str, Any]) -> dict[str, record.Table]:
    """Times of the decoders; sizes of code and model where they were measured."""

    def time_row(name: str, found: dict[str, Any]) -> list[str]:
        seconds, (middle, least, most) = statistics.median(found["cpu_seconds"]), found["ratio to native"]
        return [
            TITLES[name],
            f"{found['file'] / 1e3:.1f}",
            f"{seconds:.2f}",
            f"{middle:.2f} ({least:.2f} to {most:.2f})",
        ]

    made = {
        "decoding": record.table(
            ["decoder", "file, kB", "CPU s", "of the native one (least to most)"],
            [time_row(name, found) for name, found in results["decoding"].items()],
        )
    }
    if "code" in results:
        code = [[f"`{n}`", *(f"{size / 1e3:.0f}" for size in sizes.values())] for n, sizes in results["code"].items()]
        made["code"] = record.table(["file", "kB", "gzip", "Brotli"], code)
        model = [[name, f"{size / 1e6:.2f}"] for name, size in results["model"].items() if name != "model"]
        made["model"] = record.table([f"`{results['model']['model']}`", "MB"], model)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quality", type=int, default=50)
    parser.add_argument("--level", default="avx2", metavar="NAME")
    parser.add_argument("--jsquash", type=Path, metavar="FOLDER")
    parser.add_argument("--chromium", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    if shutil.which("node") is None:
        raise SystemExit("node is needed")
    kernels.set_simd_level(arguments.level)
    with Image.open(arguments.picture) as opened:
        image = opened.convert("RGB")
    hpc = encode(image, arguments.quality)
    files = {NATIVE: hpc, "relaxed": hpc, "software": hpc}
    if arguments.jsquash:
        files |= {kind: other_file(image, kind, len(hpc)) for kind in ("jxl", "avif")}
    results = {
        "engine": engine_version(arguments.chromium),
        **({} if arguments.chromium else {"code": code_sizes(), "model": model_sizes()}),
        "decoding": times(files, arguments.turns, arguments.runs, arguments.jsquash, arguments.chromium),
    }
    note = f"{results['engine']}; {arguments.picture.stem}, {image.width}x{image.height}, quality {arguments.quality}; "
    note += f"beside the native decoder; one thread each; {arguments.turns} turns"
    record.report(results, tables(results), arguments.output, note)


if __name__ == "__main__":
    main()
