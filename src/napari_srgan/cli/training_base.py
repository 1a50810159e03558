"""Which model a training starts from."""

from __future__ import annotations

from collections.abc import Sequence

from napari_srgan.models import Model, load_model
from napari_srgan.training.fine_tuning.bases import default_base
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.source import SourceImage

SCRATCH = "scratch"
"""Said in place of a name: no model to start from."""


def choose_base(
    name: str | None, images: Sequence[MatchedPair | SourceImage], factor: int | None
) -> Model | None:
    """Load the base that is named, or the likeliest one.

    Parameters
    ----------
    name
        Of a model, or a file; :data:`SCRATCH`; None: the one that
        :func:`~napari_srgan.training.fine_tuning.bases.default_base` finds, if there is one.
    images
        What will be learned from.
    factor
        As the user says it.

    Raises
    ------
    UserError
        If there is no model of that name.
    """
    if name == SCRATCH:
        return None
    found = default_base(images, factor) if name is None else name
    return None if found is None else load_model(found)
