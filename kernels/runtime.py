"""Threads and SIMD level of the kernels, for the whole process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hpcmcodec.kernels._load import native


@contextmanager
def fp_environment() -> Iterator[None]:
    """Normative floating-point state (nearest even, subnormals kept) for numpy's operations in this thread; the host's
    state returns at the end. Kernels take care of themselves."""
    saved = native().enter_fp_environment()
    try:
        yield
    finally:
        native().leave_fp_environment(saved)


def compiler() -> str:
    """Name and version of the compiler that built the extension."""
    return str(native().compiler)


def map_large_blocks() -> None:
    """Has memory of dropped arrays go back to the system at once, in the whole process (glibc; elsewhere no effect)."""
    native().map_large_blocks()


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


def multiply_add_rate() -> float:
    """Multiply-adds a second of one thread at the current level, kept in registers: what no kernel can exceed here.

    Takes some 0.1 s."""
    return float(native().multiply_add_rate())


def self_test() -> dict[str, str]:
    """Run every operation on made-up numbers at the current level: name -> hash of the results' bits, 16 hex digits."""
    return dict(native().self_test())
