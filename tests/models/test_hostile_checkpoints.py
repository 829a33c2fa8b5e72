"""Tensors whose numbers do not lie there one by one are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcmcodec.errors import ModelFileError
from hpcmcodec.models.official import read_checkpoint

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")


@pytest.mark.parametrize("kind", ["sparse", "meta", "quantised", "expanded", "complex"])
def test_tensors_that_are_no_plain_numbers(tmp_path: Path, kind: str) -> None:
    made = {
        "sparse": lambda: torch.zeros(4, 4).to_sparse(),
        "meta": lambda: torch.zeros(4, device="meta"),
        "quantised": lambda: torch.quantize_per_tensor(torch.zeros(4), 1.0, 0, torch.qint8),
        "expanded": lambda: torch.zeros(1, dtype=torch.half).expand(2**40),
        "complex": lambda: torch.zeros(2, dtype=torch.complex64),
    }
    path = tmp_path / "a.pth"
    torch.save({"g_a.weight": made[kind]()}, path)
    with pytest.raises(ModelFileError):
        read_checkpoint(path)


@pytest.mark.parametrize("data", [b"\x80\x02.", b"\x80\x02]q\0(", b"\x80\x02}q\0s.", b"", b"PK\3\4" + bytes(30)])
def test_bytes_that_are_no_checkpoint(tmp_path: Path, data: bytes) -> None:
    """The first was found by the fuzzer: torch's reader took from an empty stack."""
    path = tmp_path / "a.pth"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match="cannot be read as a checkpoint"):
        read_checkpoint(path)
