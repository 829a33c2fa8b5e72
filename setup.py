"""Builds the native kernels. Metadata lives in pyproject.toml."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import subprocess
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
# No contraction, no fast-math: the arithmetic is normative (formats/FORMAT.md); fused operations are written by name.
COMMON = ["-std=c++17", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-pthread", "-Wall", "-Wextra", "-Werror"]


LEVEL_FLAGS = {
    "simd_avx2.cpp": ["-mavx2", "-mfma", "-mf16c"],
    "simd_avx512.cpp": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma", "-mf16c"],
}


class BuildKernels(build_ext):
    """build_ext that compiles kernels/src/simd_*.cpp once per instruction set with the flags of that level, and
    kernels/cuda beside it."""

    def build_extensions(self) -> None:
        compile_one = self.compiler._compile

        def compile_level(obj, src, ext, cc_args, extra, pp_opts):  # type: ignore[no-untyped-def]
            compile_one(obj, src, ext, cc_args, extra + LEVEL_FLAGS.get(Path(src).name, []), pp_opts)

        self.compiler._compile = compile_level
        super().build_extensions()

    def run(self) -> None:
        super().run()
        build_cuda(Path(self.get_ext_fullpath(extension.name)).with_name("libhpcm_cuda.so"))


def build_cuda(target: Path) -> None:
    """kernels/cuda as a plain shared library for every current architecture, where nvcc is there (HPCM_CUDA=0: never).
    Without it the package is complete but for the speed of training on a card."""
    folder, nvcc = ROOT / "kernels/cuda", shutil.which("nvcc")
    if nvcc is None or os.environ.get("HPCM_CUDA") == "0":
        return
    changed = max(p.stat().st_mtime for p in (*folder.iterdir(), *(ROOT / "kernels/src").glob("*.h")))
    if target.exists() and target.stat().st_mtime >= changed:
        return
    arithmetic = ["--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true"]
    host = ["-Xcompiler", "-fPIC,-fvisibility=hidden,-ffp-contract=off", "-shared", "-arch=all-major"]
    include = [f"-I{ROOT / 'kernels/src'}", f"-I{folder}"]
    command = [nvcc, "-std=c++17", "-O3", *arithmetic, *host, *include, str(folder / "wkv.cu"), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        logging.getLogger(__name__).warning("the CUDA kernels are left out, nvcc failed:\n%s", done.stderr)


def sources() -> list[str]:
    """Every C++ file of kernels/ except the levels that this processor family does not have."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    arm = platform.machine().lower() in ("aarch64", "arm64")
    skip = set() if x86 else {"simd_avx2.cpp", "simd_avx512.cpp"}
    skip |= set() if arm else {"simd_neon.cpp"}
    return sorted(f"kernels/src/{p.name}" for p in (ROOT / "kernels/src").glob("*.cpp") if p.name not in skip)


extension = Pybind11Extension(
    "hpcmcodec.kernels._native",
    sources(),
    include_dirs=["kernels/src"],
    depends=sorted(f"kernels/src/{p.name}" for p in (ROOT / "kernels/src").glob("*.h")),
    extra_compile_args=COMMON,
    extra_link_args=["-pthread"],
)

os.chdir(ROOT)
ParallelCompile("HPCM_BUILD_JOBS", default=0).install()  # 0: as many as there are processors
setup(ext_modules=[extension], cmdclass={"build_ext": BuildKernels})
