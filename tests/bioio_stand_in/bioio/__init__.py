"""A stand-in for bioio 3 with one reader: what is called .nd2 is an OME-TIFF.

It has the part of bioio's interface that is documented and used here
(https://bioio-devs.github.io/bioio/bioio.html), and tells nothing of OME metadata, as most readers.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import fromstring

import dask
import dask.array as da
import numpy as np
import tifffile
import xarray as xr

from . import plugins

READ: list[tuple[int, tuple[int, ...]]] = []
"""Scenes and places of the planes that were read."""


class Reader:
    def __init__(self, image: Path, chunk_dims: Any = ("Z", "Y", "X"), fs_kwargs: Any = None) -> None:
        if not Path(image).read_bytes().startswith((b"II", b"MM")):
            raise OSError("no header")
        self.path, self.chunk_dims = Path(image), list(chunk_dims)

    @classmethod
    def is_supported_image(cls, image: Path, **options: Any) -> bool:
        return Path(image).read_bytes()[:2] in (b"II", b"MM")


class BioImage:
    """An image: all five axes of the scene that is chosen, and samples if it has colours."""

    def __init__(self, image: Path, **options: Any) -> None:
        self._reader = self.determine_plugin(image).metadata.get_reader()(image, **options)
        with tifffile.TiffFile(image) as file:
            self._images = fromstring(file.ome_metadata or "").findall("{*}Image")
        self.current_scene_index = 0

    @staticmethod
    def determine_plugin(image: Path, **options: Any) -> plugins.PluginEntry:
        for ending, entries in plugins.get_plugins(use_cache=False).items():
            if str(image).lower().endswith(ending) and Reader.is_supported_image(image):
                return entries[0]
        raise RuntimeError("BioImage does not support the image.\nSee our list of plugins.")

    @property
    def scenes(self) -> tuple[str, ...]:
        return tuple(image.get("Name", f"Image:{at}") for at, image in enumerate(self._images))

    def set_scene(self, scene_id: int) -> None:
        self.current_scene_index = scene_id

    @property
    def xarray_dask_data(self) -> Any:
        scene, path = self.current_scene_index, self._reader.path
        with tifffile.TiffFile(path) as file:
            series = file.series[scene]
            shape, letters, dtype = series.get_shape(False), series.get_axes(False), series.dtype
        order = [letters.index(letter) for letter in "TCZYX" + ("S" if shape[-1] > 1 else "")]
        sizes = [shape[at] for at in order]

        def plane(place: tuple[int, ...]) -> np.ndarray:
            READ.append((scene, place))
            with tifffile.TiffFile(path) as file:
                whole = file.series[scene].asarray().reshape(shape).transpose(*order, *rest)
            return whole.reshape(sizes)[place]

        rest = [at for at in range(len(shape)) if at not in order]
        parts = np.empty((*sizes[:3], *[1] * (len(sizes) - 3)), dtype=object)
        for place in np.ndindex(*sizes[:3]):
            lazy = da.from_delayed(dask.delayed(plane)(place), sizes[3:], dtype)
            parts[place].flat[0] = lazy[None, None, None]
        return xr.DataArray(da.block(parts.tolist()), dims=list("TCZYXS"[: len(sizes)]))

    @property
    def _pixels(self) -> Any:
        return self._images[self.current_scene_index].find("{*}Pixels")

    @property
    def channel_names(self) -> list[str]:
        return [one.get("Name", "Channel:0:0") for one in self._pixels.findall("{*}Channel")]

    @property
    def physical_pixel_sizes(self) -> Any:
        told = {letter: self._pixels.get(f"PhysicalSize{letter}") for letter in "ZYX"}
        return SimpleNamespace(**{letter: size and float(size) for letter, size in told.items()})

    @property
    def dimension_properties(self) -> Any:
        """Units of pint print as their names in full."""
        names = {"nm": "nanometer", None: None}
        units = {letter: names.get(self._pixels.get(f"PhysicalSize{letter}Unit")) for letter in "ZYX"}
        return SimpleNamespace(**{letter: SimpleNamespace(unit=unit) for letter, unit in units.items()})

    @property
    def time_interval(self) -> timedelta | None:
        step = self._pixels.get("TimeIncrement")
        return timedelta(seconds=float(step)) if step else None

    @property
    def ome_metadata(self) -> Any:
        raise NotImplementedError
