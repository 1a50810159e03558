"""Pixels read for one tile of one plane: to a batch for the network, and its answer back to quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.inference.intensity import IntensityTransform, smaller, working_dtype
from napari_srgan.inference.nonfinite import fill_nonfinite, put_back_nonfinite
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

    def to_batch(self, transform: IntensityTransform, channels: int) -> NDArray[np.float32]:
        """Make what the network sees: ``(N, C, Y, X)`` of float32.

        A one-channel model sees colours one by one (N = 3); an RGB model sees gray as
        three equal channels.
        """
        colours = np.stack([self._continued(self._filled(transform, k)) for k in range(self._colours)])
        values = transform.apply(colours)
        if channels == 1:
            return values[:, None]
        return (values if len(values) == channels else values.repeat(channels, axis=0))[None]

    def from_batch(
        self, result: NDArray[np.float32], transform: IntensityTransform, factor: int
    ) -> NDArray[Any]:
        """Turn the network's answer into quantities of the result.

        Parameters
        ----------
        result
            ``(N, C, Y * factor, X * factor)`` of float32: the network's answer to :meth:`to_batch`.
        transform
            The transform that the batch was made with.
        factor
            The scale factor.

        Returns
        -------
        NDArray
            ``(Y * factor, X * factor, K)`` of a float dtype: the tile's own pixels, not yet rounded.
        """
        planes = result[:, 0] if result.shape[1] == 1 else result[0]
        if self._colours == 1:  # an RGB model on gray answers three times
            planes = planes.mean(axis=0, keepdims=True)
        if self.result is not None:
            transform = IntensityTransform(self.result.offset, self.result.span)
        values = transform.invert(_trimmed(planes, self.windows, factor), self.result_dtype)
        samples = list(values)
        if self.pixels.shape[2] > ALPHA:
            opaque = full_scale(self.result_dtype) / full_scale(self.pixels.dtype)
            samples.append(self._alpha(factor) * opaque if opaque != 1 else self._alpha(factor))
        own = self._own_pixels()
        return np.stack([put_back_nonfinite(s, own[..., k], factor) for k, s in enumerate(samples)], axis=-1)

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
        return self.from_batch(low.repeat(factor, axis=2).repeat(factor, axis=3), transform, factor)

    @property
    def _colours(self) -> int:
        return min(int(self.pixels.shape[2]), ALPHA)

    def _filled(self, transform: IntensityTransform, sample: int) -> NDArray[Any]:
        plane = self.pixels[..., sample]
        return fill_nonfinite(plane, transform.offset) if plane.dtype.kind == "f" else plane

    def _continued(self, plane: NDArray[Any]) -> NDArray[Any]:
        """The windows' pixels, continued by reflection where the plane ends."""
        inside = tuple(
            slice(w.read.start - at, w.read.stop - at)
            for w, at in zip(self.windows, self.offset, strict=True)
        )
        wide = np.pad(plane[inside], [w.pad for w in self.windows], mode="symmetric")
        y, x = (slice(w.cut[0], size - w.cut[1]) for w, size in zip(self.windows, wide.shape, strict=True))
        return wide[y, x]

    def _alpha(self, factor: int) -> NDArray[Any]:
        alpha = self._continued(self._filled(IntensityTransform(0.0, 1.0), ALPHA))
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


def _trimmed(planes: NDArray[Any], windows: tuple[TileWindow, ...], factor: int) -> NDArray[Any]:
    """Cut off what is not the tile's own: ``(K, Y, X)``."""
    y, x = (
        slice(before * factor, size - after * factor)
        for (before, after), size in zip((w.trim for w in windows), planes.shape[1:], strict=True)
    )
    return planes[:, y, x]
