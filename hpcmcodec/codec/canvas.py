"""Small pictures: how many times smaller a decoded picture can be."""

from __future__ import annotations

from hpcmcodec.errors import UsageError

SCALES = (1, 2, 4, 8)
"""Sides of the squares whose means the pixels are."""


def check_scale(scale: int) -> None:
    """Raises UsageError for a scale that there is none of."""
    if scale not in SCALES:
        raise UsageError(f"a scale of 1/{scale} is not possible: choose 1/2, 1/4 or 1/8")
