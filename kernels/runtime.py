"""Threads and SIMD level of the kernels, for the whole process."""

from __future__ import annotations

from hpcmcodec.kernels._load import native


def get_threads() -> int:
    """Number of threads that share the work of one operation."""
    return int(native().get_threads())


def set_threads(threads: int) -> None:
    """Set the number of threads, 1..256; ValueError otherwise. Default: HPCM_THREADS or the processors available."""
    native().set_threads(threads)


def simd_level() -> str:
    """Instruction set in use: scalar, avx2, avx512 or neon. ValueError if HPCM_SIMD names one not available here."""
    return str(native().simd_level())


def available_levels() -> list[str]:
    """Levels that this machine can run, slowest first."""
    return list(native().available_levels())


def set_simd_level(name: str) -> None:
    """Use this level from now on; ValueError if it is not available."""
    native().set_simd_level(name)
