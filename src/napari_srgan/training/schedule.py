"""How the learning rate goes over a stage of a training."""

from __future__ import annotations

from collections.abc import Iterable

from torch.optim import Optimizer

from napari_srgan.training.recipe import Recipe


def learning_rate_factor(step: int, steps: int, *, warm_up: int, decay: float) -> float:
    """Rise over the warm-up, stay, fall to 0 over the last part (a longer run stays longer)."""
    rising = min(1.0, (step + 1) / (warm_up + 1))
    falling = (steps - step) / max(decay * steps, 1)
    return min(rising, max(falling, 0.0))


def set_learning_rate(
    optimisers: Iterable[Optimizer], height: float, recipe: Recipe, step: int, steps: int
) -> None:
    """Give optimisers the learning rate of a step of a stage of `steps` steps."""
    factor = learning_rate_factor(step, steps, warm_up=recipe.warm_up, decay=recipe.decay)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = height * factor
