"""What do wavelet latents gain? HPCM on Haar bands, in lite's size, beside HPCM itself, each trained as a whole.

    python benchmarks/wavelet_trials.py OUT --train PICTURES [--slopes 0.0035 0.013 0.048] [--seeds 0] [--steps 4000]
    python benchmarks/wavelet_trials.py OUT --measure PICTURES [--data docs/figures/wavelets.json]

Networks of one rate, so one for each slope lambda (of 255^2 MSE against bits per pixel). All begin with the transforms
that HPCM of this size, `base`, has learnt from nothing in --first-steps, and with everything between them at random;
`base` is the control. OUT keeps runs and models: calls go on where others stopped. A distance is the difference of the
Lagrangian costs in percent of the control's rate: at the slope that both are trained for, that of the rates at equal
distortion. Intervals of 95 % by bootstrap over the pictures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import record
from installed import hpcm
from kodak import pictures_in

from hpcmcodec.bench.results import JSON_NAME, Results
from hpcmcodec.formats import model_file
from hpcmcodec.models.cost import cost
from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.presets import BASE, LITE_WAVELET, PRESETS
from hpcmcodec.models.registry import build, config_from_dict

_SMALL = LITE_WAVELET["lite-wavelet-p1"].base
NETWORK = replace(BASE, transform=_SMALL.transform, hyper=_SMALL.hyper)
"""HPCM in the size of the wavelet networks, no preset."""
CONTROL = "base"
TRIALS = {CONTROL: "lite-base", **{f"p{phase}": f"lite-wavelet-p{phase}" for phase in (1, 2, 3, 4, 5)}}
"""Trial -> its network."""
FROM_NOTHING = "--optimizer muon --batch-size 1"
"""For networks that must learn to show a picture at all. lite-base's yardstick after 200 such steps is 2.1, after as
many of Adam 6.0."""


def train(trial: str, slope: float, seed: int, arguments: argparse.Namespace) -> None:
    """Trains one trial and makes its model, unless that is done."""
    model = model_of(arguments.out, trial, slope, seed)
    if not model.exists():
        run = run_training(
            TRIALS[trial],
            model.stem,
            slope,
            seed,
            arguments.steps,
            arguments,
            f"--init {start(slope, seed, arguments)}",
        )
        hpcm_child("models", "export", run, "-o", model)


def start(slope: float, seed: int, arguments: argparse.Namespace) -> Path:
    """A model file with nothing but transforms, of a `base` that is trained for them."""
    path = model_of(arguments.out, "transforms", slope, seed)
    if not path.exists():
        run = run_training(TRIALS[CONTROL], path.stem, slope, seed, arguments.first_steps, arguments, "")
        whole = run / "whole.safetensors"
        hpcm_child("models", "export", run, "-o", whole, "--force")
        weights = model_file.read(whole).tensors
        kept = {name: np.array(array) for name, array in weights.items() if name.startswith(("g_a.", "g_s."))}
        export_model(path, "transforms", NETWORK, kept, storage=exact)
    return path


def run_training(
    preset: str, name: str, slope: float, seed: int, steps: int, arguments: argparse.Namespace, begin: str
) -> Path:
    """`hpcm train` with what all have in common, on from where it stopped; returns the run."""
    run = arguments.out / "runs" / name
    folders = ["--data", arguments.train, "--cache", arguments.out / "cache", "--out", run]
    how = f"--preset {preset} --lambda {slope} --seed {seed} --steps {steps} --threads {arguments.threads} --resume"
    hpcm_child("train", *folders, *how.split(), *FROM_NOTHING.split(), *begin.split())
    return run


def model_of(out: Path, trial: str, slope: float, seed: int) -> Path:
    """Where a trial's model is kept."""
    return Path(out) / "models" / f"{trial}-{slope}-{seed}.safetensors"


def hpcm_child(*arguments: object) -> None:
    """The command, with our network among the presets."""
    subprocess.run([sys.executable, __file__, "--child", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def child(arguments: list[str]) -> int:
    """`hpcm` with our network among the presets."""
    from hpcmcodec.cli.main import run

    PRESETS[TRIALS[CONTROL]] = NETWORK
    return run(arguments)


# ------------------------------------------------------------------------------------------------ measuring
def measure(out: Path, folder: Path, slope: float, seed: int) -> dict[str, Any]:
    """Codes a folder's pictures with the models of a slope and a seed: of each trial cost and distance."""
    models = {trial: model_of(out, trial, slope, seed) for trial in TRIALS}
    models = {trial: path for trial, path in models.items() if path.exists()}
    pictures = [str(path) for path in pictures_in(folder)]
    target = out / f"bench-{folder.name}-{slope}-{seed}"
    command = hpcm("bench", *pictures, "-o", target, "--codecs", ",".join(f"hpcm:{path}" for path in models.values()))
    subprocess.run([*command, "--repeats", "1", "--crops", "0", "--quiet"], check=True)
    results = Results.load(target / JSON_NAME)
    costs = {trial: lagrangian(results, f"hpcm:{path}", slope) for trial, path in models.items()}
    return {
        trial: {
            "kmac_per_pixel": round(cost(build(config_from_dict(model_file.peek(path).config))).total, 2),
            "steps": model_file.peek(path).provenance["steps"],
            **difference(costs[trial], costs[CONTROL]),
        }
        for trial, path in models.items()
    }


def lagrangian(results: Results, spec: str, slope: float) -> np.ndarray:
    """Of each picture, in bits per pixel (pictures, 2): rate, and rate and distortion together."""
    found = []
    for one in sorted((m for m in results if m.codec == spec), key=lambda m: m.picture):
        if one.bytes is None or one.psnr is None:
            raise SystemExit(f"{spec} failed on {one.picture}: {one.error}")
        rate = 8 * one.bytes / (results.pictures[one.picture]["width"] * results.pictures[one.picture]["height"])
        found.append((rate, rate + slope * 255**2 * 10 ** (-one.psnr / 10)))
    return np.array(found)


def difference(costs: np.ndarray, control: np.ndarray) -> dict[str, Any]:
    """Percent of the control's rate, and its interval."""

    def rate(chosen: np.ndarray) -> float:
        return float(100 * (costs[chosen, 1] - control[chosen, 1]).mean() / control[chosen, 0].mean())

    draws = [rate(chosen) for chosen in np.random.default_rng(0).integers(len(costs), size=(2000, len(costs)))]
    return {"rate": rate(np.arange(len(costs))), "interval": np.percentile(draws, (2.5, 97.5)).tolist()}


def wavelet_table(found: Mapping[str, Mapping[str, Any]]) -> record.Table:
    """A row for each trial, a column for each slope and seed."""
    rows = []
    for trial in TRIALS:
        every = [models.get(trial) for models in found.values()]
        known = next((one for one in every if one), None)
        if known:
            cells = [
                "-" if one is None else "{:+.1f} % [{:.1f}, {:.1f}]".format(one["rate"], *one["interval"])
                for one in every
            ]
            rows.append(
                [trial, known["kmac_per_pixel"], known["steps"], *("0" if trial == CONTROL else c for c in cells)]
            )
    return record.table(["trial", "kMAC/px", "steps", *found], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--train", metavar="PICTURES")
    parser.add_argument("--trials", nargs="+", default=list(TRIALS), choices=list(TRIALS), metavar="TRIAL")
    parser.add_argument("--slopes", type=float, nargs="+", default=[0.013], metavar="LAMBDA")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--first-steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", type=Path, metavar="PICTURES")
    parser.add_argument("--data", type=Path, metavar="FILE.json")
    arguments = parser.parse_args()
    (arguments.out / "models").mkdir(parents=True, exist_ok=True)
    runs = [(slope, seed) for seed in arguments.seeds for slope in arguments.slopes]
    if arguments.train:
        for slope, seed in runs:
            for trial in arguments.trials:
                train(trial, slope, seed, arguments)
    if arguments.measure:
        found = {
            f"lambda {slope}, seed {seed}": measure(arguments.out, arguments.measure, slope, seed)
            for slope, seed in runs
        }
        about = {"pictures": arguments.measure.name, "runs": found}
        record.report(about, {"trials": wavelet_table(found)}, arguments.data)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(child(sys.argv[2:]))
    main()
