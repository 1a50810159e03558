"""Training on movies: what is drawn, what is held back, and what the noise is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_srgan.errors import UserError
from napari_srgan.inference.movies.clips import reflected
from napari_srgan.networks import bicubic_downsample, build_network
from napari_srgan.training.dataset.clip_sampler import ClipSampler
from napari_srgan.training.dataset.movie_validation import READ_ELECTRONS, few_photons, taken
from napari_srgan.training.dataset.movies import Movies, colours, read_movies, split
from napari_srgan.training.loop.losses import change_loss, pixel_loss
from napari_srgan.training.loop.pixel_stage import PixelStage
from napari_srgan.training.loop.process_group import SingleProcess
from napari_srgan.training.loop.schedule import Moment
from napari_srgan.training.recipes.recipe import Recipe
from napari_srgan.training.recipes.session import run_recipe

FRAMES, SIDE = 20, 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One gray movie in which every frame has a brightness of its own, and one in colours."""
    data = tmp_path_factory.mktemp("data")
    (data / "films").mkdir()
    ground = np.random.default_rng(0).integers(0, 5000, (SIDE, SIDE))
    gray = (ground + 1000 * np.arange(FRAMES)[:, None, None]).astype(np.uint16)
    tifffile.imwrite(data / "films" / "gray.ome.tif", gray, metadata={"axes": "TYX"})
    coloured = np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8)
    coloured[..., 1] = ground // 20
    tifffile.imwrite(data / "films" / "dye.ome.tif", coloured, metadata={"axes": "TYXS"}, photometric="rgb")
    (data / "films" / "SOURCES.tsv").write_text("films\thttps://example.org/films\tabc\tCC0-1.0\n")
    return data


def recipe(**more: Any) -> Recipe:
    movies = {"folders": ("films",), "clip": 2, "moved": 0.0, **more.pop("movies", {})}
    arguments = {"scale_factor": 2, "channels": 1, "warm_up": 1, "blocks": 1, "width": 4, "state": 2}
    fields: dict[str, Any] = {
        "name": "small", "description": "for a test", "intensity": "percentile", "architecture": "recurrent",
        "arguments": arguments, "steps": 2, "batch": 2, "patch": 16, "validate_every": 2, "movies": movies,
    }  # fmt: skip
    return Recipe.model_validate(fields | more)


@pytest.fixture(scope="module")
def movies(folder: Path) -> Movies:
    return read_movies(recipe(), folder)


def test_a_colour_is_a_movie_and_an_empty_one_is_none(folder: Path, movies: Movies) -> None:
    assert [movie.name for movie in movies.training] == ["dye, green", "gray"]
    assert len(colours(folder / "films" / "gray.ome.tif")) == 1


def test_what_is_held_back_is_later_and_elsewhere() -> None:
    numbered = np.arange(10 * 4 * 20).reshape(10, 4, 20)
    trained, held = split(numbered)
    times, columns = (
        (set((numbers // 80).ravel()) for numbers in (trained, held)),
        (set((numbers % 20).ravel()) for numbers in (trained, held)),
    )
    assert not set.intersection(*times)
    assert not set.intersection(*columns)


def test_a_clip_has_the_frames_that_the_network_sees_and_those_it_makes(movies: Movies) -> None:
    low, high = movies.sampler(recipe(), np.random.default_rng(0)).batch(3)
    assert low.shape == (3, 4, 1, 16, 16)
    assert high.shape == (3, 2, 1, 32, 32)


@pytest.mark.parametrize("moved", [0.0, 1.0])
def test_truth_is_that_of_the_middle_frames(movies: Movies, moved: float) -> None:
    still = [movies.training[1]]
    chosen = recipe(movies={"moved": moved})
    sampler = Movies(movies.training[1:], still, []).sampler(chosen, np.random.default_rng(1))
    for _ in range(5):
        low, high = sampler.batch(1)
        again = bicubic_downsample(high[0], 2)
        inner = (..., slice(4, -4), slice(4, -4))
        torch.testing.assert_close(again[inner], low[0, 1:3][inner], atol=1e-4, rtol=0)


def test_noise_is_that_of_photons_and_anew_in_every_frame() -> None:
    light = torch.full((4, 1, 200, 200), 0.5)
    noisy = taken(light, few_photons(20.0), np.random.default_rng(0))
    assert float(noisy.mean()) == pytest.approx(0.5, abs=0.005)
    assert float(noisy.var()) == pytest.approx((20 * 0.5 + READ_ELECTRONS**2) / 20**2, rel=0.03)
    one, other = (noisy[t].flatten().numpy() for t in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_clips_with_noise_come_in_the_range_that_upscaling_will_see(movies: Movies) -> None:
    chosen = recipe(degradation={"photons": (10, 10), "read_electrons": (1.5, 1.5)})
    low, _ = movies.sampler(chosen, np.random.default_rng(0)).batch(40)
    assert -0.3 < float(low.quantile(0.001)) < 0.3
    assert 0.7 < float(low.quantile(0.999)) < 1.3


@given(st.integers(1, 30), st.integers(-60, 60))
def test_time_goes_on_by_reflection(length: int, place: int) -> None:
    at = int(reflected(np.array([place]), length)[0])
    assert 0 <= at < length
    assert int(reflected(np.array([-place]), length)[0]) == at
    if 0 <= place < length:
        assert at == place


def test_a_model_is_trained_and_knows_where_it_comes_from(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text(
        'name = "small"\ndescription = "for a test"\narchitecture = "early-fusion"\n'
        'intensity = "percentile"\nsteps = 2\nbatch = 2\npatch = 16\nvalidate_every = 2\n'
        '[movies]\nfolders = ["films"]\nmoved = 0\n'
        "[arguments]\nscale_factor = 2\nchannels = 1\nframes = 3\nblocks = 1\nwidth = 4\n"
    )
    job = run_recipe(file, folder, tmp_path / "out")
    while True:
        try:
            next(job)
        except StopIteration as end:
            model = end.value
            break
    assert model.card.frames == 3
    assert "https://example.org/films at abc, CC0-1.0" in model.card.attribution[0]
    assert {quality.images for quality in model.card.quality} >= {"gray, no noise", "gray, 20 photons"}


@pytest.mark.parametrize(
    ("more", "words"),
    [({"patch": 64}, "20 frames|14 frames.*64 x 64"), ({"movies": {"folders": ("none",)}}, "no movie")],
)
def test_what_cannot_be_trained_on_is_named(folder: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_movies(recipe(**more), folder)


def test_what_changes_counts_as_the_recipe_says(movies: Movies) -> None:
    of = recipe(movies={"change": 3})
    low, high = ClipSampler(movies.training, (), of, np.random.default_rng(0)).batch(2)
    network = build_network(of.architecture, of.arguments)
    with torch.no_grad():
        made = network(low)
        expected = pixel_loss("l1", made, high) + 3 * change_loss("l1", made, high)
    stage = PixelStage(of, network, SingleProcess("cpu"))
    assert float(stage.step(network, low, high, Moment(0, 0))) == pytest.approx(float(expected), rel=1e-5)


def test_a_loss_on_changes_needs_frames_between_which_something_can_change() -> None:
    with pytest.raises(ValidationError, match="two frames or more; got clip 1"):
        recipe(movies={"clip": 1, "change": 1})
