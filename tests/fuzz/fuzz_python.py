"""Coverage-guided fuzzing of everything that reads bytes from outside, with atheris (pip install atheris).

    python tests/fuzz/fuzz_python.py TARGET FOLDER [options of libFuzzer]     see `make fuzz`

FOLDER keeps what was learned; the first run puts real files there. A finding is an exception that is none of
`hpcmcodec.errors`, a file accepted with values that no writer writes, or more time or memory than libFuzzer's limits.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hpcmcodec"]):
    from hpcmcodec.codec import Decoder
    from hpcmcodec.codec.model import CodecModel
    from hpcmcodec.errors import CorruptError, HpcmError
    from hpcmcodec.formats import container, exact, header, model_file
    from hpcmcodec.formats.pictures import encode_picture, read_picture
    from tests.fuzz import fuzz_wide

from tests.fuzz.seeds import SEEDS, described_model, forged, tiny_decoder, unpack

LIMITS = container.Limits(max_pixels=1 << 16, max_metadata=1 << 16)


def use(file: container.Container) -> None:
    """Everything that a reader may ask a container for. What is accepted must pass all checks and be canonical."""
    parts: list[Callable[[], object]] = [lambda i=i: file.tile(i) for i in range(file.tiles_present)]  # type: ignore[misc]
    parts += [lambda: file.exact, lambda: file.icc, lambda: file.exif, lambda: file.xmp, lambda: file.overhead]
    for part in (*parts, file.verify):
        with suppress(HpcmError):
            part()
    assert header.unpack(header.pack(file.header)) == file.header


def fuzz_container(data: bytes) -> None:
    """Any bytes as a file, whole or cut."""
    for allow_truncated in (False, True):
        try:
            use(container.read(data, LIMITS, allow_truncated))
        except HpcmError:
            continue


def fuzz_chunks(data: bytes) -> None:
    """Any header and chunks under checksums that fit: what stands behind them is reached at every execution."""
    fuzz_container(forged(*unpack(data)))


def fuzz_decode(data: bytes) -> None:
    """Any streams in a sound file of a small model: an error, or a picture whose latents have the check value."""
    input = atheris.FuzzedDataProvider(data)
    decoder, original = tiny_decoder()
    file = container.read(original)
    tile = file.tile(0)
    streams = [bytearray(stream) for stream in tile.streams]
    for _ in range(input.ConsumeIntInRange(0, 4)):
        stream = input.PickValueInList(streams)
        if input.ConsumeBool():
            stream[:] = input.ConsumeBytes(input.ConsumeIntInRange(0, 60))
        elif stream:
            stream[input.ConsumeIntInRange(0, len(stream) - 1)] = input.ConsumeIntInRange(0, 255)
    changed = container.write(file.header, [container.Tile(tuple(map(bytes, streams)), tile.check)])
    try:
        picture = decoder.decode(changed)
    except HpcmError:
        return
    assert picture.pixels.shape == (file.header.height, file.header.width, 3)
    assert changed == original, "other streams with the same latents"


def fuzz_exact(data: bytes) -> None:
    """Any streams as exact tiles of a small picture that needs no model; and as bytes changed in a sound file."""
    input = atheris.FuzzedDataProvider(data)
    channels, alpha = input.PickValueInList([1, 3]), input.ConsumeBool()
    sides = input.ConsumeIntInRange(1, 80), input.ConsumeIntInRange(1, 80)
    head = header.Header(*sides, channels=channels, alpha=alpha, bit_depth=input.ConsumeIntInRange(8, 16))
    what = exact.COLOURS | (exact.ALPHA if alpha else 0)
    stream = input.ConsumeBytes(input.ConsumeIntInRange(0, 400))
    part = exact.ExactPart(0, what, input.ConsumeIntInRange(0, 2**32 - 1), stream)
    try:
        Decoder().decode(container.write(head, (), exact=[part]))
    except HpcmError as error:
        assert isinstance(error, CorruptError)


def fuzz_model(data: bytes) -> None:
    """Any bytes as a model file, and a sound file with a text of its head replaced; what is read is built too."""
    kind, data = data[0] % 4 if data else 0, data[1:]
    if kind:
        data = described_model(("config", "hpcmcodec.about", "hpcmcodec")[kind - 1], data.decode("utf-8", "replace"))
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        file.write(data)
        file.flush()
        try:
            model_file.peek(file.name)
            read = model_file.read(file.name)
            read.verify()
            CodecModel.load(read)
        except HpcmError:
            return


def fuzz_picture(data: bytes) -> None:
    """Any bytes as a picture; what is read is written again."""
    try:
        picture = read_picture(data, max_pixels=1 << 16)
    except HpcmError as error:
        assert "\n" not in str(error)
        return
    height, width, channels = picture.pixels.shape
    assert 0 < height * width <= 1 << 16 and channels in (1, 3)
    assert picture.alpha is None or picture.alpha.shape == (height, width)
    for format in ("png", "tiff", "jpeg"):
        encode_picture(picture, format)


def _bounded(target: Callable[[bytes], None], pixels: int) -> Callable[[bytes], None]:
    """The target, which may take so much memory only."""

    def run(data: bytes) -> None:
        with fuzz_wide.bounded(len(data), pixels):
            target(data)

    return run


TARGETS: dict[str, Callable[[bytes], None]] = {
    "container": _bounded(fuzz_container, 0),
    "chunks": _bounded(fuzz_chunks, 0),
    "decode": fuzz_decode,
    "exact": fuzz_exact,
    "model": fuzz_model,
    "picture": _bounded(fuzz_picture, 1 << 16),
    **fuzz_wide.TARGETS,
}


def main() -> None:
    """Runs one target."""
    name, folder, *options = sys.argv[1:]
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate((SEEDS | fuzz_wide.SEEDS)[name]()):
        (place / f"seed-{i}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, folder], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
