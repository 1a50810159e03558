"""The card of a model that was trained by a recipe."""

from __future__ import annotations

from collections.abc import Mapping

from napari_srgan.models import ModelCard, Quality, TrainedInput
from napari_srgan.models.trained_input import input_of_recipe
from napari_srgan.networks import Generator
from napari_srgan.training.recipes.recipe import Recipe


def trained_card(
    recipe: Recipe,
    network: Generator,
    *,
    trained: str,
    psnr: Mapping[str, float],
    bicubic: Mapping[str, float],
    protocol: str,
    attribution: tuple[str, ...] = (),
) -> ModelCard:
    """Make a card of what the recipe says, and of how the network does.

    Parameters
    ----------
    recipe
        The recipe that the network was trained with.
    network
        The trained network.
    trained
        How long and on what it was trained, in words.
    psnr, bicubic
        PSNR in dB on what was held back, by the name of the set: that of the network, and that of bicubic
        interpolation.
    protocol
        How they were measured, in words.
    attribution
        What the network was trained on, with source and licence.
    """
    return ModelCard(
        name=recipe.name,
        description=recipe.description,
        architecture=recipe.architecture,
        arguments=recipe.kept_arguments,
        scale_factor=recipe.scale_factor,
        channels=recipe.channels,
        intensity=recipe.intensity,
        frames=network.frames,
        receptive_radius=network.receptive_radius,
        grid=network.grid,
        licence=recipe.licence,
        attribution=attribution,
        citation=recipe.citation,
        recipe=recipe.model_dump(mode="json"),
        trained=trained,
        trained_input=trained_input_of(recipe),
        partner=recipe.partner,
        quality=tuple(
            Quality(
                images=name,
                psnr=round(psnr[name], 2),
                bicubic_psnr=round(bicubic[name], 2),
                protocol=protocol,
            )
            for name in psnr
        ),
    )


def trained_input_of(recipe: Recipe) -> TrainedInput | None:
    """How noisy and how blurred the images are that a recipe trains on.

    None for a user's own images: what they are like is not in the recipe.
    """
    return input_of_recipe(recipe.model_dump(mode="json"))
