"""What is promised of every model that comes with the package."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage.data import camera, cell

import napari_srgan
from napari_srgan.inference.tiles.cross_fade import MOST_HALO
from napari_srgan.models import list_models, load_model
from napari_srgan.models.library.library import bundled_folder
from napari_srgan.training.recipes.recipe import Recipe, read_recipe

# Pictures of few photons are given to all of them, also to those that say that they are not for such ones.
pytestmark = pytest.mark.filterwarnings("ignore::napari_srgan.errors.ImageWarning")

NAMES = sorted(file.stem for file in bundled_folder().glob("*.safetensors"))


def upscale(image: Any, name: str, **options: Any) -> Any:
    """Upscale an image; by a model for time-lapses as a frame of a movie in which nothing happens."""
    options = {"device": "cpu", "precision": "float32", "progress": False} | options
    frames = load_model(name).card.frames
    if frames > 1:
        movie = np.repeat(image[None], frames, axis=0)
        return napari_srgan.upscale(movie, name, axes="TYX", **options)[frames // 2]
    return napari_srgan.upscale(image, name, **options)


def sixteen_bit(picture: Any) -> Any:
    """A 16-bit image with an offset, as a camera gives, and noise in its last bits."""
    noise = np.random.default_rng(0).normal(0, 30, picture.shape)
    return (picture.astype(float) * 180 + 400 + noise).clip(0, 65535).astype(np.uint16)


def test_the_models_a_user_meets_first_are_there() -> None:
    assert {"microscopy-x2", "microscopy-x4", "photo-x4", "microscopy-x4-gan", "photo-x4-gan"} <= set(NAMES)
    assert {card.name for card in list_models()} >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_cards_tell_recipe_sources_and_figures(name: str) -> None:
    card = load_model(name).card
    recipe = read_recipe(bundled_folder() / "recipes" / f"{name}.toml")
    assert Recipe.model_validate(card.recipe) == recipe
    assert card.licence == "BSD-3-Clause"
    assert len(card.attribution) >= 10
    assert card.citation
    sets = [q for q in card.quality if q.images.startswith(("micro_", "photo_", "em_"))]
    if card.frames > 1:
        assert np.mean([q.gain for q in card.quality if q.images.endswith("no noise")]) >= 1.0
        assert min(q.gain for q in card.quality if q.images.endswith("photons")) >= 2.0
    elif card.recipe["gan"]:  # made to look like the truth, not to be near it pixel by pixel
        assert np.mean([q.lpips_like / q.bicubic_lpips_like for q in sets]) < 0.9
    else:
        assert np.mean([q.gain for q in sets]) >= 1.0
        assert min(q.gain for q in sets) > 0


@pytest.mark.parametrize("name", [name for name in NAMES if load_model(name).card.partner])
def test_a_sharp_model_looks_better_than_its_faithful_partner_and_can_be_blended(name: str) -> None:
    sharp = load_model(name)
    faithful = load_model(str(sharp.card.partner))
    figures = {q.images: q for q in faithful.card.quality}
    # On what it was made for; Set5 and Set14 are photographs, and one of the sharp models is not.
    seen = [q for q in sharp.card.quality if q.lpips_like and q.images not in ("Set5", "Set14")]
    ratios = [q.lpips_like / figures[q.images].lpips_like for q in seen]
    assert np.mean(ratios) < 1
    between = napari_srgan.blend(faithful, sharp, 0.5)
    assert between.weights_hash not in (faithful.weights_hash, sharp.weights_hash)


def test_all_models_together_are_small() -> None:
    assert sum(file.stat().st_size for file in bundled_folder().glob("*.safetensors")) < 40e6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("picture", [camera()[100:292, 150:342], cell()[200:392, 150:342]])
def test_fast_precision_agrees_with_float32_on_16_bit_data(name: str, picture: Any) -> None:
    image = sixteen_bit(picture)
    exact, fast = (upscale(image, name, precision=p).astype(float) for p in ("float32", "bfloat16"))
    peak = float(image.max()) - float(image.min())
    assert 10 * np.log10(peak**2 / np.mean((exact - fast) ** 2)) >= 55


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_constant_images_stay_constant(name: str, dtype: Any, precision: str) -> None:
    for value in (3, 100, 200, 251):
        result = upscale(np.full((24, 40), value, dtype), name, precision=precision)
        assert np.abs(result.astype(float) - value).max() <= 1e-3 * value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_no_brightness_is_invented(name: str, precision: str) -> None:
    draw = np.random.default_rng(0)
    few_photons = draw.poisson(cell()[:200, :200] / 255 * 20).astype(np.float32)
    sparse = (draw.random((100, 100)) < 0.01).astype(np.float32)
    for image in (sixteen_bit(camera()[::2, ::2]), sixteen_bit(cell()[:200, :200]), few_photons, sparse):
        assert upscale(image, name, precision=precision).mean() == pytest.approx(image.mean(), rel=0.005)


@pytest.mark.parametrize("name", [name for name in NAMES if load_model(name).card.frames > 1])
def test_frames_help_each_other_where_photons_are_few(name: str) -> None:
    draw = np.random.default_rng(0)
    light = cell()[200:296, 150:246] / 255 * 20
    movie = draw.poisson(np.broadcast_to(light, (9, *light.shape))).astype(np.float32)
    together = napari_srgan.upscale(movie, name, axes="TYX", progress=False)
    alone = np.stack([upscale(frame, name) for frame in movie])
    noise, noise_alone = (np.diff(result.astype(float), axis=0).std() for result in (together, alone))
    assert noise < 0.8 * noise_alone


@pytest.mark.parametrize("name", NAMES)
def test_tiles_do_not_show(name: str) -> None:
    network = load_model(name).network
    # What sees farther than a tile may, or as far as the image, comes as near as the eye can tell.
    deep = network.receptive_radius > MOST_HALO
    exact = not deep and not network.needs_plane_statistics
    image = sixteen_bit(camera()[:160, :160]).astype(np.float32)
    whole, tiled = upscale(image, name, tile=160), upscale(image, name, tile=80 if deep else 32)
    assert np.abs(whole - tiled).max() <= (1e-5 if exact else 1e-3) * np.ptp(image)


@pytest.mark.parametrize("name", NAMES)
def test_shifted_and_scaled_intensities_give_shifted_and_scaled_results(name: str) -> None:
    image = sixteen_bit(camera()[:96, :96]).astype(np.float64)
    expected = upscale(image, name) * 3.5 - 1000
    result = upscale(image * 3.5 - 1000, name)
    assert np.abs(result - expected).max() <= 1e-4 * np.ptp(expected)
