"""Kinds of TIFF and PNG files that Pillow takes for something else: read as they are meant, or refused."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from hpcmcodec import info
from hpcmcodec.codec import Decoder
from hpcmcodec.codec.encoder import encode_exactly
from hpcmcodec.errors import InputError
from hpcmcodec.formats import colour, exif
from hpcmcodec.formats.pictures import encode_picture, picture_from_image, picture_to_image, read_picture
from hpcmcodec.formats.strip import stripped
from tests.formats.picture_files import GREY, HEIGHT, RGB, WIDTH, chunk, png_file, tiff_file

WIDE = GREY.astype("<u2") * 257
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def twelve_bits() -> bytes:
    values = (GREY.astype(int) * 4095 // 255).reshape(-1, 2)
    return b"".join(bytes((int(a) >> 4, (int(a) & 15) << 4 | int(b) >> 8, int(b) & 255)) for a, b in values)


@pytest.mark.parametrize(
    ("samples", "bits", "photometric", "kind"),
    [
        ((65535 - WIDE).tobytes(), 16, 0, 1),
        ((GREY.astype("<u4") * 0x01010101).tobytes(), 32, 1, 1),
        ((GREY.astype(int) - 128).astype("i1").tobytes(), 8, 1, 2),
        ((WIDE.astype(int) - 32768).astype("<i2").tobytes(), 16, 1, 2),
        (twelve_bits(), 12, 1, 1),
        ((GREY / 255).astype("<f4").tobytes(), 32, 1, 3),
        ((1 - GREY / 255).astype("<f4").tobytes(), 32, 0, 3),
    ],
    ids=["white is zero", "unsigned 32", "signed 8", "signed 16", "12 bits", "float", "float, white is zero"],
)
def test_grey_tiff_files_are_what_their_tags_say(samples: bytes, bits: int, photometric: int, kind: int) -> None:
    picture = read_picture(tiff_file(samples, bits, photometric, {339: [kind]}))
    np.testing.assert_array_equal(picture.pixels[:, :, 0], GREY)
    assert picture.warnings == ((colour.REDUCED,) if bits > 8 else ())


def test_one_float_above_the_others_does_not_darken_all() -> None:
    for fault in (3.0, 300.0, 1e9):
        values = (GREY / 255).astype("<f4")
        values[0, 0] = fault
        picture = read_picture(tiff_file(values.tobytes(), 32, 1, {339: [3]}))
        np.testing.assert_array_equal(picture.pixels[1:, :, 0], GREY[1:])
        assert picture.pixels[0, 0] == 255 and "0 to 1" in picture.warnings[1]


def test_separate_planes_are_read_or_refused() -> None:
    planes = [np.ascontiguousarray(RGB[:, :, i]) for i in range(3)]
    tags: dict[int, int | list[int]] = {258: [8] * 3, 277: [3], 284: [2]}
    picture = read_picture(tiff_file([plane.tobytes() for plane in planes], 8, 2, tags))
    np.testing.assert_array_equal(picture.pixels, RGB)
    wide = [(plane.astype("<u2") * 257).tobytes() for plane in planes]
    with pytest.raises(InputError, match="separate planes"):
        read_picture(tiff_file(wide, 16, 2, tags | {258: [16] * 3}))


@pytest.mark.parametrize("factor", [1, 257])
def test_palettes_of_8_bit_values(factor: int) -> None:
    colours = [*range(256), *range(255, -1, -1), *[i * 7 % 256 for i in range(256)]]
    picture = read_picture(tiff_file(GREY.tobytes(), 8, 3, {320: [factor * value for value in colours]}))
    np.testing.assert_array_equal(picture.pixels, np.array(colours).reshape(3, 256)[:, GREY].transpose(1, 2, 0))


@pytest.mark.parametrize("kinds", [(1, 0), (1, 1), (0, 1), (4, 0)])
def test_a_thumbnail_is_not_the_picture(kinds: tuple[int, int]) -> None:
    data, places = bytearray(), []
    for kind, size in zip(kinds, ((4, 3), (8, 6)) if kinds[0] else ((8, 6), (4, 3)), strict=True):
        start, (width, height) = len(data) or 8, size
        data = data or bytearray(b"II*\0\x08\0\0\0")
        tags = {254: kind, 256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: start + 200, 277: 1, 278: height}
        tags[279] = width * height
        data += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags.items())
        places.append(len(data))
        data += bytes(start + 200 - len(data)) + bytes(range(width * height))
    struct.pack_into("<I", data, places[0], 8 + 200 + (12 if kinds[0] else 48))
    picture = read_picture(bytes(data))
    assert picture.pixels.shape == (6, 8, 1)
    assert ("thumbnails" in "".join(picture.warnings)) == (kinds == (1, 1))


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (chunk(b"cICP", bytes((12, 16, 3, 1))), "(cICP 12, 16, 3, 1) cannot be"),
        (chunk(b"cICP", bytes((0, 16, 0, 1))), "cICP 0"),
        (chunk(b"gAMA", struct.pack(">I", 1)), "gAMA"),
        (chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 1, 1, 1, 1, 1, 1)), "cHRM"),
        (chunk(b"cICP", bytes((1, 13, 0, 1))), ""),
        (chunk(b"gAMA", struct.pack(">I", 45455)), ""),
        (chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 100000)), ""),
        (chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)), ""),
    ],
)
def test_colours_that_cannot_be_kept_are_told(before: bytes, told: str) -> None:
    picture = read_picture(png_file(before))
    assert told in picture.warnings[0] if told else picture.warnings == ()
    assert picture.icc is None and picture.cicp is None


def test_code_points_go_all_the_way() -> None:
    source = read_picture(png_file(chunk(b"cICP", bytes((9, 16, 0, 1)))))
    assert (source.cicp, source.warnings, source.notes) == ((9, 16, 1), (), ())
    data = encode_exactly(source)
    assert info(data).cicp == (9, 16, 1)
    decoded = Decoder().decode(data)
    for picture in (decoded, replace(decoded, pixels=decoded.pixels.astype(np.uint16) * 257, depth=16)):
        png, lost = encode_picture(picture, "png")
        assert lost == () and read_picture(png).cicp == (9, 16, 1)
        assert all("CICP 9, 16" in encode_picture(picture, name)[1][0] for name in ("tiff", "ppm", "jpeg"))
    image = picture_to_image(decoded)
    assert image.info["cicp"] == (9, 16, 1) and picture_from_image(image).cicp == (9, 16, 1)
    image.info["cicp"] = (9, 16, 7)
    assert picture_from_image(image).cicp is None


def test_gamma_and_primaries_become_a_profile() -> None:
    """Against the formulas: light is the sample to the power of 1 / gamma, Adobe RGB's primaries to sRGB's."""
    adobe = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))
    source = read_picture(png_file(adobe + chunk(b"gAMA", struct.pack(">I", 55555))))
    assert source.icc and source.warnings == () and "became an ICC profile" in source.notes[0]
    to_srgb = np.array(((1.3983, -0.3983, 0), (0, 1, 0), (0, -0.0429, 1.0429)))
    light = (source.pixels / 255) ** 1.8 @ to_srgb.T
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)
    found = stripped(source, "icc").pixels
    assert np.abs(found - 255 * coded.clip(0, 1)).max() < 2.5

    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, "PNG")
    data, behind_head = buffer.getvalue(), 33
    gamma = chunk(b"gAMA", struct.pack(">I", 100000))
    linear = read_picture(data[:behind_head] + gamma + data[behind_head:])
    assert linear.icc and linear.pixels.shape[2] == 1
    light = linear.pixels / 255
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(stripped(linear, "icc").pixels - 255 * coded).max() < 2.5


def test_resolution_and_texts_are_told_apart_from_warnings() -> None:
    extra = chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)) + chunk(b"tEXt", b"Author\0Someone")
    picture = read_picture(png_file(extra, chunk(b"tEXt", b"Title\0A test")))
    assert picture.warnings == ()
    assert picture.notes == (
        "the resolution of 300 dots per inch was left out",
        "texts were left out: Author, Title",
    )


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG")
    parts = [struct.pack(">BBH", 255, mark, len(content) + 2) + content for mark, content in segments]
    return buffer.getvalue()[:2] + b"".join(parts) + buffer.getvalue()[2:]


def test_what_jpeg_files_hold_besides_is_told() -> None:
    caption = b"\x1c\x02\x78\x00\x02ab"
    resource = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption + b"\0"
    assert "IPTC" in read_picture(jpeg((0xED, resource))).warnings[0]
    assert read_picture(jpeg((0xFE, b"by hand"))).notes == ("a comment was left out",)
    part = (0xE2, b"ICC_PROFILE\0\1\2" + SRGB)
    picture = read_picture(jpeg(part))
    assert picture.icc is None and picture.warnings == ("the ICC profile is damaged; it was left out",)


def test_exif_with_a_prefix_of_its_own_is_kept() -> None:
    block = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    picture = read_picture(png_file(chunk(b"eXIf", b"Exif\0\0" + block)))
    assert picture.pixels.shape == (WIDTH, HEIGHT, 3) and picture.exif == exif.upright(block)
    assert "EXIF" in read_picture(png_file(chunk(b"eXIf", b"nonsense"))).warnings[0]


def test_profiles_and_texts_beyond_what_pillow_takes() -> None:
    profile = struct.pack(">I", len(SRGB) + 1_500_000) + SRGB[4:] + bytes(1_500_000)
    picture = read_picture(png_file(chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))))
    assert picture.icc == profile and picture.warnings == ()
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(2**25)))
    assert "ICC" in read_picture(png_file(bomb)).warnings[0]
    text = zlib.compress(bytes(2_000_000))
    for after in (chunk(b"zTXt", b"x\0\0" + text), chunk(b"iTXt", b"x\0\1\0\0\0" + text)):
        picture = read_picture(png_file(b"", after))
        np.testing.assert_array_equal(picture.pixels, RGB)
        assert picture.notes == ("a large text was left out",)


def test_a_transparent_colour_of_16_bits_is_matched_in_all_of_them() -> None:
    wide = np.full((HEIGHT, WIDTH, 3), (0x1234, 0x5678, 0x9ABC))
    wide[:, 5:] += 1
    picture = read_picture(png_file(chunk(b"tRNS", struct.pack(">HHH", 0x1234, 0x5678, 0x9ABC)), wide=wide))
    assert picture.alpha is not None and (picture.alpha == 0).sum() == 5 * HEIGHT


def test_a_transparent_grey_of_few_bits_is_found_in_a_loaded_image() -> None:
    head = struct.pack(">IIBBBBB", 4, 1, 2, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"tRNS", b"\0\1")
    data += chunk(b"IDAT", zlib.compress(b"\0\x1b")) + chunk(b"IEND", b"")
    image = Image.open(io.BytesIO(data))
    image.load()
    for picture in (picture_from_image(image), read_picture(data)):
        assert picture.alpha is not None and picture.alpha.ravel().tolist() == [255, 0, 255, 255]
