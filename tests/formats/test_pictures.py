"""Pictures in: every mode, orientation and kind of damage. Pictures out: formats, metadata, exact pixels."""

from __future__ import annotations

import io
import struct
import sys
import threading
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, features

from hpcmcodec.errors import HpcmError, InputError, LimitExceededError, OutputError, UsageError
from hpcmcodec.formats import colour, pictures
from hpcmcodec.formats import exif as exif_blocks
from hpcmcodec.formats.pictures import Picture, picture_from_image, picture_to_image, read_picture, write_picture

RNG = np.random.default_rng(3)
RGB = RNG.integers(0, 256, (13, 21, 3)).astype(np.uint8)
ALPHA = RNG.integers(0, 256, (13, 21)).astype(np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/><tiff:Orientation>8</tiff:Orientation></x:xmpmeta>'


def exif(orientation: int = 1, order: str = "<") -> bytes:
    """A block with two directory entries."""
    entries = struct.pack(order + "HHI4s", 0x010F, 2, 4, b"abc\0") + struct.pack(
        order + "HHIHH", 0x0112, 3, 1, orientation, 0
    )
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IH", 8, 2) + entries + struct.pack(order + "I", 0)


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(Image.fromarray(RGB))
    path = tmp_path / "a.dat"
    path.write_bytes(data)
    with path.open("rb") as file:
        for source in (path, str(path), data, memoryview(data), io.BytesIO(data), file):
            np.testing.assert_array_equal(read_picture(source).pixels, RGB)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    np.testing.assert_array_equal(read_picture("-").pixels, RGB)


def test_modes() -> None:
    rgba = np.dstack((RGB, ALPHA))
    grey = RGB[:, :, :1]
    cases: list[tuple[Image.Image, np.ndarray, np.ndarray | None]] = [
        (Image.fromarray(RGB), RGB, None),
        (Image.fromarray(rgba), RGB, ALPHA),
        (Image.fromarray(grey[:, :, 0]), grey, None),
        (Image.fromarray(np.dstack((grey, ALPHA))), grey, ALPHA),
        (Image.fromarray(grey[:, :, 0] > 99), np.where(grey > 99, 255, 0), None),
        (Image.fromarray(RGB).convert("P"), np.asarray(Image.fromarray(RGB).convert("P").convert("RGB")), None),
    ]
    for image, pixels, alpha in cases:
        for got in (picture_from_image(image), read_picture(saved(image))):
            np.testing.assert_array_equal(got.pixels, pixels)
            assert (got.alpha is None) == (alpha is None) and got.warnings == () and got.mode == image.mode
            if alpha is not None:
                np.testing.assert_array_equal(got.alpha, alpha)


def test_transparent_colours() -> None:
    for image, key in (
        (Image.fromarray(RGB[:, :, 0]), int(RGB[3, 4, 0])),
        (Image.fromarray(RGB), tuple(map(int, RGB[3, 4]))),
        (Image.fromarray(RGB[:, :, 0].astype(np.uint16) * 257), int(RGB[3, 4, 0]) * 257),
    ):
        got = read_picture(saved(image, transparency=key))
        expected = (RGB if image.mode == "RGB" else RGB[:, :, :1]) == (
            RGB[3, 4] if image.mode == "RGB" else RGB[3, 4, :1]
        )
        np.testing.assert_array_equal(got.alpha, np.where(expected.all(2), 0, 2**got.depth - 1))
    palette = Image.fromarray(RGB).quantize(8)
    got = read_picture(saved(palette, transparency=bytes([0, 128])))
    np.testing.assert_array_equal(got.alpha, np.array([0, 128, *[255] * 6])[np.asarray(palette)])


def png(depth: int, colour: int, row: bytes, key: bytes) -> bytes:
    """A PNG file of four pixels with a transparent colour, which Pillow does not write at every depth."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, depth, colour, 0, 0, 0)) + chunk(b"tRNS", key)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("depth", "colour", "row", "key", "alpha"),
    [
        (1, 0, b"\x50", b"\0\1", [255, 0, 255, 0]),
        (2, 0, b"\x1b", b"\0\1", [255, 0, 255, 255]),
        (4, 0, b"\x05\xaf", b"\0\x0a", [255, 255, 0, 255]),
        (
            16,
            2,
            bytes(6) + b"\x12\x34\x56\x78\x9a\xbc" * 2 + b"\x00\x12" * 3,
            b"\x12\x34\x56\x78\x9a\xbc",
            [255, 0, 0, 255],
        ),
        (16, 2, bytes(18) + b"\xff" * 6, b"\xff" * 6, [255, 255, 255, 0]),
    ],
)
def test_a_transparent_colour_is_in_the_depth_of_the_file(
    depth: int, colour: int, row: bytes, key: bytes, alpha: list[int]
) -> None:
    got = read_picture(png(depth, colour, row, key))
    opaque = 2**got.depth - 1
    assert got.alpha is not None and got.alpha.ravel().tolist() == [value // 255 * opaque for value in alpha]


def test_sixteen_bits_are_kept_and_floats_are_rounded() -> None:
    wide = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    got = read_picture(saved(Image.fromarray(wide)))
    np.testing.assert_array_equal(got.pixels[:, :, 0], wide)
    assert not got.warnings and got.depth == 16
    for values in (np.linspace(0, 1, 256), np.linspace(0, 255, 256), np.linspace(0, 7e7, 256)):
        image = Image.fromarray(values.astype(np.float32)[None])
        np.testing.assert_allclose(picture_from_image(image).pixels[0, :, 0], np.arange(256), atol=1)
    holes = Image.fromarray(np.array([[np.nan, np.inf, 1.0]], np.float32))
    assert picture_from_image(holes).pixels.ravel().tolist() == [0, 0, 255]


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once_and_reset(format: str, orientation: int) -> None:
    flat = np.zeros((16, 24), np.uint8)
    flat[:8, :8] = 255
    turns = {
        1: flat,
        2: flat[:, ::-1],
        3: flat[::-1, ::-1],
        4: flat[::-1],
        5: flat.T,
        6: np.rot90(flat, -1),
        7: np.rot90(flat, 2).T,
        8: np.rot90(flat),
    }
    image = Image.fromarray(flat).convert("RGB")
    options = {"lossless": True} if format == "WEBP" else {"quality": 100} if format == "JPEG" else {}
    order = "<>"[orientation % 2]
    block = (b"Exif\0\0" if format == "JPEG" else b"") + exif(orientation, order)
    got = read_picture(saved(image, format, exif=block, **options))
    np.testing.assert_allclose(got.pixels[:, :, 1], turns[orientation], atol=3)
    if format != "TIFF":  # whose tags are the EXIF data
        assert got.exif == exif(1, order)
    again = read_picture(pictures.encode_picture(got, "png")[0])
    np.testing.assert_array_equal(again.pixels, got.pixels)


def test_orientation_as_a_long_number_is_reset() -> None:
    def block(orientation: int) -> bytes:
        return b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x0112, 4, 1, orientation, 0)

    got = read_picture(saved(Image.fromarray(RGB), exif=block(6)))
    assert got.pixels.shape == (21, 13, 3) and got.exif == block(1)


def test_orientation_in_xmp_is_reset() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    got = read_picture(saved(Image.fromarray(RGB), pnginfo=text))
    assert got.pixels.shape == (21, 13, 3)
    assert got.xmp == XMP.replace(b'"6"', b'"1"').replace(b">8<", b">1<")


def tagged(*entries: tuple[int, int, int, int]) -> bytes:
    """An EXIF block of entries (tag, type, count, value)."""
    return (
        b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries) + bytes(40)
    )


@pytest.mark.filterwarnings("ignore:Tag data larger:UserWarning", "ignore:Truncated File Read:UserWarning")  # of Pillow
@pytest.mark.parametrize("format", pictures.FORMATS)
@pytest.mark.parametrize(
    "block",
    [
        b"nonsense" * 5,
        b"II*\0",
        tagged((0x0100, 4, 1, 3), (0x0101, 16, 1, 20), (0x0112, 3, 1, 3), (0x0111, 4, 1, 8)),  # another layout
        tagged((0x8769, 2, 4, 20), (0xA005, 13, 2**32 - 1, 8), (0x8825, 1, 2**31, 2**32 - 1)),
    ],
    ids=["nonsense", "short", "layout", "folders"],
)
def test_any_exif_block_can_be_written_or_is_left_out(format: str, block: bytes) -> None:
    data, lost = pictures.encode_picture(Picture(RGB, exif=block), format)
    with Image.open(io.BytesIO(data)) as image:
        if format == "jpeg":
            assert image.size == (21, 13)
        else:
            np.testing.assert_array_equal(np.asarray(image), RGB)
    if format == "tiff" and block[:2] != b"II":
        assert lost == ("the EXIF data is damaged",)


def test_broken_exif_is_survived() -> None:
    for block in (b"II*\0\xff\xff\xff\xff", b"MM\0*", b"MM\0*\0\0\0\x08\xff\xff"):
        assert exif_blocks.upright(block) == block
    data = saved(Image.fromarray(RGB), exif=b"nonsense" * 5)
    assert read_picture(data).exif is None


def test_profiles() -> None:
    got = read_picture(saved(Image.fromarray(RGB), icc_profile=SRGB))
    assert got.icc == SRGB and got.warnings == ()
    for image, icc in (
        (Image.fromarray(RGB[:, :, 0]), SRGB),
        (Image.fromarray(RGB), SRGB[:200]),
        (Image.fromarray(RGB), b"garbage" * 40),
    ):
        got = read_picture(saved(image, icc_profile=icc))
        assert got.icc is None and "left out" in got.warnings[0]


def test_cmyk_and_lab_become_srgb() -> None:
    cmyk = Image.fromarray(RGB).convert("CMYK")
    got = read_picture(saved(cmyk, "TIFF"))
    np.testing.assert_array_equal(got.pixels, np.asarray(cmyk.convert("RGB")))
    assert "CMYK" in got.warnings[0]
    lab = ImageCms.profileToProfile(
        Image.fromarray(RGB), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert np.abs(read_picture(saved(lab, "TIFF")).pixels.astype(int) - RGB).mean() < 3


def test_animations_give_the_first_frame() -> None:
    frames = [Image.fromarray(RGB[:, :, 0] // 2 + i) for i in range(3)]
    got = read_picture(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    np.testing.assert_array_equal(got.pixels[:, :, 0], np.asarray(frames[0]))
    assert "first frame" in got.warnings[0]


@pytest.mark.parametrize("format", [f for f in ("WEBP", "AVIF") if features.check(f.lower())])
def test_modern_formats_are_read(format: str) -> None:
    flat = np.full((40, 50, 3), (200, 100, 50), np.uint8)
    got = read_picture(saved(Image.fromarray(flat), format, quality=95))
    np.testing.assert_allclose(got.pixels, flat, atol=3)


def test_limits() -> None:
    image = Image.new("1", (3000, 2000))
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(LimitExceededError, match="limit of 1000000"):
        read_picture(saved(image), max_pixels=10**6)
    data = bytearray(saved(image, "BMP"))
    data[18:26] = struct.pack("<ii", 60000, 60000)
    with pytest.raises(LimitExceededError):
        read_picture(data)
    large = Image.new("1", (20000, 9500))  # beyond Pillow's own limit, within ours
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(saved(large), max_pixels=2**28).pixels.shape == (9500, 20000, 1)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PPM"])
def test_damage_gives_one_clear_line(format: str) -> None:
    data = saved(Image.fromarray(RNG.integers(0, 256, (60, 70, 3)).astype(np.uint8)), format)
    for end in (0, 1, 5, 20, len(data) // 2, len(data) - 40):
        with pytest.raises(HpcmError) as error:
            read_picture(data[:end])
        assert isinstance(error.value, InputError) and "\n" not in str(error.value)
    for _ in range(60):
        damaged = bytearray(data)
        for position in RNG.integers(0, len(data), 4):
            damaged[position] = RNG.integers(0, 256)
        try:
            read_picture(damaged)
        except HpcmError as error:
            assert "\n" not in str(error)


def test_postscript_reaches_no_other_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would hand it to Ghostscript, which runs it, whatever the file is called."""
    called = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *a, **k: called.append(a) or Image.new("RGB", (9, 9)))
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(InputError, match="known kind"):
        read_picture(script)
    assert not called


@pytest.mark.parametrize("format", ["TGA", "ICO", "PCX", "QOI", "SGI", "DIB", "MPO"])
def test_rarer_formats_are_read(format: str) -> None:
    size = (16, 16) if format == "ICO" else (21, 13)
    flat = np.full((*size[::-1], 3), (200, 100, 50), np.uint8)
    got = read_picture(saved(Image.fromarray(flat), format, **({"sizes": [size]} if format == "ICO" else {})))
    np.testing.assert_allclose(got.pixels, flat, atol=3)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.png", tmp_path):
        with pytest.raises(InputError, match="cannot read"):
            read_picture(path)


def test_reading_in_threads_leaves_the_process_as_it_was() -> None:
    data = saved(Image.fromarray(RGB))
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    threads = [threading.Thread(target=lambda: [read_picture(data) for _ in range(30)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before == (Image.MAX_IMAGE_PIXELS, list(warnings.filters))


# ------------------------------------------------------------------------------------------------ output
@pytest.mark.parametrize("format", ["png", "webp", "tiff", "ppm", "bmp", "jpeg"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_formats_keep_pixels(tmp_path: Path, format: str, channels: int, with_alpha: bool) -> None:
    picture = Picture(RGB[:, :, :channels], ALPHA if with_alpha else None)
    path = tmp_path / f"x{pictures.FORMATS[format][-1]}"
    lost = write_picture(picture, path)
    got = read_picture(path)
    if format in ("jpeg", "ppm", "bmp") and with_alpha:
        assert "alpha" in lost[0] and got.alpha is None
        mixed = (picture.pixels * (ALPHA[:, :, None] / 255) + 255 - ALPHA[:, :, None]).round()
        np.testing.assert_allclose(got.pixels, mixed, atol=60 if format == "jpeg" else 1)
        return
    assert lost == ()
    expected = np.repeat(picture.pixels, 3, 2) if format == "webp" and channels == 1 else picture.pixels
    np.testing.assert_allclose(got.pixels, expected, atol=60 if format == "jpeg" else 0)
    assert (got.alpha is not None) == with_alpha
    if with_alpha:
        np.testing.assert_array_equal(got.alpha, ALPHA)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "tiff"])
def test_metadata_survives(tmp_path: Path, format: str) -> None:
    xmp = XMP.replace(b'"6"', b'"1"').replace(b">8<", b">1<")
    picture = Picture(RGB, None, SRGB, exif(), xmp)
    path = tmp_path / f"x.{format}"
    assert write_picture(picture, path, format) == ()
    got = read_picture(path)
    assert (got.icc, got.xmp) == (SRGB, xmp)
    assert got.exif == exif() if format != "tiff" else got.exif and b"abc" in got.exif


def test_what_a_format_cannot_hold_is_told() -> None:
    picture = Picture(RGB, None, SRGB, exif() + bytes(70000), XMP)
    assert "too large" in pictures.encode_picture(picture, "jpeg")[1][0]
    assert len(pictures.encode_picture(picture, "bmp")[1]) == 3
    wide = Picture(RGB, xmp=XMP.decode().encode("utf-16"))
    assert "UTF-8" in pictures.encode_picture(wide, "png")[1][0]
    with pytest.raises(OutputError):
        pictures.encode_picture(Picture(np.zeros((1, 70000, 3), np.uint8)), "jpeg")


def test_formats_by_suffix_or_name(tmp_path: Path) -> None:
    assert pictures.format_of("a.JPG") == "jpeg" and pictures.format_of("a.xyz", "TIF") == "tiff"
    for path, format in (("a.xyz", None), ("a", None), ("a.png", "xyz")):
        with pytest.raises(UsageError):
            pictures.format_of(path, format)
    picture = Picture(RGB)
    path = tmp_path / "a.png"
    write_picture(picture, path)
    with pytest.raises(OutputError, match="exists"):
        write_picture(picture, path, overwrite=False)
    buffer = io.BytesIO()
    write_picture(picture, buffer, "bmp")
    assert buffer.getvalue()[:2] == b"BM"


def test_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Stream())
    write_picture(Picture(RGB), "-")
    np.testing.assert_array_equal(read_picture(Stream.buffer.getvalue()).pixels, RGB)


def test_pillow_images_and_back() -> None:
    picture = Picture(RGB, ALPHA, SRGB, exif(), XMP)
    image = picture_to_image(picture)
    assert image.mode == "RGBA" and image.info == {"icc_profile": SRGB, "exif": exif(), "xmp": XMP}
    grey = picture_to_image(Picture(RGB[:, :, :1]))
    assert grey.mode == "L" and grey.info == {}


@pytest.mark.parametrize(("highest", "depth"), [(255, 8), (1023, 10), (65535, 16)])
def test_deep_ppm_colour_is_kept(highest: int, depth: int) -> None:
    kind = ">u2" if highest > 255 else "u1"
    samples = (np.arange(12 * 9 * 3) % (highest + 1)).astype(kind)
    read = read_picture(b"P6\n12 9\n%d\n" % highest + samples.tobytes())
    assert colour.REDUCED not in read.warnings and read.depth == depth
    assert (read.pixels.ravel() == samples).all()


@pytest.mark.parametrize(("size", "told"), [(2**20, False), (2**20 + 1, True)])
def test_a_profile_too_large_for_pillow_is_told(size: int, told: bool) -> None:
    """Our own reader takes it, Pillow's does not."""
    made, lost = pictures.encode_picture(Picture(np.zeros((4, 4, 3), np.uint8), icc=bytes(size)), "png")
    assert bool(lost) == told
    try:
        Image.open(io.BytesIO(made)).close()
    except (ValueError, OSError):
        assert told
    else:
        assert not told
