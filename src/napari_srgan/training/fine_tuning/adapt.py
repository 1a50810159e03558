"""A base model made ready to learn images that it was not made for."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.images.factor import factor_in_words
from napari_srgan.models import Model
from napari_srgan.models.card import SPANDREL, ModelCard
from napari_srgan.networks import Generator, build_network


@dataclass(frozen=True)
class Start:
    """A network to be trained, and what was done to it."""

    network: Generator
    """In training mode, all weights to be trained."""
    architecture: str
    arguments: dict[str, Any]
    """Arguments of the network as it is trained, without back-projection."""
    notes: tuple[str, ...] = ()
    """What was changed, in sentences."""


def adapt(base: Model, *, channels: int, factor: int, back_projection: bool) -> Start:
    """Copy a base's network, with other first and last layers if its channels or its factor are others.

    Back-projection is switched off while training; whoever keeps it wants low-resolution images that
    are exactly the downsampled high-resolution ones, which measured pairs never are.

    Parameters
    ----------
    base
        To start from; left as it is.
    channels
        Channels of the images: 1 or 3.
    factor
        Scale factor of the pairs.
    back_projection
        Whether the finished model will have it, if the base has; only said in the notes here.

    Raises
    ------
    UserError
        If the network cannot be changed, or nothing of it would be left.
    """
    card = base.card
    arguments = {**card.arguments, "scale_factor": card.scale_factor, "channels": card.channels}
    agreed_exactly = arguments.pop("back_projection", False) is True
    notes = []
    if agreed_exactly and not back_projection and factor > 1:
        notes.append(
            "results need no longer agree exactly with the low-resolution image, which has blur and noise "
            "of its own"
        )
    if arguments.get("output") == "tanh":
        notes.append(
            f"results of {card.name} cannot be brighter than the brightest 0.1 % of what it sees: brighter "
            "spots are cut off; choose another base if that matters"
        )
    if (channels, factor) == (card.channels, card.scale_factor):
        network = copy.deepcopy(base.network)
        network.back_projection = False
    else:
        network, changed = _rebuilt(base, arguments, channels, factor)
        arguments |= {"channels": channels, "scale_factor": factor}
        notes += changed
    return Start(network.requires_grad_(True).train(), card.architecture, arguments, tuple(notes))


def _rebuilt(
    base: Model, arguments: Mapping[str, Any], channels: int, factor: int
) -> tuple[Generator, list[str]]:
    card = base.card
    if card.architecture == SPANDREL:
        raise UserError(
            f"{card.name} is for {_kind(card.channels, card.scale_factor)} and its network cannot be changed "
            f"for {_kind(channels, factor)}; choose another base"
        )
    try:
        network = build_network(
            card.architecture, dict(arguments) | {"channels": channels, "scale_factor": factor}
        )
    except (TypeError, ValueError) as error:
        raise UserError(
            f"{card.name} cannot be made a model for {_kind(channels, factor)}: {error}"
        ) from error
    fresh = network.state_dict()
    given = base.network.state_dict()
    taken: dict[str, Tensor] = {}
    for name, wanted in fresh.items():
        if name not in given:
            continue
        tensor = _as_one_pixel(given[name], wanted.shape, card, factor)
        if (fitted := _fitted(tensor, wanted.shape, channels, card.channels)) is not None:
            taken[name] = fitted
    if not any(tensor.ndim > 1 for tensor in taken.values()):
        raise UserError(
            f"nothing of {card.name} fits a model for {_kind(channels, factor)}; choose another base"
        )
    network.load_state_dict(fresh | taken)
    notes = []
    if channels != card.channels:
        notes.append(
            f"{card.name} is for {_colours(card.channels)}: its first and last layers were adapted "
            f"to {_colours(channels)}"
        )
    new = len(fresh) - len(taken)
    if factor != card.scale_factor:
        aim = f"x{factor}" if factor > 1 else "results of the same size"
        changed = f"{new} of its {len(fresh)} tensors are new for" if new else "its last layer was adapted to"
        notes.append(f"{card.name} is for {factor_in_words(card.scale_factor)}: {changed} {aim}")
    return network, notes


def _as_one_pixel(given: Tensor, shape: torch.Size, card: ModelCard, factor: int) -> Tensor:
    """The sub-pixels of a last layer as their mean, where results shall have the size of the input.

    What a network predicts of a pixel is then what it predicted of all pixels in its place: a base that
    was trained on noisy images takes noise off before the first step.
    """
    pixels = card.scale_factor**2
    if factor > 1 or given.ndim == 0 or given.shape == shape or given.shape[0] != card.channels * pixels:
        return given
    return given.reshape(card.channels, pixels, *given.shape[1:]).mean(1)


def _fitted(given: Tensor, shape: torch.Size, channels: int, before: int) -> Tensor | None:
    """A tensor of other channels at its input or output; None if it differs in something else."""
    tensor = given
    if tensor.ndim != len(shape):
        return None
    if tensor.ndim > 1 and tensor.shape[1] != shape[1]:
        if tensor.shape[1] * channels != shape[1] * before or tensor.shape[1] % before:
            return None
        # Three equal colours give what gray gave; gray gives what three equal colours gave; frame by frame.
        colours = tensor.unflatten(1, (-1, before)).sum(2, keepdim=True)  # type: ignore[no-untyped-call]
        tensor = colours.repeat(1, 1, channels, *(1,) * (tensor.ndim - 2)).flatten(1, 2) / channels
    if tensor.ndim and tensor.shape[0] != shape[0]:
        if tensor.shape[0] * channels != shape[0] * before or tensor.shape[0] % before:
            return None
        # Outputs are ordered colour by colour, each with the pixels of a block.
        colours = tensor.reshape(before, -1, *tensor.shape[1:]).mean(0, keepdim=True)
        tensor = colours.repeat(channels, *(1,) * (colours.ndim - 1)).flatten(0, 1)
    return tensor.clone() if tensor.shape == shape else None


def _kind(channels: int, factor: int) -> str:
    return f"{_colours(channels)}, {factor_in_words(factor)}"


def _colours(channels: int) -> str:
    return {1: "grayscale images", 3: "RGB images"}.get(channels, f"{channels} channels")
