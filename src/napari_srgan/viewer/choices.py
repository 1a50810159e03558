"""What can be chosen in the Upscale widget, and how it is called there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_srgan.errors import UserError
from napari_srgan.inference.engine import choose_device
from napari_srgan.models import ModelCard, list_models, models_for, unreadable_models
from napari_srgan.viewer.layers import finest_level, layer_axes

Choices = list[tuple[str, Any]]
"""What is shown, and what is meant."""

WHOLE, VISIBLE = "whole", "visible"
AXES: Choices = [("as they are", "Q"), ("time", "T"), ("depth (Z)", "Z"), ("channels", "C")]
AXES_TOOLTIP = "Each channel has a brightness range of its own; planes along other axes share one"
PRECISIONS: Choices = [
    ("automatic", "auto"),
    ("float32", "float32"),
    ("bfloat16", "bfloat16"),
    ("float16", "float16"),
]
TILES: Choices = [("automatic", None), *((f"{side} pixels", side) for side in (64, 128, 256, 512, 1024))]
UNREADABLE = "cannot be read"


def images(viewer: ViewerModel) -> Choices:
    """All image layers."""
    return [(layer.name, layer) for layer in viewer.layers if isinstance(layer, Image)]


def models(image: Image | None) -> Choices:
    """The models that fit an image, the likeliest first.

    Also the user's files that cannot be read, so that they are not missed.
    """
    cards = list_models() if image is None else models_for(channels=3 if image.rgb else 1)
    found: Choices = [(f"{card.name}  (x{card.scale_factor})", card.name) for card in cards]
    return found + [(f"{name}  ({UNREADABLE})", name) for name in unreadable_models()]


def card_of(name: str | None) -> ModelCard | None:
    """The card of a model of the library; None if it has none that can be read."""
    return next((card for card in list_models() if card.name == name), None)


def describe_model(name: str | None) -> str:
    """One line about a model for someone who has to choose; what is wrong, if it cannot be read."""
    if name is None:
        return ""
    card = card_of(name)
    if card is None:
        return unreadable_models().get(name, "")
    kind = "RGB" if card.channels == 3 else "one channel"
    return f"{card.description} (x{card.scale_factor}, {kind})"


def regions(viewer: ViewerModel) -> Choices:
    """The whole image, what is visible, the box of each Shapes layer."""
    boxes = [(f"box of {layer.name}", layer) for layer in viewer.layers if isinstance(layer, Shapes)]
    return [("whole image", WHOLE), ("what is visible now", VISIBLE), *boxes]


def devices() -> Choices:
    """The devices of this machine."""
    found: Choices = [(f"automatic ({choose_device().type})", "auto")]
    for name in ("cuda", "xpu", "mps", "cpu"):
        try:
            found.append((choose_device(name).type, name))
        except UserError:
            continue
    return found


@dataclass(frozen=True)
class UnnamedAxis:
    """A leading axis of an image of which nobody said what it is."""

    label: str
    """With its number and its size, e.g. ``"Axis 0 (30)"``."""


def unnamed_axes(image: Image | None, most: int = 3) -> list[UnnamedAxis | None]:
    """For each of the first `most` axes: how to ask what it is, or None if that is clear."""
    asked: list[UnnamedAxis | None] = [None] * most
    if image is None:
        return asked
    try:
        axes = layer_axes(image)
    except UserError:  # told when it is run
        return asked
    shape = finest_level(image).shape
    for place, letter in enumerate(axes[:most]):
        if letter == "Q":
            asked[place] = UnnamedAxis(f"Axis {place} ({shape[place]})")
    return asked
