"""The model that a viewer's Upscale widget should show, also one that is opened later."""

from __future__ import annotations

from napari import Viewer
from psygnal import Signal

from napari_srgan.viewer.one_per_viewer import one_per_viewer


class ModelWish:
    """Says which model was made or chosen last."""

    wished = Signal(str)
    """Another model should be chosen: its name."""

    def __init__(self) -> None:
        self.name: str | None = None
        """Name of the model that should be chosen; None for whichever fits."""

    def wish(self, name: str) -> None:
        """Have a model chosen."""
        self.name = name
        self.wished.emit(name)


@one_per_viewer
def wish_of(_viewer: Viewer) -> ModelWish:
    """The wish of a viewer."""
    return ModelWish()
