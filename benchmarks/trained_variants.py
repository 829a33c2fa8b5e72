"""Do the variants help? Each trained as long as plain `lite`, on the same crops, then measured by `hpcm bench`.

    python benchmarks/trained_variants.py OUT --train PICTURES --valid PICTURES [--steps 600] [--trials TRIAL...]
    python benchmarks/trained_variants.py OUT --measure FOLDER... [--plot docs/variants.svg]

Trials of a family differ in one thing each from the family's first, with the same seed and number of steps: `tuned` go
on from the weights of --init with its trellis, and get tables of their own at the end; `started` begin at statistics
of the pictures; `drawn`, at one slope, with transforms that HPCM in the size of the wavelet networks has learnt from
nothing (OUT/models/transforms, --first-steps), everything between them at random. OUT/runs and OUT/models keep what was
trained: calls go on where others stopped, and several may train different trials at a time. --measure codes a folder of
pictures with every model into a folder of OUT and prints the tables; --plot draws rate against decoding time of the
tuned ones, for the last folder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from installed import hpcm
from kodak import SUFFIXES

from hpcmcodec.bench.results import JSON_NAME, Results
from hpcmcodec.formats import model_file
from hpcmcodec.models.cost import cost
from hpcmcodec.models.export import exact, export_model
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.presets import BASE, LITE_WAVELET, PRESETS, Config
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.models.store import DEFAULT_MODEL
from hpcmcodec.train.export import export_run

FAMILIES: dict[str, dict[str, str]] = {
    "tuned": {
        "lite": "--preset lite",
        "multiref-p1": "--preset lite-multiref-p1",
        "multiref-p2": "--preset lite-multiref-p2",
        "multiref-p3": "--preset lite-multiref-p3",
        "rwkv-p1": "--preset lite-rwkv-p1",
        "rwkv-p2": "--preset lite-rwkv-p2",
        "g4": "--preset lite-g4",
        "g2": "--preset lite-g2",
        "g4-deep": "--preset lite-g4-deep",
    },
    "started": {
        "lite": "--preset lite",
        "multiref-p3": "--preset lite-multiref-p3",
        "rwkv-p1": "--preset lite-rwkv-p1",
        "g4": "--preset lite-g4",
        "spectral": "--preset lite --spectral-reg",
        "spectral-latent": "--preset lite --spectral-reg --spectral-target latent",
    },
    "drawn": {
        "base": "--preset lite-base",
        "wavelet-p1": "--preset lite-wavelet-p1",
        "wavelet-p2": "--preset lite-wavelet-p2",
        "wavelet-p3": "--preset lite-wavelet-p3",
        "wavelet-p4": "--preset lite-wavelet-p4",
        "wavelet-p5": "--preset lite-wavelet-p5",
    },
}
"""Family -> trial -> its options. The first of a family is what the others are compared with."""

_SMALL = LITE_WAVELET["lite-wavelet-p1"].base
# A block of the transforms costs a little less than four groups save; and HPCM in the size of the wavelet networks.
NETWORKS: dict[str, Config] = {
    "lite-g4-deep": replace(LiteConfig(), checkerboard_groups=4, blocks=(2, 4, 4)),
    "lite-base": replace(BASE, transform=_SMALL.transform, hyper=_SMALL.hyper),
}
"""Networks that are no presets."""

SLOPE = 0.013
FROM_NOTHING = ["--lambda", str(SLOPE), "--optimizer", "muon", "--batch-size", "1"]
"""For networks that must learn to show a picture at all. lite-base's yardstick after 200 such steps is 2.1, after as
many of Adam 6.0."""
TRIALS = [f"{family}-{name}" for family, trials in FAMILIES.items() for name in trials]


def train(trial: str, arguments: argparse.Namespace) -> None:
    """Trains and exports one trial, unless that is done."""
    model, run = arguments.out / "models" / f"{trial}.safetensors", arguments.out / "runs" / trial
    if model.exists():
        return
    family, _, name = trial.partition("-")
    options = FAMILIES[family][name].split()
    if family == "tuned":
        options += ["--init", arguments.init, "--trellis", arguments.init]
    elif family == "drawn":
        options += [*FROM_NOTHING, "--init", str(transforms(arguments))]
    run_training(run, arguments, arguments.steps, options)
    if family == "tuned":
        calibrated(run, model, arguments.train)
    else:
        export_run(run, model)


def run_training(run: Path, arguments: argparse.Namespace, steps: int, options: Sequence[str]) -> None:
    """`hpcm train` with what all trials have in common, on from where it stopped."""
    common = f"--seed 1 --steps {steps} --batch-size {arguments.batch_size} --threads {arguments.threads}"
    common += " --resume --valid-every 100h --valid-coded 0"
    folders = ["--data", arguments.train, "--valid", arguments.valid, "--out", run]
    folders += ["--cache", arguments.out / "pictures"]
    command = [sys.executable, __file__, "--child", *folders, *common.split(), *options]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    (arguments.out / "models").mkdir(exist_ok=True)


def transforms(arguments: argparse.Namespace) -> Path:
    """A model file with nothing but analysis and synthesis transform, of a `lite-base` that is trained for it."""
    path, run = arguments.out / "models" / "transforms.safetensors", arguments.out / "runs" / "transforms"
    if not path.exists():
        run_training(run, arguments, arguments.first_steps, ["--preset", "lite-base", *FROM_NOTHING])
        whole = path.with_name("first.safetensors")
        export_run(run, whole, force=True)
        weights = model_file.read(whole).tensors
        kept = {name: np.array(array) for name, array in weights.items() if name.startswith(("g_a.", "g_s."))}
        export_model(path, "transforms", NETWORKS["lite-base"], kept, storage=exact)
    return path


def child(arguments: list[str]) -> int:
    """`hpcm train` with our networks among the presets."""
    from hpcmcodec.train.__main__ import main as hpcm_train

    PRESETS.update(NETWORKS)
    sys.argv[1:] = arguments
    return hpcm_train()


def calibrated(run: Path, model: Path, pictures: str) -> None:
    """Exports a run with a trellis of its own."""
    plain = run / "plain.safetensors"
    export_run(run, plain, f"{model.stem}-plain", force=True)
    command = hpcm("models", "calibrate", plain, "--data", pictures, "-o", model)
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def trained(out: Path, family: str, trials: Sequence[str] = TRIALS) -> dict[str, Path]:
    """Trials of a family that are wanted and done, and their models."""
    wanted = [trial for trial in TRIALS if trial in trials and trial.startswith(f"{family}-")]
    models = {trial: out / "models" / f"{trial}.safetensors" for trial in wanted}
    return {trial: path for trial, path in models.items() if path.exists()}


def metrics(out: Path, trial: str) -> dict[str, Any]:
    """Steps, pixels per second, and yardstick on the validation crops at the start and the end of a run."""
    lines = [json.loads(line) for line in (out / "runs" / trial / "metrics.jsonl").read_text().splitlines()]
    marks = [line["valid"]["yardstick"] for line in lines if "valid" in line]
    speeds = sorted(line["pixels_per_second"] for line in lines if "pixels_per_second" in line)
    return {"steps": lines[-1]["step"], "speed": speeds[len(speeds) // 2], "begin": marks[0], "end": marks[-1]}


def training_table(out: Path) -> str:
    """What every trial costs and reached, as Markdown."""
    head = "| trial | M parameters | kMAC/px | decoding | steps | pixels/s | yardstick, begin | end | change |\n"
    rows = [head + "| --- " * 9 + "|"]
    for family in FAMILIES:
        control = None
        for trial, path in trained(out, family).items():
            network = build(config_from_dict(model_file.peek(path).config))
            spent, found = cost(network), metrics(out, trial)
            control = control or found["end"]
            cells = [trial, f"{spent.parameters / 1e6:.2f}", f"{spent.total:.2f}", f"{spent.decoding:.2f}"]
            cells += [str(found["steps"]), f"{found['speed']:,}", f"{found['begin']:.4f}", f"{found['end']:.4f}"]
            rows.append(f"| {' | '.join(cells)} | {found['end'] / control - 1:+.2%} |")
    return "\n".join(rows)


def measure(out: Path, folder: Path, family: str, trials: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Codes the pictures of a folder with a family's models: what `hpcm bench` found of each, by trial, as distances to
    the first. Empty if there is but one."""
    models = {trial: f"hpcm:{path}" for trial, path in trained(out, family, trials).items()}
    if len(models) < 2:
        return {}
    pictures = [str(path) for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    target = out / f"{folder.name}-{family}"
    command = hpcm("bench", *pictures, "-o", target)
    command += ["--codecs", ",".join(models.values())]
    command += ["--anchor", next(iter(models.values())), "--points", "5", "--repeats", "1", "--crops", "0", "--quiet"]
    subprocess.run(command, check=True)
    results = Results.load(target / JSON_NAME)
    found = {trial: results.summary["codecs"][spec] for trial, spec in models.items()}
    if family == "drawn":
        control, *others = [(trial, lagrangian(results, spec)) for trial, spec in models.items()]
        for trial, costs in others:
            found[trial]["distances"]["psnr"] = at_one_slope(costs, control[1])
    return found


def lagrangian(results: Results, spec: str) -> np.ndarray:
    """Of each picture, in bits per pixel (pictures, 2): rate, and rate and distortion together."""
    found = []
    for one in sorted((m for m in results if m.codec == spec), key=lambda m: m.picture):
        if one.bytes is None or one.psnr is None:
            raise SystemExit(f"{spec} failed on {one.picture}: {one.error}")
        rate = 8 * one.bytes / (results.pictures[one.picture]["width"] * results.pictures[one.picture]["height"])
        found.append((rate, rate + SLOPE * 255**2 * 10 ** (-one.psnr / 10)))
    return np.array(found)


def at_one_slope(costs: np.ndarray, control: np.ndarray) -> dict[str, Any]:
    """What stands in for a BD-rate where there is one point: the difference of the Lagrangian costs in percent of the
    control's rate, which at the slope that both are trained for is that of the rates at equal distortion."""

    def rate(chosen: np.ndarray) -> float:
        return float(100 * (costs[chosen, 1] - control[chosen, 1]).mean() / control[chosen, 0].mean())

    draws = [rate(chosen) for chosen in np.random.default_rng(0).integers(len(costs), size=(2000, len(costs)))]
    return {"rate": rate(np.arange(len(costs))), "interval": np.percentile(draws, (2.5, 97.5)).tolist()}


def measured_table(folder: Path, found: dict[str, dict[str, Any]]) -> str:
    """As Markdown."""
    head = f"| {folder.name} | BD-rate, PSNR | BD-rate, MS-SSIM | encode, s/MP | decode, s/MP | peak, MB |\n"
    rows = [head + "| --- " * 6 + "|"]
    rows += [f"| {trial} | {' | '.join(_cells(codec))} |" for trial, codec in found.items()]
    return "\n".join(rows)


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Rate, with its interval, against decoding time, as SVG; the same file from the same figures."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "hpcmcodec"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for trial, codec in found.items():
        one = codec["distances"].get("psnr") or {"rate": 0.0, "interval": (0.0, 0.0)}
        x, y, (low, high) = codec["decode"]["cpu_seconds"], one["rate"], one["interval"]
        axes.errorbar(x, y, [[y - low], [high - y]], marker="o", capsize=3, color="tab:blue")
        beside = (6, 4) if codec["distances"].get("psnr") else (-8, -14)  # the first lies below all that hardly differ
        axes.annotate(trial.partition("-")[2], (x, y), xytext=beside, textcoords="offset points", fontsize="small")
    axes.margins(0.12)
    axes.set_xlabel("seconds of CPU to decode a megapixel")
    axes.set_ylabel("bytes at equal PSNR against lite, %")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _cells(codec: dict[str, Any]) -> list[str]:
    cells = []
    for metric in ("psnr", "ms_ssim"):
        one = codec["distances"].get(metric)
        none = "-" if codec["distances"] else "0"  # at one slope: PSNR alone
        cells.append("{:+.2f} % [{:+.2f}, {:+.2f}]".format(one["rate"], *one["interval"]) if one else none)
    cells += [f"{codec[side]['cpu_seconds']:.2f}" for side in ("encode", "decode")]
    return [*cells, f"{codec['peak_bytes'] / 1e6:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--trials", nargs="+", default=TRIALS, choices=TRIALS, metavar="TRIAL", help=", ".join(TRIALS))
    parser.add_argument("--train", metavar="PICTURES")
    parser.add_argument("--valid", metavar="PICTURES")
    parser.add_argument("--init", default=DEFAULT_MODEL, metavar="MODEL")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--first-steps", type=int, default=1500, help="of the transforms that `drawn` begin with")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", type=Path, nargs="+", default=[], metavar="FOLDER")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    arguments = parser.parse_args()
    if arguments.train:
        for trial in arguments.trials:
            train(trial, arguments)
    for folder in arguments.measure:
        found = {family: measure(arguments.out, folder, family, arguments.trials) for family in FAMILIES}
        print(*(measured_table(folder, codecs) for codecs in found.values() if codecs), sep="\n", flush=True)
        if arguments.plot:
            draw(found["tuned"], arguments.plot)
    print(training_table(arguments.out))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(child(sys.argv[2:]))
    main()
