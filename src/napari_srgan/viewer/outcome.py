"""What is said when a result is there."""

from __future__ import annotations

from napari.layers import Image

from napari_srgan.viewer.appearance import as_sentence
from napari_srgan.viewer.layers import METADATA_KEY


def added(layer: Image) -> str:
    """That a layer is there, and what the run had to say about its image."""
    return " ".join([f"Added {layer.name!r}.", *notes_of(layer)])


def notes_of(layer: Image) -> list[str]:
    """Sentences to be read beside a result, e.g. that its frames are in no order; mostly none."""
    notes = layer.metadata.get(METADATA_KEY, {}).get("notes", ())
    return [f"{as_sentence(str(note)).rstrip('.')}." for note in notes]
