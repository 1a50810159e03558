"""What is said when a result is there."""

from __future__ import annotations

from napari.layers import Image

from napari_srgan.viewer.layers.result_in_viewer import hidden_in_words
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY
from napari_srgan.viewer.qt.labels import as_sentence


def added(layer: Image, image: Image) -> str:
    """Say that a result is there, and what there is to say about the image that it was made of."""
    hidden = hidden_in_words(layer, image)
    return " ".join([f"Added {layer.name!r}.", *([hidden] if hidden else []), *notes_of(layer)])


def notes_of(layer: Image) -> list[str]:
    """Sentences to be read beside a result, e.g. that its frames are in no order; mostly none."""
    notes = layer.metadata.get(METADATA_KEY, {}).get("notes", ())
    return [f"{as_sentence(str(note)).rstrip('.')}." for note in notes]
