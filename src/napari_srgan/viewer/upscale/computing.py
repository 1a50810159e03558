"""Where and how it is computed: the fields of a form that need no answer."""

from __future__ import annotations

from typing import Any

from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.viewer.preferences import preferred_device
from napari_srgan.viewer.qt.option_field import option_choice, option_switch
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.advanced import Advanced


class Computing(Advanced):
    """Device, precision, tile size and self-ensemble, folded away."""

    def __init__(self) -> None:
        self._device = option_choice(UpscaleOptions, "device", choices.devices())
        if preferred_device() in self._device.choices:
            self._device.value = preferred_device()
        self._precision = option_choice(UpscaleOptions, "precision")
        self.tile = option_choice(UpscaleOptions, "tile", choices.TILE_CHOICES)
        self.ensemble = option_switch(UpscaleOptions, "self_ensemble", "Self-ensemble (8 times slower)")
        super().__init__([self._device, self._precision, self.tile, self.ensemble])

    def options(self, **others: Any) -> UpscaleOptions:
        """Make options of what is chosen, and of other ones.

        Parameters
        ----------
        **others
            Fields of :class:`~napari_srgan.inference.options.UpscaleOptions` that are asked for elsewhere.
        """
        return UpscaleOptions(
            device=self._device.value, precision=self._precision.value, tile=self.tile.value,
            self_ensemble=self.ensemble.value, **others,
        )  # fmt: skip

    def show_options(self, options: UpscaleOptions) -> None:
        """Choose what some options say."""
        for field, value in (
            (self._device, options.device), (self._precision, options.precision), (self.tile, options.tile),
            (self.ensemble, options.self_ensemble),
        ):  # fmt: skip
            field.value = value
