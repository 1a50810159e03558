"""How the learning rate goes over a stage of a training."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from torch.optim import Optimizer

from napari_srgan.training.recipes.recipe import Recipe

SHORT_WARM_UP = 0.1
"""Part of a stage that its warm-up takes at most: a training of a few minutes would be over before it."""


@dataclass(frozen=True)
class Moment:
    """Where in a stage of a training a step is."""

    step: int
    """Steps of the stage before it."""
    position: float
    """Part of the stage that is over, 0 to 1, by steps or by the clock."""


def learning_rate_factor(moment: Moment, *, warm_up: int, schedule: str, decay: float) -> float:
    """What the learning rate is multiplied by: it rises over the warm-up, and falls to 0.

    Parameters
    ----------
    moment
        The step.
    warm_up
        Steps over which it rises, but no more than :data:`SHORT_WARM_UP` of the stage.
    schedule
        ``"linear"``: it stays, and falls over the last part, `decay`; ``"cosine"``: it falls as
        half a cosine over the whole stage (Loshchilov and Hutter 2017, arXiv 1608.03983, eq. 5).
    decay
        Last part of the stage, for ``"linear"``.
    """
    rising = min(1.0, max((moment.step + 1) / (warm_up + 1), moment.position / SHORT_WARM_UP))
    # A training that is given more time goes back in its stage, but not before its beginning.
    left = min(max(1 - moment.position, 0.0), 1.0)
    if schedule == "cosine":
        return rising * (1 - math.cos(math.pi * left)) / 2
    return min(rising, left / decay if decay > 0 else 1.0)


def set_learning_rate(optimisers: Iterable[Optimizer], height: float, recipe: Recipe, moment: Moment) -> None:
    """Give optimisers the learning rate of a step."""
    factor = learning_rate_factor(
        moment, warm_up=recipe.warm_up, schedule=recipe.schedule, decay=recipe.decay
    )
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = height * factor
