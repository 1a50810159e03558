"""What importing the package, and starting napari with it, brings along."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Callable[..., str]

LOOK = """
import sys
heavy = {"torch", "torchvision", "qtpy", "PyQt5", "PyQt6", "PySide6", "magicgui", "dask", "zarr", "skimage"}
print(sorted(heavy & set(sys.modules)))
"""


def test_importing_the_package_imports_neither_torch_nor_qt(run_python: RunPython) -> None:
    assert run_python("import napari_srgan" + LOOK) == "[]"


def test_nothing_but_a_file_of_others_imports_bioio(run_python: RunPython, checkout: Path) -> None:
    look = """
import sys
import numpy, tifffile
import napari_srgan, napari_srgan.api, napari_srgan.cli
from napari_srgan.api import inputs
from napari_srgan.cli import upscale
from napari_srgan.images.formats import open_image
tifffile.imwrite("x.tif", numpy.zeros((20, 20), "u2"))
open_image(inputs.Path("x.tif")).close()
before = "bioio" in sys.modules
try:
    open_image(inputs.Path(__import__("shutil").copy("x.tif", "x.nd2")))
except napari_srgan.UserError:
    pass
print(before, "bioio" in sys.modules)
"""
    paths = [*os.environ.get("PYTHONPATH", "").split(os.pathsep), str(checkout / "tests" / "bioio_stand_in")]
    assert run_python(look, path=os.pathsep.join(filter(None, paths))) == "False True"


def test_finding_the_plugin_imports_neither_torch_nor_qt(run_python: RunPython) -> None:
    find = """
import warnings
warnings.simplefilter("ignore")
from npe2 import PluginManager
plugins = PluginManager.instance()
plugins.discover()
items = [getattr(item, "command", "") for item in plugins.iter_menu("napari/layers/transform")]
assert "napari-srgan.upscale_selected" in items, items
"""
    assert run_python(find + LOOK) == "[]"


def test_starting_napari_does_not_import_torch(run_python: RunPython) -> None:
    start = """
import sys, warnings
warnings.simplefilter("ignore")
import napari
from napari.plugins import _initialize_plugins
_initialize_plugins()
from npe2 import PluginManager
assert "napari-srgan" in PluginManager.instance()
print("torch" in sys.modules)
"""
    assert run_python(start) == "False"


def test_asking_who_reads_a_file_imports_nothing(run_python: RunPython) -> None:
    ask = """
import sys
from napari_srgan.viewer.video_reader import get_video_reader
assert get_video_reader("image.tif") is None
print(sorted({"torch", "av", "numpy", "dask", "zarr", "napari"} & set(sys.modules)))
"""
    assert run_python(ask) == "[]"


def test_opening_a_video_does_not_import_torch(run_python: RunPython) -> None:
    look = """
import sys
import av, numpy
with av.open("x.mkv", "w") as container:
    stream = container.add_stream("ffv1", rate=5)
    stream.height = stream.width = 32
    stream.pix_fmt = "gray"
    container.mux(stream.encode(av.VideoFrame.from_ndarray(numpy.zeros((32, 32), "uint8"), format="gray")))
    container.mux(stream.encode(None))
from napari_srgan.viewer.video_reader import get_video_reader
get_video_reader("x.mkv")("x.mkv")
print("torch" in sys.modules)
"""
    assert run_python(look) == "False"


def test_every_public_name_can_be_had(run_python: RunPython) -> None:
    fetch = """
import napari_srgan
missing = [name for name in napari_srgan.__all__ if not hasattr(napari_srgan, name)]
print(missing, set(napari_srgan.__all__) <= set(dir(napari_srgan)))
"""
    assert run_python(fetch) == "[] True"


BLOCKED = [
    "dask", "zarr", "napari", "spandrel", "qtpy", "magicgui", "superqt", "rich", "typer", "matplotlib",
    "onnx", "onnxscript", "bioimageio", "lightning_fabric", "av",
]  # fmt: skip
"""Not on a machine that only trains: it has torch, numpy, scikit-image, tifffile, safetensors, pydantic."""


@pytest.mark.parametrize("room", ["networks", "models", "training"])
def test_a_machine_that_only_trains_needs_little(run_python: RunPython, room: str) -> None:
    walk = f"""
import importlib, pkgutil, sys
for name in {BLOCKED}:
    sys.modules[name] = None  # importing it is an ImportError from now on
room = importlib.import_module("napari_srgan.{room}")
for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(module.name)
print("imported")
"""
    assert run_python(walk) == "imported"
