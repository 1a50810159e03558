"""Tiles cover a region once, and see what they must."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.inference.tiles.tiling import BORDER, SMALLEST_TILE, Span, Tile, plan_tiles, tile_window

lengths = st.integers(1, 200)
halos = st.integers(0, 45)


@st.composite
def spans(draw: st.DrawFn, length: int) -> Span:
    start = draw(st.integers(0, length - 1))
    return Span(start, draw(st.integers(start + 1, length)))


@given(
    height=lengths,
    width=lengths,
    halo=halos,
    largest=st.none() | st.integers(1, 30_000),
    side=st.none() | st.integers(16, 250),
)
def test_tiles_cover_every_pixel_once(
    height: int, width: int, halo: int, largest: int | None, side: int | None
) -> None:
    counts = np.zeros((height, width), int)
    tiles = plan_tiles(Tile(Span(0, height), Span(0, width)), halo, largest=largest, side=side)
    for tile in tiles:
        counts[tile.y.start : tile.y.stop, tile.x.start : tile.x.stop] += 1
        assert tile.pixels > 0
        if side is not None:
            for span, length in ((tile.y, height), (tile.x, width)):
                assert span.start % side == 0
                assert len(span) == min(side, length - span.start)
        elif largest is not None:
            smallest = (SMALLEST_TILE + 2 * halo) ** 2
            assert (len(tile.y) + 2 * halo) * (len(tile.x) + 2 * halo) <= max(largest, smallest)
    assert (counts == 1).all()


@given(data=st.data(), length=lengths, halo=halos)
def test_a_window_is_a_part_of_the_continued_axis(data: st.DataObject, length: int, halo: int) -> None:
    core = data.draw(spans(length))
    window = tile_window(core, length, halo)
    axis = np.arange(length)
    border = min(BORDER, halo)
    whole = np.pad(axis, border, mode="symmetric")
    seen = np.pad(axis[window.read.start : window.read.stop], window.pad, mode="symmetric")
    first = window.read.start - window.pad[0] + border
    np.testing.assert_array_equal(seen, whole[first : first + window.size])
    own = seen[window.trim[0] : window.size - window.trim[1]]
    np.testing.assert_array_equal(own, axis[core.start : core.stop])
    # It sees its halo, or all there is.
    assert window.trim[0] == min(halo, core.start + border)
    assert window.trim[1] == min(halo, length - core.stop + border)


@given(data=st.data(), height=lengths, width=lengths)
def test_halves_make_the_whole(data: st.DataObject, height: int, width: int) -> None:
    tile = Tile(data.draw(spans(height)), data.draw(spans(width)))
    first, second = tile.halves()
    assert first.pixels + second.pixels == tile.pixels
    assert (first.y, second.y) == (tile.y, tile.y) or (first.x, second.x) == (tile.x, tile.x)
