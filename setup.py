"""Builds the native kernels. Metadata lives in pyproject.toml."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import subprocess
import sysconfig
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension
from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
LINES = (ROOT / "kernels/build.txt").read_text().splitlines()
WORDS = dict(line.split(":", 1) for line in LINES if line and not line.startswith("#"))
"""What kernels/build.txt says, words by name."""
FOLDERS = [f"kernels/{name}" for name in ("bindings", *WORDS["folders"].split())]


def flags_of(msvc: bool) -> tuple[list[str], dict[str, list[str]]]:
    """Flags of all sources, and further ones by the name of a level's source."""
    kind = "msvc " if msvc else ""
    levels = {
        name.split()[len(kind.split()) + 1]: words.split()
        for name, words in WORDS.items()
        if name.startswith(f"{kind}level ")
    }
    return WORDS[f"{kind}flags"].split(), {f"{name}.cpp": words for name, words in levels.items() if words}


class BuildKernels(build_ext):
    """build_ext that compiles kernels/levels/simd_*.cpp once per instruction set with the flags of that level, and
    kernels/cuda beside it."""

    def build_extensions(self) -> None:
        msvc = self.compiler.compiler_type == "msvc"
        flags, levels = flags_of(msvc)
        for extension in self.extensions:
            extension.extra_compile_args += [*flags, "/O2" if msvc else "-O3"]
            extension.extra_link_args += [] if msvc else ["-pthread"]
        # Every compiler runs a command for each source here; `call` is what setuptools renamed `spawn` to.
        method = "call" if hasattr(self.compiler, "call") else "spawn"
        run = getattr(self.compiler, method)

        def run_with_level(command, **more):  # type: ignore[no-untyped-def]
            of_level = next((levels[name] for name in levels if any(str(word).endswith(name) for word in command)), [])
            return run([*command, *of_level], **more)

        setattr(self.compiler, method, run_with_level)
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
    changed = max(p.stat().st_mtime for p in (*folder.iterdir(), *(ROOT / name for name in headers())))
    if target.exists() and target.stat().st_mtime >= changed:
        return
    arithmetic = ["--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true"]
    host = ["-Xcompiler", "-fPIC,-fvisibility=hidden,-ffp-contract=off", "-shared", "-arch=all-major"]
    include = [f"-I{ROOT / name}" for name in FOLDERS] + [f"-I{folder}"]
    command = [nvcc, "-std=c++17", "-O3", *arithmetic, *host, *include, str(folder / "wkv.cu"), "-o", str(target)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        logging.getLogger(__name__).warning("the CUDA kernels are left out, nvcc failed:\n%s", done.stderr)


def sources() -> list[str]:
    """Every C++ file of kernels/ except the levels that this processor family does not have."""
    target = sysconfig.get_platform()  # of what is built: cibuildwheel builds for macOS on x86-64 on other machines too
    if target.endswith("universal2"):  # python.org's for macOS would compile each source for both processors at once
        target = platform.machine()
        os.environ.setdefault("ARCHFLAGS", f"-arch {target}")
    arm = target.endswith(("aarch64", "arm64"))
    own = "aarch64" if arm else "x86_64"
    levels = (name.split() for name in WORDS if name.startswith("level "))
    skip = {f"{source}.cpp" for _, source, processor in levels if processor != own}
    found = (path for folder in FOLDERS for path in (ROOT / folder).glob("*.cpp"))
    return sorted(str(p.relative_to(ROOT)) for p in found if p.name not in skip and not p.stem.endswith("_main"))


def headers() -> list[str]:
    """Every C++ header of kernels/."""
    return sorted(str(p.relative_to(ROOT)) for folder in FOLDERS for p in (ROOT / folder).glob("*.h"))


class BuildPython(build_py):
    """Packs the conformance files without the scripts beside them, which need the tests."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        return [] if package == "hpcmcodec.conformance" else super().find_package_modules(package, package_dir)


extension = Pybind11Extension(
    "hpcmcodec.kernels._native",
    sources(),
    include_dirs=FOLDERS,
    depends=headers(),
)

os.chdir(ROOT)
ParallelCompile("HPCM_BUILD_JOBS", default=0).install()  # 0: as many as there are processors
setup(ext_modules=[extension], cmdclass={"build_ext": BuildKernels, "build_py": BuildPython})
