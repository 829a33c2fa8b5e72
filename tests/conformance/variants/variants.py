"""Conformance files of networks that the package does not ship: small ones, one of each variant.

    python tests/conformance/variants/variants.py [--models FOLDER]

Their models would be larger than everything else here, so they are made where they are needed: `models.json` has each
one's configuration and identity, the weights are formulas over the parameters' names, and the entropy tables are those
of the shipped model `lite-msssim`. Nothing of that is rounded differently on another machine. Without --models, files
that are missing are made, as make.py does for the shipped models; with it, the models are written to FOLDER and nothing
else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.diagnose import pixels_hash
from hpcmcodec.formats import model_file
from hpcmcodec.formats.model_rules import TABLES
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import store
from hpcmcodec.models.config import PriorConfig, to_dict
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.presets import BASE, WAVELET
from hpcmcodec.models.program import program_of
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.models.rwkv.config import RwkvConfig

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
from formula import unit
from formula_pictures import formula_picture

FOLDER = Path(__file__).parent
RECORD = FOLDER / "models.json"
SIZE = (70, 100)

LITE = LiteConfig(16, 8, (8, 16, 16), (1, 1, 1), (32, 32), (1, 1))
HPCM = replace(
    BASE,
    transform=replace(
        BASE.transform, widths=(8, 8, 16, 16), analysis_blocks=(1, 0, 0, 0), synthesis_blocks=(1, 0, 0, 0)
    ),
    hyper=replace(BASE.hyper, channels=8, width=16, analysis_blocks=(1, 0), synthesis_blocks=(0, 1)),
)
CHAINED = replace(
    HPCM, context=replace(BASE.context, hyper_placement="aligned", fusion="none", adaptor_blocks=(1, 1, 1))
)
RWKV = RwkvConfig(
    cell_rates=(1, 1, 2),
    fusion_rate=1,
    prior_rate=1,
    coarse_prior_blocks=(1, 1),
    fine_prior_blocks=(1, 1),
    windows=(4, 4, 8),
    merged=True,
)
BANDS = replace(
    HPCM,
    context=replace(
        WAVELET["wavelet-p1"].base.context, coarse_prior=PriorConfig(1, 0, 0), fine_prior=PriorConfig(0, 1, 0), heads=4
    ),
)
MEMORY = {
    "p1": MemoryConfig(phase=1, value_ratio=2),
    "p2": MemoryConfig(phase=2, max_refs=(2, 3, 4), transfer_refs=2),
    "p2-global": MemoryConfig(phase=2, max_refs=(2, 3, 4), transfer_refs=2, select=1),
    "p3": MemoryConfig(phase=3, max_refs=(2, 3, 4), topk=0, transfer_refs=2, compress_ratio=1),
}
CONFIGS: dict[str, Any] = {
    "hpcm-windowed": HPCM,
    "hpcm-chained": CHAINED,
    "lite-g2": replace(LITE, checkerboard_groups=2),
    "lite-g4": replace(LITE, checkerboard_groups=4),
    **{f"lite-multiref-{name}": replace(LITE, memory=memory) for name, memory in MEMORY.items()},
    "multiref-p1": replace(HPCM, memory=MEMORY["p1"]),
    "multiref-p2": replace(CHAINED, memory=MEMORY["p2"]),
    "multiref-p3": replace(CHAINED, memory=MEMORY["p3"]),
    "lite-rwkv-p1": replace(LITE, rwkv=RWKV),
    "lite-rwkv-p2-cross": replace(LITE, rwkv=replace(RWKV, phase=2, scan="cross")),
    **{f"rwkv-p{phase}": replace(HPCM, rwkv=replace(RWKV, phase=phase)) for phase in (1, 2, 3, 4)},  # type: ignore[arg-type]
    "rwkv-p1-cross": replace(HPCM, rwkv=replace(RWKV, scan="cross")),
    "lite-wavelet": replace(LITE, wavelet=True),
    "wavelet-p1": replace(WAVELET["wavelet-p1"], base=BANDS),
    "wavelet-p1-skip": replace(WAVELET["wavelet-p1"], base=BANDS, skip_s3_for_hf=True),
    "wavelet-p2-full": replace(WAVELET["wavelet-p2"], base=BANDS, use_simple_weconv=False),
    "wavelet-p3": replace(WAVELET["wavelet-p3"], base=BANDS),
    "wavelet-p4": replace(WAVELET["wavelet-p4"], base=BANDS),
    "wavelet-p5": replace(WAVELET["wavelet-p5"], base=BANDS),
    "wavelet-p5-light": replace(
        WAVELET["wavelet-p5"], base=BANDS, lightweight_context=True, checkerboard_groups=8, checkerboard_rotate=True
    ),
}
"""What the files are made with; those that are recorded keep the configuration of models.json."""


def weights(network: Any) -> dict[str, np.ndarray]:
    """Weights from the parameters' names, under which the latents spread over several steps. Every product is of two
    numbers and rounded once, so they are the same everywhere."""
    arrays = {}
    for name, spec in network.specs().items():
        fan = int(np.prod(spec.shape[1:])) if len(spec.shape) > 1 else 25
        gain = np.sqrt(np.float64(3) / fan) * (0.5 if network.rate == "variable" else 1)
        arrays[name] = (gain * unit(name, int(np.prod(spec.shape)))).reshape(spec.shape).astype(np.float32)
    if network.rate == "variable":
        steps = np.array([[1], [1.5], [2], [2.5], [3]], np.float32)
        arrays["log_up.rows"] += steps
        arrays["log_down.rows"] -= steps
    else:
        last = [name for name in arrays if name.startswith("g_a.branch.") and name.endswith(".weight")][-1]
        arrays[last] *= np.float32(10)
    return arrays


def write_model(folder: Path, name: str, config: Mapping[str, Any]) -> bytes:
    """Write the model of a configuration, as recorded, to `folder`; returns its identity."""
    shipped = model_file.read(store.shipped_folder() / "lite-msssim.safetensors")
    tables = {table: getattr(shipped, table) for table in TABLES}
    network = build(config_from_dict(dict(config)))
    arrays = weights(network)
    path = folder / f"{name}.safetensors"
    program = program_of(network)
    return model_file.write(path, name=name, config=config, program=program, tensors=arrays, **tables)


def write_models(folder: Path) -> dict[str, bytes]:
    """Write every recorded model; identities by name."""
    recorded = json.loads(RECORD.read_text())
    return {name: write_model(folder, name, model["config"]) for name, model in recorded.items()}


def make(folder: Path) -> None:
    """Make the files that are missing, with models in `folder`."""
    os.environ[store.ENVIRONMENT] = str(folder)
    models, hashes = (
        json.loads(path.read_text()) if path.exists() else {} for path in (RECORD, FOLDER / "pixels.json")
    )
    picture = Picture(formula_picture(*SIZE, 3))
    for name in CONFIGS:
        path = FOLDER / f"{name}.hpc"
        if path.exists():
            continue
        config = to_dict(CONFIGS[name])
        identity = write_model(folder, name, config)
        data = Encoder(name).encode(picture, 60)
        path.write_bytes(data)
        models[name] = {"config": config, "identity": identity.hex()}
        hashes[path.name] = pixels_hash(Decoder().decode(data))
    RECORD.write_text(_lines(models))
    (FOLDER / "pixels.json").write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")


def _lines(models: Mapping[str, Any]) -> str:
    """JSON with a line for each model."""
    return (
        "{\n"
        + ",\n".join(f" {json.dumps(k)}: {json.dumps(models[k], sort_keys=True)}" for k in sorted(models))
        + "\n}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, metavar="FOLDER")
    folder = parser.parse_args().models
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        write_models(folder)
        return
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        make(Path(made))


if __name__ == "__main__":
    main()
