"""What a training and the check of its pairs put on the canvas.

Layers of ours are remembered, never found by their names, which a user's layer may have too; none of them
takes the selection away from the layer that the user works with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer, Vectors
from napari.utils.colormaps import Colormap
from numpy.typing import NDArray

from napari_srgan.training.degradation.sample import NoiseSample
from napari_srgan.training.fine_tuning.progress import (
    GUARD,
    HELD_BACK,
    TRAINED_ON,
    UNUSED,
    Preview,
    SplitPicture,
)
from napari_srgan.training.pairs.picture import arrows, overlay, overlay_origin
from napari_srgan.training.pairs.report import PairReport
from napari_srgan.viewer.fine_tuning.montage import side_by_side
from napari_srgan.viewer.layers.provenance import illustration
from napari_srgan.viewer.one_per_viewer import OfViewer
from napari_srgan.viewer.qt.labels import camera_of, grid_of, view_size

PREVIEW, OVERLAY, SHIFTS = "preview of the training", "overlay of", "shifts of"
"""Names of layers, or how they begin."""
ENLARGED = 10.0
"""Times that arrows are longer than the shifts they show."""
ROLES = {UNUSED: "not used", TRAINED_ON: "trained on", HELD_BACK: "held back", GUARD: "guard band"}
COLORS: dict[int, str] = {TRAINED_ON: "#3f7fbf", HELD_BACK: "#f0a030", GUARD: "#808080"}


@dataclass(frozen=True)
class CheckPicture:
    """What a check has found, to be shown on the low-resolution image."""

    name: str
    """Name of the pair."""
    overlay: NDArray[np.float32]
    """``(Y, X, 3)``: low in red, high in green."""
    arrows: NDArray[np.float64]
    """``(N, 2, 2)``: start and direction in pixels of the low-resolution image."""
    origin: tuple[int, int]
    """Its first pixel in the low-resolution image."""

    @staticmethod
    def of(report: PairReport) -> CheckPicture:
        """Make the pictures of a report; reads the images."""
        picture, origin = overlay(report), overlay_origin(report)
        directions = arrows(report, enlarged=ENLARGED)
        return CheckPicture(report.pair.name, picture, directions, origin)


class TrainingLayers(OfViewer):
    """Our layers in a viewer; in its grid mode they wait until that ends.

    Parameters
    ----------
    viewer
        To show them in.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self._preview: Image | None = None
        self._camera_before: tuple[tuple[float, ...], float] | None = None
        self._looked_at: Layer | None = None
        """The preview or overlay that the camera was brought to."""
        self._ours: dict[str, ref[Layer]] = {}
        """By the names that they were given."""
        self._waiting: list[Layer] = []
        """Those that wait until the grid is off: each would take a cell, and make all others smaller."""
        grid_of(viewer).events.enabled.connect(self._on_grid)

    def begin(self) -> None:
        """Another training: what an earlier one has shown goes, what a check has shown is hidden and left."""
        if self.looks_away:
            self._go_back()
        self._remove(PREVIEW)
        self._preview = None
        self._camera_before = self._looked_at = None
        for name, remembered in self._ours.items():
            layer = remembered()
            if layer is not None and name.startswith((OVERLAY, SHIFTS)):
                layer.visible = False

    def show_preview(self, preview: Preview, beside: Layer, factor: int) -> None:
        """Show how a held-back crop looks now; a preview that the user deleted stays deleted.

        Parameters
        ----------
        preview
            The crop.
        beside
            The layer whose pixel size it is shown with: the low-resolution image, or the
            high-resolution one where there is no other, with a factor of 1.
        factor
            How many times finer the crop is than the layer.
        """
        shown = preview_picture(preview)
        if self._preview is None:
            scale = _plane_scale(beside) / factor
            self._preview = Image(
                shown, name=PREVIEW, rgb=shown.ndim == 3, scale=scale, translate=self._free_place(),
                units=beside.units[-2:],
            )  # fmt: skip
            if not self._preview.rgb:
                self._preview.contrast_limits = (0, 1)
            self._add(self._preview)
        elif self._preview in self._viewer.layers or self._preview in self._waiting:
            self._preview.data = shown

    @property
    def has_preview(self) -> bool:
        """Whether there is a preview to look at."""
        return self._preview is not None and self._preview in self._viewer.layers

    @property
    def looks_away(self) -> bool:
        """Whether the camera was brought to a preview or an overlay, and can be brought back."""
        return self._camera_before is not None and self._looked_at in self._viewer.layers

    def look_at_preview(self) -> None:
        """Bring the preview to the middle of the canvas; asked again, bring the camera back."""
        if self.looks_away:
            self._go_back()
        elif self._preview is not None and self.has_preview:
            self._go_to(self._preview)

    def _go_back(self) -> None:
        if self._camera_before is not None:
            camera = camera_of(self._viewer)
            camera.center, camera.zoom = self._camera_before
        self._camera_before = self._looked_at = None

    def _go_to(self, layer: Layer) -> None:
        """Bring a layer of ours into view; where the camera was before is remembered."""
        camera = camera_of(self._viewer)
        if not self.looks_away:
            self._camera_before = tuple(camera.center), float(camera.zoom)
        self._looked_at = layer
        layer.visible = True
        self.look_at(layer)

    def look_at(self, layer: Layer) -> None:
        """Bring a layer to the middle of the canvas, or of its cell of the grid."""
        first, last = layer.extent.world
        camera = camera_of(self._viewer)
        camera.center = tuple((first[-2:] + last[-2:]) / 2)
        camera.zoom = 0.9 * min(view_size(self._viewer) / np.maximum(last[-2:] - first[-2:], 1e-12))

    def hide(self) -> None:
        """Hide all layers of ours, so that a result is seen."""
        for layer in (self._preview, *(each() for each in self._ours.values())):
            if layer is not None:
                layer.visible = False

    def show_split(self, split: SplitPicture, below: Layer, coarser: int) -> None:
        """Show which parts of a pair are learned from, and on which the model is judged.

        Parameters
        ----------
        split
            Which part of the image is what.
        below
            The layer that it is shown on.
        coarser
            How many pixels of the layer are one of `split`.
        """
        name = f"split of {split.source}"
        self._remove(name)
        placed = _placed_on(below, split.origin, coarser)
        # Not Labels: napari compiles a mapping for their colours, and the window stands still meanwhile.
        layer = Image(
            split.roles.astype(np.uint8),
            name=name,
            opacity=0.35,
            colormap=_role_colors(),
            contrast_limits=(min(ROLES), max(ROLES)),
            **placed,
        )
        self._add(layer)

    def show_check(self, picture: CheckPicture, low: Layer) -> None:
        """Go to both images on each other, low in red and high in green, with the shifts as arrows."""
        names = f"{OVERLAY} {picture.name}", f"{SHIFTS} {picture.name} ({ENLARGED:.0f} times)"
        for name in names:
            self._remove(name)
        shown = Image(picture.overlay, rgb=True, name=names[0], **_placed_on(low, picture.origin))
        self._add(shown)
        if len(picture.arrows):
            width = max(1.0, min(picture.overlay.shape[:2]) / 200)
            look: dict[str, Any] = {"edge_width": width, "edge_color": "cyan", "vector_style": "arrow"}
            self._add(Vectors(picture.arrows, name=names[1], **look, **_placed_on(low, (0, 0))))
        if shown in self._viewer.layers:  # else it waits until the grid is off
            self._go_to(shown)

    def show_simulated(self, low: NDArray[Any], high: NDArray[Any], layer: Image) -> None:
        """Show a patch as it is, and as its partner is simulated from it."""
        limits = float(min(low.min(), high.min())), float(max(low.max(), high.max()))
        simulated = "simulated" if low.shape == high.shape else "simulated low"
        shown = side_by_side({simulated: low, "high": high}, limits)
        self._show_beside(f"simulated from {layer.name}", shown, layer, 1)

    def show_noise(self, sample: NoiseSample, layer: Image) -> None:
        """Show a patch of a noisy layer beside one of a good image, with its noise and without."""
        pictures = {"noisy": sample.noisy, "simulated": sample.simulated, "good": sample.good}
        factor = sample.good.shape[0] // sample.simulated.shape[0]
        self._show_beside(f"noise of {layer.name}", side_by_side(pictures, (0.0, 1.0)), layer, factor)

    def _show_beside(self, name: str, shown: NDArray[Any], layer: Image, finer: int) -> None:
        """Add a picture right of all layers, `finer` times finer than one of them."""
        self._remove(name)
        picture = Image(
            shown, name=name, rgb=shown.ndim == 3, scale=_plane_scale(layer) / finer,
            translate=self._free_place(), units=layer.units[-2:],
        )  # fmt: skip
        if not picture.rgb:
            picture.contrast_limits = (0, 1)
        self._add(picture)

    def _add(self, layer: Layer) -> None:
        """Add a layer, and leave the selection and what is looked at as they were."""
        self._ours[layer.name] = ref(layer)  # before napari numbers it
        layer.metadata = illustration(layer.name)  # nowhere offered as an image
        if grid_of(self._viewer).enabled:
            self._waiting.append(layer)
        else:
            self._put(layer)

    def _on_grid(self, _event: Any) -> None:
        if not grid_of(self._viewer).enabled:
            waiting, self._waiting = self._waiting, []
            for layer in waiting:
                self._put(layer)

    def _put(self, layer: Layer) -> None:
        layers = self._viewer.layers
        selected, active = set(layers.selection), layers.selection.active
        self._viewer.add_layer(layer)
        layers.selection.clear()
        layers.selection.update(selected)
        layers.selection.active = active if len(selected) == 1 else layers.selection.active

    def _remove(self, name: str) -> None:
        layer = self._ours[name]() if name in self._ours else None
        self._ours.pop(name, None)
        if layer is None:
            return
        if layer in self._waiting:
            self._waiting.remove(layer)
        if layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _free_place(self) -> tuple[float, float]:
        """Upper left of what is right of all layers."""
        first, last = self._viewer.layers.extent.world[:, -2:]
        return float(first[0]), float(last[1] + 0.03 * (last[1] - first[1]))


def _role_colors() -> Colormap:
    """One colour for each role, without any between them."""
    roles = np.arange(min(ROLES), max(ROLES) + 1)
    between = (roles[1:] - 0.5 - roles[0]) / (roles[-1] - roles[0])
    return Colormap(
        [COLORS.get(role, "transparent") for role in roles.tolist()],
        controls=[0.0, *between, 1.0],
        interpolation="zero",
        name="roles",
    )


def preview_picture(preview: Preview) -> NDArray[np.float32]:
    """The four of a preview side by side; three where there is nothing to interpolate."""
    if preview.low.shape == preview.high.shape:
        pictures = {"input": preview.low, "now": preview.now, "truth": preview.high}
    else:
        pictures = {"low": preview.low, "bicubic": preview.bicubic, "now": preview.now, "high": preview.high}
    return side_by_side(pictures, preview.limits)


def _plane_scale(layer: Layer) -> NDArray[np.float64]:
    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
    far: NDArray[np.float64] = np.asarray(layer.data_to_world(np.ones(layer.ndim)), dtype=np.float64)
    scale: NDArray[np.float64] = np.abs(far - origin)[-2:]
    return scale


def _placed_on(layer: Layer, origin: tuple[int, int], coarser: int = 1) -> dict[str, Any]:
    """Where a plane lies of which each pixel is `coarser` of a layer's, the first one at `origin`."""
    scale = _plane_scale(layer)
    at = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))[-2:]
    first = np.asarray(origin) * coarser + (coarser - 1) / 2
    return {"scale": scale * coarser, "translate": at + scale * first, "units": layer.units[-2:]}
