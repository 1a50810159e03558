"""``napari-srgan upscale``: images in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_srgan.cli.option_flags import read_region, with_flags
from napari_srgan.cli.terminal import check_inputs, complain, errors_told
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.progress_bar import progress_bar, run_job

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from napari_srgan.api.batch import Batch
    from napari_srgan.images.series import Series
    from napari_srgan.models import Model


@with_flags(UpscaleOptions, region=read_region)
def upscale(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help="Image files or folders of them, or addresses (https://, s3://) of zarr; last, where the "
            "result goes: a file for one image, "
            "a folder for several.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help="Name of a model (see `napari-srgan models`) or a file.  "
            "\\[default: microscopy-x2, or photo-x4 for RGB]"
        ),
    ] = None,
    options: Callable[[], UpscaleOptions] = UpscaleOptions,
    axes: Annotated[
        str | None,
        typer.Option(
            help="One letter for each axis, e.g. TCYX; known from most files. Name an axis T, and models for "
            "time-lapses take it for time.",
        ),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Tell what can be believed of each result, and keep it in RESULT.trust.json and .md. "
            "See docs/trust.md.",
        ),
    ] = False,
    series: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="Which image of a file with several: all (each has a result of its own), the number or "
            "the name of one, or the path of a field of a plate (A/1/0).  \\[default: the first]",
        ),
    ] = None,
    pyramid: Annotated[
        bool | None,
        typer.Option(
            "--pyramid/--no-pyramid",
            help="Coarser levels in .ome.tif, for viewers; by default where a plane has more than 4096 "
            "pixels along Y or X.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Compute on a dask cluster: tcp://host:port of its scheduler, or its scheduler file. "
            "Results are .zarr or .ome.zarr; see docs/cluster.md.",
        ),
    ] = None,
) -> None:
    """Upscale images: TIFF, OME-TIFF, PNG, JPEG, WebP, zarr, OME-Zarr, zipped zarr, and video files.

    Pixel sizes are divided by the factor; the time between frames stays. A file that cannot be used
    is told in one sentence, and the others go on. Zarr and OME-Zarr take results of any size; a run that was
    stopped or killed goes on there when the same command is given again.
    """
    if len(paths) < 2:
        raise typer.BadParameter(
            "give at least one INPUT and, last, the OUTPUT", param_hint="INPUT... OUTPUT"
        )
    with errors_told():
        from napari_srgan.images.address import local_path, place_of

        given, output = [place_of(path) for path in paths[:-1]], local_path(paths[-1])
        check_inputs(given, all_needed=False)
        from napari_srgan.api.batch import Batch
        from napari_srgan.api.inputs import find_inputs
        from napari_srgan.api.targets import choose_target

        found = find_inputs(given)
        images = found.series(series)
        for note in found.notes:
            complain(note)
        batch = Batch(
            inputs=images,
            target=choose_target(output, given, images),
            beside=found.beside,
            model=_load(model),
            options=options(),
            axes=axes,
            overwrite=overwrite,
            pyramid=pyramid,
        )
        if scheduler is None:
            _check_machine(batch.options)
        with _cluster(scheduler) as batch.cluster:
            failed = _Run(batch, trust).all() + found.unread
    if failed:
        if (total := len(images) + found.unread) > 1:
            complain(f"{failed} of {total} images could not be upscaled")
        raise typer.Exit(1)


@dataclass
class _Run:
    """One call of the command."""

    batch: Batch
    trust: bool
    """Whether it is told what can be believed of each result."""

    def all(self) -> int:
        """Upscale one after the other; return how many failed."""
        inputs = self.batch.inputs
        failed = 0
        with progress_bar() as bar:
            for number, one in enumerate(inputs, 1):
                of = "" if len(inputs) == 1 else f" ({number} of {len(inputs)})"
                try:
                    self._one(one, bar, f"{one.title}{of}")
                except Exception as error:
                    failed += 1
                    complain(_sentence(one, error))
        return failed

    def _one(self, one: Series, bar: Bar, title: str) -> None:
        batch = self.batch
        with batch.opened(one) as opened:
            if opened.note:
                complain(opened.note)
            for note in opened.notes:
                complain(f"{one.title}: {note}" if len(batch.inputs) > 1 else note)
            # Who computes on a cluster, and whether anybody does, is said by the job itself.
            result = run_job(opened.job, bar, title if batch.cluster is None else "")
            if result.note:
                complain(result.note)
            typer.echo(f"{one} -> {opened.path}")
            if self.trust:
                from napari_srgan.cli.trust_report import write_report

                write_report(
                    opened.image, opened.model, opened.path, batch.options, result.provenance, bar,
                    f"trust in {title}",
                )  # fmt: skip


def _load(name: str | None) -> Model | None:
    from napari_srgan.models import load_model

    return None if name is None else load_model(name)


@contextmanager
def _cluster(scheduler: str | None) -> Iterator[Any]:
    """Client of a scheduler; None where none is meant."""
    if scheduler is None:
        yield None
        return
    from napari_srgan.cluster.connection import connected

    with connected(scheduler) as client:
        yield client


def _check_machine(options: UpscaleOptions) -> None:
    """Say once, not for every file, that there is no such device."""
    from napari_srgan.inference.devices.choice import choose_device, choose_dtype

    choose_dtype(choose_device(options.device), options.precision)


def _sentence(one: Series, error: Exception) -> str:
    from napari_srgan.api.batch import failure_in_words

    return failure_in_words(one, error, "upscale a --region, or write a .zarr")
