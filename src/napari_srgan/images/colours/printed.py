"""Colours of print and of colour science as red, green and blue."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_D50 = np.array([0.96422, 1.0, 0.82521])
"""White that CIELAB is measured against in print (ISO 13655)."""
_FROM_D50 = np.array([
    [3.1338561, -1.6168667, -0.4906146],
    [-0.9787684, 1.9161415, 0.0334540],
    [0.0719453, -0.2289914, 1.4052427],
])  # fmt: skip
"""XYZ under D50 to linear sRGB, adapted by Bradford's transform (B. Lindbloom, "RGB/XYZ matrices")."""


def cmyk_to_rgb(inks: NDArray[Any]) -> NDArray[Any]:
    """Cyan, magenta, yellow and black as RGB: what light the inks leave, as if they were ideal.

    Parameters
    ----------
    inks
        Inks ``(..., 4)`` of an unsigned integer dtype; 0 is no ink.

    Returns
    -------
    NDArray
        Colours ``(..., 3)`` of the same dtype.
    """
    full = np.iinfo(inks.dtype).max
    left = full - inks.astype(np.float64)
    return np.rint(left[..., :3] * left[..., 3:] / full).astype(inks.dtype)


def lab_to_rgb(lab: NDArray[Any], *, signed: bool) -> NDArray[Any]:
    """CIELAB as TIFF stores it (TIFF 6.0, section 23) as sRGB (IEC 61966-2-1).

    Parameters
    ----------
    lab
        Colours ``(..., 3)`` of an integer dtype of 8 or 16 bits: L* from 0 to 100 over the whole range, a*
        and b* from -128 to 127.
    signed
        Whether a* and b* are two's complements (CIELAB), or moved by 128 (ICCLAB).

    Returns
    -------
    NDArray
        Colours ``(..., 3)`` of an unsigned integer dtype of as many bits; those that sRGB does not have are
        clipped.
    """
    unsigned = np.dtype(f"u{lab.dtype.itemsize}")
    stored = lab.view(unsigned) if lab.flags.c_contiguous else np.ascontiguousarray(lab).view(unsigned)
    full, one = np.iinfo(unsigned).max, 2 ** (8 * (unsigned.itemsize - 1))
    lightness = stored[..., 0] * (100 / full)
    if signed:
        a, b = (stored[..., at].view(f"i{unsigned.itemsize}") / one for at in (1, 2))
    else:
        a, b = (stored[..., at] / one - 128.0 for at in (1, 2))
    y = (lightness + 16) / 116
    xyz = np.stack([_from_cube_root(root) for root in (y + a / 500, y, y - b / 200)], axis=-1) * _D50
    linear = (xyz @ _FROM_D50.T).clip(0, 1)
    seen = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    found: NDArray[Any] = np.rint(seen * full).astype(unsigned)
    return found


def _from_cube_root(root: NDArray[Any]) -> NDArray[Any]:
    """Inverse of CIE 1976's function, whose part near black is linear."""
    return np.asarray(np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29)))
