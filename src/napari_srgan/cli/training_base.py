"""Which model a training starts from."""

from __future__ import annotations

from collections.abc import Sequence

from napari_srgan.models import Model, load_model
from napari_srgan.training.fine_tuning.bases import default_base
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.source import SourceImage

SCRATCH = "scratch"
"""Stands in place of a name for no model: a training from scratch."""


def choose_base(
    name: str | None, images: Sequence[MatchedPair | SourceImage], factor: int | None
) -> Model | None:
    """Load the base that is named, or the likeliest one.

    Parameters
    ----------
    name
        Name of a model, or a model file; :data:`SCRATCH` for none. None: the base that
        :func:`~napari_srgan.training.fine_tuning.bases.default_base` finds, if it finds one.
    images
        The images that will be learned from.
    factor
        The scale factor, if the user gives one.

    Returns
    -------
    Model or None
        The base; None for a training from scratch.

    Raises
    ------
    UserError
        If there is no model of that name.
    """
    if name == SCRATCH:
        return None
    found = default_base(images, factor) if name is None else name
    return None if found is None else load_model(found)
