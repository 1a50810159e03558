"""The noise of one image simulated in another one is that noise, whatever their grey levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.errors import UserError
from napari_srgan.samples import sample_tiles
from napari_srgan.training.degradation.exposure import Exposure
from napari_srgan.training.degradation.measured import degradation_like
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import expose


def cells(seed: int, side: int = 512) -> NDArray[np.float64]:
    """Smooth cells on a dark ground, from 0 to 1."""
    light = gaussian_filter(np.random.default_rng(seed).random((side, side)), 8)
    light = (light - light.mean()) / light.std()
    return np.asarray(gaussian_filter((light > 0.7).astype(float), 2))


def short_exposure(light: NDArray[np.float64], photons: float, gain: float, offset: float) -> Any:
    draw = np.random.default_rng(7)
    electrons = draw.poisson(photons * light + 1) + draw.normal(0, 1.2, light.shape)
    return np.round(gain * electrons + offset).clip(0).astype(np.uint16)


@pytest.mark.parametrize("photons", [20, 100])
@pytest.mark.parametrize("levels", [(0.0, 1.0), (500.0, 40000.0)])
@pytest.mark.parametrize("factor", [1, 2])
def test_as_many_photons_are_simulated_as_were_caught(
    photons: float, levels: tuple[float, float], factor: int
) -> None:
    noisy = short_exposure(cells(0), photons, gain=4.0, offset=100.0)
    dark, span = levels
    high = dark + span * cells(1)
    found = degradation_like(noisy, [high], factor)
    assert found.factor == factor
    assert found.gain is not None
    # Four grey levels a photon there; here as many parts of the range of brightness.
    assert np.sqrt(np.prod(found.gain)) == pytest.approx(span / photons, rel=0.35)
    middle = Exposure(
        gain=float(np.sqrt(np.prod(found.gain))), offset=found.offset,
        read_noise=float(np.sqrt(np.prod(found.read_noise))), sampling="area",
    )  # fmt: skip
    tensor = torch.from_numpy(high)[None, None]
    taken = expose(tensor, [middle], Degradation(factor), np.random.default_rng(1))[0, 0].numpy()
    clean = high.reshape(512 // factor, factor, 512 // factor, factor).mean(axis=(1, 3))
    dark_noise = (taken - clean)[clean < dark + 0.05 * span].std() / span
    asked = noisy[cells(0) < 0.02].std() / (4.0 * photons)
    assert dark_noise == pytest.approx(asked, rel=0.4)


def test_blur_is_what_the_noisy_image_has_more() -> None:
    light = cells(2) + 0.5 * gaussian_filter(np.random.default_rng(3).random((512, 512)), 0.7)
    sharp = short_exposure(light, 2000, gain=1.0, offset=0.0)
    soft = short_exposure(gaussian_filter(light, 2), 2000, gain=1.0, offset=0.0)
    found = degradation_like(sharp, [sharp], 1).blur
    assert degradation_like(soft, [sharp], 1).blur[1] > found[1] + 0.5
    # As fine-tuning holds its planes, with one channel last.
    assert degradation_like(sharp, [sharp[..., None]], 1).blur == pytest.approx(found)


def test_without_high_resolution_there_are_tiles_to_learn_from() -> None:
    tiles = sample_tiles()
    assert tiles.shape == (8, 192, 192)
    assert tiles.dtype == np.uint16
    lows, highs = np.percentile(tiles, (0.1, 99.9), axis=(1, 2))
    assert np.ptp(lows) < 50
    assert np.ptp(highs) < 500
    found = degradation_like(short_exposure(cells(0), 30, 4.0, 100.0), [tiles], 2)
    assert found.gain is not None


@pytest.mark.parametrize(
    ("noisy", "words"),
    [
        (np.full((128, 128), 7, np.uint16), "no contrast"),
        (np.zeros((4, 4)), "needs at least 16 blocks"),
    ],
)
def test_an_image_that_shows_nothing_is_refused(noisy: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        degradation_like(noisy, [cells(0)], 2)


@pytest.mark.parametrize("with_high", [True, False])
def test_a_model_is_made_for_the_noise_of_an_image(with_high: bool) -> None:
    import napari_srgan as sr

    noisy = short_exposure(cells(0, 256), 20, gain=4.0, offset=100.0)
    high = (cells(1, 256) * 30000).astype(np.uint16) if with_high else None
    model = sr.fine_tune(
        high=high, noise_of=noisy, base=None, factor=2, steps=2, width=4, blocks=1, patch=16, progress=False
    )
    assert model.scale_factor == 2
    assert model.card.made_for is not None
    assert model.card.made_for.photons is not None
    assert model.card.made_for.photons[0] < 40 < 4 * model.card.made_for.photons[1]
    assert len(model.card.pairs) == (1 if with_high else 8)


def test_what_leaves_the_noise_without_a_use_is_refused() -> None:
    import napari_srgan as sr

    noisy = short_exposure(cells(0, 256), 20, gain=4.0, offset=100.0)
    high = (cells(0, 512) * 30000).astype(np.uint16)
    with pytest.raises(UserError, match="pairs have noise of their own"):
        sr.fine_tune(noisy, high, noise_of=noisy, steps=1, progress=False)
    with pytest.raises(UserError, match="give one of them"):
        sr.fine_tune(high=high, noise_of=noisy, degradation=Degradation(2), steps=1, progress=False)
    with pytest.raises(UserError, match="or give a noisy image as noise_of="):
        sr.fine_tune(noisy, steps=1, progress=False)
