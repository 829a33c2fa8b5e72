"""Settings of the memory bank against plain loops, and what else of the published code's defects must not come back.

Numbers in brackets are those of the specification's table; test_multiref.py holds the others.
"""

from __future__ import annotations

import ast
import copy
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import variant_kit as kit

from hpcmcodec import errors
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.formats.pictures import Picture
from hpcmcodec.models import multiref
from hpcmcodec.models.multiref.bank import DeepMemory, Entry, PlainMemory, Transfer, push
from hpcmcodec.models.multiref.config import MemoryConfig
from hpcmcodec.models.multiref.linear import LinearMemory
from hpcmcodec.models.multiref.memory import Memory
from hpcmcodec.models.presets import MULTIREF
from hpcmcodec.models.registry import build
from hpcmcodec.nn import operations as ops
from tests.codec.conftest import picture as pixels
from tests.codec.test_hpcm_family import ALIGNED
from tests.models.test_multiref import CONFIGS, PHASES, WIDE

C, H, W = 16, 6, 8


def maps(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(1, C, H, W)).astype(np.float32) for _ in range(count)]


def filled(memory: Any) -> Any:
    """A part of a bank with random weights, its gate open."""
    rng = np.random.default_rng(7)
    memory.load(
        {
            name: (rng.normal(size=spec.shape) / np.sqrt(np.prod(spec.shape[1:]))).astype(np.float32)
            for name, spec in memory.specs().items()
        }
    )
    return memory


def softmax_of_best(scores: np.ndarray, topk: int, temperature: float) -> np.ndarray:
    """(R, H, W) -> weights of all entries, 0 for those not chosen, at every position on its own."""
    weights = np.zeros_like(scores)
    for i, j in np.ndindex(H, W):
        best = sorted(range(len(scores)), key=lambda e: (-scores[e, i, j], e))[:topk]
        p = np.exp((scores[best, i, j] - scores[best[0], i, j]) / temperature)
        weights[best, i, j] = p / p.sum()
    return weights


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_settings_do_what_they_say_alone_and_together(backend: str) -> None:
    """Every combination against float64 loops: entries kept, chosen, weighed, their widths (1.3, 1.6, 3.8, 3.9)."""
    make: Any = np.ascontiguousarray if backend == "numpy" else pytest.importorskip("torch").from_numpy
    contexts, h = maps(6), maps(1, 9)[0]
    seen = set()
    for refs, topk, compress, values, temperature in product((3, 5), (2, 3), (1, 4), (1, 2), (0.1, 2.0)):
        config = MemoryConfig(1, (0, 0, refs), topk, compress, values, temperature)  # type: ignore[arg-type]
        memory = PlainMemory(config, C)
        arrays = filled(memory).arrays()
        memory.load({name: make(array) for name, array in arrays.items()})
        bank: Any = ()
        for context in contexts:
            bank = push(bank, memory.entry(make(context)), refs)
        assert len(bank) == refs and bank[0].key.shape == (1, C // compress, H, W)
        assert bank[0].value.shape == (1, C // values, H, W)  # the grid's own resolution (2.6)
        found = np.asarray(memory.read(bank, make(h)))

        def apply(name: str, x: np.ndarray, w: Any = arrays) -> np.ndarray:
            bias = w.get(f"{name}.bias", np.zeros(len(w[f"{name}.weight"])))
            return np.einsum("oc,chw->ohw", w[f"{name}.weight"][:, :, 0, 0].astype(float), x) + bias[:, None, None]

        def unit(x: np.ndarray) -> np.ndarray:
            return x / np.sqrt((x * x).sum(0))

        kept = [context[0].astype(float) for context in contexts[-refs:]]
        q = unit(apply("query", h[0].astype(float)))
        weights = softmax_of_best(np.array([(q * unit(apply("key", x))).sum(0) for x in kept]), topk, temperature)
        mixed = sum(w * apply("value", x) for w, x in zip(weights, kept, strict=True))
        gate = 1 / (1 + np.exp(-apply("gate", np.concatenate([h[0].astype(float), mixed]))))
        value = mixed if values == 1 else apply("out", mixed)
        stated = h[0] + arrays["gamma"][:, None, None] * gate * value
        np.testing.assert_allclose(found[0], stated, rtol=0, atol=2e-5)
        seen.add(found.tobytes())
    assert len(seen) == 32  # no setting is without effect in any company


@pytest.mark.parametrize(("kind", "reach"), [(PlainMemory, (0, 0)), (DeepMemory, (3, 2))], ids=["phase 1", "phase 2"])
def test_reading_is_local(kind: Any, reach: tuple[int, int]) -> None:
    """No pooling, no norm over the picture, no fixed grid: far away nothing changes (1.9, 1.11, 2.6, 2.8). `reach`: of
    an entry's context, and of the one that is read with, in positions."""
    config = MemoryConfig(2, (2, 3, 4), 2, transfer_refs=2) if kind is DeepMemory else MemoryConfig()
    memory = filled(kind(config, C, reads=True) if kind is DeepMemory else kind(config, C))
    *contexts, h = maps(4)
    corner = (0, slice(None), 0, 0)

    def read() -> np.ndarray:
        return memory.read(tuple(memory.entry(x) for x in contexts), h)

    plain = read()
    for changed, radius in ((contexts[1], reach[0]), (h, reach[1])):
        changed[corner] += 3
        other = read()
        changed[corner] -= 3
        far = np.ones((H, W), bool)
        far[: radius + 1, : radius + 1] = False
        assert plain[..., far].tobytes() == other[..., far].tobytes()
        assert not np.array_equal(plain[..., 0, 0], other[..., 0, 0])


def test_what_is_mixed_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """(2.7)"""
    memory = filled(DeepMemory(MemoryConfig(2, (2, 3, 4), 3, transfer_refs=2), C, reads=True))
    calls, plain = Counter[str](), ops.depthwise
    monkeypatch.setattr(ops, "depthwise", lambda *a: calls.update(["depthwise"]) or plain(*a))
    *contexts, h = maps(5)
    memory.read(tuple(memory.entry(x) for x in contexts), h)
    assert calls["depthwise"] == 4 + 2  # once when each is written; then once after mixing, once in the fusion


def test_transfers_keep_keys_with_their_values() -> None:
    """Adapters start as identities (2.3, 3.12)."""
    transfer = Transfer(PHASES["p2"], C, C, doubles=True)
    transfer.load(transfer.initial(0))
    entries = [Entry(ops.unit(x[:, :4]), x) for x in maps(3)]
    for entry, moved in zip(entries, map(transfer, entries), strict=True):
        np.testing.assert_allclose(moved.key[..., ::2, 1::2], entry.key, rtol=0, atol=1e-6)
        assert np.array_equal(moved.value[..., 1::2, ::2], entry.value)


@pytest.mark.parametrize(("name", "writes", "reads"), [("p1", 5, 4), ("p2", 11, 8), ("p3", 11, 8)])
def test_where_banks_are_written_and_read(name: str, writes: int, reads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scale 1 writes only, a bank of one entry is not read, nothing at the last step (1.14, 2.5, 3.4)."""
    network = build(replace(ALIGNED, memory=PHASES[name]))
    network.load(kit.formula_weights(network))
    calls = Counter[str]()

    def count(kind: Any, method: str) -> None:
        plain = getattr(kind, method)
        monkeypatch.setattr(kind, method, lambda *a: calls.update([method]) or plain(*a))

    for kind, method in product((PlainMemory, DeepMemory, LinearMemory), ("entry", "read")):
        count(kind, method)
    step = Memory.step

    def watched(self: Any, step_: Any, *a: Any) -> Any:
        before = calls.total()
        found = step(self, step_, *a)
        if step_.scale == 1:
            assert calls["read"] == 0
        if step_.index >= 9:
            assert calls.total() - before == (step_.index == 9)  # a last read, and nothing is written for nobody
        return found

    monkeypatch.setattr(Memory, "step", watched)
    rng = np.random.default_rng(1)
    latent = np.rint(rng.normal(0, 3, (1, network.latent_channels, 16, 16))).astype(np.float32)
    z = np.rint(rng.normal(0, 2, (1, network.hyper_channels, 4, 4))).astype(np.float32)
    pick = network.pick(latent)
    decoded = network.traverse(z, network.condition(np.array([0.4], "f4")), lambda s, mean, scale: pick(s))
    assert np.array_equal(decoded, latent)  # every element is coded, and once (3.4)
    assert (calls["entry"], calls["read"]) == (writes, reads)


def test_summaries_do_not_grow_with_the_picture() -> None:
    """(3.7)"""
    rng = np.random.default_rng(0)
    shapes = set()
    for side in (2, 9, 40):
        k, v = (rng.normal(size=(1, 64, side, side)).astype(np.float32) for _ in range(2))
        shapes.add(ops.summarise(k, v, 2).shape)
    assert shapes == {(1, 64, 1, 34)}


@pytest.mark.parametrize("phase", PHASES)
def test_a_bank_is_linear_in_the_positions(phase: str) -> None:
    """What a step at scale 3 adds, its bank full (claimed for all phases; 3.7)"""
    config = PHASES[phase]
    channels = 32 * config.compress_ratio
    part = filled(Memory(config, (channels,) * 3, (True, True)).scales[3])

    def contexts(rows: int) -> list[np.ndarray]:
        rng = np.random.default_rng(rows)
        return [rng.normal(size=(1, channels, rows, 32)).astype(np.float32) for _ in range(4)]

    def remember(maps: list[np.ndarray]) -> np.ndarray:
        return part.read(tuple(part.entry(x) for x in maps), maps[-1])

    kit.check_linear(remember, contexts(16), contexts(64))


@pytest.mark.parametrize("base", ["hpcm-p2", "hpcm-p3"])
def test_a_closed_gate_leaves_hpcm_as_it_was(base: str) -> None:
    """To the bit (1.10, 3.6)"""
    config = CONFIGS[base]
    rng = np.random.default_rng(3)
    plain = build(replace(config, memory=None))
    latent = np.rint(rng.normal(0, 3, (1, plain.latent_channels, 16, 16))).astype(np.float32)
    z = np.rint(rng.normal(0, 2, (1, plain.hyper_channels, 4, 4))).astype(np.float32)
    network = build(config)
    arrays = kit.formula_weights(network)
    arrays |= {name: np.zeros_like(a) for name, a in arrays.items() if name.endswith("gamma")}
    network.load(arrays)
    plain.load({name: arrays[name] for name in plain.specs()})
    with_bank, without = (kit.predictions(n, np.ascontiguousarray, latent, z) for n in (network, plain))
    assert all(np.array_equal(a, b) for a, b in zip(with_bank, without, strict=True))


@pytest.mark.parametrize("name", MULTIREF)
def test_gates_start_closed(name: str) -> None:
    gains = {n: s for n, s in build(MULTIREF[name]).specs().items() if n.startswith("memory_") and n.endswith("gamma")}
    assert gains and not any(s.init(np.random.default_rng(0), s.shape).any() for s in gains.values())


@pytest.mark.parametrize(
    "memory", [replace(PHASES["p2"], max_refs=(0, 0, 4)), replace(PHASES["p2"], max_refs=(0, 3, 4))]
)
def test_scales_may_have_no_bank(memory: MemoryConfig) -> None:
    """(1.13)"""
    kit.check_backends_agree(replace(WIDE, memory=memory))


@pytest.mark.parametrize("name", ["lite-p1", "lite-p2", "lite-p3"])
def test_training_in_bfloat16_goes_on_and_the_model_can_be_copied(name: str) -> None:
    """Two iterations, then a copy of the whole model (3.10)."""
    torch = pytest.importorskip("torch")
    network, model = kit.torch_network(CONFIGS[name], kit.formula_weights(build(CONFIGS[name])))
    whole = float(kit.loss_of(network, 64).detach())
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16):
            loss = kit.loss_of(network, 64)
        loss.backward()
    assert float(loss.detach()) == pytest.approx(whole, rel=0.05)
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())
    twin = copy.deepcopy(model)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def definitions(folder: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every function and class below a folder, and the modules themselves."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield f"{path.name}: {getattr(node, 'name', 'module')}", node


def test_nothing_is_defined_twice_or_behind_a_return() -> None:
    """(3.5)"""
    for place, node in definitions(Path(multiref.__file__).parents[1]):
        names = Counter(n.name for n in node.body if isinstance(n, ast.FunctionDef | ast.ClassDef))  # type: ignore[attr-defined]
        assert max(names.values(), default=1) == 1, f"{place} defines one of {sorted(names)} twice"
        for block in ast.walk(node):
            for name in ("body", "orelse", "finalbody"):
                lines = getattr(block, name, None)
                ends = [isinstance(n, ast.Return | ast.Raise) for n in lines] if isinstance(lines, list) else []
                assert not any(ends[:-1]), f"{place} has lines that nothing reaches"


def test_every_function_of_the_bank_is_of_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting and coding with the small configurations runs all of them (2.3, 2.4, 3.5, 3.8)."""
    monkeypatch.setenv("HPCM_MODELS", str(tmp_path))
    folder, ran = Path(multiref.__file__).parent, set()

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and Path(frame.f_code.co_filename).parent == folder:
            ran.add(frame.f_code.co_qualname)

    sys.setprofile(note)
    try:
        for name in (f"lite-{phase}" for phase in PHASES):
            config = CONFIGS[name]
            kit.install(tmp_path, name, config)
            build(config).initial()
            data = Encoder(name).encode(Picture(pixels(16, 16), None))
            Decoder().decode(data)
        with pytest.raises(errors.ModelFileError):
            MemoryConfig(topk=1)
    finally:
        sys.setprofile(None)
    written = {node.name for _, node in definitions(folder) if isinstance(node, ast.FunctionDef)}
    assert written - {name.rpartition(".")[2] for name in ran} == set()


def test_importing_and_building_finds_everything_by_itself(tmp_path: Path) -> None:
    """No folder enters the module search path, and none outside it is read (3.14)."""
    code = """
import os, sys
before, opened = list(sys.path), []
sys.addaudithook(lambda event, arguments: opened.append(arguments[0]) if event == "open" else None)
import hpcmcodec
from hpcmcodec.models.presets import MULTIREF
from hpcmcodec.models.registry import build
for config in MULTIREF.values():
    build(config).specs()
assert sys.path == before, sys.path
own = os.path.dirname(os.path.dirname(hpcmcodec.__file__))
known = tuple(path for path in (*before, sys.prefix, sys.base_prefix, own) if path)
strange = [name for name in opened if isinstance(name, str) and not name.startswith(known)]
assert not [name for name in strange if not name.startswith(("/proc", "/sys", "/etc", "/dev"))], strange
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)
