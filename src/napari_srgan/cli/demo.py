"""``napari-srgan demo``: what a model does to an image whose truth is known."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_srgan.cli.terminal import complain, errors_told
from napari_srgan.progress_bar import progress_bar, run_job

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_srgan.images.upscaled import Upscaled
    from napari_srgan.models import Model
    from napari_srgan.progress import Job
    from napari_srgan.quality.comparison import Figures

PICTURE = "napari-srgan-demo.png"
"""Name of the side-by-side picture."""
_PHOTONS, _READ_ELECTRONS = 40.0, 1.5
"""Photo-electrons in the brightest places of a sample that is made noisy, and its read noise: a short
exposure."""


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path(),
    model: Annotated[str | None, typer.Option(help="Name of a model, or a file.")] = None,
    no_window: Annotated[bool, typer.Option("--no-window", help="Do not open napari.")] = False,
) -> None:
    """Make a sample smaller and noisy, upscale it again, and compare with what it was.

    Fluorescence gets the noise of a short exposure, simulated; tissue in colours stays without. For a model
    that leaves the size as it is, the sample is made noisy in place of smaller.
    Prints PSNR and SSIM beside bicubic interpolation, or beside the noisy image, writes a picture,
    and opens napari where there is a display.
    """
    with errors_told():
        from napari_srgan.cli.comparison import draw_comparison
        from napari_srgan.disk.partial_file import Partial
        from napari_srgan.models import load_model
        from napari_srgan.models.library.library import DEFAULT_MODEL

        # It is ours to replace.
        partial = Partial(out / PICTURE, overwrite=True)
        try:
            with progress_bar() as bar:
                compared = run_job(compare(load_model(model or DEFAULT_MODEL)), bar)
            _print_figures(compared)
            draw_comparison(compared).save(partial.temporary)
            partial.commit()
        finally:
            partial.discard()
        print(f"Picture: {partial.path.resolve()}", flush=True)
        if not no_window and _has_display():
            _open_window(compared)


@dataclass(frozen=True)
class Compared:
    """A sample, made smaller and larger again, or noisy and clean; all but `low` of the same shape."""

    sample: str
    model: Model
    original: NDArray[Any]
    """``(Y, X)`` or ``(Y, X, 3)``."""
    low: NDArray[Any]
    """The image that the model was given, ``(Y, X)`` or ``(Y, X, 3)``."""
    rival: NDArray[Any]
    """What there is without a model: `low` interpolated, or `low` itself where it has the size of the
    original."""
    result: NDArray[Any]
    pixel_size: float | None
    """Pixel size of the original, in micrometres; None if it is unknown."""
    figures: dict[str, Figures]
    """Figures of ``"rival"`` and of ``"result"``, measured against the original."""
    taken: str
    """What was simulated in `low` beside its size, in words."""


def compare(model: Model) -> Job[Compared]:
    """Upscale the sample that suits a model, after taking it as a microscope of lower resolution would.

    Parameters
    ----------
    model
        A model of one channel is shown on nuclei, one for RGB on tissue.

    Yields
    ------
    Progress
        The progress of each step; see :func:`~napari_srgan.inference.upscale.upscale_job`.

    Returns
    -------
    Compared
        The images and their figures.
    """
    from napari_srgan.images.formats import open_image
    from napari_srgan.images.image import Image
    from napari_srgan.inference.upscale import upscale_job
    from napari_srgan.quality.comparison import bicubic, measure
    from napari_srgan.samples import SAMPLES, sample_path

    name = "tissue" if model.card.channels == 3 else "nuclei"
    sample = SAMPLES[name]
    with open_image(sample_path(name)) as image:
        truth = image.data[:]
    low, original, taken = _taken(truth, model.scale_factor)
    upscaled: Upscaled = yield from upscale_job(Image(low, sample.axes), model)
    images = {"rival": bicubic(low, model.scale_factor), "result": upscaled.data}
    return Compared(
        sample=sample.title,
        model=model,
        original=original,
        low=low,
        rival=images["rival"],
        result=upscaled.data,
        pixel_size=sample.pixel_size,
        figures={which: measure(image, original, model.scale_factor) for which, image in images.items()},
        taken=taken,
    )


def _taken(truth: NDArray[Any], factor: int) -> tuple[NDArray[Any], NDArray[Any], str]:
    """A sample as it would be at low resolution, what of it that shows, and in words what was simulated."""
    import numpy as np
    import torch

    from napari_srgan.images.arrays import restore_dtype
    from napari_srgan.inference.intensity import percentile_transform
    from napari_srgan.training.degradation.exposure import Exposure
    from napari_srgan.training.degradation.ideal import degrade
    from napari_srgan.training.degradation.settings import Degradation
    from napari_srgan.training.degradation.simulate import expose

    if truth.ndim == 3 and factor > 1:
        return *degrade(truth, factor), ""
    _, original = degrade(truth.reshape(*truth.shape[:2], -1), factor)
    light = percentile_transform(original)
    gain = light.span / _PHOTONS
    exposure = Exposure(gain=gain, offset=light.offset, read_noise=_READ_ELECTRONS * gain, sampling="area")
    high = torch.from_numpy(np.moveaxis(original.astype(np.float64), 2, 0))[None]
    taken = expose(high, [exposure], Degradation(factor), np.random.default_rng(0))[0].numpy()
    low = restore_dtype(np.moveaxis(taken, 0, 2), truth.dtype)
    words = f"{_PHOTONS:g} photons, simulated"
    return (low, original, words) if truth.ndim == 3 else (low[..., 0], original[..., 0], words)


def _print_figures(compared: Compared) -> None:
    from napari_srgan.images.factor import rival

    y, x = compared.original.shape[:2]
    name, factor = compared.model.name, compared.model.scale_factor
    other = rival(factor)
    width = max(len(name), len(other)) + 2
    noise = f" with the noise of {compared.taken}" if compared.taken else ""
    done = f"made {factor} times smaller{noise}, then upscaled again"
    if factor == 1:
        done = f"made noisy ({compared.taken}), then restored"
    print(f"{compared.sample}, {y} x {x} pixels: {done}")
    print(f"{'':{width}}{'PSNR (dB)':>10}{'SSIM':>8}")
    for label, which in ((other, "rival"), (name, "result")):
        figures = compared.figures[which]
        print(f"{label:{width}}{figures.psnr:>10.2f}{figures.ssim:>8.4f}")


def _has_display() -> bool:
    if find_spec("napari") is None:
        return False
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_window(compared: Compared) -> None:
    from napari_srgan.viewer.demo import open_demo

    try:
        open_demo(
            compared.original,
            compared.low,
            compared.result,
            name=compared.model.name,
            factor=compared.model.scale_factor,
            pixel_size=compared.pixel_size,
        )
    except ImportError as error:
        complain(f'napari does not open ({error}); pip install "napari-srgan[all]" brings what it needs')
