"""The codecs that can be compared. A spec is `kind` or `kind:variant`: `avif`, `avif:best`, `hpcm:lite`.

Kinds are imported when they are opened, so that a library that is missing, or that crashes, concerns its codec alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from hpcmcodec.bench.codecs.base import Codec, Settings, Unavailable
from hpcmcodec.errors import UsageError

__all__ = ["DEFAULTS", "KINDS", "LOSSLESS", "Codec", "Kind", "Settings", "Unavailable", "check", "open_codec"]


@dataclass(frozen=True)
class Kind:
    """A kind of codec: the module that has it, its fixed variants ("" is the default one; None: a free name)."""

    module: str
    variants: tuple[str, ...] | None
    help: str


KINDS = {
    "hpcm": Kind(
        "hpcm",
        None,
        "this codec; hpcm:MODEL for another model, hpcm:@3 or hpcm:MODEL@3 with --effort 3; hpcm:lossless",
    ),
    "jpeg": Kind("pillow", ("", "444"), "libjpeg-turbo, optimised, 4:2:0; jpeg:444 without subsampling"),
    "png": Kind("pillow", ("",), "zlib at its highest level, no loss"),
    "webp": Kind("pillow", ("", "best", "lossless"), "libwebp, method 4; webp:best method 6; webp:lossless"),
    "avif": Kind(
        "pillow",
        ("", "444", "psnr", "best"),
        "libavif as Pillow sets it (4:2:0, speed 6); avif:444; avif:psnr also tune=psnr; avif:best also speed 3",
    ),
    "j2k": Kind("pillow", ("",), "JPEG 2000 (OpenJPEG), irreversible wavelet"),
    "jxl": Kind("jxl", ("", "best", "lossless"), "JPEG XL (libjxl), effort 7; jxl:best effort 9; jxl:lossless"),
    "compressai": Kind("compressai", None, "compressai:NAME, a pretrained model of CompressAI"),
}
DEFAULTS = ("hpcm", "jpeg", "webp", "avif", "avif:psnr", "jxl")
LOSSLESS = ("hpcm:lossless", "png", "webp:lossless", "jxl:lossless")


def check(spec: str) -> str:
    """The spec in its short form. Raises UsageError if there is no such codec."""
    kind, _, variant = spec.strip().partition(":")
    if kind not in KINDS:
        raise UsageError(f"no codec {kind!r}; there are {', '.join(KINDS)}")
    variants = KINDS[kind].variants
    if variants is not None and variant not in variants:
        known = ", ".join(f"{kind}:{name}" if name else kind for name in variants)
        raise UsageError(f"no codec {spec.strip()!r}; there are {known}")
    return f"{kind}:{variant}" if variant else kind


def open_codec(spec: str, threads: int) -> Codec:
    """The codec of a spec. Raises Unavailable if something that it needs is not installed."""
    kind, _, variant = check(spec).partition(":")
    codec: Codec = import_module(f"hpcmcodec.bench.codecs.{KINDS[kind].module}").open_codec(kind, variant, threads)
    return codec
