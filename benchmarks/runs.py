"""How training runs went: the validation's yardstick by steps, and what a model of a run gains on Kodak.

    python benchmarks/runs.py NAME=RUN... [--kodak FOLDER --models A.safetensors,B.safetensors] [-o FILE]

RUN is a folder of `hpcm train`. With --kodak, the last model is compared with the first by `hpcm bench`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import record
from installed import hpcm
from peers import distance

from hpcmcodec.bench.results import JSON_NAME, Results


def validations(run: Path, pixels_per_step: int) -> list[dict[str, Any]]:
    """Of each validation: steps, million pixels, seconds, yardstick."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {
            "steps": line["step"],
            "megapixels": round(line["step"] * pixels_per_step / 1e6),
            "seconds": round(line["seconds"]),
            "yardstick": line["valid"]["yardstick"],
        }
        for line in lines
        if "valid" in line
    ]


def rows(name: str, found: list[dict[str, Any]]) -> list[list[object]]:
    """A run's rows: each against its first validation."""
    first = found[0]["yardstick"]
    return [
        [
            name,
            one["steps"],
            one["megapixels"],
            f"{one['yardstick']:.4f}",
            f"{100 * (one['yardstick'] / first - 1):+.2f} %",
        ]
        for one in found
    ]


def compared(folder: Path, models: list[str]) -> dict[str, Any]:
    """What `hpcm bench` says of the last model beside the first."""
    specs = [f"hpcm:{model}" for model in models]
    pictures = [str(path) for path in sorted(folder.iterdir()) if path.is_file()]
    with tempfile.TemporaryDirectory() as out:
        command = hpcm("bench", *pictures, "-o", out, "--codecs", ",".join(specs), "--anchor", specs[0])
        subprocess.run([*command, "--points", "5", "--repeats", "1", "--crops", "0", "--quiet"], check=True)
        return dict(Results.load(Path(out) / JSON_NAME).summary["codecs"][specs[-1]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="NAME=RUN")
    parser.add_argument("--batch", type=int, default=16, help="crops of 256x256 a step")
    parser.add_argument("--kodak", type=Path)
    parser.add_argument("--models", default="")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    found = {
        name: validations(Path(path), arguments.batch << 16)
        for name, _, path in (text.partition("=") for text in arguments.runs)
    }
    lines = [row for name, one in found.items() for row in rows(name, one)]
    measured: dict[str, Any] = {"runs": found}
    tables = {"validation": record.table(["run", "steps", "million pixels", "yardstick", "against its start"], lines)}
    if arguments.kodak:
        models = arguments.models.split(",")
        measured["kodak"] = compared(arguments.kodak, models)
        cells = (distance(measured["kodak"], metric, 2) for metric in ("psnr", "ms_ssim"))
        tables["kodak"] = record.table(["Kodak, BD-rate", "PSNR", "MS-SSIM"], [[Path(models[-1]).stem, *cells]])
    record.report(measured, tables, arguments.output)


if __name__ == "__main__":
    main()
