"""What a run's measurements say: averages, times and distances, in plain form for results.json and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hpcmcodec.bench.curves import METRICS, Curves, Distance, Metric, distance, interval
from hpcmcodec.bench.results import Measurement, PictureFile

_PARTS = ("seconds", "cpu_seconds", "network_seconds", "entropy_seconds")


def summarise(
    measurements: Iterable[Measurement],
    pictures: Sequence[PictureFile],
    specs: Sequence[str],
    anchor: str,
    draws: int = 500,
    lossless: Sequence[str] = (),
) -> dict[str, Any]:
    """The summary of results.json:

        anchor   the codec that the others are compared with, null where all lose nothing
        codecs   {spec: {points: [{setting, bpp, psnr, ms_ssim_db, ssimulacra2}],
                 encode, decode: {seconds, cpu_seconds, network_seconds, entropy_seconds} per megapixel, peak_bytes,
                 distances: {metric: {rate, quality, share, interval}},
                 left_out: settings without a value for every picture}}
        pictures {spec: {SHA-256: percent of rate against the anchor at equal PSNR on this picture}}
        matrix   {metric: {spec: {anchor: percent of rate that spec needs more than anchor}}}
        lossless {spec: {bytes, bpp, more: percent of bytes more than the first that is not hpcm, interval,
                 encode, decode, peak_bytes}} of the codecs that lose nothing, which are not among the others

    measurements: of these pictures and codecs, of one version each. Settings that failed on a picture are left out.
    lossless: specs of codecs that lose nothing. anchor: one of the others, "" where there are none.
    """
    of_codec: dict[str, list[Measurement]] = {spec: [] for spec in (*specs, *lossless)}
    for measurement in measurements:
        if measurement.codec in of_codec:
            of_codec[measurement.codec].append(measurement)
    curves = {spec: curves_of(of_codec[spec], pictures) for spec in specs}
    whole = {spec: found for spec, found in curves.items() if found is not None}
    return {
        "anchor": anchor or None,
        "codecs": {
            spec: {
                **_averages(whole[spec]),
                **_costs(of_codec[spec], pictures),
                "distances": _distances(whole, anchor, spec, draws),
                "left_out": sorted({m.setting for m in of_codec[spec]} - set(whole[spec].settings)),
            }
            for spec in whole
        },
        "pictures": {spec: _per_picture(whole, anchor, spec, pictures) for spec in whole if spec != anchor},
        "matrix": {metric: _matrix(whole, metric) for metric in METRICS},
        "lossless": _lossless({spec: of_codec[spec] for spec in lossless}, pictures, draws),
    }


def curves_of(measurements: Sequence[Measurement], pictures: Sequence[PictureFile]) -> Curves | None:
    """A codec's curves over the settings that every picture has; None if there is no such setting."""
    values = {(m.setting, m.picture): m for m in measurements if not m.error}
    settings = [
        setting
        for setting in sorted({m.setting for m in measurements})
        if all((setting, p.digest) in values for p in pictures)
    ]
    if not settings or not pictures:
        return None
    rows = [[values[setting, p.digest] for p in pictures] for setting in settings]
    bpp = np.array([[8 * (m.bytes or 0) / p.pixels for m, p in zip(row, pictures, strict=True)] for row in rows])
    psnr = np.array([[m.psnr for m in row] for row in rows], float)
    similar, seen = (_known([[getattr(m, name) for m in row] for row in rows]) for name in ("ms_ssim", "ssimulacra2"))
    return Curves(tuple(settings), bpp, psnr, similar, seen)


def _lossless(
    measured: Mapping[str, Sequence[Measurement]], pictures: Sequence[PictureFile], draws: int
) -> dict[str, Any]:
    """Bytes of codecs that lose nothing, of those that coded every picture."""
    sizes = {}
    for spec, found in measured.items():
        known = {m.picture: m.bytes for m in found if m.bytes and not m.error}
        if pictures and all(picture.digest in known for picture in pictures):
            sizes[spec] = np.array([known[picture.digest] for picture in pictures], float)
    anchor = first_other(list(sizes))
    pixels = sum(picture.pixels for picture in pictures)
    chosen = np.random.default_rng(0).integers(0, len(pictures), (draws, len(pictures)))
    return {
        spec: {
            "bytes": int(size.sum()),
            "bpp": 8 * float(size.sum()) / pixels,
            **({} if spec == anchor else _more(size, sizes[anchor], chosen)),
            **_costs(measured[spec], pictures),
        }
        for spec, size in sizes.items()
    }


def first_other(specs: Sequence[str]) -> str:
    """What the others are compared with unless somebody says so: the first codec that is not hpcm, else the first."""
    return next((spec for spec in specs if spec.partition(":")[0] != "hpcm"), specs[0] if specs else "")


def _more(size: np.ndarray, other: np.ndarray, chosen: np.ndarray) -> dict[str, Any]:
    """Percent of bytes more than the other, and 95 % of the pictures' draws."""
    drawn = 100 * (size[chosen].sum(1) / other[chosen].sum(1) - 1)
    interval = [float(end) for end in np.percentile(drawn, (2.5, 97.5))] if len(size) > 1 else None
    return {"more": 100 * float(size.sum() / other.sum() - 1), "interval": interval}


def _known(values: list[list[float | None]]) -> np.ndarray | None:
    """None if one of them is not there."""
    return np.array(values, float) if all(value is not None for row in values for value in row) else None


def _averages(curves: Curves) -> dict[str, Any]:
    bpp, psnr = curves.average("psnr") or ((), ())
    _, similarity = curves.average("ms_ssim") or (None, [None] * len(curves.settings))
    _, seen = curves.average("ssimulacra2") or (None, [None] * len(curves.settings))
    points = [
        {
            "setting": setting,
            "bpp": float(rate),
            "psnr": float(quality),
            "ms_ssim_db": None if similar is None else float(similar),
            "ssimulacra2": None if score is None else float(score),
        }
        for setting, rate, quality, similar, score in zip(curves.settings, bpp, psnr, similarity, seen, strict=True)
    ]
    return {"points": sorted(points, key=lambda point: point["bpp"])}


def _costs(measurements: Sequence[Measurement], pictures: Sequence[PictureFile]) -> dict[str, Any]:
    """Seconds per megapixel over everything that was coded, and the highest peak of memory."""
    sound = [m for m in measurements if not m.error]
    size = {p.digest: p.pixels for p in pictures}
    megapixels = sum(size[m.picture] for m in sound) / 1e6
    costs: dict[str, Any] = {}
    for side in ("encode", "decode"):
        sums = {part: [getattr(m, side).get(part) for m in sound] for part in _PARTS}
        costs[side] = {part: None if None in taken else sum(taken) / megapixels for part, taken in sums.items()}
    peaks = [getattr(m, side).get("peak_bytes") for m in sound for side in ("encode", "decode")]
    return {**costs, "peak_bytes": max((peak for peak in peaks if peak), default=None)}


def _distances(curves: Mapping[str, Curves], anchor: str, spec: str, draws: int) -> dict[str, Any]:
    if anchor not in curves or spec == anchor:
        return {}
    found = {metric: _between(curves, anchor, spec, metric) for metric in METRICS}
    return {
        metric: _plain(replace(value, interval=interval(curves[anchor], curves[spec], metric, draws)))
        for metric, value in found.items()
        if value
    }


def _per_picture(
    curves: Mapping[str, Curves], anchor: str, spec: str, pictures: Sequence[PictureFile]
) -> dict[str, float | None]:
    found = {}
    for i, picture in enumerate(pictures):
        one = np.array([i])
        a, b = (curves[name].average("psnr", one) if name in curves else None for name in (anchor, spec))
        between = distance(a, b) if a and b else None
        found[picture.digest] = between.rate if between else None
    return found


def _plain(value: Distance) -> dict[str, Any]:
    return {
        "rate": value.rate,
        "quality": None if np.isnan(value.quality) else value.quality,
        "share": value.share,
        "interval": None if value.interval is None else list(value.interval),
    }


def _between(curves: Mapping[str, Curves], anchor: str, spec: str, metric: Metric) -> Distance | None:
    a, b = curves[anchor].average(metric), curves[spec].average(metric)
    return distance(a, b) if a and b else None


def _matrix(curves: Mapping[str, Curves], metric: Metric) -> dict[str, dict[str, float | None]]:
    def rate(spec: str, anchor: str) -> float | None:
        found = _between(curves, anchor, spec, metric)
        return found.rate if found else None

    return {spec: {anchor: rate(spec, anchor) for anchor in curves if anchor != spec} for spec in curves}
