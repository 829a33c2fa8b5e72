"""How far the work on a picture is, as those hear it who watch."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import progress
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.target import Target
from hpcmcodec.formats.picture import Picture


def test_parts_of_parts() -> None:
    heard: list[float] = []
    with progress.watch(heard.append):
        progress.at(0.1)
        with progress.part(0.5, 1):
            progress.at(0)
            with progress.part(0.5, 1):
                progress.at(0.5)
            progress.at(2)
        progress.at(0.2)
    progress.at(0.9)
    assert heard == [0.1, 0.5, 0.875, 1, 0.2]


def test_nobody_else_hears() -> None:
    heard: list[float] = []
    with progress.watch(heard.append):
        thread = threading.Thread(target=progress.at, args=(0.5,))
        thread.start()
        thread.join()
    with progress.part(0, 1):
        progress.at(0.5)
    assert heard == []


@pytest.mark.parametrize("work", ["encode", "effort", "size", "psnr", "decode", "verify"])
def test_work_is_heard_in_order(work: str) -> None:
    y, x = np.mgrid[:150, :200]
    picture = Picture(np.stack([x, y, (x * y) % 251], 2).astype(np.uint8), None)
    encoder = Encoder()
    data = encoder.encode(picture)
    calls = {
        "encode": lambda: encoder.encode(picture),
        "effort": lambda: encoder.encode(picture, effort=2),
        "size": lambda: encoder.encode_to(picture, Target(size=len(data))),
        "psnr": lambda: encoder.encode_to(picture, Target(psnr=15)),
        "decode": lambda: Decoder().decode(data),
        "verify": lambda: hpcmcodec.verify(data),
    }
    heard: list[float] = []
    with progress.watch(heard.append):
        calls[work]()
    assert heard and heard == sorted(heard) and heard[0] >= 0 and heard[-1] <= 1
