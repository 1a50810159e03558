"""What is uploaded, source and wheel: what is in them, and that the wheel works without a checkout."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Callable[..., str]


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def dist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source, made from the checkout, and the wheel, from that, with this environment's build backend."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(checkout))
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (file,) = dist.glob("napari_srgan-*-py3-none-any.whl")
    return file


@pytest.fixture(scope="module")
def source(dist: Path) -> set[str]:
    """Files of the source, without its outermost folder."""
    (file,) = dist.glob("napari_srgan-*.tar.gz")
    with tarfile.open(file) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers()}


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_every_bundled_model_and_its_recipe(contents: set[str], checkout: Path) -> None:
    weights = checkout / "weights"
    files = {
        f"napari_srgan/weights/{file.relative_to(weights).as_posix()}"
        for pattern in ("*.safetensors", "recipes/*.toml")
        for file in weights.glob(pattern)
    }
    assert {
        "napari_srgan/weights/microscopy-x2.safetensors",
        "napari_srgan/weights/photo-x4.safetensors",
    } <= files
    assert files - contents == set()


def test_the_wheel_holds_the_pages_that_the_help_window_shows(contents: set[str], checkout: Path) -> None:
    pages = {f"napari_srgan/docs/{page.name}" for page in (checkout / "docs").glob("*.md")}
    assert "napari_srgan/docs/napari.md" in pages
    assert pages - contents == set()


def test_the_wheel_holds_the_manifest_the_samples_and_the_licence(contents: set[str], checkout: Path) -> None:
    package = checkout / "src"
    data = {
        file.relative_to(package).as_posix()
        for file in (package / "napari_srgan").rglob("*")
        if file.suffix in {".yaml", ".png", ".tif"}
    }
    assert data - contents == set()
    assert any(name.endswith("licenses/LICENSE") for name in contents)


def test_the_wheel_holds_nothing_else(contents: set[str]) -> None:
    tops = {name.partition("/")[0] for name in contents}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"napari_srgan"}
    assert not [name for name in contents if "__pycache__" in name or name.endswith((".partial", ".pt"))]
    weights = {name for name in contents if name.startswith("napari_srgan/weights/")}
    assert {Path(name).suffix for name in weights} == {".safetensors", ".toml"}


def test_the_source_holds_what_makes_the_wheel_and_no_more(source: set[str], contents: set[str]) -> None:
    metadata = {
        "CHANGELOG.md", "CITATION.cff", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py",
        "pyproject.toml",
    }  # fmt: skip
    assert metadata <= source
    shipped = {name.removeprefix("src/napari_srgan/") for name in source - metadata - {".gitignore"}}
    assert shipped == {
        name.removeprefix("napari_srgan/") for name in contents if name.startswith("napari_srgan/")
    }


def test_twine_accepts_both(dist: Path) -> None:
    _run(sys.executable, "-m", "twine", "check", "--strict", *map(str, dist.iterdir()))


def test_an_installed_wheel_upscales(wheel: Path, tmp_path: Path, run_python: RunPython) -> None:
    target = tmp_path / "site"
    _run(
        sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)
    )
    upscale = """
import numpy as np
import napari_srgan
print(napari_srgan.__file__)
image = np.random.default_rng(0).integers(100, 4000, (40, 48)).astype(np.uint16)
for card in napari_srgan.list_models():
    channels = () if card.channels == 1 else (card.channels,)
    low = np.broadcast_to(image[..., None], (*image.shape, 3)) if channels else image
    time = () if card.frames == 1 else (card.frames,)
    axes = "T" * len(time) + "YX" + "S" * len(channels)
    low = np.broadcast_to(low, (*time, *low.shape))
    high = napari_srgan.upscale(low, card.name, axes=axes, device="cpu", progress=False)
    assert high.shape == (*time, 40 * card.scale_factor, 48 * card.scale_factor, *channels), high.shape
    assert high.dtype == np.uint16
    print(card.name)
"""
    file, *names = run_python(upscale, path=target).splitlines()
    assert Path(file).is_relative_to(target)
    assert {"microscopy-x2", "photo-x4"} <= set(names)
