"""Decodes conformance files with `hpcmdec`, built for any processor or with sanitizers, to the recorded pixels.

    python tests/library/decode_files.py --models FOLDER [--levels scalar,neon] [--threads 1,3] FOLDER... -- hpcmdec

What follows -- is the program with all that runs it: `qemu-aarch64 -L /usr/aarch64-linux-gnu build/bin/hpcmdec`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from hpcmcodec.diagnose import RECORD, pixels_hash
from hpcmcodec.formats.picture import Picture


def main() -> None:
    """Exit code 1 if a file decodes to other pixels than recorded, or the program fails."""
    words = sys.argv[1:]
    cut = words.index("--")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--levels", default="")
    parser.add_argument("--threads", default="1")
    arguments = parser.parse_args(words[:cut])
    models = [word for folder in arguments.models for word in ("-m", str(folder))]
    sound = [
        check(folder, [*words[cut + 1 :], "-d", *models, "-t", threads], level)
        for folder in arguments.folders
        for level in arguments.levels.split(",")
        for threads in arguments.threads.split(",")
    ]
    sys.exit(not all(sound))


def check(folder: Path, command: list[str], level: str) -> bool:
    """Whether all files of a folder decode to the recorded pixels at a level."""
    environment = os.environ | ({"HPCM_SIMD": level} if level else {})
    recorded: dict[str, str] = json.loads((folder / RECORD).read_text())
    wrong = []
    for name, expected in sorted(recorded.items()):
        done = subprocess.run([*command, folder / name, "-"], capture_output=True, env=environment)
        if done.returncode or pixels_hash(_picture(done.stdout)) != expected:
            wrong.append(name)
            print(
                f"{folder / name}: exit code {done.returncode}\n{done.stderr.decode()[:4000]}",
                file=sys.stderr,
                flush=True,
            )
    threads = command[-1]
    where = f"{level or 'the usual level'}, {threads} thread{'s' * (threads != '1')}"
    print(
        f"{where}: {len(recorded) - len(wrong)} of {len(recorded)} files in {folder} give the recorded pixels",
        flush=True,
    )
    return not wrong


def _picture(netpbm: bytes) -> Picture:
    """PGM, PPM or PAM, as hpcmdec writes them."""
    if netpbm.startswith(b"P7"):
        head, _, samples = netpbm.partition(b"ENDHDR\n")
        fields = dict(line.split(maxsplit=1) for line in head.splitlines()[1:])
        width, height, channels, most = (int(fields[name]) for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    else:
        kind, size, top, samples = netpbm.split(b"\n", 3)
        (width, height), channels, most = map(int, size.split()), 1 if kind == b"P5" else 3, int(top)
    array = np.frombuffer(samples, np.uint8 if most < 256 else ">u2").reshape(height, width, channels)
    alpha = None if channels % 2 else array[..., -1]
    return Picture(array[..., : channels - (alpha is not None)], alpha, depth=most.bit_length())


if __name__ == "__main__":
    main()
