"""A model as a package of the BioImage Model Zoo, https://bioimage.io.

The package is one zip: the network as ONNX, what it expects and gives in ``rdf.yaml``, an
input and the output it must make of it, so that others can check what they run, a page
of documentation, and the model's own file, by which napari-srgan reads the package again.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_srgan.disk.atomic_write import save_file
from napari_srgan.errors import UserError
from napari_srgan.models.bioimageio_file import MODEL_ENDING
from napari_srgan.models.card import ModelCard
from napari_srgan.models.export.bioimageio_page import PAPERS, documentation_page
from napari_srgan.models.export.bioimageio_tensors import example_tensors, input_tensor, output_tensor
from napari_srgan.models.export.onnx_file import OPSET, check_single_images, to_onnx
from napari_srgan.models.files import save_model
from napari_srgan.models.model import Model

if TYPE_CHECKING:
    from bioimageio.spec.model.v0_5 import CiteEntry, ModelDescr

AUTHORS = "The napari-srgan developers"


def export_bioimageio(model: Model, path: str | os.PathLike[str]) -> Path:
    """Write a model as a package for bioimage.io that its own validation passes.

    Parameters
    ----------
    model
        The model; its card names a licence by its SPDX identifier.
    path
        The ``.zip`` file; replaced if it exists.

    Returns
    -------
    Path
        The file written, whole or not at all.

    Raises
    ------
    UserError
        If the ending is another, the packages for it are not installed, the network cannot
        be expressed in ONNX, the card lacks what bioimage.io wants, or the file cannot be
        written.
    """
    path = Path(path)
    if path.suffix != ".zip":
        raise UserError(f"a bioimage.io package ends in .zip, {path.name!r} does not; change the ending")
    check_single_images(model)
    try:
        from bioimageio.spec import save_bioimageio_package
    except ImportError as error:
        raise UserError(
            f"a bioimage.io package needs a package that is not installed ({error.name}): "
            'pip install "napari-srgan[bioimageio]"'
        ) from error
    check_licence(model)
    with TemporaryDirectory(prefix="napari-srgan-") as name:
        folder = Path(name)
        try:
            described = _describe(model, folder)
            save_bioimageio_package(described, output_path=folder / "package.zip")
        except ValueError as error:
            if isinstance(error, UserError):
                raise
            raise UserError(
                f"{model.name} does not pass the validation of bioimage.io: {_first_lines(error)}"
            ) from error
        save_file(path, (folder / "package.zip").read_bytes())
    return path


def check_licence(model: Model) -> None:
    """Make sure the card's licence is one that bioimage.io knows.

    Raises
    ------
    UserError
        If it is no SPDX identifier.
    """
    from bioimageio.spec.generic.v0_3 import LicenseId
    from pydantic import ValidationError

    try:
        LicenseId(model.card.licence)
    except ValidationError as error:
        raise UserError(
            f"the licence of {model.name} is {model.card.licence!r}, and bioimage.io wants an identifier "
            "of https://spdx.org/licenses, such as CC-BY-4.0; one whose card knows none is given it when "
            "it is added (models add FILE --licence CC-BY-4.0)"
        ) from error


def _describe(model: Model, folder: Path) -> ModelDescr:
    """Write the parts of the package into a folder, and describe them."""
    from bioimageio.spec.model import v0_5 as spec

    (folder / "weights.onnx").write_bytes(to_onnx(model).SerializeToString())
    given, expected = example_tensors(model)
    np.save(folder / "test_input.npy", given)
    np.save(folder / "test_output.npy", expected)
    (folder / "README.md").write_text(documentation_page(model), encoding="utf-8")
    card = model.card
    plain_name = re.sub(r"[^A-Za-z0-9_+-]", "-", card.name)
    own_file = save_model(model, folder / f"{plain_name}{MODEL_ENDING}")
    settings: dict[str, Any] = {"napari-srgan": card.model_dump(mode="json")}
    return spec.ModelDescr(
        name=f"{plain_name} ({_task(card)})",
        description=card.description,
        authors=[spec.Author(name=AUTHORS)],
        cite=_cite(model),
        license=card.licence,
        tags=[_task(card).split()[-1], "2d", card.architecture, "napari", "napari-srgan", "onnx"],
        documentation=spec.FileDescr(source=folder / "README.md"),
        inputs=[input_tensor(model, folder / "test_input.npy")],
        outputs=[output_tensor(model, folder / "test_output.npy")],
        weights=spec.WeightsDescr(
            onnx=spec.OnnxWeightsDescr(source=folder / "weights.onnx", opset_version=OPSET)
        ),
        attachments=[spec.FileDescr(source=own_file)],
        config=spec.Config(**settings),
        version_comment=f"exported by napari-srgan {version('napari-srgan')}, weights {model.weights_hash}",
    )


def _task(card: ModelCard) -> str:
    return f"x{card.scale_factor} super-resolution" if card.scale_factor > 1 else "denoising"


def _cite(model: Model) -> list[CiteEntry]:
    """The paper of the architecture, and what the card asks for if it has a DOI."""
    from bioimageio.spec.model import v0_5 as spec

    entries = []
    own = re.search(r"10\.\d{4,9}/[^\s,;]+[^\s,;.)]", model.card.citation)
    if own:
        entries.append(spec.CiteEntry(text=model.card.citation, doi=spec.Doi(own[0])))
    if model.card.architecture in PAPERS:
        paper = PAPERS[model.card.architecture]
        entries.append(spec.CiteEntry(text=paper.text, doi=spec.Doi(paper.doi)))
    return entries


def _first_lines(error: ValueError) -> str:
    return " ".join(line.strip() for line in str(error).strip().splitlines()[:4])
