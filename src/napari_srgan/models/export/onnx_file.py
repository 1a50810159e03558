"""A model for other programs, as one ONNX file.

The file holds the network alone: float32 ``(N, C, Y, X)`` in, as many channels out, values in
the network's own range, 0..1. Bringing quantities into that range, tiles and the way back are
the caller's; the card, in the file's metadata, says what the model expects.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_srgan.disk.atomic_write import save_file
from napari_srgan.errors import UserError
from napari_srgan.models.files import CARD_KEY
from napari_srgan.models.model import Model
from napari_srgan.networks.temporal import TemporalGenerator

if TYPE_CHECKING:
    from onnx import ModelProto

WEIGHTS_KEY = "napari-srgan weights"
"""Key of the metadata with the hash of the weights, as in a result's provenance."""
INPUT, OUTPUT = "low", "high"
"""Names of the input and the output."""
OPSET = 18
"""The oldest operator set that the exporter writes without converting, so that most programs can read it."""
PERCENTILES = 0.1, 99.9
"""What a card's ``intensity="percentile"`` maps to 0 and 1."""

_EXAMPLE = (2, 32, 48)
"""Batch, Y and X of the image that is traced: none is 1, which would be taken for fixed."""
_OTHER = (1, 9, 13)
"""Batch, Y and X of the image that the graph is checked with: nothing that windows or strides divide."""
_TOLERANCE = 1e-3
"""Largest difference between the graph's output and ours, of the output's largest value or of 1."""


def export_onnx(model: Model, path: str | os.PathLike[str]) -> Path:
    """Write a model as an ONNX file of any batch, height and width; whole or not at all.

    Parameters
    ----------
    model
        The model.
    path
        The ``.onnx`` file; replaced if it exists.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UserError
        If the ending is another, the packages for it are not installed, the network cannot
        be expressed in ONNX, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise UserError(f"an ONNX file ends in .onnx, {path.name!r} does not; change the ending")
    save_file(path, to_onnx(model).SerializeToString())
    return path


def to_onnx(model: Model) -> ModelProto:
    """A model as an ONNX graph, with its card in the metadata.

    Raises
    ------
    UserError
        If the packages for it are not installed, or the network cannot be expressed in ONNX.
    """
    check_single_images(model)
    try:
        import onnx
        import onnxscript  # noqa: F401  # torch's exporter asks for it
    except ImportError as error:
        raise UserError(
            f"exporting needs a package that is not installed ({error.name}): "
            'pip install "napari-srgan[export]"'
        ) from error
    graph = _trace(model)
    _forget_where_it_was_made(graph)
    onnx.helper.set_model_props(
        graph, {CARD_KEY: model.card.model_dump_json(), WEIGHTS_KEY: model.weights_hash}
    )
    graph.producer_name, graph.producer_version = "napari-srgan", version("napari-srgan")
    graph.doc_string = f"{model.card.description}\n\n{usage(model)}"
    onnx.checker.check_model(graph)
    _check_output(graph, model)
    return graph


def check_single_images(model: Model) -> None:
    """Make sure that a model takes images one by one, as other programs give them.

    Raises
    ------
    UserError
        If it takes clips.
    """
    if isinstance(model.network, TemporalGenerator):
        raise UserError(
            f"{model.name} is for time-lapses, and other programs give a model one image at a time: it can "
            "be exported neither to ONNX nor to bioimage.io; export a model for single images"
        )


def usage(model: Model) -> str:
    """What one has to know to run an exported model, in a few sentences."""
    card = model.card
    low, high = PERCENTILES
    times = f"{card.scale_factor} " if card.scale_factor > 1 else ""
    expected = {
        "byte": "8-bit values divided by 255",
        "percentile": f"the {low} and {high} percentiles of each channel mapped to 0 and 1, nothing clipped",
    }[card.intensity]
    return (
        f"Input {INPUT!r}: float32 (N, {card.channels}, Y, X), {expected}. Output {OUTPUT!r}: float32 "
        f"(N, {card.channels}, {times}Y, {times}X) on the same range. "
        f"{_about_tiles(model)} The output is a prediction, not a measurement."
    )


def _about_tiles(model: Model) -> str:
    if model.network.needs_plane_statistics:
        return (
            "The network normalises over the image it is given: tiles of an image do not fit "
            "together, so give it whole images (napari-srgan measures the whole image first)."
        )
    return (
        f"An output pixel depends on input pixels up to {model.card.receptive_radius} away: tiles read with "
        "so much around them, which is cut off afterwards, make what the whole image would."
    )


def _trace(model: Model) -> ModelProto:
    example = _noise(model, *_EXAMPLE)
    network = model.network
    try:
        with torch.no_grad():
            # What networks keep for their next run must be kept from a true run, not from tracing.
            network(example)
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: "batch", 2: "y", 3: "x"},),
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:  # whatever layers of others bring about inside the exporter
        raise UserError(_not_expressible(model, error)) from error
    assert program is not None  # it is, when no file is named
    graph: ModelProto = program.model_proto
    return graph


def _check_output(graph: ModelProto, model: Model) -> None:
    """Run the graph on an image of another size than was traced, which the exporter may have got wrong."""
    from onnx.reference import ReferenceEvaluator

    low = _noise(model, *_OTHER)
    with torch.inference_mode():
        wanted = model.network(low).numpy()
    try:
        (got,) = ReferenceEvaluator(graph).run(None, {INPUT: low.numpy()})
        difference = float(np.abs(got - wanted).max())
    except Exception as error:  # whatever a wrong graph brings about
        raise UserError(_not_expressible(model, error)) from error
    if not difference <= _TOLERANCE * max(1.0, float(np.abs(wanted).max())):
        raise UserError(_not_expressible(model, f"its output is off by {difference:.2g}"))


def _noise(model: Model, batch: int, y: int, x: int) -> torch.Tensor:
    # From a generator of its own: an export in the middle of a training changes nothing in it.
    return torch.rand(batch, model.card.channels, y, x, generator=torch.Generator().manual_seed(0))


def _not_expressible(model: Model, reason: object) -> str:
    told = "".join(c for c in re.sub(r"\x1b\[[0-9;]*m", "", str(reason)) if c.isprintable() or c == "\n")
    lines = told.strip().splitlines() or [type(reason).__name__]
    return (
        f"{model.name} ({model.card.architecture}) cannot be expressed in ONNX for images of any size: "
        f"{lines[0]}; export a model of another architecture"
    )


def _forget_where_it_was_made(graph: ModelProto) -> None:
    """Take out what the exporter notes for its own developers, paths of this machine among it."""
    parts = [graph.graph, *graph.graph.node, *graph.graph.initializer, *graph.graph.value_info]
    for part in [*parts, *graph.graph.input, *graph.graph.output, *graph.functions]:
        part.ClearField("metadata_props")
    for node in graph.graph.node:
        node.ClearField("doc_string")
