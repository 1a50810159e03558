"""Real short exposures upscaled, and judged by the long exposure of the same field; used by real_noise.py.

The short exposure is binned as a camera bins, by gathering the light of ``factor x factor`` pixels, and
upscaled. Its brightness is not that of the long exposure, so each result is first brought to the truth's by
the gain and offset of least squares. The peak of PSNR is the range of the truth between its 0.1 and 99.9
percentiles, which a hot pixel does not decide; differences in dB do not depend on it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.io import imread
from skimage.restoration import denoise_tv_chambolle

from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.quality.comparison import bicubic
from napari_srgan.quality.metrics import crop_border, psnr

Image = NDArray[Any]
Upscale = Callable[[Image], Image]
"""From a low-resolution image ``(Y, X)`` to one ``factor`` times larger."""
Figures = dict[str, dict[str, float]]
"""PSNR in dB by pair or set, and by way of upscaling."""

JUDGE_ONLY = frozenset({"actin-60x", "mito-60x", "nucleus"})
"""Sets of which no model may have seen a pixel."""
SIGMAS = (0.5, 0.7, 1.0, 1.4)
"""Of the Gaussian filter before bicubic interpolation, in low-resolution pixels."""
TV_WEIGHTS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
"""Of the total variation denoising before bicubic interpolation; the image is brought to a range of 1."""
GAUSS, TV = "Gauss", "TV"


@dataclass(frozen=True)
class Pair:
    """One field, exposed for a short and for a long time."""

    name: str
    short: Image
    """``(Y, X)``."""
    long: Image
    """``(Y, X)``, of the same pixels."""


def read_pairs(data: Path) -> list[Pair]:
    """All pairs of ``pairs/short-long-exposure``."""
    folder = data / "pairs" / "short-long-exposure"
    names = sorted(file.name.removesuffix("_long.png") for file in folder.glob("*_long.png"))
    if not names:
        raise SystemExit(
            f"{folder} holds no NAME_long.png; give the folder that holds pairs/short-long-exposure"
        )
    return [
        Pair(name, imread(folder / f"{name}_short.png"), imread(folder / f"{name}_long.png"))
        for name in names
    ]


def set_of(name: str) -> str:
    """The structure and microscope of a pair: its name without the number of its exposure."""
    return re.sub(r"-noise\d+$", "", name)


def binned(image: Image, factor: int) -> Image:
    """Sums over ``factor x factor`` pixels of 8 bits, as uint16: the area mean, with nothing rounded away."""
    y, x = (size // factor for size in image.shape)
    blocks = image[: y * factor, : x * factor].reshape(y, factor, x, factor)
    return blocks.sum(axis=(1, 3), dtype=np.uint16)


def fitted(result: Image, truth: Image) -> NDArray[np.float64]:
    """The result by the gain and offset that bring it nearest to the truth (least squares, all pixels)."""
    x, y = result.astype(np.float64), truth.astype(np.float64)
    variance = x.var()
    gain = np.mean((x - x.mean()) * (y - y.mean())) / variance if variance else 0.0
    return np.asarray(gain * (x - x.mean()) + y.mean())


def judged(result: Image, truth: Image, border: int) -> float:
    """PSNR in dB after :func:`fitted`; `border` pixels of each side are left out of both."""
    ours, theirs = crop_border(result, border), crop_border(truth, border)
    return psnr(fitted(ours, theirs), theirs, peak=percentile_transform(theirs).span)


def total_variation(low: Image, weight: float) -> Image:
    """Chambolle's denoising (scikit-image) of an image brought to a range of 1."""
    return denoise_tv_chambolle(percentile_transform(low).apply(low).astype(np.float64), weight)


def baselines(factor: int) -> dict[str, Upscale]:
    """Bicubic interpolation, and it after a Gaussian filter or total variation denoising, by name."""
    ways: dict[str, Upscale] = {"bicubic": lambda low: bicubic(low.astype(np.float64), factor)}
    for sigma in SIGMAS:
        ways[f"{GAUSS} {sigma}"] = lambda low, sigma=sigma: bicubic(
            gaussian_filter(low.astype(np.float64), sigma), factor
        )
    for weight in TV_WEIGHTS:
        ways[f"{TV} {weight}"] = lambda low, weight=weight: bicubic(total_variation(low, weight), factor)
    return ways


def measure(pairs: Iterable[Pair], factor: int, ways: dict[str, Upscale]) -> Figures:
    """Every pair by every way."""
    return {
        pair.name: {
            name: judged(way(binned(pair.short, factor)), pair.long, factor) for name, way in ways.items()
        }
        for pair in pairs
    }


def by_set(figures: Figures) -> Figures:
    """Means over the pairs of a set."""
    sets: dict[str, list[dict[str, float]]] = defaultdict(list)
    for name, of_pair in figures.items():
        sets[set_of(name)].append(of_pair)
    return {
        name: {way: mean(each[way] for each in of_set) for way in of_set[0]} for name, of_set in sets.items()
    }


def best(of_set: dict[str, float], kind: str) -> str:
    """The way of a kind, :data:`GAUSS` or :data:`TV`, that does best on a set."""
    return max((way for way in of_set if way.startswith(kind)), key=lambda way: of_set[way])


@dataclass(frozen=True)
class Margins:
    """What a model gains on each set, in dB."""

    over_bicubic: dict[str, float]
    over_better: dict[str, float]
    """Over the better of Gauss and TV, each at its best for that set."""


def margins(plain: Figures, models: Figures, model: str) -> Margins:
    """Compare a model with the baselines, set by set."""
    ours = {name: of_set[model] for name, of_set in models.items()}
    better = {name: max(of_set[best(of_set, kind)] for kind in (GAUSS, TV)) for name, of_set in plain.items()}
    return Margins(
        {name: ours[name] - plain[name]["bicubic"] for name in ours},
        {name: ours[name] - better[name] for name in ours},
    )
