"""What can be chosen in the Upscale widget, and how it is called there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_srgan.acquisition import Acquisition
from napari_srgan.acquisition.choice import fit, why_unsuited
from napari_srgan.errors import UserError
from napari_srgan.images.factor import factor_in_words
from napari_srgan.inference.devices.choice import device_kinds
from napari_srgan.models import Library, ModelCard, models_for
from napari_srgan.models.card_words import is_sharp
from napari_srgan.viewer.layers.provenance import is_illustration, predicted_by
from napari_srgan.viewer.layers.upscale_layer import finest_data, layer_axes
from napari_srgan.viewer.models.rows import SHARP_NOTE
from napari_srgan.viewer.upscale.blending import pair_of
from napari_srgan.viewer.upscale.time_axis import likeliest_time, times_of

Choices = list[tuple[str, Any]]
"""What is shown, and what is meant."""

WHOLE_IMAGE, VISIBLE, PLANE = "whole", "visible", "plane"
MEMORY, LAZY, DISK = "memory", "lazy", "disk"
RESULTS: Choices = [
    ("in napari", MEMORY),
    ("in napari, computed where one looks", LAZY),
    ("to a file", DISK),
]
RESULTS_TOOLTIP = (
    "In napari: the whole image, now, in memory; it can be saved afterwards. Computed where one looks: added "
    "at once, of an image of any size; zoom in, and what you see is computed. To a file: OME-Zarr, of any "
    "size, which goes on if it was stopped; or OME-TIFF, in one go"
)
FILE_TOOLTIP = (
    "Where the result is written to; the ending says the format. .ome.zarr: of any size, also larger than "
    "memory, and a run that was stopped goes on there. .ome.tif, .tif: in one go, for other programs"
)
AXES: Choices = [("planes one by one", "Q"), ("time", "T"), ("depth (Z)", "Z"), ("channels", "C")]
AXES_TOOLTIP = (
    "What lies along this axis, as numbered at napari's sliders. Each channel has a brightness range of its "
    "own; planes along other axes share one. Every plane is upscaled by itself, whatever the axis is"
)
TILE_CHOICES: Choices = [
    ("automatic", None),
    *((f"{side} pixels", side) for side in (64, 128, 256, 512, 1024)),
]
NO_PARTNER = "There is no slider, as no sharp model goes with it"
UNREADABLE = "cannot be read"
NEEDS_TIME = "needs a time axis"
PREDICTION = "(prediction)"
"""What stands after the name of a layer that a model made."""


def images(viewer: ViewerModel) -> Choices:
    """All image layers but the plugin's own illustrations, predictions last and marked.

    Whatever takes the first of them unasked does not take a prediction for a measured image.
    """
    found = [layer for layer in viewer.layers if isinstance(layer, Image) and not is_illustration(layer)]
    measured: Choices = [(layer.name, layer) for layer in found if not predicted_by(layer)]
    return measured + [(f"{layer.name}  {PREDICTION}", layer) for layer in found if predicted_by(layer)]


RGB_CHANNELS = 3
"""Channels of a model for colour images."""


def model_choices(image: Image | None, library: Library) -> Choices:
    """The models that fit an image, the likeliest first; the default, then for movies those for time-lapses.

    Also models for time-lapses where there is no time, and the user's files that cannot be read, so
    that they are not missed.
    """
    cards = library.cards
    if image is not None:
        channels, numbers = RGB_CHANNELS if image.rgb else 1, sorted({1, *(card.frames for card in cards)})
        single, *others = (models_for(channels=channels, frames=n, among=cards) for n in numbers)
        several = [card for cards_of in others for card in cards_of]
        first = 1 if likeliest_time(times_of(image)) is not None else len(single)
        cards = single[:first] + several + single[first:]
    return named_in_list(cards, image, library) + [
        (f"{bad.name}  ({UNREADABLE})", bad.name) for bad in library.unreadable
    ]


def named_in_list(cards: Iterable[ModelCard], image: Image | None, library: Library) -> Choices:
    """Models to choose from, each with what it is for in a word or two, and those of the user's marked."""
    own = {entry.card.name for entry in library.entries if entry.origin == "yours"}
    return [(_in_list(card, image, own=card.name in own), card.name) for card in cards]


def _in_list(card: ModelCard, image: Image | None, *, own: bool) -> str:
    needs = NEEDS_TIME if why_not(card, image) else ""
    about = [factor_in_words(card.scale_factor), _purpose(card, own=own), "yours" if own else "", needs]
    return f"{card.name}  ({', '.join(filter(None, about))})"


def _purpose(card: ModelCard, *, own: bool) -> str:
    """Sharp, faithful or for time-lapses; nothing of a model of the user's of which only little is known."""
    if card.frames > 1:
        return "time-lapse"
    if is_sharp(card):
        return "sharp"
    return "" if own else "faithful"


def why_not(card: ModelCard | None, image: Image | None) -> str:
    """Why a model cannot be chosen for an image; empty if it can."""
    if card is None or image is None or card.frames == 1 or times_of(image):
        return ""
    return (
        f"{card.frames} frames of a time-lapse help each other in this model, and {image.name!r} has no "
        "axis that can be time"
    )


def describe_model(name: str | None, image: Image | None, library: Library) -> str:
    """About a model, for someone who has to choose; what is wrong, if it cannot be read."""
    if name is None:
        return ""
    card = library.card(name)
    if card is None:
        return library.problem(name)
    together = f"; {card.frames} frames help each other" if card.frames > 1 else ""
    about = f"{card.description} ({factor_in_words(card.scale_factor)}, {_channels(card, image)}{together})"
    if is_sharp(card):
        return f"{about}; {SHARP_NOTE}"
    return about if pair_of(card, library) is not None else f"{about}. {NO_PARTNER}"


def describe_look(
    found: Acquisition | None, name: str | None, image: Image | None, library: Library
) -> tuple[str, bool]:
    """How an image was taken and whether a model suits it, and whether that is a warning; "" if unknown."""
    card = library.card(name)
    if found is None or image is None or card is None:
        return "", False
    movie = likeliest_time(times_of(image)) is not None
    if reason := why_unsuited(card, found, library.cards, movie=movie, rgb=image.rgb):
        return f"{found.sentence}; {reason}", True
    if not found.noisy:
        return found.sentence, False
    if fit(card, found) == "unknown":
        return f"{found.sentence}; what noise {name} was trained on is unknown", False
    return f"{found.sentence}; {name} was trained on such images", False


def _channels(card: ModelCard, image: Image | None) -> str:
    """What a model is for, and how it sees an image of another kind."""
    for_rgb = card.channels == RGB_CHANNELS
    kind = "RGB" if for_rgb else "one channel"
    if image is None or image.rgb == for_rgb:
        return kind
    one_by_one = f"colours are {'upscaled' if card.scale_factor > 1 else 'restored'} one by one"
    seen = "gray is seen as three equal colours" if for_rgb else one_by_one
    return f"for {kind}; {seen}"


def regions(viewer: ViewerModel, image: Image | None = None) -> Choices:
    """The whole image, of a stack the plane that is shown, what is visible, the box of each Shapes layer."""
    boxes = [(f"box of {layer.name}", layer) for layer in viewer.layers if isinstance(layer, Shapes)]
    plane = [("this plane only", PLANE)] if image is not None and image.ndim > 2 else []
    return [("whole image", WHOLE_IMAGE), *plane, ("what is visible now", VISIBLE), *boxes]


def devices() -> Choices:
    """The devices of this machine."""
    kinds = device_kinds()  # to choose one would start it, which takes seconds and memory
    return [(f"automatic ({kinds[0]})", "auto"), *((kind, kind) for kind in kinds)]


@dataclass(frozen=True)
class UnnamedAxis:
    """A leading axis of an image of which nobody said what it is."""

    label: str
    """Its number as napari shows it and its size, e.g. ``"Axis -3 (30)"``."""


MOST_UNNAMED = 3
"""Leading axes that a layer of five can have."""


def unnamed_axes(image: Image | None) -> list[UnnamedAxis | None]:
    """Say for each of the first axes how to ask what it is; None if that is clear."""
    asked: list[UnnamedAxis | None] = [None] * MOST_UNNAMED
    if image is None:
        return asked
    try:
        axes = layer_axes(image)
    except UserError:  # told when it is run
        return asked
    shape = finest_data(image).shape
    for place, letter in enumerate(axes[:MOST_UNNAMED]):
        if letter == "Q":
            asked[place] = UnnamedAxis(f"Axis {image.axis_labels[place]} ({shape[place]})")
    return asked
