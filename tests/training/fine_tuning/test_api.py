"""`napari_srgan.fine_tune` for arrays and layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.training.fine_tuning.conftest import SMALL, pair_of

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.models import list_models
from napari_srgan.models.card import ResultIntensity
from napari_srgan.training.fine_tuning.bases import likeliest_base

QUICK = SMALL | {"steps": 2}


def arrays(high: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    pair = pair_of(high)
    return np.asarray(pair.low.data), np.asarray(pair.high.data)


def test_arrays_become_a_model(high: NDArray[Any]) -> None:
    low, fine = arrays(high)
    model = napari_srgan.fine_tune(low, fine, base=None, progress=False, **QUICK)
    assert [point.step for point in model.history] == [0, 2]
    assert napari_srgan.upscale(low, model, progress=False).shape == fine.shape


def test_lists_of_arrays_become_pairs(high: NDArray[Any]) -> None:
    low, fine = arrays(high)
    model = napari_srgan.fine_tune([low, low], [fine, fine], base=None, progress=False, **QUICK)
    assert len(model.card.pairs) == 2


def test_high_resolution_alone_takes_the_default_base(high: NDArray[Any]) -> None:
    model = napari_srgan.fine_tune(high=high, progress=False, **(QUICK | {"steps": 1, "patch": 16}))
    assert model.card.baseline is not None
    assert model.card.baseline.base_name == "microscopy-x2"


def test_low_resolution_alone_teaches_nothing(high: NDArray[Any]) -> None:
    with pytest.raises(UserError, match="low resolution or noisy images alone teach nothing: give high="):
        napari_srgan.fine_tune(high)


def test_every_low_image_needs_its_partner(high: NDArray[Any]) -> None:
    with pytest.raises(UserError, match="got 1 low and 2 high"):
        napari_srgan.fine_tune(high, [high, high])


def test_exchanged_images_are_named(high: NDArray[Any]) -> None:
    low, fine = arrays(high)
    with pytest.raises(UserError):
        napari_srgan.fine_tune(fine, low, progress=False, **QUICK)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_results_in_other_quantities(tiny_model: Any, dtype: Any) -> None:
    model = tiny_model()
    other = napari_srgan.Model(
        model.network,
        model.card.model_copy(update={"result": ResultIntensity(offset=100, span=5000, dtype="uint16")}),
    )
    image = (np.random.default_rng(0).random((40, 40)) * 255).astype(dtype)
    if dtype == np.float32:
        image[3, 3] = np.nan
    own, result = (napari_srgan.upscale(image, each, progress=False) for each in (model, other))
    assert own.dtype == dtype
    # Floats stay floats: they may be NaN.
    assert result.dtype == (np.uint16 if dtype == np.uint8 else np.float32)
    assert np.nanmax(result) > 3000
    relation = np.corrcoef(np.nan_to_num(own.ravel()), np.nan_to_num(result.ravel()))[0, 1]
    assert relation > 0.98
    assert np.isnan(result).sum() == (4 if dtype == np.float32 else 0)


@pytest.mark.parametrize(
    ("rgb", "factor", "expected"),
    [
        (False, None, "microscopy-x2"),
        (False, 1, "microscopy-x2"),
        (False, 2, "microscopy-x2"),
        (False, 4, "microscopy-x4"),
        (True, 4, "photo-x4"),
        (True, 2, None),  # one channel after the other would learn no colours
        (False, 3, None),
    ],
)
def test_one_rule_tells_where_to_start(rgb: bool, factor: int | None, expected: str | None) -> None:
    assert likeliest_base(list_models(), rgb=rgb, factor=factor) == expected
