"""The stage of a training that makes results agree with the truth pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from napari_srgan.networks import Generator
from napari_srgan.training.loop.losses import change_loss, pixel_loss
from napari_srgan.training.loop.optimiser import build_optimiser
from napari_srgan.training.loop.precision import mixed_precision
from napari_srgan.training.loop.process_group import ProcessGroup
from napari_srgan.training.loop.schedule import Moment, set_learning_rate
from napari_srgan.training.loop.update import update
from napari_srgan.training.recipes.recipe import Recipe


class PixelStage:
    """The pixel loss of Ledig et al. 2017, eq. 4, in L1 unless the recipe says otherwise.

    Parameters
    ----------
    recipe
        What to do.
    network
        What is trained.
    team
        Those who train it together.
    """

    def __init__(self, recipe: Recipe, network: Generator, team: ProcessGroup) -> None:
        self._team = team
        self._recipe = recipe
        self._network = network
        self.optimisers = build_optimiser(network, recipe.optimiser, recipe.learning_rate)

    def step(self, forward: Callable[[Tensor], Tensor], low: Tensor, high: Tensor, moment: Moment) -> Tensor:
        """One update of the network by a batch; returns the loss.

        Parameters
        ----------
        forward
            The network, compiled or not.
        low, high
            ``(N, C, p, p)`` and ``(N, C, p * factor, p * factor)``.
        moment
            Moment of the stage, for the learning rate.
        """
        recipe = self._recipe
        set_learning_rate(self.optimisers, recipe.learning_rate, recipe, moment)
        with mixed_precision(low.device):
            result = forward(low)
        loss = pixel_loss(recipe.pixel_loss, result, high)
        if recipe.movies and recipe.movies.change:
            loss = loss + recipe.movies.change * change_loss(recipe.pixel_loss, result, high)
        return update(loss, self._network, self.optimisers, recipe.clip, self._team, "generator")
