"""``napari-srgan upscale``: images in files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_srgan.cli.terminal import check_inputs, complain, errors_told
from napari_srgan.errors import UserError
from napari_srgan.progress_bar import progress_bar, run_job

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from napari_srgan.cli.targets import Target
    from napari_srgan.images.image import StoredImage
    from napari_srgan.images.look import ImageLook
    from napari_srgan.images.series import Series
    from napari_srgan.images.upscaled import Region
    from napari_srgan.models import Model


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
    device: Annotated[str, typer.Option(help="auto, cuda, mps, xpu or cpu.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    region: Annotated[
        str | None, typer.Option(metavar="Y0:Y1,X0:X1", help="Part of the image to upscale, in pixels.")
    ] = None,
    axes: Annotated[
        str | None,
        typer.Option(
            help="One letter for each axis, e.g. TCYX; known from most files. Name an axis T, and models for "
            "time-lapses take it for time.",
        ),
    ] = None,
    tile: Annotated[int | None, typer.Option(help="Side of a tile in pixels; measured if unsaid.")] = None,
    self_ensemble: Annotated[
        bool,
        typer.Option(
            "--self-ensemble",
            help="Mean over the eight orientations of the image: eight times the time, for about 0.1 dB; "
            "see docs/quality.md.",
        ),
    ] = False,
    align: Annotated[
        str | None,
        typer.Option(
            metavar="drift",
            help="For models for time-lapses: frames are read where the stage had drifted to, so that they "
            "help each other there too.",
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
            help="Coarser levels in .ome.tif, for viewers; unsaid, where a plane has more than 4096 pixels "
            "along Y or X.",
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
        from napari_srgan.cli.inputs import find_inputs
        from napari_srgan.cli.targets import choose_target

        found = find_inputs(given)
        images = found.series(series)
        for note in found.notes:
            complain(note)
        run = _Run(
            inputs=images,
            beside=found.beside,
            target=choose_target(output, given, images),
            model=_load(model),
            overwrite=overwrite,
            trust=trust,
            axes=axes,
            pyramid=pyramid,
            options={
                "device": device, "precision": precision, "region": parse_region(region), "tile": tile,
                "self_ensemble": self_ensemble, "align": align,
            },
        )  # fmt: skip
        if scheduler is None:
            _check_machine(device, precision)
        with _cluster(scheduler) as run.cluster:
            failed = run.all() + found.unread
    if failed:
        if (total := len(images) + found.unread) > 1:
            complain(f"{failed} of {total} images could not be upscaled")
        raise typer.Exit(1)


@dataclass
class _Run:
    """One call of the command."""

    inputs: list[Series]
    beside: list[Path]
    """Files of these images that were given too."""
    target: Target
    model: Model | None
    overwrite: bool
    trust: bool
    axes: str | None
    pyramid: bool | None
    options: dict[str, Any]
    cluster: Any = None
    """Client of the cluster that computes; this process if there is none."""

    def all(self) -> int:
        """Upscale one after the other; return how many failed."""
        written: set[Path] = set()
        failed = 0
        with progress_bar() as bar:
            for number, one in enumerate(self.inputs, 1):
                of = "" if len(self.inputs) == 1 else f" ({number} of {len(self.inputs)})"
                try:
                    result = self._one(one, written, bar, f"{one.title}{of}")
                except Exception as error:
                    failed += 1
                    complain(_sentence(one, error))
                else:
                    written.add(result)
                    typer.echo(f"{one} -> {result}")
        return failed

    def _one(self, one: Series, written: set[Path], bar: Bar, title: str) -> Path:
        from napari_srgan.acquisition.choice import notes_on_input
        from napari_srgan.images.arrays import check_array
        from napari_srgan.images.formats import ending, open_image, open_output, refuse_pyramid
        from napari_srgan.images.spacing import spacings_as, upscaled_spacings
        from napari_srgan.inference.movies.clip_plans import notes_on_time
        from napari_srgan.inference.upscale import upscale_job
        from napari_srgan.results.collision import refuse_collision
        from napari_srgan.results.existing_result import provenance_of

        with open_image(one.place, self.axes, one.part) as image:
            if image.note:
                complain(image.note)
            data = check_array(image.data)
            axes = self._axes_of(image)
            model = self._model_for(axes)
            result_file = self.target.file(one, model.scale_factor, image.ending)
            refuse_collision(
                result_file, [*(each.place for each in self.inputs), *self.beside, *image.other_files]
            )
            if result_file in written:
                raise UserError(
                    f"{result_file} is the result of another input already; upscale it on its own"
                )
            notes = notes_on_input(data, axes, model.card)
            for note in (*notes_on_time(data, axes, model), *notes):
                complain(f"{one.title}: {note}" if len(self.inputs) > 1 else note)
            look = image.result_look(axes, other_quantities=model.card.result is not None)
            if self.pyramid is not None:
                refuse_pyramid(result_file, wanted=self.pyramid)
            if ending(result_file).endswith("zarr"):
                self._to_zarr(image, axes, look, model, result_file, notes, bar, title)
                self._report(data, axes, model, result_file, provenance_of(result_file) or {}, bar, title)
                return result_file
            if self.cluster is not None:
                raise UserError(
                    f"a cluster writes .zarr or .ome.zarr, not {result_file.name}; change the OUTPUT"
                )
            with open_output(
                result_file, axes, data.dtype, overwrite=self.overwrite,
                colour_profile=image.colour_profile, look=look, pyramid=self.pyramid,
            ) as output:  # fmt: skip
                job = upscale_job(data, model, axes=axes, notes=notes, sink=output, **self.options)
                result = run_job(job, bar, title)
                spacings = spacings_as(image.spacings, image.axes, axes)
                output.finish(result, upscaled_spacings(spacings, axes, result.region, model.scale_factor))
                if output.note:
                    complain(output.note)
            self._report(data, axes, model, result_file, result.provenance, bar, title)
        return result_file

    def _report(
        self, data: Any, axes: str, model: Model, result_file: Path, provenance: dict[str, Any], bar: Bar,
        title: str,
    ) -> None:  # fmt: skip
        if self.trust:
            from napari_srgan.cli.trust_report import write_report

            write_report(data, axes, model, result_file, self.options, provenance, bar, f"trust in {title}")

    def _to_zarr(
        self, image: StoredImage, axes: str, look: ImageLook, model: Model, result_file: Path,
        notes: tuple[str, ...], bar: Bar, title: str,
    ) -> None:  # fmt: skip
        from napari_srgan.cluster.dispatch import upscale_anywhere_job
        from napari_srgan.cluster.source import FileSource
        from napari_srgan.images.spacing import spacings_as

        spacings = spacings_as(image.spacings, image.axes, axes)
        job = upscale_anywhere_job(
            image.data, model, result_file, axes=axes, spacings=spacings, source=image.source,
            inputs=[image.path, *image.other_files], look=look, still_there=image.still_there,
            overwrite=self.overwrite, cluster=self.cluster, notes=notes,
            origin=FileSource(image.path, self.axes, image.part), **self.options,
        )  # fmt: skip
        # Who computes, and whether anybody does, is said by the job itself.
        run_job(job, bar, title if self.cluster is None else "")

    def _axes_of(self, image: StoredImage) -> str:
        from napari_srgan.images.axes import check_axes

        return check_axes(self.axes or image.axes, image.data.shape)

    def _model_for(self, axes: str) -> Model:
        from napari_srgan.models import default_model_name, load_model

        return self.model or load_model(default_model_name(rgb=axes.endswith("S")))


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


def _check_machine(device: str, precision: str) -> None:
    """Say once, not for every file, that there is no such device."""
    from napari_srgan.inference.devices.choice import choose_device, choose_dtype

    choose_dtype(choose_device(device), precision)


def parse_region(text: str | None) -> Region | None:
    """Read ``Y0:Y1,X0:X1``.

    Raises
    ------
    UserError
        If it is written in another way.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+):(\d+)\s*,\s*(\d+):(\d+)\s*", text)
    if not found:
        raise UserError(f"a region is written Y0:Y1,X0:X1 in whole pixels, e.g. 0:512,256:768; got {text!r}")
    y0, y1, x0, x1 = (int(number) for number in found.groups())
    return (y0, y1), (x0, x1)


def _sentence(one: Series, error: Exception) -> str:
    """What is wrong, with the image it is about."""
    if isinstance(error, MemoryError):
        words = f"there is not enough memory for it ({error}); upscale a --region, or write a .zarr"
    elif isinstance(error, OSError):
        words = f"{error.strerror or error}"
    elif isinstance(error, UserError):
        words = str(error)
    else:
        words = f"something went wrong that should not have ({type(error).__name__}: {error})"
    return words if one.place.name in words and not one.name else f"{one}: {words}"
