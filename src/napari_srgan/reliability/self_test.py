"""Models compared on the image itself: seen from farther away, upscaled, and compared with what was seen
before.

It tells which of some models suits an image better. It tells nothing of how right a result is: what is
compared has less detail than the image itself. So differences are shown, and no figure by itself.

An image that is only made small would be sharper than any image of that microscope, and less noisy, and
other models would suit it. So the image is blurred first, until it is as smooth as the result of a larger
one would be: by ``sigma * sqrt(factor**2 - 1)``, where sigma is the blur that is found in it. Made small it
is as blurred as it was then, and it gets as much noise again as the camera would have given it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.acquisition.blur import SHARP_BLUR, estimate_blur
from napari_srgan.acquisition.camera import camera_of_planes
from napari_srgan.acquisition.spectrum import Spectrum, radial_spectrum
from napari_srgan.acquisition.windows import LARGEST, MOST_MISSING, channels_looked_at, window_keys
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import ArrayLike, read_block
from napari_srgan.inference.engine import Engine, engine_of
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles.batch import ALPHA
from napari_srgan.inference.tiles.tiling import BORDER
from napari_srgan.models import Model, ModelCard, load_model
from napari_srgan.networks import bicubic_downsample, bicubic_upsample
from napari_srgan.progress import Job, Progress

SHARE = 0.2
"""Part of the image's pixels that is looked at, at most: so that the test costs the upscaling's
``0.2 / factor**2``, 5 % at a factor of 2."""
_LEAST_SIDE = 24
"""Pixels along the sides of a window made small: with less, networks see more of its edges than of it."""
_MOST_SIDE = 256
"""Pixels along the sides of a window of the image."""
_UNKNOWN = 0.8
"""Blur in pixels of an image in which noise hides it."""
_STEP = 8
"""Pixels of which the sides of a window made small are multiples, as networks that halve them want it."""


@dataclass(frozen=True)
class SelfTest:
    """How models do on the image seen from farther away."""

    gains: dict[str, float]
    """Decibels of each model above bicubic interpolation, by name: for their differences alone."""
    unclear: tuple[str, ...] = ()
    """Sharp models that seemed better than every faithful one, which they are not trained to be: there the
    test tells nothing of them, and they are left out of `gains`."""

    @property
    def sentence(self) -> str:
        """In words: which model suits the image, by how much, and that this is all it tells."""
        (best, highest), *others = sorted(self.gains.items(), key=lambda one: -one[1])
        told = [f"{name} was {highest - gain:.1f} dB farther from it than {best}" for name, gain in others]
        told += [f"{name} and {best} could not be told apart" for name in self.unclear]
        return (
            "To see which model suits the image, it was made small, with its blur and noise, and upscaled "
            f"again, so that the right answer is known: {', '.join(told)}. That compares models on such "
            "images, and does not tell how right the result is."
        )

    def to_dict(self) -> dict[str, float]:
        """Decibels of each model below the best one, by name."""
        highest = max(self.gains.values())
        return {name: round(highest - gain, 2) for name, gain in self.gains.items()}


def partners(model: Model) -> list[Model]:
    """The faithful partner of a sharp model, to be compared with it; none if it is not in the library."""
    if model.card.partner:
        with suppress(UserError):
            return [load_model(model.card.partner)]
    return []


def can_be_compared(card: ModelCard) -> bool:
    """Whether a model can do with the image made small what it does with the image.

    Models of factor 1 have nothing to enlarge, those of time-lapses want several frames, and results in the
    grey levels of another kind of image cannot be compared with it.
    """
    return card.scale_factor > 1 and card.frames == 1 and card.result is None


def self_test_job(
    array: ArrayLike, axes: str, models: Sequence[Model], options: UpscaleOptions = AS_USUAL
) -> Job[SelfTest | None]:
    """Compare models on an image.

    Parameters
    ----------
    array
        numpy, dask, zarr or xarray, any real dtype.
    axes
        One letter for each of its axes.
    models
        Two or more, for which :func:`can_be_compared` holds, all of one factor.
    options
        On which device, and in which precision.

    Returns
    -------
    SelfTest or None
        None if the image is too small, or shows too little, to be made small.

    Raises
    ------
    UserError
        If the models have several factors, or one cannot be compared.
    """
    for model in models:
        if not can_be_compared(model.card):
            raise UserError(
                f"{model.name} cannot be compared on an image made small: that is for models that enlarge "
                "single images and keep their grey levels; leave it out"
            )
    factors = {model.scale_factor for model in models}
    if len(factors) > 1:
        got = ", ".join(f"{model.name} (x{model.scale_factor})" for model in models)
        raise UserError(f"models of one factor are compared; got {got}; leave out those of another")
    factor = factors.pop()
    windows = list(_windows(array, axes, factor))
    if not windows:
        return None
    engines = [engine_of(model, options) for model in models]
    transforms = [PlaneStack(array, axes, m.card).transforms(search=False, partial=True) for m in models]
    farther = _from_farther_away(windows, factor)
    errors = np.zeros(len(models) + 1)
    for number, (channel, _) in enumerate(windows):
        for place, (engine, of_channel) in enumerate(zip(engines, transforms, strict=True)):
            done = number * len(models) + place
            yield Progress(done, len(windows) * len(models), f"Comparing {engine.model.name} on this image")
            transform = of_channel[channel]
            if transform.span == 0:
                return None
            small, truth = (
                torch.from_numpy(transform.apply(one)).permute(2, 0, 1)[None] for one in farther[number]
            )
            grey_levels = transform.span**2
            errors[place + 1] += grey_levels * _error(_upscaled(engine, small), truth)
            if place == 0:
                errors[0] += grey_levels * _error(bicubic_upsample(small, factor), truth)
    if not errors.all():
        return None
    gains = 10 * np.log10(errors[0] / errors[1:])
    found = {model.name: float(gain) for model, gain in zip(models, gains, strict=True)}
    return without_unclear(found, {model.name for model in models if model.card.adversarial is not False})


def without_unclear(gains: dict[str, float], sharp: Collection[str]) -> SelfTest:
    """The test without sharp models that seem better than every faithful one.

    Parameters
    ----------
    gains
        Decibels above bicubic interpolation, by model.
    sharp
        Names of those that a discriminator has trained, or may have.
    """
    faithful = [gain for name, gain in gains.items() if name not in sharp]
    best = max(faithful, default=math.inf)
    unclear = tuple(name for name, gain in gains.items() if name in sharp and gain > best)
    return SelfTest({n: gain for n, gain in gains.items() if n not in unclear}, unclear)


def _error(result: torch.Tensor, truth: torch.Tensor) -> float:
    """Summed squared error of ``(1, K, Y, X)``."""
    return float(((result - truth).double() ** 2).sum())


def _from_farther_away(
    windows: Sequence[tuple[int, NDArray[np.float64]]], factor: int
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Each window ``(Y, X, K)`` as it would be seen from `factor` times as far, and what there is to see."""
    draw = np.random.default_rng(0)  # the same image gives the same answer
    by_channel = {channel: [w for c, w in windows if c == channel] for channel, _ in windows}
    deviations = {channel: _deviation(those) for channel, those in by_channel.items()}
    blurs = {channel: _blur(those) * math.sqrt(factor**2 - 1) for channel, those in by_channel.items()}
    made = []
    for channel, window in windows:
        truth = gaussian_filter(window, (blurs[channel], blurs[channel], 0))
        planes = torch.from_numpy(np.ascontiguousarray(truth.transpose(2, 0, 1)))[None]
        small = bicubic_downsample(planes, factor)[0].numpy().transpose(1, 2, 0)
        noise = deviations[channel](small) * draw.standard_normal(small.shape)
        made.append((small + noise, truth))
    return made


def _blur(windows: Sequence[NDArray[np.float64]]) -> float:
    """Sigma in pixels of the Gaussian that windows were seen through, that of sharp pixels at least."""
    spectrum = radial_spectrum([plane for window in windows for plane in np.moveaxis(window, -1, 0)])
    found = None if spectrum is None else estimate_blur(_of_contrast_one(spectrum)).sigma
    return math.hypot(SHARP_BLUR, _UNKNOWN if found is None else found)


def _of_contrast_one(spectrum: Spectrum) -> Spectrum:
    """The spectrum as if the image had a contrast of about one; of four standard deviations."""
    variance = float(np.sum(spectrum.power * spectrum.count) / spectrum.count.sum())
    return replace(spectrum, power=spectrum.power / max(16 * variance, 1e-300))


def _deviation(
    windows: Sequence[NDArray[np.float64]],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Standard deviation of the noise at grey levels; 0 where none can be told.

    Never more than what the corners of the spectrum have: fine structure passes for noise of a camera.
    """
    # A power of two, so that neither squares of large numbers nor of small ones are lost.
    unit = 2.0 ** float(np.frexp(max(float(np.abs(window).max()) for window in windows))[1])
    planes = [plane / unit for window in windows for plane in np.moveaxis(window, -1, 0)]
    spectrum = radial_spectrum(planes)
    try:
        camera = camera_of_planes(planes)
    except UserError:  # too few places that are not saturated
        return np.zeros_like
    levels = np.concatenate([gaussian_filter(plane, 1).ravel() for plane in planes])
    found = float(np.sqrt(np.mean(camera.deviation(levels) ** 2)))
    most = math.sqrt(spectrum.floor) if spectrum is not None else 0.0
    share = min(1.0, most / found) if found else 0.0
    return lambda levels: share * unit * camera.deviation(levels / unit)


def _upscaled(engine: Engine, small: torch.Tensor) -> torch.Tensor:
    """``(1, K, Y, X)`` upscaled by a model of as many channels, or of 1 or of 3."""
    channels = engine.model.card.channels
    low = (
        small
        if channels == small.shape[1]
        else small[0][:, None]
        if channels == 1
        else small.repeat(1, 3, 1, 1)
    )
    # Continued by reflection, as images are where they end.
    wide = np.pad(low.numpy(), ((0, 0), (0, 0), (BORDER, BORDER), (BORDER, BORDER)), mode="symmetric")
    inner = slice(BORDER * engine.model.scale_factor, -BORDER * engine.model.scale_factor)
    high = torch.from_numpy(np.ascontiguousarray(engine.run(wide)[..., inner, inner]))
    if channels == small.shape[1]:
        return high
    return high[:, 0][None] if channels == 1 else high.mean(dim=1, keepdim=True)


def _windows(array: ArrayLike, axes: str, factor: int) -> list[tuple[int, NDArray[np.float64]]]:
    """Windows ``(Y, X, K)`` of the image by channel, finite.

    Their sides are multiples of :data:`_STEP` times the factor.
    """
    y = axes.index("Y")
    channels = channels_looked_at(array, axes)
    least, step = _LEAST_SIDE * factor, _STEP * factor
    budget = max(SHARE * math.prod(array.shape[y : y + 2]), least**2) * len(channels)
    found = []
    for channel in channels:
        left = budget / len(channels)
        for key in window_keys(array, axes, channel):
            colours = (slice(0, ALPHA),) if axes.endswith("S") else ()
            side = int(min(_MOST_SIDE, max(math.sqrt(left), least)))
            down, across = (_middle(span, side, step) for span in key[y : y + 2] if isinstance(span, slice))
            if min(down.stop - down.start, across.stop - across.start) < least:
                continue
            try:
                pixels = read_block(array, (*key[:y], down, across, *colours))
            except Exception:  # told when the image is upscaled
                continue
            window = pixels.astype(np.float64)
            window = window if colours else window[..., None]
            finite = np.abs(window) < LARGEST  # false where it is NaN
            window = np.where(finite, window, np.nan)
            if finite.mean() < 1 - MOST_MISSING or window[finite].min() == window[finite].max():
                continue
            planes = [
                fill_nonfinite(window[..., k], float(np.median(window[..., k][finite[..., k]])))
                for k in range(window.shape[2])
            ]
            found.append((channel, np.stack(planes, axis=-1)))
            left -= (down.stop - down.start) * (across.stop - across.start)
            if left < least**2:
                break
    return found


def _middle(span: slice, side: int, step: int) -> slice:
    """The middle of a span, of a side or less, a multiple of a step."""
    size = min(side, span.stop - span.start) // step * step
    start = span.start + (span.stop - span.start - size) // 2
    return slice(start, start + size)
