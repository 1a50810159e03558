"""The line in the Upscale widget that offers what the image's file says of it."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Label, PushButton
from napari import Viewer
from napari.layers import Image

from napari_srgan.viewer.qt.labels import say
from napari_srgan.viewer.upscale.file_header import FileHeader, HeaderLook


class FileSays:
    """Offers pixel sizes and names of axes that napari's reader has dropped; hidden while there are none.

    Parameters
    ----------
    viewer
        In which the image is shown.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._image: Image | None = None
        self._look = HeaderLook()
        self.sentence = Label(name="file_says", label=" ", visible=False)
        self._use = PushButton(
            name="use_it", text="Use it", visible=False,
            tooltip="Gives the layer the pixel size, units and names of axes that its file tells and "
            "napari's own reader has left out",
        )  # fmt: skip
        self.rows: list[Any] = [self.sentence, self._use]
        """Widgets that are shown one below the other."""
        self._look.changed.connect(self._show)
        self._use.changed.connect(self._on_use)

    def close(self) -> None:
        """Let go of the layer, which outlives a widget that is closed."""
        self._look.close()

    def offer(self, image: Image | None) -> None:
        """Ask the file of an image, in the background."""
        self._image = image
        self._look.look(image)
        self._show()

    def _show(self) -> None:
        found: FileHeader | None = self._look.found
        new = "" if self._image is None or found is None else found.new_to(self._image)
        self.sentence.visible = self._use.visible = bool(new)
        say(self.sentence, f"The file says {new}" if new else "")

    def _on_use(self) -> None:
        if self._image is not None and self._look.found is not None:
            self._look.found.tell(self._image, self._viewer)
            self._show()
