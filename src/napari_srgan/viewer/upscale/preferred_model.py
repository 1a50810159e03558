"""The model that a viewer's Upscale widget should show, also one that is opened later."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from napari import Viewer
from psygnal import Signal


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


_WISHES: WeakKeyDictionary[Viewer, ModelWish] = WeakKeyDictionary()


def wish_of(viewer: Viewer) -> ModelWish:
    """The wish of a viewer."""
    viewer = getattr(viewer, "__wrapped__", viewer)  # plugins are handed a proxy
    return _WISHES.setdefault(viewer, ModelWish())
