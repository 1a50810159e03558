"""Point spread functions: computed from the optics, or measured and brought into place.

A point spread function blurs and does nothing else: it keeps brightness (its sum is 1) and
place (its centre of mass is in its middle), whatever background, offset or size it was given with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift
from scipy.special import erf, j1

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array
from napari_srgan.significant import significant

LARGEST_RADIUS = 64
"""Pixels beyond which the faint rim of a point spread function is left out."""
KEPT_LIGHT = 0.998
"""Part of the light inside the square that is kept."""
SEPARABLE_ERROR = 1e-2
"""Error of :attr:`PointSpread.separable`, in norms of the kernel."""


@dataclass(frozen=True)
class PointSpread:
    """A point spread function on the high-resolution grid.

    A value that equals its equals, and goes into settings and cards as it is. It is made by
    :func:`gaussian_psf`, :func:`airy_psf` and :func:`read_psf`.
    """

    kernel: tuple[tuple[float, ...], ...] = field(repr=False)
    """A square of odd side, sum 1, nothing negative, centre of mass in the middle."""
    notes: tuple[str, ...] = ()
    """What was done to it when it was read, in sentences for the user."""

    @property
    def array(self) -> NDArray[np.float64]:
        """The kernel as an array ``(Y, X)`` of float64."""
        return np.array(self.kernel, np.float64)

    @property
    def radius(self) -> int:
        """Pixels that it reaches."""
        return len(self.kernel) // 2

    @property
    def separable(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The kernel as a sum of few products of columns and rows: ``(T, Y)`` and ``(T, X)`` of float64.

        They come from the singular value decomposition, up to :data:`SEPARABLE_ERROR`: a Gaussian is one
        product, a measured spot about five, which is far less work than the square of its side.
        """
        return _separate(self.kernel)


@lru_cache(maxsize=128)
def _separate(kernel: tuple[tuple[float, ...], ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    u, s, v = np.linalg.svd(np.array(kernel, np.float64))
    left_out = np.sqrt(np.cumsum(s[::-1] ** 2)[::-1] / np.sum(s**2))
    count = max(int(np.sum(left_out > SEPARABLE_ERROR)), 1)
    columns, rows = (u[:, :count] * s[:count]).T, v[:count]
    total = np.sum(columns.sum(axis=1) * rows.sum(axis=1))
    return columns / total, rows


def gaussian_psf(
    numerical_aperture: float,
    wavelength_um: float,
    pixel_size_um: float,
    high_numerical_aperture: float | None = None,
) -> PointSpread:
    """The Gaussian nearest to a widefield fluorescence microscope's point spread function.

    Source: Zhang, B., Zerubia, J. and Olivo-Marin, J.-C. (2007). Gaussian approximations of
    fluorescence microscope point-spread function models. Applied Optics 46(10), 1819-1829, table 1,
    paraxial 2-D widefield: ``sigma = sqrt(2) * wavelength / (2 * pi * NA)``, integrated over each pixel.

    Parameters
    ----------
    numerical_aperture
        Numerical aperture of the objective that takes low-resolution images.
    wavelength_um
        Wavelength of the light that is seen, in micrometres.
    pixel_size_um
        Pixel size of the high-resolution image, in micrometres.
    high_numerical_aperture
        Numerical aperture of the objective that took the high-resolution image. Its blur is in the image
        already and is taken off (variances of Gaussians add). By default that image is taken to be sharp.

    Raises
    ------
    UserError
        If a value is impossible, or the high-resolution objective is not the better one.
    """
    if not 0 < numerical_aperture <= 1.8:
        raise UserError(
            f"a numerical aperture lies between 0 and 1.8; got {numerical_aperture:g} (it is written on the "
            "objective)"
        )
    if not 0.1 <= wavelength_um <= 20:
        raise UserError(
            f"a wavelength of {wavelength_um:g} um is no light; give it in micrometres: 0.51 for green"
        )
    if not (pixel_size_um > 0 and math.isfinite(pixel_size_um)):
        raise UserError(f"the size of a pixel is a number of micrometres above 0; got {pixel_size_um:g}")
    variance = _widefield_sigma(numerical_aperture, wavelength_um) ** 2
    if high_numerical_aperture is not None:
        if not numerical_aperture < high_numerical_aperture <= 1.8:
            raise UserError(
                f"the high-resolution objective has a numerical aperture above {numerical_aperture:g}, "
                f"that of the low-resolution one, and up to 1.8; got {high_numerical_aperture:g}"
            )
        variance -= _widefield_sigma(high_numerical_aperture, wavelength_um) ** 2
    sigma = math.sqrt(variance) / pixel_size_um
    radius = math.ceil(3.5 * sigma)
    if radius > LARGEST_RADIUS:
        raise UserError(
            f"with a pixel of {pixel_size_um:g} um this blur has a sigma of {sigma:.0f} pixels; the pixel "
            "size is that of the high-resolution image in micrometres, as in its metadata"
        )
    edges = np.arange(-radius, radius + 2) - 0.5
    line = np.diff(erf(edges / (math.sqrt(2) * sigma)))
    return PointSpread(_as_value(np.outer(line, line)))


AIRY_REACH = 5.0
"""Sigmas of the nearest Gaussian at which the Airy pattern is cut off; 9 tenths of its light lie within."""
AIRY_SAMPLES = 5
"""Places along the side of a pixel over which it is integrated."""
AIRY_STEP = 0.05
"""Pixels to which its width is rounded, so that few of them are computed."""


def airy_psf(sigma: float) -> PointSpread:
    """The Airy pattern, the point spread function of a perfect lens, as wide as a Gaussian.

    Source: Born, M. and Wolf, E. Principles of Optics, section 8.5.2: ``(2 * J1(v) / v)**2`` with
    ``v = 2 * pi * NA * r / wavelength``. The Gaussian nearest to it has
    ``sigma = sqrt(2) * wavelength / (2 * pi * NA)`` (Zhang et al. 2007, table 1), so that
    ``v = sqrt(2) * r / sigma``. It has a dark ring and a faint wide rim that the Gaussian does not have.

    Parameters
    ----------
    sigma
        Sigma of the nearest Gaussian in pixels; rounded to :data:`AIRY_STEP`.
    """
    return _airy(max(round(sigma / AIRY_STEP), 1))


@lru_cache(maxsize=128)
def _airy(steps: int) -> PointSpread:
    sigma = steps * AIRY_STEP
    radius = math.ceil(AIRY_REACH * sigma)
    side = (2 * radius + 1) * AIRY_SAMPLES
    places = (np.arange(side) - (side - 1) / 2) / AIRY_SAMPLES
    v = np.maximum(math.sqrt(2) * np.hypot(places[:, None], places) / sigma, 1e-9)
    light = (2 * j1(v) / v) ** 2
    pixels = light.reshape(2 * radius + 1, AIRY_SAMPLES, 2 * radius + 1, AIRY_SAMPLES).sum(axis=(1, 3))
    return PointSpread(_as_value(pixels))


def _widefield_sigma(numerical_aperture: float, wavelength: float) -> float:
    return math.sqrt(2) * wavelength / (2 * math.pi * numerical_aperture)


def read_psf(array: Any) -> PointSpread:
    """Check a point spread function that was measured or computed, and bring it into place.

    An even background is taken off, its centre of mass is moved into the middle of an odd square (by
    linear interpolation, which keeps sum and sign), its faint rim is left out, its sum becomes 1.
    Whatever changed it is said in its notes.

    Parameters
    ----------
    array
        ``(Y, X)`` on the pixel grid of the high-resolution image; other axes of size 1 are left out.

    Raises
    ------
    UserError
        If it has a third axis, values that are not finite, too many negative ones, or no light.
    """
    spot = _checked(array)
    notes: list[str] = []
    spot = _without_background(spot, notes)
    spot = _without_negatives(spot, notes)
    spot = _centred(spot, notes)
    spot = _without_rim(spot, notes)
    return PointSpread(_as_value(spot), tuple(notes))


def _checked(array: Any) -> NDArray[np.float64]:
    checked = check_array(array)
    spot = np.asarray(checked[...]).astype(np.float64)
    spot = spot.reshape([size for size in spot.shape if size > 1] or [1])
    if spot.ndim > 2:
        raise UserError(
            f"a point spread function is one plane; got {spot.ndim} axes, shape {spot.shape}: blur is "
            "simulated within a plane, so give the plane in focus"
        )
    spot = spot.reshape(1, -1) if spot.ndim == 1 else spot
    wrong = int(np.sum(~np.isfinite(spot)))
    if wrong:
        raise UserError(
            f"{wrong} of {spot.size} values of the point spread function are NaN or infinite; replace "
            "them by 0"
        )
    return spot


def _without_background(spot: NDArray[np.float64], notes: list[str]) -> NDArray[np.float64]:
    """Take off a level that is the same all around the spot, and the noise on it.

    A spot that is cut off by its frame has no such rim: it still falls there.
    """
    if min(spot.shape) < 9:
        return spot
    outer, inner = _ring(spot, 0), _ring(spot, 1)
    level = float(np.median(outer))
    height = float(spot.max()) - level
    noise = 1.4826 * float(np.median(np.abs(outer - level)))
    if height <= 10 * noise or abs(float(np.median(inner)) - level) > max(0.01 * height, noise):
        return spot
    if max(abs(level), noise) <= 1e-3 * height:  # the faint rings of a computed one are its own
        return spot
    notes.append(
        f"the background of the point spread function, {significant(level, 4)}, was taken off with its noise"
    )
    return np.where(spot > level + 3 * noise, spot - level, 0.0)


def _ring(spot: NDArray[np.float64], depth: int) -> NDArray[np.float64]:
    rows, columns = spot.shape
    inside = spot[depth : rows - depth, depth : columns - depth]
    return np.concatenate([inside[0], inside[-1], inside[1:-1, 0], inside[1:-1, -1]])


def _without_negatives(spot: NDArray[np.float64], notes: list[str]) -> NDArray[np.float64]:
    light, missing = float(spot[spot > 0].sum()), float(-spot[spot < 0].sum())
    if light == 0:
        raise UserError(
            "the point spread function has no light: no value is above 0; choose the layer of the spot"
        )
    if missing > 0.05 * light:
        raise UserError(
            f"negative values make up {missing / light:.0%} of the point spread function, and no light is "
            "negative; choose the layer of the spot itself, not of its Fourier transform or of a difference"
        )
    if missing > 1e-3 * light:
        notes.append(f"negative values of the point spread function ({missing / light:.1%}) were set to 0")
    return np.maximum(spot, 0.0)


def _centred(spot: NDArray[np.float64], notes: list[str]) -> NDArray[np.float64]:
    """Move a spot into an odd square with its centre of mass in the middle."""
    spot = spot / spot.max()
    spot, moved = _centred_once(spot)
    # An even side has its middle between pixels: half a pixel is no news.
    if max(abs(moved)) > 0.6:
        y, x = moved
        notes.append(
            f"the point spread function's centre of mass lies {y:+.1f} rows and {x:+.1f} columns from the "
            "middle of its layer; it was moved there, so that images are not shifted"
        )
    return spot


def _centred_once(spot: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    centre = np.array([_centre(spot.sum(axis=1)), _centre(spot.sum(axis=0))])
    sides = np.array(spot.shape)
    reach = math.ceil(max(np.max(centre), np.max(sides - 1 - centre)))
    first = np.round(centre).astype(int) - reach - 1
    frame = np.zeros((2 * reach + 3,) * 2)
    frame[-first[0] : sides[0] - first[0], -first[1] : sides[1] - first[1]] = spot
    frame = shift(frame, np.round(centre) - centre, order=1)
    return np.maximum(frame, 0.0), centre - (sides - 1) / 2


def _centre(profile: NDArray[np.float64]) -> float:
    return float(np.sum(np.arange(profile.size) * profile) / profile.sum())


def _without_rim(spot: NDArray[np.float64], notes: list[str]) -> NDArray[np.float64]:
    """The square that holds the light; the rest is too faint to be worth its time."""
    middle = len(spot) // 2
    y, x = np.indices(spot.shape) - middle
    rings = np.bincount(np.maximum(abs(y), abs(x)).ravel(), spot.ravel())
    light = np.cumsum(rings) / rings.sum()
    radius = min(int(np.searchsorted(light, KEPT_LIGHT)), LARGEST_RADIUS)
    if light[radius] < 0.5:
        raise UserError(
            f"the point spread function is no spot: {light[radius]:.0%} of its light lies within {radius} "
            "pixels of its middle; choose the layer of one spot, cut out of its surroundings"
        )
    if light[radius] < 0.99:
        notes.append(
            f"{1 - light[radius]:.1%} of the point spread function's light lies more than {radius} pixels "
            "from its middle and is left out"
        )
    cut = spot[middle - radius : middle + radius + 1, middle - radius : middle + radius + 1]
    # What was cut off may have lain on one side.
    again, _ = _centred_once(cut)
    return again


def _as_value(spot: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """Rounded to what a card needs, without empty lines around it."""
    rounded = np.round(spot / spot.sum(), 9)
    while len(rounded) > 1 and not _ring(rounded, 0).any():
        rounded = rounded[1:-1, 1:-1]
    return tuple(tuple(float(value) for value in row) for row in rounded)
