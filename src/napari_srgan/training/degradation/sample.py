"""A noisy image beside a good one with its noise simulated, to be compared by eye before a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.significant import significant
from napari_srgan.training.degradation.measured import AROUND, MeasuredNoise, levels_of, measure_noise
from napari_srgan.training.degradation.preview import PREVIEW_SIDE, most_contrast, preview
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.pairs.source import SourceImage


@dataclass(frozen=True)
class NoiseSample:
    """Three patches, each with 0 at its image's darkest and 1 at its brightest places."""

    noisy: NDArray[np.float32]
    """``(y, x)`` or ``(y, x, K)`` of the image whose noise is meant."""
    simulated: NDArray[np.float32]
    """``(y, x)`` of a good image, with that noise."""
    good: NDArray[np.float32]
    """``(y * factor, x * factor)``: the same place without it."""
    measured: MeasuredNoise
    degradation: Degradation

    @property
    def sentence(self) -> str:
        """What was measured, and what is simulated, beginning with a small letter and without a full stop."""
        simulated = []
        if self.measured.photons is not None:
            fewest, most = self.measured.photons / AROUND, self.measured.photons * AROUND
            simulated.append(f"{significant(fewest, 2)} to {significant(most, 2)} photons")
        least, widest = self.degradation.blur
        simulated.append(
            f"a blur of {significant(least, 2)} to {significant(widest, 2)} pixels" if widest else "no blur"
        )
        return f"{self.measured.sentence}; simulated: {', '.join(simulated)}"


def noise_sample(noisy: SourceImage, highs: Sequence[SourceImage], factor: int) -> NoiseSample:
    """Simulate the noise of an image in a patch of a good one.

    Parameters
    ----------
    noisy
        The image whose noise is meant.
    highs
        Good images at high resolution; the first is shown.
    factor
        How many times finer they are to be taken.

    Raises
    ------
    UserError
        If the noise cannot be measured, or not be simulated in these images.
    """
    try:
        measured = measure_noise(noisy.data, noisy.axes)
    except UserError as error:
        raise UserError(f"{noisy.name!r}: {error}") from error
    degradation = measured.degradation([high.data for high in highs], factor)
    simulated, good = preview(_middle_plane(highs[0]), degradation)
    dark, bright = levels_of([high.data for high in highs])
    patch = _patch(_middle_plane(noisy), simulated.shape[:2])
    return NoiseSample(
        _between(patch, measured.dark, measured.bright),
        _between(simulated, dark, bright),
        _between(good, dark, bright),
        measured,
        degradation,
    )


def _middle_plane(image: SourceImage) -> NDArray[Any]:
    plane: NDArray[Any] = np.asarray(image.data[tuple(size // 2 for _, size in image.leading)])
    return plane[..., :3] if image.rgb else plane


def _patch(plane: NDArray[Any], wished: tuple[int, ...]) -> NDArray[Any]:
    """Where an image shows most, as large as another patch if it is large enough."""
    sides = [min(size, wish, PREVIEW_SIDE) for size, wish in zip(plane.shape, wished, strict=False)]
    y, x = most_contrast(plane, sides)
    return plane[y : y + sides[0], x : x + sides[1]]


def _between(patch: NDArray[Any], dark: float, bright: float) -> NDArray[np.float32]:
    return np.asarray((patch.astype(np.float64) - dark) / max(bright - dark, 1e-12), dtype=np.float32)
