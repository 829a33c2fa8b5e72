"""What may be added to the context of a model? Each addition trained alone on cached latents, then real files measured.

    python benchmarks/context_trials.py OUT --train PICTURES [--steps 800] [--seeds 0 1 2] [--trials TRIAL...]
    python benchmarks/context_trials.py OUT --measure PICTURES [--data docs/figures/contexts.json]
    python benchmarks/context_trials.py OUT --data docs/figures/contexts.json --ship TRIAL=NAME... --to FOLDER

Transforms, hyper-analysis and the model's own context stay as they are, bit for bit; only what is new learns, from
where it changes nothing, so that nothing has to be relearnt that another start would have lost. With --lr-context
RATE the model's own context and its hyper-synthesis learn too, and `control` is that without an addition. Each trial
becomes an adapter with a trellis of its own. `again` is the model with a trellis fitted anew and nothing else, `plain`
one more block of its own kind, `attention` a block of window attention. `rwkv-instead` has RWKV in place of the trained
blocks, of which it learns for --distil steps what they do. Of what has gates the same files are also coded with the
gates closed. OUT keeps runs and models: calls go on where others stopped. The distances are to `again`: BD-rates over
four qualities with 95 % intervals over the pictures.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import peers
import record
from kodak import pictures_in

from hpcmcodec.bench.results import JSON_NAME, Results
from hpcmcodec.formats import model_file
from hpcmcodec.models import store
from hpcmcodec.models.cost import cost
from hpcmcodec.models.export import export_model
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.presets import PRESETS, Config
from hpcmcodec.models.registry import build, config_from_dict

_HEADS = r"ctx_b\.(embed|mods|heads|direct)"
CONTROL = "control"
TRIALS: dict[str, tuple[str, str]] = {
    CONTROL: ("lite", "nothing new"),
    "plain": ("lite-deeper", r"ctx_b\.blocks\.3"),
    "multiref-p1": ("lite-multiref-p1", "memory"),
    "multiref-p2": ("lite-multiref-p2", "memory"),
    "multiref-p3": ("lite-multiref-p3", "memory"),
    "rwkv": ("lite-rwkv", r"ctx_b\.blocks\.3"),
    "rwkv-p2": ("lite-rwkv-added-p2", r"ctx_[ab]\.blocks\.3"),
    "attention": ("lite-attention", r"ctx_b\.blocks\.3"),
    "rwkv-instead": ("lite-rwkv-p1", r"ctx_b\.blocks"),
    "g4": ("lite-g4", _HEADS),
    "g2": ("lite-g2", _HEADS),
    "wavelet": ("lite-wavelet", r"^(h_s|ctx_a|up_state|ctx_b)\."),
}
"""Trial -> its network, and which parameters learn."""
_RWKV: Any = PRESETS["lite-rwkv"]
NETWORKS: dict[str, Config] = {
    "lite-deeper": LiteConfig(context_blocks=(3, 4)),
    "lite-attention": LiteConfig(attention=1),
    "lite-rwkv-added-p2": replace(_RWKV, rwkv=replace(_RWKV.rwkv, phase=2)),
}
"""Networks that are no presets."""
AGAIN = "again"
_GATED = ("multiref", "rwkv", "attention")
_GATE = re.compile(r"\.gamma\d?$")
_INSTEAD = ("rwkv-instead",)
"""Trials whose blocks stand in place of trained ones, from which they learn at first: closed they are nothing."""


def hpcm(*arguments: object) -> None:
    """The command, with our networks among the presets."""
    subprocess.run([sys.executable, __file__, "--child", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def train(trial: str, seed: int, arguments: argparse.Namespace) -> None:
    """Trains one trial and makes its adapter, unless that is done."""
    run, model = arguments.out / "runs" / f"{trial}-{seed}", model_of(arguments.out, trial, seed)
    if model.exists():
        return
    preset, learning = TRIALS[trial]
    folders = ["--data", arguments.train, "--cache", arguments.out / "cache", "--out", run]
    start = ["--init", arguments.init, "--trellis", arguments.init, "--preset", preset]
    rates = [f"{_GATE.pattern}={arguments.lr_gates}"] if trial.startswith(_GATED) else []
    common = arguments.lr_context or arguments.lr
    if not arguments.lr_context:
        start += ["--freeze-except", learning]
    elif trial != CONTROL:
        rates.append(f"{learning}={arguments.lr}")
    if trial in _INSTEAD:
        start += ["--distil", arguments.distil]
    how = f"--cache-latents {arguments.latents} --batch-size 16 --lr {common} --lr-fast {common}"
    how += f" --decay {arguments.decay} --steps {arguments.steps} --threads {arguments.threads} --seed {seed} --resume"
    if rates:
        how += f" --rates {','.join(rates)}"
    hpcm("train", *folders, *start, *how.split())
    hpcm("models", "export", run, "-o", model, "--base", arguments.init, "--data", arguments.train)


def fit_again(arguments: argparse.Namespace) -> None:
    """The model itself with a trellis as all trials get it."""
    model = model_of(arguments.out, AGAIN, 0)
    if model.exists():
        return
    base, plain = store.find(arguments.init), arguments.out / "plain.safetensors"
    export_model(plain, "plain", config_from_dict(base.config), base.tensors, base=base)
    hpcm("models", "calibrate", plain, "--data", arguments.train, "-o", model)


def close_gates(out: Path, trial: str, seed: int) -> None:
    """The adapter with its additions cut off, its tables as they are."""
    source, target = model_of(out, trial, seed), model_of(out, f"{trial}-closed", seed)
    if target.exists() or not source.exists():
        return
    file = store.find(source)
    stored = model_file.stored_tensors(source)
    gates = {name: np.zeros_like(array) if _GATE.search(name) else array for name, array in stored.items()}
    model_file.write(target, name=target.stem, tensors=gates, base=file.base, **description(file), **tables(file))


def gates_of(path: Path) -> dict[str, float]:
    """Mean and largest magnitude of a model's gates; empty where it has none of its own."""
    found = [abs(v).ravel() for name, v in model_file.stored_tensors(path).items() if _GATE.search(name)]
    if not found:
        return {}
    gates = np.concatenate(found).astype(np.float64)
    return {"mean": round(float(gates.mean()), 5), "largest": round(float(gates.max()), 5)}


def measure(out: Path, folder: Path, trials: Sequence[str]) -> dict[str, Any]:
    """Codes a folder's pictures with every model that there is: by model, what it is and its distance to `again`."""
    paths = {path.stem: path for path in sorted((out / "models").glob("*.safetensors"))}
    again = model_of(out, AGAIN, 0).stem
    wanted = re.compile(rf"({'|'.join(map(re.escape, trials))})(-closed)?-\d+")
    chosen = {name: path for name, path in paths.items() if name == again or wanted.fullmatch(name)}
    pictures = [str(path) for path in pictures_in(folder)]
    target = out / f"bench-{folder.name}"
    command = ["bench", *pictures, "-o", target, "--codecs", ",".join(f"hpcm:{path}" for path in chosen.values())]
    hpcm(*command, "--anchor", f"hpcm:{chosen[again]}", "--points", 4, "--repeats", 1, "--crops", 0, "--quiet")
    results = Results.load(target / JSON_NAME)
    return {name: described(path, results.summary["codecs"][f"hpcm:{path}"]) for name, path in chosen.items()}


def described(path: Path, found: Mapping[str, Any]) -> dict[str, Any]:
    """One model: cost, file, gates, training, and what `hpcm bench` found."""
    file = model_file.peek(path)
    spent, settings = cost(build(config_from_dict(file.config))), file.provenance.get("settings", {})
    kept = ("seed", "lr", "rates", "batch_size", "freeze")
    trained = {key: settings.get(key) for key in kept} if file.base else {}
    pixels = file.provenance.get("steps", 0) * settings.get("batch_size", 0) * settings.get("patch_size", 0) ** 2
    return {
        "kmac_per_pixel": round(spent.total, 2),
        "decoding": round(spent.decoding, 2),
        "bytes": file.size,
        "gates": gates_of(path),
        "trained": trained | ({"megapixels": round(pixels / 1e6)} if file.base else {}),
        "distances": found["distances"],
        "cpu_seconds": {side: round(found[side]["cpu_seconds"], 3) for side in ("encode", "decode")},
    }


def context_table(models: Mapping[str, Any]) -> record.Table:
    """A row for each trial; a network's gates closed are a column of its row."""
    rows = []
    for name, found in models.items():
        if "-closed-" in name:
            continue
        trial, _, seed = name.rpartition("-")
        closed = models.get(f"{trial}-closed-{seed}")
        gates = found["gates"]
        shown = f"{gates['mean']:.3f}, {gates['largest']:.3f}" if gates else "-"
        rates = [peers.distance(found, metric, 2) for metric in ("psnr", "ms_ssim")]
        rates.append(peers.distance(closed, "psnr", 2) if closed else "-")
        rows.append([name, f"{found['decoding']:.2f}", round(found["bytes"] / 1000), shown, *rates])
    columns = ["trial and seed", "decoding, kMAC/px", "file, kB", "gates: mean, largest"]
    return record.table([*columns, "PSNR", "MS-SSIM", "the same, gates closed, PSNR"], rows)


def ship(out: Path, data: Path, trial: str, name: str, folder: Path) -> None:
    """A trial's adapter under another name, with what was measured of it."""
    document, file = json.loads(data.read_text()), store.find(model_of(out, trial, 0))
    found = document["measured"]
    own, again = (found["models"][f"{one}-0"] for one in (trial, AGAIN))
    distance = own["distances"]["psnr"]
    against = {
        "model": found["base"],
        "pictures": found["pictures"],
        "date": document["date"],
        "rate": round(distance["rate"], 2),
        "interval": [round(end, 2) for end in distance["interval"]],
        "decode": round(own["decoding"] / again["decoding"], 2),
    }
    about = description(file) | {"measured": {**file.measured, "against": against}}
    stored = model_file.stored_tensors(file.path)
    model_file.write(folder / f"{name}.safetensors", name=name, tensors=stored, base=file.base, **about, **tables(file))


# ------------------------------------------------------------------------------------------------ model files
def model_of(out: Path, trial: str, seed: int) -> Path:
    """Where a trial's model is kept."""
    return Path(out) / "models" / f"{trial}-{seed}.safetensors"


def description(file: model_file.ModelFile) -> dict[str, Any]:
    """What a copy of a model keeps besides tensors and tables."""
    names = ("config", "program", "distribution", "provenance", "measured")
    return {name: getattr(file, name) for name in names}


def tables(file: model_file.ModelFile) -> dict[str, Any]:
    """Entropy tables and levels of a model."""
    names = ("cdf", "starts", "lengths", "offsets", "y_thresholds", "z_thresholds", "levels")
    return {name: getattr(file, name) for name in names}


def child(arguments: list[str]) -> int:
    """`hpcm` with our networks among the presets."""
    from hpcmcodec.cli.main import run

    PRESETS.update(NETWORKS)
    return run(arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--trials", nargs="+", choices=list(TRIALS), metavar="TRIAL")
    parser.add_argument("--train", metavar="PICTURES")
    parser.add_argument("--init", default=store.DEFAULT_MODEL, metavar="MODEL")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--lr-gates", type=float, default=5e-3)
    parser.add_argument("--lr-context", type=float, default=0.0)
    parser.add_argument("--decay", type=float, default=0.5)
    parser.add_argument("--latents", type=int, default=2048)
    parser.add_argument("--distil", type=int, default=150, metavar="STEPS")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", type=Path, metavar="PICTURES")
    parser.add_argument("--data", type=Path, metavar="FILE.json")
    parser.add_argument("--ship", nargs="+", default=[], metavar="TRIAL=NAME")
    parser.add_argument("--to", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.trials = arguments.trials or [trial for trial in TRIALS if trial != CONTROL or arguments.lr_context]
    (arguments.out / "models").mkdir(parents=True, exist_ok=True)
    if arguments.train:
        fit_again(arguments)
        for seed in arguments.seeds:
            for trial in arguments.trials:
                train(trial, seed, arguments)
                if trial.startswith(_GATED) and trial not in _INSTEAD:
                    close_gates(arguments.out, trial, seed)
    if arguments.measure:
        models = measure(arguments.out, arguments.measure, arguments.trials)
        found = {"base": arguments.init, "pictures": arguments.measure.name, "models": models}
        record.report(found, {"trials": context_table(models)}, arguments.data)
    for one in arguments.ship:
        trial, _, name = one.partition("=")
        ship(arguments.out, arguments.data, trial, name, arguments.to)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        sys.exit(child(sys.argv[2:]))
    main()
