"""The network that a training begins with, and the copy of it that is kept."""

from __future__ import annotations

import copy

from napari_srgan.errors import UserError
from napari_srgan.models import load_model
from napari_srgan.models.card import SPANDREL
from napari_srgan.networks import Generator, build_network
from napari_srgan.networks.generator import layout_of
from napari_srgan.training.recipes.recipe import Recipe


def start_network(recipe: Recipe) -> Generator:
    """The recipe's network, with the weights of its starting model where they fit.

    Raises
    ------
    UserError
        If none of them fits, or not all of them where the adversarial stage comes first.
    """
    network = build_network(recipe.architecture, recipe.arguments)
    if recipe.start is None:
        return network
    weights = network.state_dict()
    given = load_model(recipe.start).network.state_dict()
    fitting = {n: t for n, t in given.items() if n in weights and weights[n].shape == t.shape}
    all_needed = recipe.pixel_part == 0
    kernels = [tensor for tensor in fitting.values() if tensor.ndim > 1]
    if not kernels or (all_needed and len(fitting) < len(weights)):
        raise UserError(
            f"{len(fitting)} of the {len(weights)} tensors of {recipe.name} can start from "
            f"{recipe.start}; choose a start of the same shape, or change the arguments"
        )
    network.load_state_dict(weights | fitting)
    return network


def kept_network(recipe: Recipe, network: Generator) -> Generator:
    """A copy of the network in training, with what is only switched on after it."""
    if recipe.architecture == SPANDREL:
        return copy.deepcopy(network).requires_grad_(False)
    kept = build_network(recipe.architecture, recipe.kept_arguments).requires_grad_(False)
    kept.load_state_dict(network.state_dict())
    device = next(network.parameters()).device
    return kept.to(device).to(memory_format=layout_of(4, device))
