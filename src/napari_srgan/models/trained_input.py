"""What images a model was trained on: how noisy, how blurred."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from napari_srgan.significant import significant

UNKNOWN_INPUT = "unknown"
"""Stands for what nobody knows of models whose cards do not tell what they were trained on."""


class TrainedInput(BaseModel):
    """The noise and the blur of the low-resolution images that a model has learned to upscale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    photons: tuple[float, float] | None = None
    """Range of the photo-electrons in the brightest places; None: only images without noise."""
    blur: tuple[float, float] = (0.0, 0.0)
    """Range of the sigma of a Gaussian, in low-resolution pixels, beyond the antialiasing."""
    clean: bool = True
    """Whether images without noise were among them."""

    @model_validator(mode="after")
    def _ranges_are_ranges(self) -> TrainedInput:
        if self.photons is None and not self.clean:
            raise ValueError("images are noisy, clean or both; photons is None and clean is false")
        for name, limits in (("photons", self.photons), ("blur", self.blur)):
            if limits is not None and not 0 <= limits[0] <= limits[1]:
                raise ValueError(f"{name} is a range, the lower number first, not negative; got {limits}")
        return self

    @property
    def noise(self) -> str:
        """The noise in a few words, e.g. ``"10 to 50 photons"``."""
        if self.photons is None:
            return "no noise"
        low, high = (f"{number:,.2g}" if number < 100 else f"{number:,.0f}" for number in self.photons)
        return f"{low} photons" if low == high else f"{low} to {high} photons"

    @property
    def words(self) -> str:
        """Noise and blur in words, e.g. ``"10 to 50 photons in the brightest places, or no noise"``."""
        noise = self.noise
        if self.photons is not None:
            noise += " in the brightest places" + (", or no noise" if self.clean else "")
        return f"{noise}; blur of up to {significant(self.blur[1], 2)} pixels" if self.blur[1] else noise


def noise_order(made_for: TrainedInput | None) -> float:
    """What models are sorted by: those for few photons first, those of which nothing is known last."""
    if made_for is None:
        return math.inf
    return made_for.photons[0] if made_for.photons is not None else sys.float_info.max


def input_of_recipe(recipe: Mapping[str, Any]) -> TrainedInput | None:
    """How noisy and blurred the images are that a recipe trains on; None if it does not say.

    A recipe without a degradation makes low resolution small from high resolution by antialiased bicubic
    interpolation; those of an earlier version add noise to the frames of movies. A recipe without folders
    is of a user's own images.
    """
    movies, degradation = recipe.get("movies"), recipe.get("degradation")
    if isinstance(degradation, Mapping):
        photons = degradation.get("photons")
        said = {
            "photons": photons,
            "blur": degradation.get("blur", (0.0, 0.0)),
            "clean": photons is None or degradation.get("clean", 0.0) != 0,
        }
    elif not recipe.get("folders") or degradation:
        return None
    elif isinstance(movies, Mapping):
        said = {"photons": movies.get("photons", (10.0, 50.0)), "clean": movies.get("clean", 0.25) != 0}
    else:
        said = {}
    try:
        return TrainedInput.model_validate(said)
    except ValidationError:  # cards are other people's words
        return None
