"""A process of its own for one codec: `python -P -m hpcmcodec.bench.worker SPEC THREADS`.

It reads one request per line from standard input and answers each with one line of JSON on standard output. The first
line it writes introduces the codec. Whatever libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hpcmcodec.bench import metrics
from hpcmcodec.bench.codecs import Codec, Unavailable, open_codec
from hpcmcodec.bench.memory import PeakMemory
from hpcmcodec.bench.metrics import Pixels
from hpcmcodec.formats.pictures import MAX_PIXELS, Picture, encode_picture, read_picture

T = TypeVar("T")
ENOUGH_SECONDS = 3.0
"""No further repeat is begun after this long."""
_WARM_UP_SIDE = 64


@lru_cache(maxsize=1)
def load(path: str, max_pixels: int = MAX_PIXELS) -> Pixels:
    """The picture in RGB of 8 bits, without alpha: the same samples for every codec."""
    pixels = read_picture(path, max_pixels=max_pixels).pixels
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def measure(
    codec: Codec, picture: str, setting: float, repeats: int, max_pixels: int, ssimulacra2: bool = False
) -> dict[str, Any]:
    """Codes a picture and says what came of it; times are medians over the repeats."""
    pixels = load(picture, max_pixels)
    data, encode = _timed(codec, lambda: codec.encode(pixels, setting), repeats)
    decoded, decode = _timed(codec, lambda: codec.decode(data), repeats)
    if decoded.shape != pixels.shape:
        raise ValueError(f"the codec made {decoded.shape} of a picture of {pixels.shape}")
    if codec.settings.lossless and not np.array_equal(decoded, pixels):
        raise ValueError("the codec says that it loses nothing, and did")
    return {
        "bytes": len(data),
        "psnr": metrics.psnr(pixels, decoded),
        "ms_ssim": metrics.ms_ssim(pixels, decoded),
        "ssimulacra2": metrics.ssimulacra2(pixels, decoded) if ssimulacra2 else None,
        "encode": encode,
        "decode": decode,
    }


def crop(
    codec: Codec, picture: str, setting: float, box: tuple[int, int, int, int], output: str, max_pixels: int
) -> dict[str, Any]:
    """Writes a part (left, top, width, height) of the decoded picture to a lossless file."""
    pixels = load(picture, max_pixels)
    data = codec.encode(pixels, setting)
    decoded = codec.decode(data)
    left, top, width, height = box
    part = np.ascontiguousarray(decoded[top : top + height, left : left + width])
    Path(output).write_bytes(encode_picture(Picture(part), "webp")[0])
    return {"bytes": len(data), "psnr": metrics.psnr(pixels, decoded)}


def _timed(codec: Codec, work: Callable[[], T], repeats: int) -> tuple[T, dict[str, float | None]]:
    wall, processor, entropy = [], [], []
    with PeakMemory() as memory:
        start = time.perf_counter()
        while True:
            began, began_processor = time.perf_counter(), time.process_time()
            result = work()
            wall.append(time.perf_counter() - began)
            processor.append(time.process_time() - began_processor)
            entropy.append(codec.entropy_seconds())
            if len(wall) >= repeats or time.perf_counter() - start > ENOUGH_SECONDS:
                break
    middle = sorted(range(len(wall)), key=wall.__getitem__)[(len(wall) - 1) // 2]  # one run's, so that its parts add up
    coding = entropy[middle]
    return result, {
        "seconds": wall[middle],
        "cpu_seconds": statistics.median_low(processor),
        "network_seconds": None if coding is None else wall[middle] - coding,
        "entropy_seconds": coding,
        "peak_bytes": memory.peak,
        "runs": len(wall),
    }


def _introduction(codec: Codec) -> dict[str, Any]:
    return {
        "label": codec.label,
        "version": codec.version,
        "about": codec.about,
        "settings": codec.settings.to_dict(),
    }


def _warm_up(codec: Codec) -> None:
    """Libraries load their parts at the first picture, which is nobody's time."""
    square = np.arange(3 * _WARM_UP_SIDE**2, dtype=np.uint32).reshape(_WARM_UP_SIDE, _WARM_UP_SIDE, 3)
    codec.decode(codec.encode((square % 251).astype(np.uint8), codec.settings.sweep[-1]))


def serve(spec: str, threads: int, requests: Any, answers: Any) -> None:
    """Answers requests until there are no more."""

    def answer(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    try:
        codec = open_codec(spec, threads)
        _warm_up(codec)
    except Unavailable as error:
        answer({"unavailable": str(error)})
        return
    answer(_introduction(codec))
    operations: dict[str, Callable[..., dict[str, Any]]] = {"measure": measure, "crop": crop}
    for line in requests:
        request = json.loads(line)
        try:
            answer(operations[request.pop("op")](codec, **request))
        except Exception as error:  # a picture that one codec cannot code is a result, not the end of the run
            answer({"error": f"{type(error).__name__}: {error}"})


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not come between the answers
    serve(sys.argv[1], int(sys.argv[2]), sys.stdin, answers)


if __name__ == "__main__":
    main()
