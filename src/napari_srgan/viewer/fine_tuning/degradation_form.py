"""How a partner is simulated where a high-resolution or clean image has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from magicgui.widgets import CheckBox, ComboBox
from napari.components import ViewerModel
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_srgan.acquisition.camera import Camera, estimate_camera
from napari_srgan.progress import Job, Progress
from napari_srgan.training.degradation.point_spread import PointSpread, gaussian_psf, read_psf
from napari_srgan.training.degradation.preview import preview
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import default_degradation, degradation_of
from napari_srgan.viewer.fine_tuning.fields import keep_narrow
from napari_srgan.viewer.jobs.runner import Task
from napari_srgan.viewer.layers.upscale_layer import finest_data
from napari_srgan.viewer.qt.form import Form, Number, RangeField
from napari_srgan.viewer.upscale import choices

DRAWN, OPTICS = "drawn", "optics"
"""Point spread functions that are no layer."""
NANOMETRES = 1e-3
"""In micrometres."""


class SimulationFields(QWidget):
    """Asks how a low-resolution or noisy image comes about.

    Parameters
    ----------
    viewer
        Whose layers can be point spread functions.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._as_measured = CheckBox(
            text="As measured in the image", value=True,
            tooltip="A light random blur, and the noise that the image's own camera makes",
        )  # fmt: skip
        self._psf = ComboBox(
            value=DRAWN,
            choices=lambda _: [
                ("Gaussian blur, drawn anew", DRAWN), ("from the optics", OPTICS), *choices.images(viewer)
            ],
            tooltip="The image of a point: of a random width, computed, or a layer with one on the pixels "
            "of the high-resolution image",
        )  # fmt: skip
        keep_narrow(self._psf)
        self._photons = CheckBox(
            text="Photon noise", value=False,
            tooltip="The noise that light itself has, and that of the camera; more in the fields below",
        )  # fmt: skip
        self._blur = RangeField("Sigma in low-resolution pixels", values=(0.0, 0.7), decimals=2, most=10)
        self._aperture = Number("Of the objective", value=1.4, least=0.05, most=1.7, step=0.05, decimals=2)
        self._wavelength = Number("Of the light that is seen", value=525, least=100, most=2000, step=5)
        self._pixel = Number(
            "From pixel to pixel of the high-resolution image", value=65, least=1, most=10**5, decimals=1
        )
        self._gain = RangeField("Grey levels per photo-electron", values=(1, 2), decimals=4, most=10**6)
        self._offset = Number("Grey level without light", value=0, least=-(10**6), most=10**6, decimals=2)
        self._read = RangeField("Grey levels without light", values=(0, 0), decimals=3, most=10**6)
        self._noise = ComboBox(
            choices=[("new in every frame", "independent"), ("the same in all", "the same in every frame")],
            tooltip="In a time-lapse. New in every frame, as photons and electronics make it, or a fixed "
            "pattern of the camera, which no other frame helps against",
        )  # fmt: skip
        self._temporal = False
        self.estimate, self.show_one = QPushButton("Estimate the noise"), QPushButton("Preview")
        self.estimate.setToolTip("Finds gain, offset and read noise in the image")
        self.show_one.setToolTip("Adds a layer with one simulated patch")
        self._lay_out()
        for field in (self._as_measured, self._psf, self._photons):
            field.changed.connect(self._show_fitting)
        self._show_fitting()

    def _lay_out(self) -> None:
        self._form = Form([
            ("", self._as_measured.native),
            ("Point spread", self._psf.native),
            ("Blur from, to", self._blur.native),
            ("Numerical aperture", self._aperture.native),
            ("Wavelength (nm)", self._wavelength.native),
            ("Pixel (nm)", self._pixel.native),
            ("", self._photons.native),
            ("Gain from, to", self._gain.native),
            ("Offset", self._offset.native),
            ("Read noise from, to", self._read.native),
            ("Noise is", self._noise.native),
        ])  # fmt: skip
        buttons = QHBoxLayout()
        buttons.addWidget(self.estimate)
        buttons.addWidget(self.show_one)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._form)
        layout.addLayout(buttons)

    def reset_choices(self) -> None:
        """Look again at which layers there are."""
        self._psf.reset_choices()

    def offer_time(self, temporal: bool) -> None:
        """Ask for what only matters to models for time-lapses, or do not."""
        self._temporal = temporal
        self._show_fitting()

    def _show_fitting(self, *_: Any) -> None:
        """Show only what is asked for."""
        own = not self._as_measured.value
        optics = own and self._psf.value == OPTICS
        shown: dict[Any, bool] = {
            self._psf: own, self._photons: own, self._blur: own and self._psf.value == DRAWN,
            self._aperture: optics, self._wavelength: optics, self._pixel: optics,
            self._gain: own and self._photons.value, self._offset: own, self._read: own,
            self._noise: own and self._temporal,
        }  # fmt: skip
        for field, fits in shown.items():
            self._form.show_row(field.native, bool(fits))

    def degradation(self, factor: int) -> Degradation | None:
        """What was chosen; None: as measured in the image.

        Raises
        ------
        UserError
            If it cannot be.
        """
        if self._as_measured.value:
            return None
        return Degradation(
            factor,
            blur=self._blur.value,
            psf=self._point_spread(),
            gain=self._gain.value if self._photons.value else None,
            offset=self._offset.value,
            read_noise=self._read.value,
            noise=self._noise.value if self._temporal else "independent",
        )

    def _point_spread(self) -> PointSpread | None:
        chosen = self._psf.value
        if chosen == DRAWN:
            return None
        if chosen == OPTICS:
            return gaussian_psf(
                self._aperture.value, self._wavelength.value * NANOMETRES, self._pixel.value * NANOMETRES
            )
        return read_psf(finest_data(chosen))

    def set_camera(self, camera: Camera, factor: int) -> None:
        """Show the noise that is simulated where this camera's was found in the image."""
        found = degradation_of(camera, factor)
        self._as_measured.value = False
        self._photons.value = found.gain is not None
        self._gain.value = found.gain or (0.0, 0.0)
        self._offset.value = found.offset
        self._read.value = found.read_noise


def estimate_task(image: Image, deliver: Callable[[Camera], None], complain: Callable[[str], None]) -> Task:
    """Find the noise of an image's camera."""
    data = finest_data(image)
    return _task(f"Estimating the noise of {image.name}", lambda: estimate_camera(data), deliver, complain)


def preview_task(
    image: Image,
    factor: int,
    degradation: Degradation | None,
    deliver: Callable[[tuple[NDArray[Any], NDArray[Any]]], None],
    complain: Callable[[str], None],
) -> Task:
    """Simulate the partner of a patch of the middle plane of an image."""
    data = finest_data(image)
    middle = tuple(size // 2 for size in data.shape[: image.ndim - 2])

    def simulated() -> tuple[NDArray[Any], NDArray[Any]]:
        chosen = degradation or default_degradation(data, factor)
        return preview(np.asarray(data[middle]), chosen)

    return _task(f"Simulating the partner of {image.name}", simulated, deliver, complain)


def _task(
    title: str, function: Callable[[], Any], deliver: Callable[[Any], None], complain: Callable[[str], None]
) -> Task:
    def job() -> Job[Any]:
        yield Progress(0, 1, title)
        return function()

    return Task(title, job(), deliver, complain)
