"""Pixels read for one tile of one plane: to a batch for the network, and its answer back to quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.images.arrays import restore_dtype
from napari_srgan.inference.intensity import IntensityTransform, smaller, working_dtype
from napari_srgan.inference.nonfinite import fill_nonfinite, put_back_nonfinite
from napari_srgan.inference.tiles.tile_run import finished_frame, network_input
from napari_srgan.inference.tiles.tiling import Tile, TileWindow
from napari_srgan.models.card import ResultIntensity
from napari_srgan.networks import bicubic_upsample

ALPHA = 3
"""Place of the alpha sample in RGBA."""


@dataclass(frozen=True)
class TileBatch:
    """Pixels read for one tile, and where they lie."""

    pixels: NDArray[Any]
    """``(Y, X, K)`` of any real dtype, K = 1, 3 or 4 samples."""
    offset: tuple[int, ...]
    """Y and X of the first pixel in the plane."""
    windows: tuple[TileWindow, ...]
    tile: Tile
    result: ResultIntensity | None
    """Quantities of the result, if they are not those of the pixels."""
    result_dtype: np.dtype[Any]

    def raw(self, transform: IntensityTransform) -> NDArray[Any]:
        """What the network is to see, before any arithmetic: ``(Y, X, K)`` without alpha, all of it finite.

        Pixels that are not are filled from around them. Of a dtype that torch knows, in memory of its own or
        in that of the image.
        """
        plane = self.pixels[..., : self._colours]
        if plane.dtype.kind == "f" and not np.isfinite(plane).all():
            plane = np.stack(
                [fill_nonfinite(plane[..., k], transform.offset) for k in range(self._colours)], -1
            )
        return _for_torch(self._continued(plane))

    def to_batch(self, transform: IntensityTransform, channels: int) -> NDArray[np.float32]:
        """Make what the network sees of one frame, ``(N, C, Y, X)`` of float32, on the host."""
        raw = self.raw(transform)
        with torch.inference_mode():
            low = network_input(torch.from_numpy(raw)[None], (transform,), channels, raw.dtype)
        values: NDArray[np.float32] = low[:, 0].numpy()
        return values

    def completed(self, pixels: NDArray[Any], factor: int) -> NDArray[Any]:
        """Add what no network is asked for: alpha, which is interpolated, and pixels that are not finite.

        Parameters
        ----------
        pixels
            ``(Y * factor, X * factor, K)`` of the tile's own pixels, of the result's dtype or its working
            dtype.
        factor
            The scale factor.
        """
        rounded = pixels.dtype == self.result_dtype
        if self.pixels.shape[2] > ALPHA:
            opaque = full_scale(self.result_dtype) / full_scale(self.pixels.dtype)
            alpha = self._alpha(factor) * opaque if opaque != 1 else self._alpha(factor)
            alpha = restore_dtype(alpha, self.result_dtype) if rounded else alpha
            pixels = np.concatenate([pixels, alpha[..., None]], axis=-1)
        own = self._own_pixels()
        if own.dtype.kind != "f" or np.isfinite(own).all():
            return pixels
        samples = [put_back_nonfinite(pixels[..., k], own[..., k], factor) for k in range(pixels.shape[-1])]
        return np.stack(samples, axis=-1)

    def repeated(self, transform: IntensityTransform, factor: int) -> NDArray[Any]:
        """Repeat every pixel as often as the result has pixels for it: this is what an empty frame becomes.

        Parameters
        ----------
        transform
            The transform of the image's intensities.
        factor
            The scale factor.

        Returns
        -------
        NDArray
            ``(Y * factor, X * factor, K)``: the tile's own pixels as quantities of the result, of a float
            dtype.
        """
        if self.result is None:
            own = self._own_pixels().repeat(factor, axis=0).repeat(factor, axis=1)
            return own.astype(working_dtype(own.dtype))
        low = self.to_batch(transform, 1)
        high = torch.from_numpy(low.repeat(factor, axis=2).repeat(factor, axis=3))
        to_result = self.quantities(transform)
        pixels = finished_frame(
            high, self.windows, to_result, factor, self._colours, self.result_dtype, rounded=False
        )
        return self.completed(pixels.numpy(), factor)

    def quantities(self, transform: IntensityTransform) -> IntensityTransform:
        """From the network's range to quantities of the result, for a frame that was seen by a transform."""
        if self.result is None:
            return transform
        return IntensityTransform(self.result.offset, self.result.span)

    @property
    def _colours(self) -> int:
        return min(int(self.pixels.shape[2]), ALPHA)

    def _continued(self, plane: NDArray[Any]) -> NDArray[Any]:
        """The windows' pixels ``(Y, X, ...)``, continued by reflection where the plane ends."""
        inside = tuple(
            slice(w.read.start - at, w.read.stop - at)
            for w, at in zip(self.windows, self.offset, strict=True)
        )
        wide = plane[inside]
        if any(any(w.pad) for w in self.windows):
            others = [(0, 0)] * (plane.ndim - len(self.windows))
            wide = np.pad(wide, [w.pad for w in self.windows] + others, mode="symmetric")
        y, x = (slice(w.cut[0], size - w.cut[1]) for w, size in zip(self.windows, wide.shape, strict=False))
        return wide[y, x]

    def _alpha(self, factor: int) -> NDArray[Any]:
        alpha = self.pixels[..., ALPHA]
        alpha = self._continued(fill_nonfinite(alpha, 0.0) if alpha.dtype.kind == "f" else alpha)
        alpha = alpha.astype(working_dtype(alpha.dtype))
        small, limits = smaller(alpha), np.finfo(alpha.dtype)
        planes = torch.from_numpy(alpha * alpha.dtype.type(small))[None, None]
        large: NDArray[Any] = bicubic_upsample(planes, factor)[0].numpy()
        if small != 1:
            large = large.clip(limits.min * small, limits.max * small) / alpha.dtype.type(small)
        plane: NDArray[Any] = _trimmed(large, self.windows, factor)[0]
        return plane

    def _own_pixels(self) -> NDArray[Any]:
        y, x = (
            slice(span.start - at, span.stop - at)
            for span, at in zip((self.tile.y, self.tile.x), self.offset, strict=True)
        )
        own: NDArray[Any] = self.pixels[y, x]
        return own


def full_scale(dtype: np.dtype[Any]) -> float:
    """What stands for opaque."""
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0


def _for_torch(pixels: NDArray[Any]) -> NDArray[Any]:
    """Pixels in an order of bytes and of memory that torch can take, copied only if they are not so."""
    native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return np.require(native, requirements=["C_CONTIGUOUS", "WRITEABLE"])


def _trimmed(planes: NDArray[Any], windows: tuple[TileWindow, ...], factor: int) -> NDArray[Any]:
    """Cut off what is not the tile's own: ``(K, Y, X)``."""
    y, x = (
        slice(before * factor, size - after * factor)
        for (before, after), size in zip((w.trim for w in windows), planes.shape[1:], strict=True)
    )
    return planes[:, y, x]
