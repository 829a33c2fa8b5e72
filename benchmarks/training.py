"""What trains best per hour: short trials of `hpcm train` that each get the same processor time, and their losses.

    python benchmarks/training.py --data DIR --valid DIR [-o trials.json] [--seconds 120] [--threads 1] [TRIAL...]

Every trial has the same pictures and seed. A network of another shape, and the trials of the start, begin from
statistics of their own, all others from one such start that is shared. The clock of a trial is its own processor time,
which other work on the machine changes little: when the budget is used up its learning rates have fallen to zero. The
loss is the yardstick (lower is better) of the averaged weights on centre crops of the validation pictures. `-o` keeps
the results: trials that are in it are not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.presets import PRESETS
from hpcmcodec.train.export import export_run

LITE = LiteConfig()
SHAPES = {
    "transforms-light": replace(LITE, blocks=(1, 2, 3)),
    "transforms-heavy": replace(LITE, blocks=(3, 4, 5)),
    "context-light": replace(LITE, context_blocks=(2, 2)),
    "context-wide": replace(LITE, context_widths=(320, 384)),
    "groups-4": PRESETS["lite-g4"],
    "groups-2": PRESETS["lite-g2"],
}
"""Networks of other shapes."""

STARTS = {"start-random": "--start random", "start-no-context": "--start no-context"}
"""Trials that make a start of their own, by their options."""

OPTIONS = {
    "control": "",
    "lr-1.2e-3": "--lr 1.2e-3",
    "lr-3e-4": "--lr 3e-4",
    "linear-1e-4": "--lr-linear 1e-4",
    "cautious": "--optimizer cautious",
    "muon": "--optimizer muon",
    "batch-1": "--batch-size 1",
    "batch-16": "--batch-size 16",
    "patch-64-batch-16": "--patch-size 64 --batch-size 16",
    "patch-256-batch-1": "--patch-size 256 --batch-size 1",
    "patch-256-batch-4": "--patch-size 256 --batch-size 4",
    "rounding-nearest": "--rdo 0",
    "ema-0.99": "--ema 0.99",
    "spectral": "--spectral-reg --truncation-steps 10",
    "inter-scale": "--inter-scale-reg --inter-scale-start 10",
    "balance-anchored": "--balance anchored",
    "bfloat16": "--precision bfloat16",
    "channels-last": "--channels-last",
}
"""Trials that differ from the control in options of `hpcm train` alone."""

BATCH, PATCH = 4, 128


class Trials:
    """Runs `hpcm train` in processes of their own, all with the same pictures."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.folder = folder
        self.seconds = args.seconds
        self.common = ["--data", args.data, "--cache", args.cache or folder, "--threads", args.threads, "--seed", 1]
        self.common += ["--precision", "float32"]  # of torch's modes the one that every machine has
        self.common += ["--batch-size", BATCH, "--patch-size", PATCH]  # many steps in little time
        self.valid = ["--valid", args.valid, "--valid-coded", 0, "--valid-every", "100h"]
        self._start: Path | None = None

    @property
    def start(self) -> Path:
        """The model that most trials begin with, made when it is first needed."""
        if self._start is None:
            run, self._start = self.folder / "start", self.folder / "start.safetensors"
            still = ["--lr", 1e-12, "--lr-fast", 1e-12, "--lr-linear", 1e-12]
            self._train("lite", run, ["--steps", 1, *still])
            export_run(run, self._start)
        return self._start

    def run(self, name: str) -> dict[str, Any]:
        """One trial: its processor seconds, steps, pixels and yardstick at the start and the end."""
        shape = name if name in SHAPES else "lite"
        if name in SHAPES or name in STARTS:
            options = STARTS.get(name, "").split()
        else:
            options = [*OPTIONS[name].split(), "--init", str(self.start)]
        lines = self._train(shape, self.folder / name, [*options, "--time-budget", self.seconds, *self.valid])
        found = [line["valid"]["yardstick"] for line in lines if "valid" in line]
        steps, spent = lines[-1]["step"], lines[-1]["seconds"]
        choice = dict(zip(options[::2], options[1::2], strict=False))
        pixels = int(choice.get("--batch-size", BATCH)) * int(choice.get("--patch-size", PATCH)) ** 2
        return {"seconds": spent, "steps": steps, "pixels": steps * pixels, "start": found[0], "end": found[-1]}

    def _train(self, preset: str, out: Path, options: list[Any]) -> list[dict[str, Any]]:
        """Trains in a process of its own; returns the lines of its metrics."""
        command = [sys.executable, __file__, "--child", preset, *self.common, "--out", out, *options]
        env = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env)
        if done.returncode:
            raise SystemExit(f"{out.name}: training failed\n{done.stderr[-2000:]}")
        return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def child(preset: str, arguments: list[str]) -> int:
    """`hpcm train` with the shapes of this benchmark among its presets."""
    from hpcmcodec.train.__main__ import main

    time.monotonic = time.process_time  # what `hpcm train` takes the budget by
    PRESETS.update(SHAPES)
    sys.argv[1:] = [*arguments, "--preset", preset]
    return main()


def table(results: dict[str, Any]) -> str:
    """The results as a Markdown table, best first."""
    head = "| trial | steps | million pixels | pixels per processor second | yardstick | against control |\n"
    head += "| --- " * 6 + "|\n"
    control = results.get("control", {}).get("end")
    rows = []
    for name, r in sorted(results.items(), key=lambda item: item[1]["end"]):
        speed = r["pixels"] / r["seconds"]
        change = f"{r['end'] - control:+.4f}" if control else ""
        rows.append(f"| {name} | {r['steps']} | {r['pixels'] / 1e6:.1f} | {speed:,.0f} | {r['end']:.4f} | {change} |")
    return head + "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = [*OPTIONS, *STARTS, *SHAPES]
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=f"default: all of {', '.join(known)}")
    parser.add_argument("--data", required=True)
    parser.add_argument("--valid", required=True)
    parser.add_argument("--cache", help="folder of decoded pictures of an earlier run")
    parser.add_argument("--seconds", type=float, default=120.0, help="processor seconds of each trial")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path("trials.json"))
    args = parser.parse_args()
    if unknown := sorted(set(args.trials) - set(known)):
        parser.error(f"no such trial: {', '.join(unknown)}")

    results = json.loads(args.output.read_text()) if args.output.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(args, Path(folder))
        for name in args.trials or known:
            if name not in results:
                results[name] = trials.run(name)
                args.output.write_text(json.dumps(results, indent=1) + "\n")
                print(name, results[name], flush=True)
    print(table(results))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(child(sys.argv[2], sys.argv[3:]))
    main()
