"""Levels, threads, forks: what runs must never change a result."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hpcmcodec import kernels
from hpcmcodec.kernels import selftest

ROOT = Path(__file__).parents[2]
X = np.linspace(-1, 1, 24 * 40 * 50, dtype=np.float32).reshape(24, 40, 50)
W = np.linspace(-1, 1, 30 * 24, dtype=np.float32).reshape(30, 24)


@pytest.mark.parametrize("level", kernels.available_levels())
def test_self_test_gives_the_recorded_hashes(level):
    assert selftest.differences(level) == []


def test_threads_and_levels_are_checked():
    for threads in (0, -1, 257):
        with pytest.raises(ValueError, match="threads"):
            kernels.set_threads(threads)
    with pytest.raises(ValueError, match=r"'mmx' is not available.*scalar"):
        kernels.set_simd_level("mmx")
    kernels.set_threads(3)
    assert kernels.get_threads() == 3


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = os.environ | environment
    return subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=60)


def test_environment_chooses_level_and_threads():
    code = "from hpcmcodec import kernels as k; print(k.simd_level(), k.get_threads())"
    assert _python(code, HPCM_SIMD="scalar", HPCM_THREADS="5").stdout == "scalar 5\n"
    assert "'sse9' is not available" in _python(code, HPCM_SIMD="sse9").stderr
    for wrong in ("0", "257", "two", "3x"):
        assert f"HPCM_THREADS is '{wrong}'" in _python(code, HPCM_THREADS=wrong).stderr


def test_a_system_that_gives_no_more_threads():
    code = """
import resource
from tests.kernels.test_runtime import X, W, kernels
alone = kernels.conv1x1(X, W, None)
kernels.set_threads(256)
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (96 << 20), -1))  # enough for some stacks of 8 MB
print((kernels.conv1x1(X, W, None) == alone).all(), kernels.get_threads())
"""
    run = _python(code, HPCM_THREADS="1", PYTHONPATH=str(ROOT))
    assert run.stdout == "True 256\n", run.stderr


def test_several_python_threads_share_the_pool():
    kernels.set_threads(3)
    expected = kernels.conv1x1(X, W, None).tobytes()

    def call(i: int) -> bool:
        if i % 16 == 0:
            kernels.set_threads(1 + i // 16 % 3)
        return kernels.conv1x1(X, W, None).tobytes() == expected

    with ThreadPoolExecutor(6) as executor:
        assert all(executor.map(call, range(200)))


def _child(queue: multiprocessing.queues.SimpleQueue) -> None:
    queue.put(kernels.conv1x1(X, W, None).tobytes())


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_gets_threads_of_its_own():
    kernels.set_threads(3)
    expected = kernels.conv1x1(X, W, None).tobytes()
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_child, args=(queue,))
    child.start()
    assert queue.get() == expected
    child.join(timeout=30)
    assert child.exitcode == 0


@pytest.mark.slow
@pytest.mark.skipif("avx2" not in kernels.available_levels() or not shutil.which("g++"), reason="needs AVX2 and g++")
def test_sixteen_lanes_in_emulation(tmp_path):
    """The AVX-512 sources with their intrinsics made of AVX2 ones (kernels/tools/avx512_emulation.h)."""
    environment = os.environ | {"HPCM_EMULATE_AVX512": "1"}
    script = ROOT / "kernels/tools/selftest.sh"
    run = subprocess.run([script, tmp_path, "g++"], env=environment, capture_output=True, text=True, check=True)
    found = {tuple(line.split()[1:]) for line in run.stdout.splitlines() if line.startswith("avx512 ")}
    assert found == set(selftest.recorded().items())


@pytest.mark.slow
@pytest.mark.skipif("avx2" not in kernels.available_levels(), reason="for x86-64 compilers")
@pytest.mark.skipif(not shutil.which("g++") or not shutil.which("nm"), reason="needs g++ and nm")
@pytest.mark.parametrize(("level", "flags"), [("avx2", ["-mavx2", "-mfma"]), ("avx512", ["-mavx512dq", "-mavx512bw"])])
def test_levels_share_no_code(tmp_path, level, flags):
    """A weak symbol of a level could replace another level's: an older processor would meet unknown instructions."""
    target = tmp_path / "level.o"
    source = ROOT / f"kernels/levels/simd_{level}.cpp"
    include = [f"-I{ROOT / 'kernels' / folder}" for folder in ("core", "entropy", "levels", "ops")]
    common = [*include, "-std=c++17", "-O0", "-fno-inline", "-mfma", "-mavx2", "-mavx512vl", "-c", source, "-o", target]
    subprocess.run(["g++", *common, *flags], check=True)
    symbols = subprocess.run(["nm", target], capture_output=True, text=True, check=True).stdout.splitlines()
    weak = [line for line in symbols if line.split()[-2] in "WVu"]
    shared = [line for line in weak if "DW.ref." not in line]  # a reference for exception tables, not code
    assert shared == []


def test_multiply_add_rate_is_that_of_the_level():
    rates = {}
    for level in kernels.available_levels():
        kernels.set_simd_level(level)
        rates[level] = kernels.multiply_add_rate()
    assert 1e6 < rates["scalar"] < rates[kernels.available_levels()[-1]] < 1e12 or list(rates) == ["scalar"]


def test_no_module_hides_a_function_of_its_name() -> None:
    """Importing it would set the package's attribute; which of the two is found would depend on what ran before."""
    modules = {path.stem for path in Path(selftest.__file__).parent.glob("*.py")}
    assert modules.isdisjoint(kernels.__all__)
