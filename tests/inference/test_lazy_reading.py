"""What a lazy result has of itself, and what it does not: peeks, missing tiles, indices that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.conftest import make_tiny_model

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.models.card import ResultIntensity
from upscalings import RANDOM, image, lazy


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of what the network has run over."""
    seen: list[tuple[int, ...]] = []
    forward = NetworkRunner._forward

    def counted(self: NetworkRunner, network: Any, low: Any) -> Any:
        seen.append(low.shape)
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", counted)
    return seen


# --- What is not there yet -----------------------------------------------------------------


def test_nothing_runs_before_it_is_read(runs: list[Any]) -> None:
    result = lazy(image(100, 100), make_tiny_model(), tile=32)
    result.dask()
    result.peek(...)
    result.missing(...)
    assert result.provenance
    assert not runs
    result[0:5, 0:5]
    result[0:64, 0:64]
    assert len(runs) == 1
    result[63:65, 0]
    assert len(runs) == 2


def test_a_peek_computes_nothing_and_says_what_is_real(runs: list[Any]) -> None:
    array = image(3, 70, 83, dtype=np.uint16)
    result = lazy(array, make_tiny_model(4), tile=32)
    large = array.repeat(4, 1).repeat(4, 2)
    for key in [
        (1, slice(3, 200), slice(7, 300, 5)),
        (slice(0, 3, 2), 9, slice(0, 330, 8)),
        (..., slice(9, 9)),
    ]:
        pixels, real = result.peek(key)
        np.testing.assert_array_equal(pixels, large[key])
        assert real is (pixels.size == 0)
    assert not runs
    computed = result[1, :128, :128]
    pixels, real = result.peek((1, slice(0, 256), slice(0, 128)))
    assert not real
    np.testing.assert_array_equal(pixels[:128], computed)
    np.testing.assert_array_equal(pixels[128:], large[1, 128:256, :128])
    pixels, real = result.peek((1, slice(5, 128), slice(0, 128)))
    assert real
    np.testing.assert_array_equal(pixels, computed[5:])


def test_a_peek_at_colours() -> None:
    array = image(40, 50, 4, dtype=np.uint8)
    pixels, real = lazy(array, make_tiny_model(channels=3)).peek((slice(10, 30), ..., slice(0, 3)))
    assert not real
    np.testing.assert_array_equal(pixels, array.repeat(2, 0).repeat(2, 1)[10:30, :, :3])


def test_what_is_missing_comes_from_the_middle_outwards() -> None:
    result = lazy(image(2, 150, 150), make_tiny_model(), tile=16)
    key = (1, slice(0, 160), slice(32, 192))
    places = result.missing(key)
    assert len(places) == 25
    assert {place.index for place in places} == {(1,)}
    distances = [(place.row - 2) ** 2 + (place.column - 3) ** 2 for place in places]
    assert distances == sorted(distances)
    result.compute(places[0])
    assert result.missing(key) == places[1:]
    for place in places[1:]:
        result.compute(place)
    assert result.missing(key) == []
    assert result.peek(key)[1]
    assert result.missing((..., slice(5, 5))) == []


def test_every_plane_is_missing_on_its_own() -> None:
    result = lazy(image(5, 20, 20), make_tiny_model(), tile=32)
    assert [place.index for place in result.missing(...)] == [(2,), (1,), (3,), (0,), (4,)]


def test_placeholders_are_in_the_quantities_of_the_result() -> None:
    """Those of a model that was trained on another modality."""
    quantities = ResultIntensity(offset=1000.0, span=500.0, dtype="uint16")
    network = make_tiny_model()
    network = replace(network, card=network.card.model_copy(update={"result": quantities}))
    array = image(40, 40, dtype=np.uint8)
    result = lazy(array, network)
    pixels, real = result.peek(...)
    assert not real
    assert pixels.dtype == result.dtype == np.uint16
    np.testing.assert_allclose(np.percentile(pixels, [1, 99]), np.percentile(result[...], [1, 99]), rtol=0.1)


# --- What is wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [(0, 0, 0), (..., ...), 140, -141, slice(None, None, -1), None, [1, 2], 0.5, np.zeros(140, bool), "a"],
)
def test_what_is_no_index_is_refused(key: Any) -> None:
    with pytest.raises(IndexError):
        lazy(image(70, 83), make_tiny_model())[key]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile": 3}, "16 whole pixels or more; got 3"),
        ({"cache": -1}, "whole number of bytes, 0 for none; got -1"),
        ({"cache": 0.5}, "whole number of bytes, 0 for none; got 0.5"),
        ({"device": "abacus"}, "no device 'abacus'"),
        ({"precision": "int8"}, "no precision 'int8'"),
        ({"axes": "XY"}, "'XY' cannot be used"),
    ],
)
def test_what_cannot_be_used_is_said_when_it_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        lazy(image(40, 40), make_tiny_model(), **options)


def test_a_broken_model_is_named_where_it_is_read() -> None:
    network = make_tiny_model(name="broken")
    network.network.head[0].weight.data[:] = np.nan
    result = lazy(image(40, 40), network)
    for _ in range(2):
        with pytest.raises(UserError, match="broken gives values that are not finite"):
            result[0]


def test_a_large_result_costs_nothing() -> None:
    """Neither the array, nor its dask array, nor a look at a part."""

    class Noise:
        shape, dtype = (1000, 100_000, 100_000), np.dtype(np.uint8)

        def __getitem__(self, key: Any) -> Any:
            shape = [len(range(*k.indices(10**5))) for k in key if isinstance(k, slice)]
            return RANDOM.integers(0, 9, shape).astype(np.uint8)

    result = lazy(Noise(), make_tiny_model())
    assert result.shape == (1000, 200_000, 200_000)
    assert len(result.missing((0, slice(0, 1000), slice(0, 1000)))) == 4
    movie = result.dask()
    assert movie.shape == result.shape
    assert movie[500][100_000:, ::3].numblocks == (196, 391)
    assert movie[500][100_000:, ::3][5:7, 5:9].compute().shape == (2, 4)
    assert lazy(Noise(), make_tiny_model()).peek((999, slice(0, 9), 5))[0].shape == (9,)
