"""Frames of a stage that drifts help each other as they lie on each other; results stay where they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import make_tiny_model

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.inference.movies.clip_plans import ClipPlans
from napari_srgan.inference.movies.clips import TemporalWindow
from napari_srgan.inference.movies.drift import displacement
from napari_srgan.inference.movies.timeline import frame_stats
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles.tiling import Span, Tile
from timelapses import KINDS, as_photons, make_temporal_model, moving_spots
from upscalings import eager, lazy

SCENE = moving_spots(1, 140, 140, seed=3)[0]
WAY = [(0, 0), (2, -1), (4, -3), (5, -3), (8, -4), (9, -6), (11, -6), (12, -8), (15, -9), (16, -9)]
"""Where the stage is at each frame."""
DRIFTING = np.stack([SCENE[20 + y : 100 + y, 30 + x : 100 + x] for y, x in WAY])
PHOTONS = pytest.mark.parametrize("photons", [None, 50, 10])


def noisy(movie: Any, photons: float | None) -> Any:
    return movie if photons is None else as_photons(movie, photons)


def moved(own: Any, other: Any) -> tuple[int, int]:
    looks = [frame_stats(frame, fine=True) for frame in (own, other)]
    return displacement(looks[0].fine, looks[1].fine, looks[0].independent)  # type: ignore[arg-type]


def run(movie: Any, model: Any = None, **options: Any) -> Any:
    return eager(movie, model or make_temporal_model(), **({"axes": "TYX", "align": "drift"} | options)).data


@PHOTONS
def test_a_drift_is_found_to_the_pixel(photons: float | None) -> None:
    movie = noisy(DRIFTING, photons)
    for frame in (3, 7):
        y, x = (a - b for a, b in zip(WAY[frame], WAY[5], strict=True))
        # A stage that moves on shows the same thing farther back.
        assert moved(movie[frame], movie[5]) == (-y, -x)


@PHOTONS
def test_neither_noise_nor_another_scene_is_a_drift(photons: float | None) -> None:
    still = noisy(np.stack([SCENE] * 4), photons)
    assert moved(still[1], still[0]) == (0, 0)
    other = noisy(moving_spots(1, 140, 140, seed=8), photons)
    assert moved(other[0], still[0]) == (0, 0)
    draw = np.random.default_rng(0)
    assert moved(draw.poisson(10, (90, 90)), draw.poisson(10, (90, 90))) == (0, 0)
    assert moved(np.zeros((40, 40)), SCENE[:40, :40]) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_thing_that_only_drifts_is_seen_as_still(kind: str) -> None:
    """What is made of it is what is made of the still thing, moved: all frames show the network the same."""
    model = make_temporal_model(kind)
    result = run(DRIFTING, model)
    still = run(np.stack([DRIFTING[5]] * 10), model)
    edge = 28  # where what is seen is no longer in all frames
    for frame in (4, 5, 6, 7):
        y, x = ((a - b) * 2 for a, b in zip(WAY[frame], WAY[5], strict=True))
        inner = result[frame, 2 * edge : -2 * edge, 2 * edge : -2 * edge]
        rows, columns = inner.shape
        there = still[frame, 2 * edge + y :, 2 * edge + x :][:rows, :columns]
        np.testing.assert_allclose(inner, there, atol=0.02 * np.ptp(still))
    beside = run(DRIFTING, model, align=None)
    assert np.abs(result - beside).max() > 0.05 * np.ptp(still)


@pytest.mark.parametrize("kind", KINDS)
def test_tiled_is_untiled_and_lazy_is_eager(kind: str) -> None:
    movie = as_photons(DRIFTING, 50).astype(np.float32)
    movie[2, 30:34, 30:34] = np.nan
    movie[6] = 0
    model = make_temporal_model(kind)
    whole, tiled = run(movie, model, tile=1000), run(movie, model, tile=32)
    np.testing.assert_allclose(tiled, whole, atol=2e-3)
    part = lazy(movie, model, axes="TYX", tile=32, align="drift")
    for frame in (9, 6, 0, 4):
        np.testing.assert_array_equal(part[frame, 11:], tiled[frame, 11:])
    region = run(movie, model, region=((20, 51), (3, 46)))
    np.testing.assert_allclose(region, whole[:, 40:102, 6:92], atol=2e-3)


@settings(max_examples=60)
@given(
    moves=st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), min_size=3, max_size=3),
    y=st.integers(0, 20),
    halo=st.integers(0, 12),
    height=st.integers(21, 60),
)
def test_what_is_read_is_the_frame_continued_by_reflection(
    moves: list[tuple[int, int]], y: int, halo: int, height: int
) -> None:
    movie = np.random.default_rng(0).random((3, height, 25)).astype(np.float32)
    stack = PlaneStack(movie, "TYX", make_temporal_model().card)
    tile = Tile(Span(y, min(y + 16, height)), Span(4, 20))
    read = stack.read_frames((0,), range(3), tile, halo, dict(enumerate(moves)), [0, 1])
    shapes = set()
    for frame, one in read.items():
        seen = one._continued(one.pixels[..., 0])
        shapes.add(seen.shape)
        wide = np.pad(movie[frame], 90, mode="symmetric")
        # Where the tile lies in what is read is where it lies in the frame.
        top, left = (
            span.start - w.trim[0] + 90 for span, w in zip((tile.y, tile.x), one.windows, strict=True)
        )
        np.testing.assert_array_equal(seen, wide[top : top + seen.shape[0], left : left + seen.shape[1]])
    assert len(shapes) == 1
    # All frames see the same place of what moves, and of those that are made the tile is there.
    places = {frame: one.windows[0].trim[0] + moves[frame][0] for frame, one in read.items()}
    assert len(set(places.values())) == 1
    for frame in (0, 1):
        assert min(min(w.trim) for w in read[frame].windows) >= 0


def test_only_what_lies_beside_is_read_beside() -> None:
    def plan(movie: Any, align: str | None) -> Any:
        stack = PlaneStack(movie, "TYX", make_temporal_model().card, UpscaleOptions(align=align))
        return ClipPlans(stack, TemporalWindow(4, 2, 2)).plan((4,))

    assert plan(DRIFTING, None).moves == {}
    assert plan(np.stack([SCENE] * 10), "drift").moves == {}
    found = plan(DRIFTING, "drift").moves
    assert (5 in found, found[7]) == (False, (-3, 2))


def test_it_is_recorded_and_goes_to_disk(tmp_path: Path) -> None:
    model, movie = make_temporal_model(), as_photons(DRIFTING, 50)
    assert eager(movie, model, axes="TYX", align="drift").provenance["align"] == "drift"
    assert "align" not in eager(movie, model, axes="TYX").provenance
    options: dict[str, Any] = {
        "axes": "TYX", "tile": 32, "device": "cpu", "precision": "float32", "progress": False
    }  # fmt: skip
    out = tmp_path / "x.zarr"
    stored = napari_srgan.upscale(movie, model, out=out, align="drift", **options)
    np.testing.assert_array_equal(stored[:], run(movie, model, tile=32))
    with pytest.raises(UserError, match=r"made otherwise .*align: 'drift', now 'nothing'"):
        napari_srgan.upscale(movie, model, out=out, **options)


@pytest.mark.parametrize(
    ("align", "model", "words"),
    [
        (
            "drift",
            make_tiny_model,
            "tiny is for single images, which no others help",
        ),
        ("flow", make_temporal_model, "aligned by align='drift', or not, align=None; got 'flow'"),
    ],
)
def test_other_ways_are_refused(align: str, model: Any, words: str) -> None:
    for upscaled in (eager, lazy):
        with pytest.raises(UserError, match=words):
            upscaled(DRIFTING, model(), axes="TYX", align=align)
