"""How a network does on what was held back, in grey levels of the high-resolution images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.networks import Generator, bicubic_upsample
from napari_srgan.quality.matching import match_intensities
from napari_srgan.training.fine_tune.planes import LearnedPlane
from napari_srgan.training.fine_tune.progress import HELD_BACK, Preview
from napari_srgan.training.precision import mixed_precision

MOST_PIXELS = 2**16
"""Low-resolution pixels that are judged, over all planes: validations must not hold up the training."""
LARGEST_SIDE = 256
"""Low-resolution pixels along the side of one crop."""
CONTEXT = 48
"""Low-resolution pixels around a crop that the network sees, but that are not judged."""
PREVIEW_SIDE = 64
"""Low-resolution pixels along the side of the crop that is shown."""
MOST_CROPS = 32
EIGHT_BIT = 255.0

Upscale = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Crop:
    """A part of a plane that is held back, with surroundings."""

    source: str
    low: Tensor
    """``(C, Y, X)`` in the network's range, with context."""
    truth: NDArray[np.float32]
    """``(Y * factor, X * factor, C)`` in grey levels, without context."""
    counted: NDArray[np.bool_]
    """``(Y * factor, X * factor)``: what is judged."""
    inner: tuple[slice, slice]
    """What of the network's result is without context."""
    target: IntensityTransform
    signal: float
    """How much there is to be seen."""

    def result(self, upscaled: Tensor) -> NDArray[np.float32]:
        """What a network makes of :attr:`low`, without context, in grey levels."""
        inner = upscaled[:, *self.inner].float().cpu().numpy().transpose(1, 2, 0)
        return self.target.invert(np.ascontiguousarray(inner), np.dtype(np.float32))


class Judge:
    """Compares networks on the same held-back pixels.

    Parameters
    ----------
    crops
        To judge on.
    shown
        For previews.
    factor
        Of the resolution.
    matched
        Bring each result to the truth's brightness first, as is fair between images that were
        taken with two microscopes.
    eight_bit
        Whether the largest difference possible is 255; otherwise it is the range of the truth.
    """

    def __init__(
        self, crops: list[Crop], shown: Crop, factor: int, *, matched: bool, eight_bit: bool
    ) -> None:
        self.crops, self.matched = crops, matched
        self._shown = shown
        self._factor = factor
        self._eight_bit = eight_bit

    @property
    def protocol(self) -> str:
        """How it is measured, for a card."""
        peak = "peak 255" if self._eight_bit else "peak = range of the truth"
        return "held-back blocks, " + ("brightness matched, " if self.matched else "") + peak

    def judge(self, network: Generator, device: torch.device) -> dict[str, float]:
        """PSNR in dB by source."""
        network.eval()
        with torch.inference_mode(), mixed_precision(device):
            return self.figures(lambda low: network(low[None].to(device))[0])

    def bicubic(self) -> dict[str, float]:
        """The same of bicubic interpolation."""
        return self.figures(self.interpolate)

    def interpolate(self, low: Tensor) -> Tensor:
        """``(C, Y, X)`` to ``(C, Y * factor, X * factor)``."""
        return bicubic_upsample(low[None], self._factor)[0]

    def figures(self, upscale: Upscale) -> dict[str, float]:
        """PSNR in dB by source of anything that upscales ``(C, Y, X)`` in the network's range.

        All pixels of a source are taken together, or planes without signal would count most.
        """
        return {
            name: _psnr(result, truth, self._peak(truth)) for name, result, truth in self.compared(upscale)
        }

    def compared(self, upscale: Upscale) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
        """Results and truth of all counted pixels, by source; brightness matched, if so wished."""
        by_source: dict[str, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = defaultdict(list)
        for crop in self.crops:
            result = crop.result(upscale(crop.low))
            by_source[crop.source].append((result[crop.counted], crop.truth[crop.counted]))
        for name, pairs in by_source.items():
            all_results, all_truth = (
                np.concatenate([p[side].ravel() for p in pairs]).astype(np.float64) for side in (0, 1)
            )
            matched = match_intensities(all_results, all_truth) if self.matched else all_results
            yield name, matched, all_truth

    def _peak(self, truth: NDArray[np.float64]) -> float:
        return EIGHT_BIT if self._eight_bit else max(float(np.ptp(truth)), 1e-12)

    def preview(self, network: Generator, device: torch.device) -> Preview:
        """What the network makes of one crop now."""
        crop = self._shown
        network.eval()
        with torch.inference_mode(), mixed_precision(device):
            now = crop.result(network(crop.low[None].to(device))[0])
        bicubic = crop.result(self.interpolate(crop.low))
        if self.matched:
            now, bicubic = (match_intensities(each, crop.truth).astype(np.float32) for each in (now, bicubic))
        low = bicubic_like(bicubic, self._factor)
        limits = np.percentile(crop.truth[np.isfinite(crop.truth)], [0.5, 99.8])
        return Preview(
            low=_plane(low),
            bicubic=_plane(bicubic),
            now=_plane(now),
            high=_plane(crop.truth),
            limits=(float(limits[0]), float(max(limits[1], limits[0] + 1e-6))),
        )


def _plane(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(Y, X)`` or ``(Y, X, 3)`` from ``(Y, X, C)``."""
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def bicubic_like(bicubic: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The low-resolution pixels at the brightness of their interpolation ``(Y * factor, X * factor, C)``."""
    y, x, channels = bicubic.shape
    blocks = bicubic.reshape(y // factor, factor, x // factor, factor, channels)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def judged_planes(planes: list[LearnedPlane]) -> list[LearnedPlane]:
    """Planes of which something is held back: all, or some of each source if there are many."""
    by_source: dict[str, list[LearnedPlane]] = defaultdict(list)
    for plane in planes:
        if (plane.split.roles == HELD_BACK).any():
            by_source[plane.source].append(plane)
    most = max(MOST_CROPS // max(len(by_source), 1), 1)
    return [
        of_one[int(i)]
        for of_one in by_source.values()
        for i in np.linspace(0, len(of_one) - 1, min(len(of_one), most))
    ]


def crops_of(planes: list[LearnedPlane], lows: list[Tensor], factor: int) -> tuple[list[Crop], Crop]:
    """A held-back crop of each plane, up to :data:`MOST_PIXELS` in all, and a smaller one to be shown.

    Parameters
    ----------
    planes
        Of which something is held back; their `high` is in the network's range.
    lows
        ``(C, Y, X)`` of each, in the network's range.
    factor
        Of the resolution.
    """
    chosen = list(zip(planes, lows, strict=True))
    side = int(min(LARGEST_SIDE, (MOST_PIXELS / len(chosen)) ** 0.5))
    crops = [_crop(plane, low, factor, side) for plane, low in chosen]
    plane, low = chosen[int(np.argmax([crop.signal for crop in crops]))]
    return crops, _crop(plane, low, factor, PREVIEW_SIDE)


def _crop(plane: LearnedPlane, low: Tensor, factor: int, side: int) -> Crop:
    roles = plane.split.roles
    block = plane.split.held_back
    inner = _busiest(np.where(roles == HELD_BACK, plane.signal, 0), block, side)
    outer = [
        slice(max(span.start - CONTEXT, 0), min(span.stop + CONTEXT, size))
        for span, size in zip(inner, roles.shape, strict=True)
    ]
    truth = plane.high[:, *(_finer(span, factor) for span in inner)].numpy().transpose(1, 2, 0)
    held = roles[inner] == HELD_BACK
    return Crop(
        source=plane.source,
        low=low[:, *outer],
        truth=plane.target.invert(np.ascontiguousarray(truth), np.dtype(np.float32)),
        counted=held.repeat(factor, axis=0).repeat(factor, axis=1),
        inner=(
            _finer(slice(inner[0].start - outer[0].start, inner[0].stop - outer[0].start), factor),
            _finer(slice(inner[1].start - outer[1].start, inner[1].stop - outer[1].start), factor),
        ),
        target=plane.target,
        signal=float(plane.signal[inner].mean()),
    )


def _finer(span: slice, factor: int) -> slice:
    return slice(span.start * factor, span.stop * factor)


def _busiest(signal: NDArray[np.float32], block: tuple[slice, slice], side: int) -> tuple[slice, slice]:
    """The window of a block that has most signal, as large as `side` and the block allow."""
    part = np.asarray(signal[block], np.float64)
    size = [min(side, length) for length in part.shape]
    sums = np.pad(part, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = (
        sums[size[0] :, size[1] :]
        - sums[: -size[0], size[1] :]
        - sums[size[0] :, : -size[1]]
        + sums[: -size[0], : -size[1]]
    )
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    top, left = block[0].start + int(y), block[1].start + int(x)
    return slice(top, top + size[0]), slice(left, left + size[1])


def _psnr(result: NDArray[np.float64], truth: NDArray[np.float64], peak: float) -> float:
    error = float(np.mean((result - truth) ** 2))
    return float(10 * np.log10(peak**2 / max(error, 1e-12 * peak**2)))
