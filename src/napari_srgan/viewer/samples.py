"""File > Open Sample."""

from __future__ import annotations

from typing import Any

from skimage.io import imread

from napari_srgan.samples import ER_PAIR, SAMPLES, sample_path

LayerData = tuple[Any, dict[str, Any], str]


def nuclei() -> list[LayerData]:
    """Fluorescence image of nuclei: 16 bit, with a pixel size."""
    return [_sample("nuclei")]


def tissue() -> list[LayerData]:
    """Brightfield image of stained tissue: RGB."""
    return [_sample("tissue")]


def er_pair() -> list[LayerData]:
    """A pair to learn from: endoplasmic reticulum in widefield and STORM, lying on each other."""
    folder = sample_path("nuclei").parent
    factor = ER_PAIR.factor
    shared: dict[str, Any] = {"axis_labels": ("y", "x"), "metadata": {"attribution": ER_PAIR.attribution}}
    low = {"name": "widefield", "scale": (factor,) * 2, "translate": ((factor - 1) / 2,) * 2}
    high = {"name": "STORM", "colormap": "magma", "opacity": 0.7}
    return [
        (imread(folder / ER_PAIR.low), shared | low, "image"),
        (imread(folder / ER_PAIR.high), shared | high, "image"),
    ]


def _sample(name: str) -> LayerData:
    sample = SAMPLES[name]
    state: dict[str, Any] = {
        "name": name,
        "rgb": sample.axes.endswith("S"),
        "axis_labels": ("y", "x"),
        "metadata": {"attribution": sample.attribution},
    }
    if sample.pixel_size is not None:
        state |= {"scale": (sample.pixel_size,) * 2, "units": ("um", "um")}
    return imread(sample_path(name)), state, "image"
