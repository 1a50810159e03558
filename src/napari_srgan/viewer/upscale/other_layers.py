"""The tick with which other selected layers are upscaled in the same run."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox
from napari import Viewer
from napari.layers import Image

from napari_srgan.viewer.layers.provenance import is_illustration, predicted_by


class OtherLayers:
    """Offers the image layers that are selected beside the one that is chosen; hidden while there are none.

    Parameters
    ----------
    viewer
        Whose layers they are.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._image: Image | None = None
        self.row = CheckBox(
            name="others", text="And the other selected layers", visible=False,
            tooltip="Upscales all image layers that are selected in the layer list, one after the other, "
            "with the same model and settings; of files each gets one of its own beside the first",
        )  # fmt: skip
        viewer.layers.selection.events.changed.connect(self._on_selection)

    def close(self) -> None:
        """Let go of the layers, which outlive a widget that is closed."""
        self._viewer.layers.selection.events.changed.disconnect(self._on_selection)

    def offer(self, image: Image | None) -> None:
        """Offer the layers that are selected beside another image."""
        self._image = image
        found = [] if image is None else self._selected_beside(image)
        self.row.visible = bool(found)
        if found:
            self.row.text = "And the other selected layer"
            if len(found) > 1:
                self.row.text = f"And the other {len(found)} selected layers"
            self.row.native.setToolTip(f"{self.row.tooltip}: {', '.join(layer.name for layer in found)}")
        else:
            self.row.value = False  # it was about these

    def wanted(self, image: Image) -> list[Image]:
        """The layers that are to be upscaled too, in the order of the layer list."""
        return self._selected_beside(image) if self.row.value else []

    def _selected_beside(self, image: Image) -> list[Image]:
        layers = self._viewer.layers
        selected = [layer for layer in layers if layer in layers.selection and layer is not image]
        images = [layer for layer in selected if isinstance(layer, Image) and not is_illustration(layer)]
        return [layer for layer in images if not predicted_by(layer)]  # a result is not proposed

    def _on_selection(self, _event: Any) -> None:
        self.offer(self._image)
