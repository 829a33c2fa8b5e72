"""What a host process does besides: its rounding mode, and forking while its threads code."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import hpcmcodec
from hpcmcodec import forking
from hpcmcodec.codec import Decoder, Encoder
from hpcmcodec.codec.target import Target
from hpcmcodec.formats.pictures import Picture

from .conftest import picture

UPWARD = {"x86_64": 0x800, "AMD64": 0x800, "aarch64": 0x400000}.get(platform.machine())


@contextmanager
def rounding_up() -> Iterator[None]:
    """This thread's floating-point unit as a numerical host may have set it."""
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    before = library.fegetround()
    assert library.fesetround(UPWARD) == 0
    try:
        yield
    finally:
        library.fesetround(before)


@pytest.mark.skipif(UPWARD is None or os.name != "posix", reason="the number of the mode is another one")
def test_the_host_s_rounding_mode_changes_nothing() -> None:
    """Models are loaded, their weights widened, and numbers written into the header in it too."""
    source, ways = Picture(picture(70, 90)), (75.3, Target(psnr=8.0))
    expected = [Encoder("tiny").encode(source, 75.3), Encoder("tiny").encode_to(source, ways[1]).data]
    with rounding_up():
        made = [Encoder("tiny").encode(source, 75.3), Encoder("tiny").encode_to(source, ways[1]).data]
        decoded = Decoder().decode(expected[0])
        assert np.float32(1) + np.float32(1e-9) > 1, "the host's mode is what it was"
    assert made == expected
    assert (decoded.pixels == Decoder().decode(expected[0]).pixels).all()


def _forked(work: Callable[[], object]) -> bool:
    """Whether a child that does this work comes to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_children_code_while_a_thread_of_their_parent_does() -> None:
    pixels = picture(40, 40)
    data = hpcmcodec.encode(pixels, model="tiny")
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            hpcmcodec.encode(pixels, model="tiny")

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            time.sleep(0.01)
            assert _forked(lambda: (hpcmcodec.encode(pixels, model="tiny"), hpcmcodec.decode(data)))
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_locks_are_open_in_children() -> None:
    """Held by a thread that the child does not have; in the parent they stay locked."""
    lock, held, done = forking.Lock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def take() -> None:
        with lock:
            pass

    assert _forked(take)
    taker = threading.Thread(target=take)
    taker.start()
    taker.join(0.05)
    assert taker.is_alive()
    done.set()
    thread.join()
    taker.join()


def test_a_lazy_property_is_computed_once_and_holds_no_lock() -> None:
    class Thing:
        def __init__(self) -> None:
            self.inner: list[int] = []

        @forking.lazy_property
        def value(self) -> int:
            """A docstring."""
            self.inner.append(1)
            return 7

    thing = Thing()
    assert (thing.value, thing.value, thing.inner) == (7, 7, [1])
    assert Thing.value.__doc__ == "A docstring."
    assert not any("lock" in name for name in vars(Thing.value))
