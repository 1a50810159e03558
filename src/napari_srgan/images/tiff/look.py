"""What TIFF, OME-TIFF and ImageJ's TIFF tell of an image beside pixels and their sizes."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_srgan.images.colours.lookup_tables import hue_of
from napari_srgan.images.look import ChannelLook, ImageLook, PlaneRecord, limits_from, look_from_json
from napari_srgan.images.tiff.ome_xml import ome_look

TIFF_LOOK_KEY = "look"
"""Where the descriptions that we write have what the format has no place for."""
_PLACE_IN_LABEL = re.compile(r"^(?:[czt]:\d+/\d+\s*)+(?:-\s*)?")
"""How Bio-Formats begins the labels it gives to ImageJ, e.g. ``c:1/2 z:3/9 - DAPI``."""


def tiff_look(
    file: tifffile.TiffFile,
    series: tifffile.TiffPageSeries,
    ome: Element | None,
    table: NDArray[np.uint8] | None,
) -> ImageLook:
    """How the image of a series looks, as far as the file tells.

    Parameters
    ----------
    file, series
        The open file, and the series in it.
    ome
        The OME-XML of the file, if it has one.
    table
        Colours in which its intensities are shown, ``(N, 3)`` of uint8, from the tags; None if it is shown in
        gray.
    """
    by_tags = ImageLook(channels=() if table is None else (shown_in(table),))
    if ome is not None:
        return ome_look(ome).over(by_tags)
    if file.is_imagej and file.imagej_metadata:
        sizes = dict(zip(series.axes, series.shape, strict=True))
        return _imagej_look(file.imagej_metadata, sizes).over(by_tags)
    shaped = file.shaped_metadata
    return look_from_json(shaped[0].get(TIFF_LOOK_KEY) if shaped else None).over(by_tags)


def shown_in(table: NDArray[np.uint8]) -> ChannelLook:
    """Look of a channel that is shown in a table of colours, ``(N, 3)`` of uint8."""
    hue = hue_of(table)
    if hue is not None or len(table) != 256:
        return ChannelLook(colour=hue)
    return ChannelLook(table=np.ascontiguousarray(table, np.uint8).tobytes())


def _imagej_look(metadata: dict[str, Any], sizes: dict[str, int]) -> ImageLook:
    count = sizes.get("C", 1)
    ranges = list(np.ravel(metadata.get("Ranges", ())))
    if count == 1 and not ranges:
        ranges = [metadata.get("min"), metadata.get("max")]
    tables = metadata.get("LUTs", [])
    tables = tables if isinstance(tables, list) else [tables]  # tifffile gives a single one as it is
    names, planes = _labelled(metadata.get("Labels"), sizes)
    channels = []
    for at in range(count):
        has_table = at < len(tables) and np.shape(tables[at]) == (3, 256)
        shown = shown_in(tables[at].T) if has_table else ChannelLook()
        limits = limits_from(*ranges[2 * at : 2 * at + 2]) if len(ranges) >= 2 * at + 2 else None
        name = names[at] if names else ""
        channels.append(ChannelLook(name, shown.colour, shown.table, limits))
    look = ImageLook("", tuple(channels), planes, mode=str(metadata.get("mode", "")) if count > 1 else "")
    with suppress(ValueError, AttributeError):  # other programs write other things there
        return look.over(look_from_json(json.loads(metadata.get("Info", "")).get(TIFF_LOOK_KEY)))
    return look


def _labelled(labels: Any, sizes: dict[str, int]) -> tuple[list[str], tuple[PlaneRecord, ...]]:
    """Labels of the planes of a stack: names of its channels where they tell these, else their own."""
    labels = [labels] if isinstance(labels, str) else labels
    t, z, c = (sizes.get(letter, 1) for letter in "TZC")
    if not isinstance(labels, list) or len(labels) != t * z * c:
        return [], ()
    bare = [_PLACE_IN_LABEL.sub("", str(label)).strip() for label in labels]
    names = bare[:c]
    # What stands on the only plane says nothing about what it names.
    if len(bare) > 1 and len(set(names)) == c and all(name == names[at % c] for at, name in enumerate(bare)):
        return names, ()
    places = np.ndindex(t, z, c)
    return [], tuple(
        PlaneRecord(place[0], place[1], place[2], label=str(label))
        for place, label in zip(places, labels, strict=True)
        if label
    )
