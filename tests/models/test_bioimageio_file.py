"""Packages of bioimage.io that are read again: ours come back as they were, others are told apart."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import make_tiny_model

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.models import Model, add_model, export_bioimageio, list_models, load_model, read_model

# bioimage.io's software leaves the files open that it reads.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def model() -> Model:
    return make_tiny_model(name="cells-x2")


@pytest.fixture(scope="module")
def written(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bioimageio(model, tmp_path_factory.mktemp("written") / "for friends.zip")


@pytest.fixture
def package(written: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copy(written, tmp_path))


def assert_same(read: Model, written: Model) -> None:
    assert read.card == written.card
    ours, theirs = read.network.state_dict(), written.network.state_dict()
    assert list(ours) == list(theirs)
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


def test_a_package_is_read_as_it_was_written(package: Path, model: Model) -> None:
    assert_same(read_model(package), model)
    assert_same(load_model(package), model)


@pytest.mark.parametrize("named", ["", "rdf.yaml"])
def test_an_unpacked_package_is_read_by_its_folder_or_description(
    named: str, package: Path, model: Model, tmp_path: Path
) -> None:
    with zipfile.ZipFile(package) as file:
        names = file.namelist()
        file.extractall(tmp_path / "unpacked")
    description = next(name for name in names if name in ("rdf.yaml", "bioimageio.yaml"))
    assert_same(read_model(tmp_path / "unpacked" / (named and description)), model)


def test_a_package_is_added_under_the_name_of_its_model(package: Path, model: Model) -> None:
    before = package.read_bytes()
    assert add_model(package).name == "cells-x2"
    assert "cells-x2" in [card.name for card in list_models()]
    assert_same(load_model("cells-x2"), model)
    assert add_model(package).name == "cells-x2-2"
    assert package.read_bytes() == before


def test_an_image_is_upscaled_by_a_package_as_by_its_model(package: Path, model: Model) -> None:
    image = np.random.default_rng(0).integers(0, 4000, (20, 24)).astype(np.uint16)
    by_package, by_model = (
        napari_srgan.upscale(image, which, device="cpu", progress=False) for which in (package, model)
    )
    np.testing.assert_array_equal(by_package, by_model)


def repacked(package: Path, changed: Callable[[str], str | None], **how: Any) -> Path:
    """The package with other names of members; those without a name are left out."""
    target = package.with_name("repacked.zip")
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(target, "w", **how) as new:
        for name in old.namelist():
            if changed(name) is not None:
                new.writestr(changed(name) or "", old.read(name))
    return target


def test_a_package_of_other_software_is_refused(package: Path) -> None:
    of_others = repacked(package, lambda name: None if name.endswith(".safetensors") else name)
    with pytest.raises(UserError, match=r"repacked\.zip is a package of bioimage\.io with no model file"):
        read_model(of_others)


def test_two_models_in_a_package_are_refused(package: Path) -> None:
    with zipfile.ZipFile(package, "a") as file:
        file.writestr("other.safetensors", b"")
    with pytest.raises(UserError, match="with 2 model files"):
        read_model(package)


def test_a_model_that_claims_to_be_huge_is_not_unpacked(package: Path) -> None:
    bomb = repacked(package, lambda name: None if name.endswith(".safetensors") else name)
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.safetensors", bytes(1 << 25))
    with pytest.raises(UserError, match=r"bomb\.safetensors .* claims to hold 33,554,432"):
        read_model(bomb)


def test_a_damaged_package_is_a_sentence(package: Path) -> None:
    stored = repacked(package, lambda name: name)
    content = bytearray(stored.read_bytes())
    with zipfile.ZipFile(stored) as file:
        info = file.getinfo("cells-x2.safetensors")
    middle = info.header_offset + 200 + info.file_size // 2
    content[middle : middle + 8] = bytes(byte ^ 255 for byte in content[middle : middle + 8])
    stored.write_bytes(content)
    with pytest.raises(UserError, match=r"cells-x2\.safetensors in repacked\.zip cannot be unpacked"):
        read_model(stored)


def test_a_checkpoint_of_pytorch_which_is_a_zip_is_no_package(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "found.pth")
    with pytest.raises(UserError, match=r"found\.pth holds weights of a network that is not known"):
        read_model(tmp_path / "found.pth")
