"""Which model a training starts from."""

from __future__ import annotations

from collections.abc import Sequence

from napari_srgan.models import Model, default_model_name, load_model
from napari_srgan.models.library import models_for
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
        Of a model, or a file; :data:`SCRATCH`; None: the first faithful model of the library that was
        made for such images and their factor, if there is one.
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
    if name is not None:
        return load_model(name)
    first = images[0]
    rgb = first.low.rgb if isinstance(first, MatchedPair) else first.rgb
    factor = factor or next((image.factor for image in images if isinstance(image, MatchedPair)), None)
    if factor is None:
        return load_model(default_model_name(rgb=rgb))
    fitting = [
        card.name
        for card in models_for(channels=3 if rgb else 1)
        if card.scale_factor == factor and card.channels == (3 if rgb else 1)
        if not card.adversarial and card.partner is None
    ]
    return load_model(fitting[0]) if fitting else None
