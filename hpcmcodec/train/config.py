"""What a training run is told: one dataclass, from which both command lines take their options."""

# ruff: noqa: RUF009 (`option` returns a dataclass field)

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass
from pathlib import Path
from typing import Any

from . import config_rules
from .options import bank_setting, counts, network_number, network_switch, option, options, rates, seconds, slopes


@dataclass(frozen=True)
class RunConfig:
    """A run of `hpcm train`. Durations in seconds, sizes in pixels."""

    data: Path = option(MISSING, "Folder of training pictures, searched in depth.", Path, "DIR")
    out: Path = option(MISSING, "Folder of the run: checkpoint, metrics, picture cache.", Path, "RUN")
    init: str | None = option(None, "Model to start from: a name or a file. Default: statistics.", str, "MODEL")
    preset: str | None = option(
        None, "Network: lite, base, ... With --init, what the model lacks keeps its initial values.", str, "NAME"
    )
    start: str = option(
        "statistics",
        "How a new lite network begins: statistics, without fitted context heads, or its layers' random values.",
        choices=("statistics", "no-context", "random"),
    )
    start_crops: int = option(320, "Crops whose statistics are taken for that.", int, "N")
    skip_s3_for_hf: bool | None = network_switch("wavelet codes the high bands' finest scale in one step.")
    use_simple_weconv: bool | None = network_switch("wavelet's WeConv blocks are of the simple kind.")
    use_adaptive_quant: bool | None = network_switch("wavelet's quantiser has steps by hyper parameters.")
    use_enhanced_context: bool | None = network_switch("wavelet's checkerboard groups have the larger networks.")
    lightweight_context: bool | None = network_switch("wavelet's checkerboard groups have the small networks.")
    checkerboard_rotate: bool | None = network_switch("wavelet's checkerboard groups rotate with the channel.")
    checkerboard_groups: int | None = network_number("steps of lite's finest scale, or of a pass over wavelet's bands.")
    attention_heads: int | None = network_number("heads of wavelet's attention to the low band.")
    max_refs: tuple[int, ...] | None = bank_setting(
        "max_refs", "states kept, at every scale that has a bank or at scales 1, 2, 3.", counts, "N[,N,N]"
    )
    topk_refs: int | None = bank_setting("topk", "of these recalled at a position.", int, "N")
    temperature: float | None = bank_setting("temperature", "of the choice among them.", float, "T")
    transfer_refs: int | None = bank_setting("transfer_refs", "newest states handed to the next scale.", int, "N")
    compress_ratio: int | None = bank_setting(
        "compress_ratio", "the context's channels over those of a key: 1, 2, 4 or 8.", int, "N"
    )
    valid: Path | None = option(None, "Folder of pictures for validation.", Path, "DIR")
    cache: Path | None = option(None, "Folder for the decoded pictures. Default: the run's.", Path, "DIR")
    branch: Path | None = option(
        None, "Begin with all that another run has come to; the budget counts from there.", Path, "RUN"
    )
    resume: bool = option(False, "Go on from RUN's checkpoint, if there is one.")
    time_budget: float | None = option(None, "Training time of all calls together, such as 25m.", seconds, "TIME")
    steps: int | None = option(None, "Steps of all calls together.", int, "N")
    chunk: float | None = option(None, "End this call after so long; go on with --resume.", seconds, "TIME")

    lambda_: float | None = option(
        None, "Train for this one slope: needed by fixed-rate networks. Default: all qualities.", float, "LAMBDA"
    )
    range: tuple[float, float] | None = option(
        None, "Slopes of the lowest and the highest quality, in networks of variable rate.", slopes, "LOW,HIGH"
    )
    metric: str = option("mse", "Distortion to minimise.", choices=("mse", "ms-ssim"))
    batch_size: int = option(4, "Crops per step, of all processes together.", int, "N")
    patch_size: int = option(256, "Side of a crop, a multiple of 64.", int, "PIXELS")
    reduce: float = option(0.25, "Share of crops that are reduced 1.2 to 2 times.", float, "SHARE")
    lossless: float = option(
        1.0, "How many times as often pictures are drawn whose files are lossless.", float, "TIMES"
    )
    rdo: float = option(
        0.7, "Strength of rate-distortion optimised rounding in variable-rate networks, 0 for none.", float, "STRENGTH"
    )

    cache_latents: int | None = option(
        None,
        "Train the context model alone, on latents of so many crops (8000: 2.6 GB for lite) that are analysed once and"
        " kept in --cache.",
        int,
        "N",
    )
    distil: int | None = option(
        None,
        "With --cache-latents: in so many first steps, the context's blocks learn to do what those of --init do, in"
        " whose place they stand.",
        int,
        "N",
    )
    trellis: str | None = option(
        None, "Quantise by the trellis of this model (hpcm models calibrate) instead of rounding.", str, "MODEL"
    )

    optimizer: str = option("adam", "How parameters move.", choices=("adam", "cautious", "muon", "soap"))
    lr: float = option(6e-4, "Learning rate of the networks.", float, "RATE")
    lr_fast: float = option(3e-3, "Learning rate of lite's tables and neighbour weights.", float, "RATE")
    lr_linear: float = option(1e-5, "Learning rate of lite's linear transform.", float, "RATE")
    rates: tuple[tuple[str, float], ...] = option(
        (), "Learning rates of parameters whose names match, first match counts.", rates, "PATTERN=RATE,..."
    )
    freeze: str | None = option(None, "Leave parameters as they are whose names match.", str, "PATTERN")
    schedule: str = option(
        "plateau",
        "Learning rates over the budget: rise, plateau, fall; or HPCM's official steps.",
        choices=("plateau", "official"),
    )
    warmup: int = option(20, "Steps over which learning rates rise.", int, "N")
    decay: float = option(0.4, "Share of the budget over which learning rates fall to zero.", float, "SHARE")
    ema: float = option(0.998, "Decay of the averaged weights, which are the result.", float, "DECAY")
    clip: float = option(5.0, "Largest norm of the gradient.", float, "NORM")
    seed: int = option(0, "Seed of crops, qualities and noise.", int, "N")

    device: str = option("cpu", "Where to compute: cpu, cuda, cuda:1.", str, "DEVICE")
    precision: str = option(
        "auto",
        "Networks in bfloat16 (autocast; latents, tables and bits stay in float32) with channels last in memory, or in"
        " float32; auto: bfloat16 where processor or card has instructions for it.",
        choices=("auto", "bfloat16", "float32"),
    )
    compile: bool = option(False, "Compile the step (torch.compile).")
    channels_last: bool = option(False, "Channels last in memory, in float32 too.")
    threads: int | None = option(None, "Threads of torch on the CPU.", int, "N")
    log_every: int = option(25, "Steps per line of metrics.", int, "N")
    save_every: float = option(300.0, "Time between checkpoints.", seconds, "TIME")
    split_mb: float | None = option(None, "Checkpoint in files of at most so many MiB.", float, "MIB")
    valid_every: float = option(600.0, "Time between validations.", seconds, "TIME")
    valid_count: int = option(16, "Pictures that are validated by likelihood bits.", int, "N")
    valid_coded: int = option(2, "Of these, pictures that are really coded and decoded.", int, "N")

    spectral_reg: bool = option(False, "Begin with smooth pictures: low-pass that opens over the first steps.")
    tau_init: float = option(0.05, "Its cut-off at the first step.", float, "TAU")
    tau_final: float = option(1.0, "Its cut-off at the last step, 1: the picture itself.", float, "TAU")
    allow_final_truncation: bool = option(False, "Allow --tau-final below 1, which never ends.")
    truncation_steps: int | None = option(None, "Its steps. Default: a thirtieth of --steps.", int, "N")
    spectral_target: str = option("image", "What is truncated.", choices=("image", "latent"))
    inter_scale_reg: bool = option(False, "Decorrelate what neighbouring scales of the latent add.")
    delta: float = option(0.1, "Weight of that term, which is at most 1.", float, "WEIGHT")
    inter_scale_start: int | None = option(
        None, "Step where it sets in. Default: --truncation-steps or a thirtieth of --steps.", int, "STEP"
    )
    inter_scale_form: str = option(
        "corr", "Squared correlation, or a distance with a margin.", choices=("corr", "margin")
    )
    balance: str = option(
        "none", "Balance rate and distortion by their progress.", choices=("none", "anchored", "famo")
    )
    balance_gamma: float = option(0.003, "Pull of its weights to equality.", float, "GAMMA")
    balance_lr: float = option(0.025, "Their learning rate.", float, "RATE")
    balance_max: float = option(0.7, "Largest weight of the anchored form, as a logarithm.", float, "W")
    balance_end: float = option(0.8, "Share of the budget from which they return to equality.", float, "SHARE")
    balance_every: int = option(1, "Steps between their updates, each of which costs a forward pass.", int, "N")

    def __post_init__(self) -> None:
        config_rules.check(self)

    def rdo_for(self, rate: str) -> float:
        """Strength of rate-distortion optimised rounding for a network of "variable" or "fixed" rate: without a
        relation of step size and lambda the encoder rounds to the nearest."""
        return self.rdo if rate == "variable" else 0.0

    @property
    def network_changes(self) -> dict[str, Any]:
        """Fields of the network's configuration that the options set, those of a part of it as a mapping."""
        found: dict[str, Any] = {}
        for _, setting in options(type(self)):
            place, value = setting.metadata["network"], getattr(self, setting.name)
            if place is None or value is None:
                continue
            if place:
                found.setdefault(place[0], {})[place[1]] = value
            else:
                found[setting.name] = value
        return found

    @property
    def ramp_steps(self) -> int:
        """Steps of the spectral truncation, the yardstick of the regularisers' schedules."""
        return self.truncation_steps or max(1, (self.steps or 0) // 30)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
