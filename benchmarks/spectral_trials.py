"""Does spectral regularisation help? `lite` from the pictures' statistics, with it and without, for an equal time.

    python benchmarks/spectral_trials.py OUT --train PICTURES [--seeds 0 1 2] [--minutes 8] [--steps 180]
    python benchmarks/spectral_trials.py OUT --measure PICTURES [--data docs/figures/spectral.json]

Phase 1 truncates the crops' spectrum at first, phase 2 decorrelates the scales of the latent from then on (after Cong
et al., ICLR 2026; TRAINING.md, "Regularisers and balancing"); phase 1 has a thirtieth of the --steps that the time is
enough for. OUT keeps runs and models: calls go on where others stopped. A trial's distance is that to `plain` of the
same seed: BD-rates of real files over four qualities. The interval of the mean is Student's, over the seeds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import record
from installed import hpcm
from kodak import pictures_in

from hpcmcodec.bench.results import JSON_NAME, Results

PLAIN = "plain"
TRIALS = {PLAIN: "", "phase 1": "--spectral-reg", "phases 1 and 2": "--spectral-reg --inter-scale-reg"}
"""Trial -> its options."""
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Number of seeds -> the 97.5 % point of Student's distribution."""
_LOGGED = 2
"""Steps of a line in the log."""


def name_of(trial: str, seed: int) -> str:
    """Of a trial's run and model."""
    return f"{trial.replace(' ', '-')}-{seed}"


def train(trial: str, seed: int, arguments: argparse.Namespace) -> None:
    """Trains one trial and makes its model, unless that is done."""
    name = name_of(trial, seed)
    run, model = arguments.out / "runs" / name, arguments.out / "models" / f"{name}.safetensors"
    if model.exists():
        return
    options = TRIALS[trial]
    if options:
        options += f" --truncation-steps {max(1, arguments.steps // 30)}"
    common = (
        f"--preset lite --time-budget {arguments.minutes}m --seed {seed} --threads 1 --resume --log-every {_LOGGED}"
    )
    folders = ["--data", arguments.train, "--cache", arguments.out / "cache", "--out", run]
    for command in (["train", *folders, *common.split(), *options.split()], ["models", "export", run, "-o", model]):
        subprocess.run(hpcm(*command), check=True, stdout=subprocess.DEVNULL)


def trained(run: Path) -> dict[str, Any]:
    """Of a run: steps, million pixels, steps with a truncated spectrum, the scales' correlation as it was last."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    correlations = [line["inter_scale"] for line in lines if "inter_scale" in line]
    return {
        "steps": lines[-1]["step"],
        "megapixels": round(lines[-1]["step"] * 4 * 256**2 / 1e6),
        "truncated": _LOGGED * sum("loss_truncated" in line for line in lines),
        "correlation": correlations[-1] if correlations else None,
        "skipped": max(line.get("inter_scale_skipped", 0) for line in lines),
    }


def measure(out: Path, folder: Path, seed: int) -> dict[str, Any]:
    """What `hpcm bench` says of a seed's models beside its plain one, by trial."""
    models = {trial: out / "models" / f"{name_of(trial, seed)}.safetensors" for trial in TRIALS}
    specs = {trial: f"hpcm:{path}" for trial, path in models.items()}
    pictures = [str(path) for path in pictures_in(folder)]
    target = out / f"bench-{folder.name}-{seed}"
    command = hpcm("bench", *pictures, "-o", target, "--codecs", ",".join(specs.values()), "--anchor", specs[PLAIN])
    subprocess.run([*command, "--points", "4", "--repeats", "1", "--crops", "0", "--quiet"], check=True)
    codecs = Results.load(target / JSON_NAME).summary["codecs"]
    return {
        trial: {"trained": trained(out / "runs" / name_of(trial, seed)), "distances": codecs[spec]["distances"]}
        for trial, spec in specs.items()
    }


def over_seeds(found: Mapping[str, Any], trial: str, metric: str) -> str:
    """A trial's distances at each seed, their mean and its interval."""
    rates = [models[trial]["distances"][metric]["rate"] for models in found.values()]
    shown = ", ".join(f"{rate:+.1f}" for rate in rates)
    if len(rates) not in STUDENT:
        return shown
    mean, half = np.mean(rates), STUDENT[len(rates)] * np.std(rates, ddof=1) / len(rates) ** 0.5
    return f"{mean:+.1f} % [{mean - half:.1f}, {mean + half:.1f}] ({shown})"


def spectral_table(found: Mapping[str, Any]) -> record.Table:
    """A row for each trial."""
    rows = []
    for trial in TRIALS:
        steps = ", ".join(str(models[trial]["trained"]["steps"]) for models in found.values())
        rates = ["0" if trial == PLAIN else over_seeds(found, trial, metric) for metric in ("psnr", "ms_ssim")]
        rows.append([trial, steps, *rates])
    return record.table(["trial", "steps of each seed", "PSNR", "MS-SSIM"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--train", metavar="PICTURES")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--steps", type=int, default=180)
    parser.add_argument("--measure", type=Path, metavar="PICTURES")
    parser.add_argument("--data", type=Path, metavar="FILE.json")
    arguments = parser.parse_args()
    (arguments.out / "models").mkdir(parents=True, exist_ok=True)
    if arguments.train:
        for seed in arguments.seeds:
            for trial in TRIALS:
                train(trial, seed, arguments)
    if arguments.measure:
        found = {str(seed): measure(arguments.out, arguments.measure, seed) for seed in arguments.seeds}
        about = {"pictures": arguments.measure.name, "minutes": arguments.minutes, "seeds": found}
        record.report(about, {"trials": spectral_table(found)}, arguments.data)


if __name__ == "__main__":
    main()
