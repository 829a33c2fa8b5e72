"""Memory is known and divided before it is taken; what does not fit is refused before any work."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hpcmcodec import errors, kernels
from hpcmcodec.codec import Decoder, Encoder, memory
from hpcmcodec.codec.tiling import TileGrid
from hpcmcodec.formats.container import Limits
from hpcmcodec.formats.pictures import Picture, read_picture

from .conftest import picture

FIXED = 120 * 2**20


def budget_of(height: int, width: int, limit: int | None) -> memory.Budget:
    model = Encoder("tiny").model
    return memory.budget(model, TileGrid.of(model, height, width, 1024), height * width, limit)


def test_room_is_used_and_want_of_it_costs_speed_only() -> None:
    kernels.set_threads(4)
    budgets = [budget_of(6000, 8000, limit) for limit in (2**40, 10**9, 760 * 10**6)]
    assert budgets[0].workers == 4
    assert all(made.total <= limit for made, limit in zip(budgets[1:], (10**9, 760 * 10**6), strict=True))
    assert [b.step for b in budgets] == sorted((b.step for b in budgets), reverse=True)


def test_windows_tells_its_memory_in_a_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(reference: Any) -> int:
        status = reference._obj
        assert bytes(status) == (64).to_bytes(4, "little") + bytes(60)
        status[1] = 3 * 2**30
        return 1

    monkeypatch.setattr(sys, "platform", "win32")
    library = SimpleNamespace(kernel32=SimpleNamespace(GlobalMemoryStatusEx=fill))
    monkeypatch.setattr(ctypes, "windll", library, raising=False)
    assert memory.machine_memory() == 3 * 2**30


def test_memory_grows_with_the_picture_and_no_faster() -> None:
    totals = [budget_of(side, side, 2**40).total for side in (2048, 4096, 8192, 16384)]
    assert totals == sorted(totals)
    assert totals[3] / totals[2] <= 4


def test_samples_of_two_bytes_take_twice_the_room() -> None:
    model = Encoder("tiny").model
    grid, pixels = TileGrid.of(model, 3000, 4000, 1024), 12 * 10**6
    one, two = (memory.budget(model, grid, pixels, 2**40, sample_bytes=size).total for size in (1, 2))
    assert two - one >= 3 * pixels
    least = 120 * 2**20 + memory.FILE_BYTES * pixels
    memory.budget(model, grid, pixels, least + 10**8)
    with pytest.raises(errors.LimitExceededError):
        memory.budget(model, grid, pixels, least + 10**8, sample_bytes=2)


def test_what_does_not_fit_is_refused_with_numbers() -> None:
    with pytest.raises(
        errors.LimitExceededError, match=r"8000 x 6000 pixels takes about 7\d\d MB .* 300 MB.*--max-memory"
    ):
        budget_of(6000, 8000, 300 * 10**6)


def test_codes_the_same_bits_in_little_memory() -> None:
    source = Picture(picture(140, 200))
    limits = Limits(max_memory=FIXED)
    data = Encoder("tiny").encode(source, tile_size=64)
    assert Encoder("tiny", limits=limits).encode(source, tile_size=64) == data
    np.testing.assert_array_equal(Decoder(limits=limits).decode(data).pixels, Decoder().decode(data).pixels)


def test_refused_before_pixels_are_read() -> None:
    encoder = Encoder("tiny", limits=Limits(max_memory=10**7))
    with pytest.raises(errors.LimitExceededError, match="40 x 30 pixels"):
        encoder.encode(Picture(picture(30, 40)))
    file = BytesIO()
    Image.new("L", (3000, 2000)).save(file, "PNG")
    cut = file.getvalue()[:200]  # the header is whole, the pixels are not
    with pytest.raises(errors.LimitExceededError, match="3000 x 2000 pixels"):
        read_picture(cut, admit=encoder.admit)
    data = Encoder("tiny").encode(Picture(picture(30, 40)))
    with pytest.raises(errors.LimitExceededError, match="40 x 30 pixels"):
        Decoder(limits=Limits(max_memory=10**7)).decode(data)


def test_a_file_is_refused_by_its_head(tmp_path: Path) -> None:
    """More than fits into memory is never read: the file is a hole of 300 GB."""
    huge = tmp_path / "huge.ppm"
    with huge.open("wb") as file:
        file.write(b"P6 400000 250000 255\n")
        file.truncate(300 * 10**9)
    with pytest.raises(errors.LimitExceededError, match=r"pixels are more than .*--max-pixels"):
        read_picture(huge)
    with pytest.raises(errors.LimitExceededError, match=r"400000 x 250000 pixels .*--max-memory"):
        read_picture(huge, max_pixels=2**40, admit=Encoder("tiny", limits=Limits(max_memory=10**9)).admit)


_PEAK = """
import io, re, sys
import numpy as np
from hpcmcodec.formats.pictures import Picture, encode_picture, read_picture

def status(name):
    return 1024 * int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

pixels = np.frombuffer(np.random.default_rng(7).bytes(27_000_000), np.uint8).reshape(3000, 3000, 3)
held = status("VmRSS") - pixels.nbytes
if sys.argv[1] == "write":
    encode_picture(Picture(pixels), "png")
else:
    data = b"P6 3000 3000 255\\n" + pixels.tobytes()
    del pixels
    read_picture(data)
print((status("VmHWM") - held) / 3000**2)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("direction", ["read", "write"])
def test_what_reading_and_writing_take(direction: str) -> None:
    """The constant is no lower than what is measured, and not far above it."""
    done = subprocess.run([sys.executable, "-c", _PEAK, direction], capture_output=True, text=True, check=True)
    assert 0.6 * memory.FILE_BYTES < float(done.stdout) <= memory.FILE_BYTES + 0.5  # half a byte is 4.5 MB of noise


def test_the_machine_has_memory() -> None:
    assert memory.machine_memory() > 2**27
    assert (memory.readable(640 * 10**6), memory.readable(2_140_000_000)) == ("640 MB", "2.1 GB")
