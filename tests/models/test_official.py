"""Import of official checkpoints: every layout that exists, and refusal of everything else."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from test_hpcm import SMALL

from hpcmcodec.entropy import tables
from hpcmcodec.errors import InputError, ModelFileError, OutputError, UsageError
from hpcmcodec.formats import model_file
from hpcmcodec.models import official
from hpcmcodec.models.hpcm import Hpcm
from hpcmcodec.models.presets import OFFICIAL
from hpcmcodec.models.registry import build, config_from_dict

torch = pytest.importorskip("torch")
EMPTY_TABLES = (
    *("scale_table", "quantized_cdf_z", "cdf_length_z", "offset_z", "quantized_cdf_y", "cdf_length_y", "offset_y"),
)


@cache
def few_tables() -> tables.EntropyTables:
    """A coarser family of tables: the full one takes seconds to make."""
    grid = tables.scale_grid(0.12, 0.5, 8.0, 4, 4)
    return tables.build_tables(tables.generalised_gaussian_survival, grid, log_domain=False, max_width=50)


@pytest.fixture(autouse=True)
def _small_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small network in place of `base`: the rules are the same, the files are not 270 MB."""
    monkeypatch.setitem(OFFICIAL, "base", SMALL)
    monkeypatch.setitem(tables.DISTRIBUTIONS, "generalised_gaussian", few_tables)


def official_state() -> dict:
    """What the official trainer saves: parameters, empty tables, constants of the entropy model."""
    rng = np.random.default_rng(2)
    state = {n: torch.from_numpy(rng.normal(size=s.shape).astype(np.float32)) for n, s in Hpcm(SMALL).specs().items()}
    state.update({name: torch.zeros(0) for name in EMPTY_TABLES})
    state["entropy_estimation.beta"] = torch.tensor([1.5])
    state["entropy_estimation.scale_lower_bound.bound"] = torch.tensor([0.12])
    state["entropy_estimation.likelihood_lower_bound.bound"] = torch.tensor([1e-9])
    return state


def saved(tmp_path: Path, content: object, name: str = "0.013.pth.tar") -> Path:
    path = tmp_path / name
    torch.save(content, path)
    return path


def check_imported(path: Path, folder: Path, state: dict) -> model_file.ModelFile:
    summary = official.import_checkpoint(path, "base", "base-test", folder=folder)
    file = model_file.read(summary.path)
    assert file.name == "base-test"
    network = build(config_from_dict(file.config))
    network.load(file.tensors)
    for name, array in network.arrays().items():
        assert array.dtype == np.float32
        assert array.tobytes() == state[name].numpy().tobytes(), name
    return file


def test_bare_state_dict(tmp_path: Path) -> None:
    state = official_state()
    file = check_imported(saved(tmp_path, state), tmp_path, state)
    assert file.provenance["lambda"] == "0.013"
    assert file.provenance["preset"] == "base"
    assert file.y_thresholds[0] > 0.12


@pytest.mark.parametrize("key", ["state_dict", "model", "net"])
def test_wrapped(tmp_path: Path, key: str) -> None:
    state = official_state()
    check_imported(saved(tmp_path, {key: state, "epoch": 3}), tmp_path, state)


def test_data_parallel_prefix(tmp_path: Path) -> None:
    state = official_state()
    check_imported(saved(tmp_path, {f"module.{n}": v for n, v in state.items()}), tmp_path, state)


def test_without_adaptive_vectors(tmp_path: Path) -> None:
    state = official_state()
    kept = {n: v for n, v in state.items() if not n.startswith("adaptive_params_list.")}
    for name in state.keys() - kept.keys():
        state[name] = torch.ones_like(state[name])
    check_imported(saved(tmp_path, kept), tmp_path, state)


def test_filled_tables_and_half_precision(tmp_path: Path) -> None:
    state = official_state()
    state["quantized_cdf_y"] = torch.zeros(60, 699, dtype=torch.int32)
    halves = {n: v.half() if v.is_floating_point() and n.startswith("g_a") else v for n, v in state.items()}
    state.update({n: v.float() for n, v in halves.items() if n.startswith("g_a")})
    check_imported(saved(tmp_path, halves), tmp_path, state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"g_a.branch.0.bias": None}, "missing, such as g_a.branch.0.bias"),
        ({"extra.weight": [1.0]}, "unknown, such as extra.weight"),
        ({"g_a.branch.0.bias": [1.0]}, "g_a.branch.0.bias has shape"),
        ({"means_hyper": [float("nan")]}, "means_hyper has"),
        ({"entropy_estimation.beta": [2.0]}, "beta"),
        ({"entropy_estimation.scale_lower_bound.bound": [0.11]}, "bound"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    state = official_state()
    for name, value in change.items():
        if value is None:
            del state[name]
        elif name == "means_hyper":
            state[name][0, 0, 0, 0] = value[0]
        else:
            state[name] = torch.tensor(value)
    with pytest.raises(ModelFileError, match=message):
        official.import_checkpoint(saved(tmp_path, state), name="x", folder=tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))


class Attack:
    """Unpickling this would write a file."""

    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self):
        return (Path.write_text, (self.victim, "executed"))


def test_pickles_are_not_executed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    for path in (saved(tmp_path, {"a": Attack(victim)}), tmp_path / "plain.pkl"):
        if not path.exists():
            path.write_bytes(pickle.dumps(Attack(victim)))
        with pytest.raises(ModelFileError, match="cannot be read"):
            official.import_checkpoint(path, folder=tmp_path)
    assert not victim.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="cannot be read"):
        official.import_checkpoint(path, folder=tmp_path)


def test_a_list_or_an_empty_map_is_refused(tmp_path: Path) -> None:
    for content in ([torch.zeros(1)], {}, {"state_dict": {}, "epoch": 1}):
        with pytest.raises(ModelFileError, match="no map"):
            official.import_checkpoint(saved(tmp_path, content), folder=tmp_path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        official.import_checkpoint(tmp_path / "none.pth")


@pytest.mark.parametrize("preset", ["base", "large", "phi", "1b"])
def test_detection(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert official.detect(Hpcm(OFFICIAL[preset]).specs()) == preset


def test_wrong_and_unknown_presets(tmp_path: Path) -> None:
    path = saved(tmp_path, official_state())
    with pytest.raises(ModelFileError, match="holds a 'base' network, not 'phi'"):
        official.import_checkpoint(path, "phi", folder=tmp_path)
    with pytest.raises(UsageError, match="choose one of base"):
        official.import_checkpoint(path, "huge", folder=tmp_path)
    with pytest.raises(UsageError, match="not a model name"):
        official.import_checkpoint(path, name="../x", folder=tmp_path)


def test_an_existing_model_is_kept(tmp_path: Path) -> None:
    path = saved(tmp_path, official_state())
    first = official.import_checkpoint(path, folder=tmp_path)
    assert first.name == "base-0.013"
    with pytest.raises(OutputError, match="exists already"):
        official.import_checkpoint(path, folder=tmp_path)
    assert official.import_checkpoint(path, folder=tmp_path, force=True).identity == first.identity
