"""What is no array that can be upscaled is told in a sentence."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import zarr

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array


def test_a_shape_that_is_not_known_yet() -> None:
    values = dask.array.from_array(np.arange(80.0).reshape(8, 10))
    with pytest.raises(UserError, match=r"is not known: \(nan, 10\); call its compute_chunk"):
        check_array(values[values[:, 0] > 20])


def test_a_group_of_arrays() -> None:
    group = zarr.create_group(zarr.storage.MemoryStore())
    with pytest.raises(UserError, match="a Group holds several; there is nothing in it"):
        check_array(group)
    group.create_array("cells", data=np.zeros((8, 8)))
    with pytest.raises(UserError, match=r"a Group holds several; give one of what is in it, .* 'cells'"):
        check_array(group)
    with pytest.raises(UserError, match="a dict holds several"):
        check_array({"raw": np.zeros((8, 8))})
