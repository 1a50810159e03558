"""The noise of one image simulated in another one is that noise, whatever their grey levels."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.errors import UserError
from napari_srgan.samples import sample_tiles
from napari_srgan.training.degradation.exposure import Exposure
from napari_srgan.training.degradation.measured import measure_noise
from napari_srgan.training.degradation.sample import noise_sample
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import expose
from napari_srgan.training.pairs.source import SourceImage, sample_sources


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
    found = measure_noise(noisy).degradation([high], factor)
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
    less, more = (measure_noise(image).degradation([sharp], 1).blur[1] for image in (sharp, soft))
    assert more > less + 0.5


def test_without_high_resolution_there_are_tiles_to_learn_from() -> None:
    tiles = sample_tiles()
    assert tiles.shape == (8, 192, 192)
    assert tiles.dtype == np.uint16
    lows, highs = np.percentile(tiles, (0.1, 99.9), axis=(1, 2))
    assert np.ptp(lows) < 50
    assert np.ptp(highs) < 500
    found = measure_noise(short_exposure(cells(0), 30, 4.0, 100.0)).degradation([tiles], 2)
    assert found.gain is not None


def test_what_was_measured_is_said_in_numbers() -> None:
    measured = measure_noise(short_exposure(cells(0), 100, gain=4.0, offset=100.0))
    assert measured.photons == pytest.approx(100, rel=0.2)
    said = re.fullmatch(r"about \d+ photons, read noise of (\d+\.\d) electrons, .*blur.*", measured.sentence)
    assert said, measured.sentence
    # Darkness has one photon on average, which looks as the read noise of 1.2 electrons does.
    assert float(said[1]) == pytest.approx(np.hypot(1.2, 1.0), abs=0.5)


def test_noise_that_does_not_grow_with_the_light_is_a_part_of_the_contrast() -> None:
    even = 1000 * cells(0) + np.random.default_rng(0).normal(0, 100, (512, 512))
    measured = measure_noise(even)
    assert measured.photons is None
    assert re.match(r"noise of (8|9|10) % of the brightness range, the same everywhere,", measured.sentence)


def test_noise_that_neighbours_share_is_told() -> None:
    draw = np.random.default_rng(0)
    fine, noise = (gaussian_filter(draw.standard_normal((256, 256)), sigma) for sigma in (1.5, 0.8))
    measured = measure_noise(cells(0, 256) + 0.1 * fine / fine.std() + 0.25 * noise / noise.std())
    assert measured.found.shared
    assert measured.sentence.endswith("; neighbouring pixels share the noise, which makes it seem weaker")
    assert "share" not in measured.words


def test_in_much_noise_a_blur_is_not_relied_on() -> None:
    measured = measure_noise(short_exposure(cells(0), 10, gain=4.0, offset=100.0))
    assert measured.found.drowned
    assert "a blur that cannot be told in so much noise" in measured.sentence
    assert measured.degradation([cells(1)], 2).blur[0] == 0


def test_the_blur_of_the_good_images_is_taken_off_in_a_training_too() -> None:
    import napari_srgan as sr

    light = 0.5 * gaussian_filter(np.random.default_rng(3).random((512, 512)), 1.5)
    light = cells(2) + light / light.std() / 10
    noisy = short_exposure(light, 3000, gain=1.0, offset=0.0)
    high = (light * 10000).astype(np.uint16)
    model = sr.fine_tune(
        high=high, noise_of=noisy, base=None, factor=1, steps=1, width=4, blocks=1, patch=16, progress=False
    )
    assert model.card.made_for is not None
    expected = measure_noise(noisy).degradation([high], 1).blur
    assert expected[1] < 0.5 * measure_noise(noisy).found.blur
    assert model.card.made_for.blur == pytest.approx(expected)


def test_of_several_channels_the_noisiest_is_measured() -> None:
    dim, bright = (short_exposure(cells(0), photons, 4.0, 100.0) for photons in (20, 1000))
    measured = measure_noise(np.stack([bright, dim]), "CYX")
    assert measured.found.channel == 1
    assert measured.photons == pytest.approx(20, rel=0.35)


def test_a_stack_in_colours_is_measured() -> None:
    frame = np.stack([short_exposure(cells(seed), 50, 4.0, 100.0) for seed in range(3)], axis=-1)
    measured = measure_noise(np.stack([frame] * 2), "TYXS")
    assert measured.photons == pytest.approx(50, rel=0.35)


def test_good_images_that_are_noisier_are_refused() -> None:
    noisy, noisier = (short_exposure(cells(0), photons, 4.0, 100.0) for photons in (100, 10))
    with pytest.raises(UserError, match="they are exchanged, or the former is not good enough"):
        measure_noise(noisy).degradation([noisier], 2)
    measure_noise(noisier).degradation([noisy], 2)


@pytest.mark.parametrize("factor", [1, 2])
def test_a_sample_of_the_noise_can_be_compared_by_eye(factor: int) -> None:
    noisy = SourceImage("noisy", short_exposure(cells(0), 30, 4.0, 100.0), "YX")
    sample = noise_sample(noisy, sample_sources(), factor)
    assert sample.noisy.shape == sample.simulated.shape
    assert sample.good.shape == tuple(factor * side for side in sample.simulated.shape)
    bright = sample.noisy > 0.5
    assert np.median(sample.noisy[bright]) == pytest.approx(1, abs=0.35)
    assert "; simulated: " in sample.sentence
    assert " photons, " in sample.sentence.split("; simulated: ")[1]


@pytest.mark.parametrize(
    ("noisy", "words"),
    [
        (np.full((128, 128), 7, np.uint16), "no contrast"),
        (np.zeros((4, 4)), "needs at least 16 blocks"),
    ],
)
def test_an_image_that_shows_nothing_is_refused(noisy: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        measure_noise(noisy).degradation([cells(0)], 2)


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
    colours = np.stack([noisy] * 3, axis=-1)
    with pytest.raises(UserError, match="given as the noisy and as the good image"):
        sr.fine_tune(high=noisy, noise_of=noisy, steps=1, progress=False)
    with pytest.raises(UserError, match="is RGB and 'high 1' is not"):
        sr.fine_tune(high=high, noise_of=colours, axes=None, steps=1, progress=False)
    with pytest.raises(UserError, match="shows truth values"):
        sr.fine_tune(noise_of=noisy > 150, steps=1, progress=False)
    with pytest.raises(UserError, match=r"'the noisy image': .* no contrast"):
        sr.fine_tune(noise_of=np.full((128, 128), 7), base=None, factor=2, steps=1, progress=False)
    with pytest.raises(UserError, match="pairs have noise of their own"):
        sr.fine_tune(noisy, high, noise_of=noisy, steps=1, progress=False)
    with pytest.raises(UserError, match="give one of them"):
        sr.fine_tune(high=high, noise_of=noisy, degradation=Degradation(2), steps=1, progress=False)
    with pytest.raises(UserError, match="or give a noisy image as noise_of="):
        sr.fine_tune(noisy, steps=1, progress=False)
