"""How a network does on what was held back, in grey levels of the high-resolution images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.models.error_table import ErrorTable
from napari_srgan.networks import Generator, bicubic_upsample
from napari_srgan.networks.temporal import TemporalGenerator
from napari_srgan.quality.calibration import BlockErrors, blocks_of, calibrate
from napari_srgan.quality.matching import affine_map, match_intensities
from napari_srgan.training.fine_tuning.clips import Clip
from napari_srgan.training.fine_tuning.planes import LearnedPlane
from napari_srgan.training.fine_tuning.progress import HELD_BACK, Preview
from napari_srgan.training.fine_tuning.split import SplitBlock
from napari_srgan.training.loop.precision import mixed_precision

_MOST_PIXELS = 2**16
"""Low-resolution pixels that are judged, over all planes: validations must not hold up the training."""
LARGEST_SIDE = 256
"""Low-resolution pixels along the side of one crop."""
CONTEXT = 48
"""Low-resolution pixels around a crop that the network sees, but that are not judged."""
_PREVIEW_SIDE = 64
"""Low-resolution pixels along the side of the crop that is shown."""
MOST_CROPS = 32
"""Frames, or single images."""
EIGHT_BIT = 255.0
_BLURS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
"""Sigmas in pixels of the Gaussian blurs that a model of factor 1 is compared with."""


@dataclass(frozen=True)
class Crop:
    """A part of a clip that is held back, with surroundings; of single images a clip of one."""

    source: str
    low: Tensor
    """``(T, C, Y, X)`` in the network's range, with context in space and in time."""
    own: slice
    """Which of these frames are judged."""
    truth: NDArray[np.float32]
    """``(T', Y * factor, X * factor, C)`` in grey levels, without context."""
    counted: NDArray[np.bool_]
    """``(T', Y * factor, X * factor)``: what is judged."""
    inner: tuple[slice, slice]
    """What of the network's result is without context."""
    target: IntensityTransform
    signal: float
    """How much there is to be seen."""

    def result(self, upscaled: Tensor) -> NDArray[np.float32]:
        """What a network makes of :attr:`low`, ``(T', C, Y, X)``, without context, in grey levels."""
        inner = upscaled[..., *self.inner].float().cpu().numpy().transpose(0, 2, 3, 1)
        return self.target.invert(np.ascontiguousarray(inner), np.dtype(np.float32))


UpscaleCrop = Callable[[Crop], Tensor]
"""Makes ``(T', C, Y * factor, X * factor)``."""


class Judge:
    """Compares networks on the same held-back pixels.

    Parameters
    ----------
    crops
        To judge on.
    shown
        For previews.
    factor
        Scale factor of the resolution.
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
            return self.figures(lambda crop: _through(network, crop.low.to(device)))

    def bicubic(self) -> dict[str, float]:
        """The same of bicubic interpolation; at a factor of 1 it is the input itself."""
        return self.figures(self.interpolate)

    def smoothed(self) -> dict[str, float]:
        """PSNR in dB by source of the input after a Gaussian blur, the best one of :data:`_BLURS` for all.

        What a model of factor 1 has to beat: it costs nothing, and takes off most of the noise.
        """
        each = [self.figures(partial(_blurred, sigma=sigma)) for sigma in _BLURS]
        return max(each, key=lambda figures: sum(figures.values()))

    def interpolate(self, crop: Crop) -> Tensor:
        """The frames of a crop that are judged, ``(T', C, Y * factor, X * factor)``."""
        return bicubic_upsample(crop.low[crop.own], self._factor)

    def figures(self, upscale: UpscaleCrop) -> dict[str, float]:
        """PSNR in dB by source of anything that upscales crops in the network's range.

        All pixels of a source are taken together, or planes without signal would count most.
        """
        return {
            name: _psnr(result, truth, self._peak(truth)) for name, result, truth in self.compared(upscale)
        }

    def compared(
        self, upscale: UpscaleCrop
    ) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
        """Results and truth of all counted pixels, by source; brightness matched, if so wished."""
        by_source: dict[str, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = defaultdict(list)
        for crop in self.crops:
            result = crop.result(upscale(crop))
            by_source[crop.source].append((result[crop.counted], crop.truth[crop.counted]))
        for name, pairs in by_source.items():
            all_results, all_truth = (
                np.concatenate([p[side].ravel() for p in pairs]).astype(np.float64) for side in (0, 1)
            )
            matched = match_intensities(all_results, all_truth) if self.matched else all_results
            yield name, matched, all_truth

    def error_table(self, network: Generator, device: torch.device) -> ErrorTable | None:
        """How wrong the network is on what is counted, in grey levels of its results.

        The truth is brought to the brightness of results. None if too little is counted, and where low
        resolution is simulated: real images would not be as wrong as simulated ones.
        """
        if not self.matched:
            return None
        network.eval()
        by_source: dict[str, list[tuple[Crop, NDArray[np.float32]]]] = defaultdict(list)
        with torch.inference_mode(), mixed_precision(device):
            for crop in self.crops:
                by_source[crop.source].append((crop, crop.result(_through(network, crop.low.to(device)))))
        blocks: list[BlockErrors] = []
        for made in by_source.values():
            ours = np.concatenate([result[crop.counted].ravel() for crop, result in made])
            theirs = np.concatenate([crop.truth[crop.counted].ravel() for crop, _ in made])
            gain, offset = affine_map(ours, theirs)
            if gain <= 0:
                return None
            for crop, result in made:
                truth = (crop.truth.astype(np.float64) - offset) / gain
                for frame, sample in np.ndindex(len(result), result.shape[-1]):
                    plane = result[frame, ..., sample].astype(np.float64)
                    blocks += blocks_of(plane, truth[frame, ..., sample], crop.counted[frame])
        return calibrate(blocks)

    def _peak(self, truth: NDArray[np.float64]) -> float:
        return EIGHT_BIT if self._eight_bit else max(float(np.ptp(truth)), 1e-12)

    def preview(self, network: Generator, device: torch.device) -> Preview:
        """What the network makes of one crop now."""
        crop = self._shown
        network.eval()
        with torch.inference_mode(), mixed_precision(device):
            now = _shown(crop.result(_through(network, crop.low.to(device))))
        bicubic = _shown(crop.result(self.interpolate(crop)))
        truth = _shown(crop.truth)
        if self.matched:
            now, bicubic = (match_intensities(each, truth).astype(np.float32) for each in (now, bicubic))
        low = bicubic_like(bicubic, self._factor)
        limits = np.percentile(truth[np.isfinite(truth)], [0.5, 99.8])
        return Preview(
            low=_plane(low),
            bicubic=_plane(bicubic),
            now=_plane(now),
            high=_plane(truth),
            limits=(float(limits[0]), float(max(limits[1], limits[0] + 1e-6))),
        )


def _blurred(crop: Crop, sigma: float) -> Tensor:
    return torch.from_numpy(gaussian_filter(crop.low[crop.own].numpy(), (0, 0, sigma, sigma)))


def _through(network: Generator, frames: Tensor) -> Tensor:
    """Frames ``(T, C, Y, X)`` as they come out; a network of single images sees each by itself."""
    made: Tensor = network(frames[None])[0] if isinstance(network, TemporalGenerator) else network(frames)
    return made


def _shown(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """The frame in the middle."""
    middle: NDArray[np.float32] = frames[len(frames) // 2]
    return middle


def _plane(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(Y, X)`` or ``(Y, X, 3)`` from ``(Y, X, C)``."""
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels


def bicubic_like(bicubic: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The low-resolution pixels at the brightness of their interpolation ``(Y * factor, X * factor, C)``."""
    y, x, channels = bicubic.shape
    blocks = bicubic.reshape(y // factor, factor, x // factor, factor, channels)
    means: NDArray[np.float32] = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def crops_of(
    clips: Sequence[Clip],
    low_of: Callable[[Clip], Tensor],
    truth_of: Callable[[LearnedPlane], Tensor],
    factor: int,
) -> tuple[list[Crop], Crop]:
    """A crop of each held-back block of each clip, up to :data:`_MOST_PIXELS` in all, and a smaller one to be
    shown.

    Parameters
    ----------
    clips
        Clips of which something is held back.
    low_of
        ``(T, C, Y, X)`` of all frames that go in, in the network's range.
    truth_of
        ``(C, Y * factor, X * factor)`` of a frame that comes out, in the network's range.
    factor
        Scale factor of the resolution.
    """
    parts = [(clip, block) for clip in clips for block in _blocks_of(clip)]
    frames = sum(len(clip.made) for clip, _ in parts)
    side = int(min(LARGEST_SIDE, (_MOST_PIXELS / frames) ** 0.5))
    crops = [_crop(clip, block, low_of, truth_of, factor, side) for clip, block in parts]
    clip, block = parts[int(np.argmax([crop.signal for crop in crops]))]
    return crops, _crop(clip, block, low_of, truth_of, factor, _PREVIEW_SIDE)


def _blocks_of(clip: Clip) -> list[SplitBlock]:
    """Rectangles around what is held back of a clip: of whole frames one."""
    held = _held(clip)
    return (
        [_around(held)]
        if not clip.made[0].split.blocks
        else [_within(block, held[block]) for block in clip.made[0].split.blocks if held[block].any()]
    )


def _within(block: SplitBlock, places: NDArray[np.bool_]) -> SplitBlock:
    y, x = (
        slice(span.start + inner.start, span.start + inner.stop)
        for span, inner in zip(block, _around(places), strict=True)
    )
    return y, x


def _held(clip: Clip) -> NDArray[np.bool_]:
    """``(Y, X)``: what is held back of some frame."""
    held: NDArray[np.bool_] = np.logical_or.reduce([p.split.roles == HELD_BACK for p in clip.made])
    return held


def _crop(
    clip: Clip,
    block: SplitBlock,
    low_of: Callable[[Clip], Tensor],
    truth_of: Callable[[LearnedPlane], Tensor],
    factor: int,
    side: int,
) -> Crop:
    held = np.stack([plane.split.roles == HELD_BACK for plane in clip.made])
    signal = np.mean([plane.signal for plane in clip.made], axis=0)
    anywhere = _held(clip)
    inner = _busiest(np.where(anywhere, signal, 0), block, side)
    outer = tuple(
        slice(max(span.start - CONTEXT, 0), min(span.stop + CONTEXT, size))
        for span, size in zip(inner, anywhere.shape, strict=True)
    )
    y, x = (_finer(span, factor) for span in inner)
    truth = torch.stack([truth_of(plane)[:, y, x] for plane in clip.made]).numpy().transpose(0, 2, 3, 1)
    first = clip.made[0]
    return Crop(
        source=first.source,
        low=low_of(clip)[:, :, outer[0], outer[1]].clone(),
        own=clip.own,
        truth=first.target.invert(np.ascontiguousarray(truth), np.dtype(np.float32)),
        counted=held[:, *inner].repeat(factor, axis=1).repeat(factor, axis=2),
        inner=(
            _finer(slice(inner[0].start - outer[0].start, inner[0].stop - outer[0].start), factor),
            _finer(slice(inner[1].start - outer[1].start, inner[1].stop - outer[1].start), factor),
        ),
        target=first.target,
        signal=float(signal[inner].mean()),
    )


def _around(places: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rectangle around some pixels."""
    y, x = (slice(int(found.min()), int(found.max()) + 1) for found in np.nonzero(places))
    return y, x


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
