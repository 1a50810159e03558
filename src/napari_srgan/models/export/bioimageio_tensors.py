"""What goes into a model and comes out of it, in the words of bioimage.io, with an example."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.models.export.onnx_file import INPUT, OUTPUT, PERCENTILES
from napari_srgan.models.model import Model
from napari_srgan.samples import sample_path

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import InputTensorDescr, OutputTensorDescr, SpaceOutputAxis

WIDEST_HALO = 48
"""Widest halo in low-resolution pixels: beyond, what a deep network sees hardly matters, and tiles grow too
large."""
LEAST_INSIDE = 32
"""Pixels that remain of the smallest tile without its halo."""
EPSILON = 1e-6
"""What bioimage.io adds to the difference of two percentiles."""


def halo(model: Model) -> int:
    """Low-resolution pixels around a tile; 0 where no halo makes tiles fit together."""
    return 0 if model.network.needs_plane_statistics else min(model.card.receptive_radius, WIDEST_HALO)


def smallest(model: Model) -> int:
    """Height and width of the smallest image the package takes."""
    return 2 * halo(model) + LEAST_INSIDE


def input_tensor(model: Model, example: Path) -> InputTensorDescr:
    """Describe the input: any batch and any size; quantities in, the network's range inside."""
    from bioimageio.spec.model import v0_5 as spec

    size = spec.ParameterizedSize(min=smallest(model), step=1)
    if model.card.intensity == "byte":
        to_range: Any = spec.ScaleLinearDescr(kwargs=spec.ScaleLinearKwargs(gain=1 / 255))
    else:
        to_range = spec.ScaleRangeDescr(
            kwargs=spec.ScaleRangeKwargs(
                axes=(spec.AxisId("y"), spec.AxisId("x")),
                min_percentile=PERCENTILES[0],
                max_percentile=PERCENTILES[1],
                eps=EPSILON,
            )
        )
    return spec.InputTensorDescr(
        id=spec.TensorId(INPUT),
        description="the image, low resolution" if model.scale_factor > 1 else "the image, as it was taken",
        axes=[
            spec.BatchAxis(),
            spec.ChannelAxis(channel_names=_channels(model)),
            *(spec.SpaceInputAxis(id=spec.AxisId(axis), size=size) for axis in "yx"),
        ],
        test_tensor=spec.FileDescr(source=example),
        data=spec.IntervalOrRatioDataDescr(type="float32"),
        preprocessing=[to_range],
    )


def output_tensor(model: Model, example: Path) -> OutputTensorDescr:
    """Describe the output: as many times larger as the model makes it; 8-bit models give 8-bit quantities
    again."""
    from bioimageio.spec.model import v0_5 as spec

    byte = model.card.intensity == "byte"
    return spec.OutputTensorDescr(
        id=spec.TensorId(OUTPUT),
        description=("the image, high resolution" if model.scale_factor > 1 else "the image, restored")
        + (": a prediction" if byte else ": a prediction, 0..1 between percentiles"),
        axes=[
            spec.BatchAxis(),
            spec.ChannelAxis(channel_names=_channels(model)),
            *(_output_axis(model, axis) for axis in "yx"),
        ],
        test_tensor=spec.FileDescr(source=example),
        data=spec.IntervalOrRatioDataDescr(type="float32"),
        postprocessing=[spec.ScaleLinearDescr(kwargs=spec.ScaleLinearKwargs(gain=255.0))] if byte else [],
    )


def _output_axis(model: Model, axis: str) -> SpaceOutputAxis:
    from bioimageio.spec.model import v0_5 as spec

    named: Any = {
        "id": spec.AxisId(axis),
        "scale": 1 / model.scale_factor,
        "size": spec.SizeReference(tensor_id=spec.TensorId(INPUT), axis_id=spec.AxisId(axis)),
    }
    around = halo(model) * model.scale_factor
    if not around:
        return spec.SpaceOutputAxis(**named)
    with_halo: Any = spec.SpaceOutputAxisWithHalo(**named, halo=around)
    return with_halo  # type: ignore[no-any-return]  # they have no common type but their base


def _channels(model: Model) -> list[str]:
    names = {1: ["intensity"], 3: ["red", "green", "blue"]}
    return names.get(model.card.channels) or [f"channel{n}" for n in range(model.card.channels)]


def example_tensors(model: Model) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A bundled sample's corner as float32 ``(1, C, Y, X)``, and what the package makes of it."""
    from skimage.io import imread  # slow to import, and needed nowhere else here

    card = model.card
    side = smallest(model)
    if card.channels == 3:
        planes = imread(sample_path("tissue"))[:side, :side, :3].transpose(2, 0, 1)
    else:
        planes = np.stack([imread(sample_path("nuclei"))[:side, :side]] * card.channels)
    given = planes[None].astype(np.float32)
    if card.intensity == "byte":
        return given, _run(model, given / 255) * 255
    low, high = np.percentile(given, PERCENTILES, axis=(2, 3), keepdims=True)
    return given, _run(model, (given - low) / (high - low + EPSILON))


def _run(model: Model, values: NDArray[Any]) -> NDArray[np.float32]:
    with torch.inference_mode():
        output: NDArray[np.float32] = model.network(torch.from_numpy(values.astype(np.float32))).numpy()
    return output
