"""Tiles of the size that is fastest, and that memory holds."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_srgan.inference.devices import memory
from napari_srgan.inference.devices.memory import TileCost
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.tiles.choice import (
    STEP,
    TilePace,
    choose_side,
    choose_tiles,
    fastest_side,
    fastest_tiles,
    measure_pace,
)
from napari_srgan.inference.tiles.tiling import Span, Tile
from napari_srgan.models import Model, ModelCard
from napari_srgan.networks import build_network

LIGHT = TilePace(TileCost(0, 262), most=3_000_000, cached=True)
"""microscopy-x2 in bfloat16."""
HEAVY = TilePace(TileCost(0, 5_000), most=170_000, cached=True)
"""Many channels at the size of the result: memory holds but few of its pixels."""


def plane(side: int) -> Tile:
    return Tile(Span(0, side), Span(0, side))


def seen(tile: Tile, halo: int) -> int:
    return (len(tile.y) + 2 * halo) * (len(tile.x) + 2 * halo)


@pytest.mark.parametrize("pace", [LIGHT, HEAVY])
@given(height=st.integers(1, 3000), width=st.integers(1, 3000), halo=st.integers(0, 56))
@settings(max_examples=40)
def test_tiles_cover_their_region_once_and_fit(pace: TilePace, height: int, width: int, halo: int) -> None:
    tiles = fastest_tiles(pace, Tile(Span(7, 7 + height), Span(0, width)), halo)
    assert sum(tile.pixels for tile in tiles) == height * width
    assert len({(tile.y.start, tile.x.start) for tile in tiles}) == len(tiles)
    assert all(seen(tile, halo) <= pace.most for tile in tiles)


def test_large_planes_are_cut_smaller_than_memory_asks_for() -> None:
    tiles = fastest_tiles(LIGHT, plane(4000), halo=42)
    assert all(300 <= len(tile.y) <= 700 for tile in tiles)


def test_a_plane_that_is_small_is_left_whole() -> None:
    assert fastest_tiles(LIGHT, plane(500), halo=42) == [plane(500)]


def test_halos_outweigh_the_cache_where_tiles_must_be_small() -> None:
    """What is left of a tile after its halo, if it were as small as is fastest for each pixel, is little."""
    assert fastest_side(HEAVY, halo=48) > 192


def test_a_network_of_hardly_any_cost_gets_no_tiny_tiles() -> None:
    """Each tile costs a little of itself."""
    assert fastest_side(TilePace(TileCost(0, 80), most=10_000_000, cached=True), halo=0) >= 512


def test_a_device_gets_what_its_memory_holds() -> None:
    pace = TilePace(TileCost(0, 262), most=3_000_000, cached=False)
    assert 1400 <= fastest_side(pace, halo=42) <= 1600
    assert len(fastest_tiles(pace, plane(3000), halo=42)) == 4


@given(per_pixel=st.floats(1, 1e5), most=st.integers(1, 10**7), halo=st.integers(0, 60))
def test_the_side_of_a_grid_fits_memory_if_any_does(per_pixel: float, most: int, halo: int) -> None:
    side = fastest_side(TilePace(TileCost(0, per_pixel), most, cached=True), halo)
    assert side >= 16
    assert side == 16 or (side + 2 * halo) ** 2 <= most
    assert side % STEP == 0 or (STEP + 2 * halo) ** 2 > most


def test_without_memory_the_smallest_tiles_are_tried(
    tiny_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "HOST_BUDGET", 1)
    engine = Engine(tiny_model(), "cpu", "float32")
    assert choose_side(engine, 1, 10) == 16
    assert {len(tile.y) for tile in choose_tiles(engine, 1, plane(64), 10)} == {16}


def test_a_normalised_plane_that_fits_is_not_cut(tiny_model: Any) -> None:
    """In parts it would have to be run over twice."""
    plain = Engine(tiny_model(width=64), "cpu", "float32")
    normalised = Engine(tiny_model(width=64, normalisation="instance"), "cpu", "float32")
    assert len(choose_tiles(plain, 1, plane(700), plain.model.card.receptive_radius)) > 1
    assert choose_tiles(normalised, 1, plane(700), 10) == [plane(700)]


def test_the_choice_takes_no_time_for_a_slide() -> None:
    began = time.process_time()
    assert len(fastest_tiles(LIGHT, plane(30_000), halo=42)) > 500
    assert time.process_time() - began < 5


def test_frames_that_lie_by_make_tiles_no_smaller() -> None:
    arguments = {"scale_factor": 2, "channels": 1, "blocks": 1, "width": 8}
    sides = []
    for clip in (2, 16):
        network = build_network("early-fusion", {**arguments, "clip": clip}).eval().requires_grad_(False)
        card = ModelCard(
            name="film", description="for a test", architecture="early-fusion", arguments=arguments,
            scale_factor=2, channels=1, frames=5, intensity="percentile", licence="CC0-1.0",
            receptive_radius=network.receptive_radius,
        )  # fmt: skip
        pace = measure_pace(Engine(Model(network, card), "cpu", "float32"), 1)
        sides.append((fastest_side(pace, network.receptive_radius), pace.most))
    assert sides[0][0] == sides[1][0]
    assert sides[0][1] > sides[1][1]
