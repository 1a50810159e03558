"""``--trust``: what can be believed of a result, beside its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from napari_srgan.progress_bar import run_job

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from napari_srgan.images.image import Image
    from napari_srgan.inference.options import UpscaleOptions
    from napari_srgan.models import Model


def write_report(
    image: Image,
    model: Model,
    result_file: Path,
    options: UpscaleOptions,
    provenance: dict[str, Any],
    bar: Bar,
    title: str,
) -> None:
    """Look at a result that lies on disk, and write what can be believed of it beside it.

    Parameters
    ----------
    image
        The image that was upscaled.
    model
        The model that it was upscaled with.
    result_file
        The file of the result.
    options
        The options that the user asked for.
    provenance
        A record of how the result was really made.
    bar, title
        The bar that shows the progress, and its title.

    Raises
    ------
    UserError
        If the result cannot be read as an image of the same axes, or the report cannot be written.
    """
    from napari_srgan.images.formats import open_image
    from napari_srgan.reliability import TrustOptions, trust_job

    with open_image(result_file, image.axes) as made:
        wanted = TrustOptions(device=options.device, precision=options.precision)
        job = trust_job(image, made.data, model, wanted, region=options.region, provenance=provenance)
        report = run_job(job, bar, title)
    for sentence in report.sentences:
        typer.echo(f"  {sentence}")
    for file in report.write(result_file):
        typer.echo(f"  {file}")
