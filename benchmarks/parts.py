"""Where the CPU time of `hpcm decode` goes, and how near the network comes to the processor's multiply-add rate.

    python benchmarks/parts.py PICTURE [--runs 9] [--quality 50]

One thread, medians of seconds of CPU, which other load on the machine disturbs least. Start-up is a process that
imports what decoding imports and ends; the other parts are measured in this process, the model's file being cached.
Counting the network's multiply-adds needs torch.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from commands import measure
from PIL import Image

import hpcmcodec
from hpcmcodec import kernels
from hpcmcodec.codec.model import CodecModel
from hpcmcodec.entropy.coder import StreamDecoder
from hpcmcodec.models import store
from hpcmcodec.models.cost import cost
from hpcmcodec.models.registry import build, config_from_dict

IMPORTS = (
    "from hpcmcodec.cli import main, decode, convert, options; options.start_kernels();"
    "from hpcmcodec.codec import Decoder; import hpcmcodec.formats.picture_output, hpcmcodec.models.lite"
)


def process(*arguments: str) -> float:
    """CPU seconds of a Python process."""
    return measure(list(arguments))[1]


def median(runs: int, measure: Callable[[], float]) -> float:
    measure()
    return statistics.median(measure() for _ in range(runs))


def timed(function: Callable[[], object]) -> float:
    """CPU seconds of a call, in all threads."""
    start = time.process_time()
    function()
    return time.process_time() - start


class EntropyClock:
    """Adds up the seconds that symbols take to decode, rounded ones (hyper-latents) and those of a trellis."""

    def __init__(self) -> None:
        self.seconds = 0.0
        for name in ("decode", "values"):
            setattr(StreamDecoder, name, self._measured(getattr(StreamDecoder, name)))

    def _measured(self, decode: Callable[..., object]) -> Callable[..., object]:
        def measured(*arguments: object) -> object:
            start = time.process_time()
            result = decode(*arguments)
            self.seconds += time.process_time() - start
            return result

        return measured

    def during(self, function: Callable[[], object]) -> float:
        self.seconds = 0.0
        function()
        return self.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--quality", type=int, default=50)
    options = parser.parse_args()
    with Image.open(options.picture) as image:
        width, height = image.size
        data = hpcmcodec.encode(image.convert("RGB"), quality=options.quality)
    with tempfile.TemporaryDirectory() as folder:
        coded, out = Path(folder, "a.hpc"), str(Path(folder, "a.ppm"))
        coded.write_bytes(data)
        command = ["-m", "hpcmcodec", "decode", str(coded), "-o", out, "--force", "--threads", "1"]
        whole = median(options.runs, lambda: process(*command))
    file = store.find(None)
    decoder = hpcmcodec.Decoder(threads=1)
    decode = lambda: decoder.decode(data)  # noqa: E731
    parts = {
        "start-up": median(options.runs, lambda: process("-c", IMPORTS)),
        "model load": median(
            options.runs, lambda: timed(lambda: CodecModel.load(store.find(store.path_by_id(file.id, file.name))))
        ),
    }
    both = median(options.runs, lambda: timed(decode))
    clock = EntropyClock()
    parts["entropy coding"] = median(options.runs, lambda: clock.during(decode))
    parts["network"] = both - parts["entropy coding"]
    work = cost(build(config_from_dict(file.config))).decoding * 1000 * width * height
    print(f"{width} x {height}, {kernels.simd_level()}, whole process {whole:.3f} s of CPU")
    for name, seconds in parts.items():
        print(f"{name:16} {seconds:6.3f} s {seconds / whole:5.0%}")
    rate, best = work / parts["network"], kernels.multiply_add_rate()
    print(f"network: {work / 1e9:.1f} GMAC, {rate / 1e9:.1f} of {best / 1e9:.1f} GMAC/s, {rate / best:.0%}")


if __name__ == "__main__":
    main()
