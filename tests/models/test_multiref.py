"""The memory bank: the stated arithmetic, both backends, files, and one test per defect of the published code."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import variant_kit as kit

from hpcmcodec import errors, kernels
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats import container
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models.config import from_dict, to_dict
from hpcmcodec.models.lite import LiteConfig
from hpcmcodec.models.multiref.bank import Entry, PlainMemory, push
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.presets import MULTIREF, PRESETS
from hpcmcodec.models.registry import build, config_from_dict
from hpcmcodec.nn import operations as ops
from tests.codec.conftest import TINY
from tests.codec.conftest import picture as pixels
from tests.codec.test_hpcm_family import ALIGNED, LEGACY

DATA = Path(__file__).parent.parent / "data/multiref/mref.npz"
SUMMARIES = DATA.with_name("summaries.npz")
PHASES = {
    "p1": MemoryConfig(phase=1, value_ratio=2),
    "p2": MemoryConfig(phase=2, max_refs=(2, 3, 4), transfer_refs=2),
    "p2-global": MemoryConfig(phase=2, max_refs=(2, 3, 4), transfer_refs=2, select=1),
    "p3": MemoryConfig(phase=3, max_refs=(2, 3, 4), topk=0, transfer_refs=2, compress_ratio=1),
}
WIDE = replace(TINY, context_widths=(32, 64))
CONFIGS: dict[str, Any] = {f"lite-{n}": replace(WIDE, memory=m) for n, m in PHASES.items()}
CONFIGS |= {f"hpcm-{n}": replace(b, memory=PHASES[n]) for n, b in (("p1", LEGACY), ("p2", ALIGNED), ("p3", ALIGNED))}
COSTS = {
    "multiref-p1": (69429139, 927.04),
    "multiref-p2": (73780339, 967.86),
    "multiref-p3": (70059221, 927.44),
    "lite-multiref-p1": (12081168, 62.41),
    "lite-multiref-p2": (12931824, 64.84),
    "lite-multiref-p3": (12139634, 62.31),
}


folder, installed = kit.installed_models({"lite-plain": WIDE, **CONFIGS})


# ------------------------------------------------------------------------------------------ every preset
@pytest.mark.parametrize("name", COSTS)
def test_costs(name: str) -> None:
    kit.check_cost(PRESETS[name], *COSTS[name])


def test_every_preset_has_a_cost() -> None:
    assert MULTIREF.keys() == COSTS.keys()


@pytest.mark.parametrize("name", CONFIGS)
def test_files_are_exact_at_every_level(name: str) -> None:
    kit.check_exact(name, Picture(pixels(70, 90), None))


@pytest.mark.parametrize("name", CONFIGS)
def test_backends_agree(name: str) -> None:
    kit.check_backends_agree(CONFIGS[name])


@pytest.mark.parametrize("name", CONFIGS)
def test_a_step_of_training_reaches_every_parameter(name: str) -> None:
    """From the start with a closed gate: at the second step every part of the bank learns (1.4, 1.5, 2.3, 2.4, 3.8)."""
    config, side = CONFIGS[name], 64 if name.startswith("lite") else 256
    network = build(config)
    arrays = kit.formula_weights(network)
    arrays |= {n: np.zeros_like(a) for n, a in arrays.items() if n.endswith("gamma")}
    dead = kit.dead_after_a_step(config, arrays, side)
    assert not {n for n in dead if n.startswith("memory_")}


# ------------------------------------------------------------------------------------------ arithmetic
def golden_memory(case: Any) -> PlainMemory:
    """The bank of the vectors: 12 channels, keys of 6, values of 5."""
    memory = PlainMemory(MemoryConfig(max_refs=(0, 0, 3)), 60)
    for name, shape in (("key", (6, 12)), ("value", (5, 12)), ("query", (6, 12)), ("gate", (12, 17))):
        part = getattr(memory, name)
        part.parameter("weight", *shape, 1, 1)
        if name != "key":
            part.parameter("bias", shape[0])
    memory.out = type(memory.value)(5, 12)
    memory.parameter("gamma", 12)
    arrays = {"gamma": case["gamma"]}
    for key in case:
        part, _, kind = key.partition("_")
        if kind in ("W", "b"):
            arrays[f"{part}.{'weight' if kind == 'W' else 'bias'}"] = (
                case[key][..., None, None] if kind == "W" else case[key]
            )
    memory.load(arrays)
    return memory


def test_the_stated_arithmetic_to_the_bit() -> None:
    """Recorded vectors; entries 2 and 3 are equal, so that two slots tie at every position (1.3, 1.8, 3.12)."""
    case = dict(np.load(DATA))
    memory = golden_memory(case)
    for n in range(2):
        bank: tuple[Entry, ...] = ()
        for h in case["h_push"]:
            bank = push(bank, memory.entry(np.ascontiguousarray(h[n : n + 1])), 3)
        assert [e.key.tobytes() for e in bank] == [k[n].tobytes() for k in case["bank_keys"]]
        assert [e.value.tobytes() for e in bank] == [v[n].tobytes() for v in case["bank_values"]]
        assert memory.read(bank, np.ascontiguousarray(case["h"][n : n + 1])).tobytes() == case["y"][n].tobytes()


@pytest.mark.parametrize("count", range(2, 9))
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_equal_entries_give_the_oldest(count: int, backend: str) -> None:
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    key = ops.unit(make(np.ones((1, 4, 2, 3), np.float32)))
    values = [make(np.full((1, 1, 2, 3), 4.0**i, np.float32)) for i in range(count)]
    assert np.array_equal(ops.recall(key, [key] * count, values, 2, 0.1), np.full((1, 1, 2, 3), 2.5))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_summaries_are_linear_attention(backend: str) -> None:
    """Recorded vectors: those of the stated form, and MLIC++'s own code where there is one entry (3.7, 3.8)."""
    case = dict(np.load(SUMMARIES))
    make: Any = lambda a: np.ascontiguousarray(a, np.float32)  # noqa: E731
    tolerance = 2e-5
    if backend == "torch":
        make, tolerance = pytest.importorskip("torch").from_numpy, 1e-10
    heads = int(case["lmem.heads"])

    def close(found: Any, name: str, n: int) -> None:
        np.testing.assert_allclose(np.asarray(found).ravel(), case[name][n].ravel(), rtol=0, atol=tolerance)

    for n in range(2):

        def take(name: str, n: int = n) -> Any:
            return make(case[name][n : n + 1])

        entries = [ops.summarise(take(f"lmem.e{i}.k"), take(f"lmem.e{i}.v"), heads) for i in range(3)]
        for i, entry in enumerate(entries):
            for part, name in zip(parts(entry), "mzS", strict=True):
                close(part, f"lmem.e{i}.{name}", n)
        total = ops.join_summaries(ops.join_summaries(entries[0], entries[1]), entries[2])
        for part, name in zip(parts(total), "mzS", strict=True):
            close(part, f"lmem.{name}", n)
        close(ops.attend_summary(take("lmem.q"), total, heads), "lmem.y", n)
        one = ops.summarise(take("lgic.k"), take("lgic.v"), int(case["lgic.heads"]))
        close(ops.attend_summary(take("lgic.q"), one, int(case["lgic.heads"])), "lgic.core", n)


def parts(summary: Any) -> tuple[Any, Any, Any]:
    """Largest values (N, d), means of p (N, d) and of p * v (N, d, d / heads) of a summary (N, d, 1, 2 + d / heads)."""
    return summary[:, :, 0, 0], summary[:, :, 0, 1], summary[:, :, 0, 2:]


def summary_in_order(k: np.ndarray, v: np.ndarray, heads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """FORMAT.md section 11.7 to the letter, one number at a time."""

    def fma(a: Any, b: Any, c: Any) -> Any:
        return kernels.fma(*(np.array([x], np.float32) for x in (a, b, c)))[0]

    def exp(x: Any) -> Any:
        return kernels.exp(np.array([x], np.float32))[0]

    d, count = k.shape
    e = d // heads
    peak, mass, sums = (np.zeros(shape, np.float32) for shape in (d, d, (d, e)))
    for c in range(d):
        for start in range(0, count, 64):
            part = range(start, min(start + 64, count))
            top = max(k[c, i] for i in part)
            p = [exp(k[c, i] - top) for i in part]
            z = np.float32(0)
            for x in p:
                z = z + x
            s = [np.float32(0)] * e
            for i, x in zip(part, p, strict=True):
                s = [fma(x, v[c // e * e + f, i], s[f]) for f in range(e)]
            if start == 0:
                peak[c], mass[c], sums[c] = top, z, s
                continue
            new = max(peak[c], top)
            a, b = exp(peak[c] - new), exp(top - new)
            mass[c] = fma(a, mass[c], b * z)
            sums[c] = [fma(a, sums[c, f], b * s[f]) for f in range(e)]
            peak[c] = new
    return peak, mass / np.float32(count), sums / np.float32(count)


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (8, 8), (5, 13), (9, 15)], ids=str)
def test_summaries_add_in_the_stated_order(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    k, v = (rng.normal(0, 2, (1, 4, *shape)).astype(np.float32) for _ in range(2))
    stated_parts = summary_in_order(k.reshape(4, -1), v.reshape(4, -1), 2)
    for ours, stated in zip(parts(ops.summarise(k, v, 2)), stated_parts, strict=True):
        assert ours.tobytes() == stated.tobytes()


def test_a_pooled_vector_adds_in_the_stated_order() -> None:
    x = np.random.default_rng(4).normal(size=(1, 3, 9, 15)).astype(np.float32)
    total = np.zeros(3, np.float32)
    for start in range(0, 135, 64):
        part = np.zeros(3, np.float32)
        for i in range(start, min(start + 64, 135)):
            part += x.reshape(3, -1)[:, i]
        total += part
    assert ops.pooled(x).tobytes() == (total / np.float32(135)).tobytes()


def test_pushing_changes_no_older_bank() -> None:
    """(1.3, 3.10, 3.12)"""
    seen: list[tuple[Any, ...]] = [()]
    for i in range(7):
        seen.append(push(seen[-1], (i, f"value {i}"), 4))
    assert [len(bank) for bank in seen] == [0, 1, 2, 3, 4, 4, 4, 4]
    assert seen[-1] == tuple((i, f"value {i}") for i in (3, 4, 5, 6)) and seen[4][0] == (0, "value 0")


# ------------------------------------------------------------------------------------------ files
@pytest.mark.parametrize("phase", PHASES)
def test_a_closed_gate_changes_nothing_and_an_open_one_does(phase: str, tmp_path: Path) -> None:
    """(1.10, 3.1)"""
    config = CONFIGS[f"lite-{phase}"]
    arrays = kit.formula_weights(build(config))
    closed = {n: np.zeros_like(a) if n.endswith("gamma") else a for n, a in arrays.items()}
    kit.install(tmp_path, "closed", config, closed)
    source = Picture(pixels(96, 128), None)
    models = ("lite-plain", tmp_path / "closed.safetensors", f"lite-{phase}")
    tiles = [container.read(Encoder(model).encode(source)).tile(0).streams for model in models]
    assert tiles[0] == tiles[1] != tiles[2]


@pytest.mark.parametrize("name", ["lite-p1", "lite-p2", "lite-p3"])
def test_no_picture_leaves_a_trace(name: str) -> None:
    """One after another and in threads at once: the bytes of each picture alone (1.7, 3.11)."""
    sources = [Picture(pixels(40 + 30 * i, 150 - 20 * i, seed=i), None) for i in range(5)]
    alone = [Encoder(name).encode(source) for source in sources]
    encoder, decoder = Encoder(name), Decoder()
    assert [encoder.encode(source) for source in reversed(sources)] == alone[::-1]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(encoder.encode, sources)) == alone
        decoded = list(pool.map(lambda data: decoder.decode(data).pixels.tobytes(), alone))
    assert decoded == [Decoder().decode(data).pixels.tobytes() for data in alone]


# ------------------------------------------------------------------------------------------ configurations
@pytest.mark.parametrize(
    "values",
    [
        {"topk": 1},
        {"topk": 5},
        {"max_refs": (0, 0, 9)},
        {"max_refs": (0, 0, 0)},
        {"max_refs": (0, 2, 4)},
        {"temperature": 0.0},
        {"phase": 3},
        {"phase": 3, "topk": 0, "select": 1},
        {"transfer_refs": 1},
    ],
    ids=str,
)
def test_unusable_banks_are_refused(values: dict[str, Any]) -> None:
    """(1.13, 3.9, 3.13)"""
    with pytest.raises(errors.ModelFileError, match="memory bank"):
        MemoryConfig(**values)


def test_channels_must_divide() -> None:
    for memory in (MemoryConfig(compress_ratio=8), replace(PHASES["p3"], compress_ratio=4)):
        with pytest.raises(errors.ModelFileError, match="multiple"):
            build(replace(WIDE, context_widths=(36, 36), memory=memory))


@pytest.mark.parametrize("name", MULTIREF)
def test_configs_survive_json(name: str) -> None:
    assert config_from_dict(to_dict(PRESETS[name])) == PRESETS[name]


def test_plain_configs_are_stored_as_before() -> None:
    assert "memory" not in to_dict(LiteConfig())
    assert from_dict(LiteConfig, to_dict(LiteConfig())).memory is None


# ------------------------------------------------------------------------------------------ training
@pytest.mark.parametrize("name", ["lite-p1", "lite-p2", "lite-p2-global", "lite-p3"])
def test_batches_are_independent_and_the_model_can_be_copied(name: str) -> None:
    """(1.2, 2.2, 3.10, 3.11)"""
    torch = pytest.importorskip("torch")
    network, model = kit.torch_network(CONFIGS[name], kit.formula_weights(build(CONFIGS[name])))
    assert not any("bank" in key for key in model.state_dict())
    rng = np.random.default_rng(0)
    latent = torch.from_numpy(np.rint(rng.normal(0, 3, (3, 16, 8, 8))).astype(np.float32))
    z = torch.from_numpy(np.rint(rng.normal(0, 2, (3, 8, 2, 2))).astype(np.float32))

    def walk(count: slice) -> list[Any]:
        found, pick = [], network.pick(latent[count])
        condition = network.condition(torch.full((len(latent[count]),), 0.5))
        network.traverse(z[count], condition, lambda step, mean, scale: (found.extend((mean, scale)), pick(step))[1])
        return found

    with torch.no_grad():
        together = walk(slice(0, 3))
        for i in range(3):
            for ours, alone in zip(together, walk(slice(i, i + 1)), strict=True):
                torch.testing.assert_close(ours[i : i + 1], alone, rtol=1e-5, atol=1e-5)
    for _ in range(2):
        kit.loss_of(network, 64).backward()
    copy.deepcopy(model.state_dict())


def test_later_latents_change_no_earlier_prediction() -> None:
    for name in ("lite-p2", "lite-p3", "hpcm-p2"):
        network = build(CONFIGS[name])
        network.load(kit.formula_weights(network))
        rng = np.random.default_rng(1)
        m, n = network.latent_channels, network.hyper_channels
        latent = np.rint(rng.normal(0, 3, (1, m, 16, 16))).astype(np.float32)
        z = np.rint(rng.normal(0, 2, (1, n, 4, 4))).astype(np.float32)
        plain = kit.predictions(network, np.ascontiguousarray, latent, z)
        for step in (network.schedule[1], network.schedule[3], network.schedule[6]):
            where = np.arange(latent.size, dtype=np.float32).reshape(latent.shape)
            changed = latent.copy()
            changed.ravel()[network.pick(where)(step).astype(int).ravel()] += 5
            other = kit.predictions(network, np.ascontiguousarray, changed, z)
            same = [np.array_equal(a, b) for a, b in zip(plain, other, strict=True)]
            assert all(same[: 2 * step.index + 2]) and not same[2 * step.index + 2]


# ------------------------------------------------------------------------------------------ the command line
