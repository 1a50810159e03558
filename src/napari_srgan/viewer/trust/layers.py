"""What can be believed of a result layer: the job, and its maps as layers that lie exactly on the result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Image, Layer

from napari_srgan.errors import UserError
from napari_srgan.images.image import Image as Pixels
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model, recorded_model
from napari_srgan.progress import Job, Progress
from napari_srgan.reliability import TrustOptions, TrustReport, trust_job
from napari_srgan.reliability.added import projected_back_job
from napari_srgan.reliability.report import on_top
from napari_srgan.reliability.self_test import partners
from napari_srgan.viewer.layers.known_image import known_image
from napari_srgan.viewer.layers.provenance import ILLUSTRATION_KEY
from napari_srgan.viewer.layers.stored_layer import StoredResult
from napari_srgan.viewer.layers.upscale_layer import METADATA_KEY, finest_data, layer_image, load_chosen
from napari_srgan.viewer.trust.truth import check_truth_of
from napari_srgan.viewer.upscale.output_modes import Result

_LARGEST_PLANE = 2**28
"""Bytes of a plane of a map that is still shown: napari reads it whole when one zooms out."""
_EXTREMES = 0.1
"""Percent of a map's values that its contrast leaves out on each side."""
_FAINT = 0.02
"""Part of the result's contrast that the ends of a map's stand for at least: what nobody sees in the result
does not stand out in its map."""
_SAMPLED = 1024
"""Pixels along each side of a map that are looked at for its contrast, about."""
_identities: WeakKeyDictionary[Image, str] = WeakKeyDictionary()
"""By which maps find their result and its image. Metadata would not do: a layer that is duplicated takes them
along."""
_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
_LOOKS = ("rgb", "colormap", "contrast_limits", "gamma", "blending", "opacity")

LayerParts = tuple[Any, dict[str, Any]]
"""Pixels, and the other arguments of a layer."""


class MapKind(StrEnum):
    """What a map shows; kept in its layer's metadata, whatever the layer is called."""

    BICUBIC = "bicubic interpolation"
    ADDED = "added detail"
    ERRORS = "error map"
    TRUE_ERROR = "true error"
    DISAGREEMENT = "disagreement"

    @property
    def means(self) -> str:
        """What must not be read into it; kept in the layer's metadata too."""
        return _MEANS[self]


_MEANS = {
    MapKind.BICUBIC: "plain interpolation, made by no model",
    MapKind.ADDED: "what the network added; not measured",
    MapKind.ERRORS: "half the width of an interval that holds the truth at 9 of 10 pixels",
    MapKind.TRUE_ERROR: "measured by the truth",
    MapKind.DISAGREEMENT: "where orientations differ; low is not right",
}


@dataclass(frozen=True)
class Trusted:
    """A result, and what can be believed of it."""

    result: Result
    report: TrustReport | None
    """None if there is no result to tell it of."""
    why: str = ""
    """Why there is no report of a result that is there."""
    files: tuple[Path, ...] = ()
    """The report in files beside a result in a file."""


def model_of(result: Image) -> str | None:
    """Name of the model that made a layer; None if it is no result."""
    name = result.metadata.get(METADATA_KEY, {}).get("model")
    return str(name) if name else None


def trust_layer_job(
    image: Image,
    result: Image,
    model: Model | None = None,
    *,
    truth: Image | None = None,
    disagreement: bool = False,
) -> Job[TrustReport]:
    """Tell what can be believed of a result layer; both are read here and now, except for their pixels.

    Parameters
    ----------
    image
        What was upscaled.
    result
        What became of it.
    model
        That made it; by default the one that the result names.
    truth
        What the result should be, for those who have it.
    disagreement
        As in :func:`~napari_srgan.reliability.trust_job`.

    Raises
    ------
    UserError
        If nothing says which model made the result, it says that another one than `model` did, or the truth
        is a prediction itself or lies elsewhere.
    """
    told = dict(result.metadata.get(METADATA_KEY, {}))
    if model is None and model_of(result) is None:
        raise UserError(f"nothing says which model made {result.name!r}; choose a result of Upscale")
    if truth is not None:
        check_truth_of(truth, result)
    known, made = known_image(image), finest_data(result)
    true = None if truth is None else finest_data(truth)

    def job() -> Job[TrustReport]:
        yield Progress(0, 1, "Loading the model")
        used = recorded_model(told, model)
        wanted = TrustOptions(partners(used), true, disagreement=disagreement)
        return (yield from _report(known(), made, told, used, wanted))

    return job()


def trusted_job(
    job: Job[Result], image: Image, model: Any, axes: str, options: UpscaleOptions
) -> Job[Trusted]:
    """Upscale a layer, and tell what can be believed of what comes of it.

    Parameters
    ----------
    job
        Makes the result, in memory or on disk.
    image
        The layer that it upscales; it is read here and now, except for its pixels.
    model
        With which it does.
    axes, options
        As it was told.
    """
    known = known_image(image, axes)

    def both() -> Job[Trusted]:
        result = yield from job
        if isinstance(result, Image):
            made, told = result.data, dict(result.metadata[METADATA_KEY])
        elif isinstance(result, StoredResult):
            made, told = result.stored.levels[0], dict(result.stored.made)
        else:
            return Trusted(result, None)
        try:
            used = load_chosen(model)
            wanted = TrustOptions(partners(used), device=options.device, precision=options.precision)
            report = yield from _report(known(), made, told, used, wanted)
        except UserError as error:  # the result is there all the same
            return Trusted(result, None, str(error))
        if isinstance(result, StoredResult):
            return Trusted(result, report, files=report.write(result.stored.path))
        result.metadata[METADATA_KEY] = {**told, "trust": report.to_dict()}
        return Trusted(result, report)

    return both()


def _report(
    image: Pixels, made: Any, told: dict[str, Any], model: Model, wanted: TrustOptions
) -> Job[TrustReport]:
    return (yield from trust_job(image, made, model, wanted, region=told.get("region"), provenance=told))


def projected_back_layer_job(image: Image, result: Image) -> Job[LayerParts]:
    """Correct a result layer so that, made small again, it is its image; both are read here and now.

    Parameters
    ----------
    image
        What was upscaled.
    result
        What became of it.

    Returns
    -------
    tuple
        Pixels, numpy or dask, and the other arguments of a layer that lies on the result and looks like it.
    """
    given, made = layer_image(image), finest_data(result)
    told = dict(result.metadata.get(METADATA_KEY, {}))
    looks = dict(result.as_layer_data_tuple()[1])
    kept = {key: looks[key] for key in (*_PLACE, *_LOOKS) if key in looks}

    def job() -> Job[LayerParts]:
        pair = on_top(given, made, told.get("scale_factor"), told.get("region"))
        pixels = yield from projected_back_job(pair)
        # What was found of the result holds for it no more.
        kept_of_it = {key: value for key, value in told.items() if key != "trust"}
        metadata = {METADATA_KEY: {**kept_of_it, "projected_back": True}}
        return pixels, {**kept, "name": f"{_short(result)} projected back", "metadata": metadata}

    return job()


def map_layers(report: TrustReport, image: Image, result: Image, among: Iterable[Layer] = ()) -> list[Image]:
    """The maps of a report as layers, hidden, on the same grid as the result; only on the main thread.

    The first is plain bicubic interpolation, which looks as the result does.

    Parameters
    ----------
    report
        What was found.
    image, result
        The layers that it is about.
    among
        The layers from whose names those of the maps tell which result it is.
    """
    maps = [(MapKind.BICUBIC, report.bicubic), (MapKind.ADDED, report.added)]
    if report.errors is not None:
        maps.append((MapKind.ERRORS, report.errors.half_width))
    if report.validation is not None:
        maps.append((MapKind.TRUE_ERROR, report.validation.error))
    if report.disagreement is not None:
        maps.append((MapKind.DISAGREEMENT, report.disagreement.spread))
    about = _short_name(result, among)
    return [
        _layer(pixels, kind, image, result, about)
        for kind, pixels in maps
        if _can_be_shown(pixels, rgb=result.rgb)
    ]


def _short_name(result: Image, among: Iterable[Layer]) -> str:
    """A result's name without its model, unless that tells it from others; long ones are cut in the list."""
    short = _short(result)
    alike = (layer for layer in among if layer is not result and isinstance(layer, Image) and model_of(layer))
    return str(result.name) if any(_short(layer) == short for layer in alike) else short


def _short(layer: Image) -> str:
    return str(layer.name).removesuffix(f" ({model_of(layer)})")


def shown_map(layers: Iterable[Layer], new: Image) -> Image | None:
    """The layer that shows the same map of the same result already, whatever they are called by now."""
    for layer in layers:
        if isinstance(layer, Image) and layer.metadata.get(METADATA_KEY) == new.metadata[METADATA_KEY]:
            return layer
    return None


def show_alike(layers: Iterable[Layer], new: Image) -> None:
    """Show all maps of one kind of one image in one range, so that several results can be compared.

    Parameters
    ----------
    layers
        Those of the viewer, the new one among them.
    new
        A map that has come, or was brought up to date.
    """
    if new not in _ends:
        return
    alike = [layer for layer in layers if layer in _ends and _of_one_kind(layer, new)]
    high = max(_ends[layer] for layer in alike)
    for layer in alike:
        layer.contrast_limits = (-high if layer.contrast_limits[0] < 0 else 0.0, high)


_ends: WeakKeyDictionary[Layer, float] = WeakKeyDictionary()
"""The end of the range that a map asks for by itself; those that are shown as the result is have none."""


def _of_one_kind(one: Layer, other: Layer) -> bool:
    mine, others = (layer.metadata[METADATA_KEY] for layer in (one, other))
    return all(mine[key] == others[key] for key in ("map", "of_image"))


def _identity(layer: Image) -> str:
    """Tells a layer from all others, also from those of its name; given when it is first asked for."""
    return _identities.setdefault(layer, uuid4().hex)


def bring_up_to_date(shown: Image, new: Image) -> None:
    """Show in a map that is there what a new one shows, where its result lies by now."""
    shown.data, shown.contrast_limits = new.data, new.contrast_limits
    if new in _ends:
        _ends[shown] = _ends[new]
    for key in _PLACE:
        setattr(shown, key, getattr(new, key))


def _can_be_shown(pixels: Any, *, rgb: bool) -> bool:
    plane = pixels.shape[-3:] if rgb else pixels.shape[-2:]
    return isinstance(pixels, np.ndarray) or int(np.prod(plane)) * 4 <= _LARGEST_PLANE


def _layer(pixels: Any, kind: MapKind, image: Image, result: Image, about: str) -> Image:
    state = dict(result.as_layer_data_tuple()[1])
    told = {
        ILLUSTRATION_KEY: "trust", "map_of": _identity(result), "of_image": _identity(image),
        "map": kind.value, "means": kind.means,
    }  # fmt: skip
    place = {key: state[key] for key in _PLACE if key in state}
    common = {"name": f"{about}: {kind.value}", "visible": False, "metadata": {METADATA_KEY: told}}
    if kind is MapKind.BICUBIC:
        return Image(pixels, **common, **place, **{key: state[key] for key in _LOOKS if key in state})
    if result.rgb:  # colours of a map are none
        pixels = pixels[..., :3].mean(axis=-1)
    low, high = _limits(pixels)
    high = max(abs(low), abs(high), _FAINT * float(np.ptp(result.contrast_limits)))
    signed = kind is MapKind.ADDED
    layer = Image(
        pixels,
        colormap="coolwarm" if signed else "inferno",
        contrast_limits=(-high if signed else 0.0, high),
        **common,
        **place,
    )
    _ends[layer] = high
    if hasattr(layer, "colorbar"):  # napari 0.9
        layer.colorbar.visible = True
    return layer


def _limits(pixels: Any) -> tuple[float, float]:
    """Percentiles of some of a map's values: of a map that is not there yet, of its middle."""
    place: list[int | slice] = [size // 2 for size in pixels.shape[:-2]]
    for size in pixels.shape[-2:]:
        step = max(size // _SAMPLED, 1)
        start = max(size - _SAMPLED, 0) // 2
        place.append(
            slice(None, None, step) if isinstance(pixels, np.ndarray) else slice(start, start + _SAMPLED)
        )
    values = np.asarray(pixels[tuple(place)])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = np.percentile(values, (_EXTREMES, 100 - _EXTREMES))
    return float(low), float(high)
