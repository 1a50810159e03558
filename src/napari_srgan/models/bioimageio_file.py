"""The model file in a package of the BioImage Model Zoo that napari-srgan wrote.

Such a package (:mod:`napari_srgan.models.export.bioimageio_package`) has the model's own ``.safetensors``
among its attachments. It is all that is read: the network as ONNX is for other programs, and nothing in a
package is ever run.
"""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from napari_srgan.errors import UserError
from napari_srgan.models.sentences import first_line

DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml")
"""The file that says that a folder or a zip is a package, uppermost in it."""
MODEL_ENDING = ".safetensors"
_INFLATION = 8
"""How many times its packed size a model may have: float32 of numbers that are float16 packs to a half."""
_SLACK = 1 << 20
"""Bytes that it may have besides."""


@contextmanager
def file_of_model(path: Path) -> Iterator[Path]:
    """Give the model file of a package; any other file as it is.

    Parameters
    ----------
    path
        A zip, an unpacked package or the description in that; or a model file.

    Yields
    ------
    Path
        The model file. That of a zip is a copy, which is deleted at the end.

    Raises
    ------
    UserError
        If a package has no model file, or more than one, or it cannot be unpacked.
    """
    folder = path.parent if path.name in DESCRIPTIONS else path
    if _is_package(folder):
        yield folder / _only_model(folder, [file.name for file in folder.iterdir()])
        return
    names = _names_in_zip(path)
    if not names & set(DESCRIPTIONS):
        yield path
        return
    member = _only_model(path, sorted(names))
    with TemporaryDirectory(prefix="napari-srgan-") as room:
        yield _unpacked(path, member, Path(room))


def _is_package(folder: Path) -> bool:
    try:
        return any((folder / name).is_file() for name in DESCRIPTIONS)
    except OSError:  # what is wrong with the path is told by who opens it
        return False


def _names_in_zip(path: Path) -> set[str]:
    """Names of the members of a zip; none if it is no zip that can be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return set()
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                return set()
        with zipfile.ZipFile(path) as package:
            return set(package.namelist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return set()


def _only_model(package: Path, names: list[str]) -> str:
    models = [name for name in names if name.endswith(MODEL_ENDING) and "/" not in name]
    if len(models) != 1:
        found = f"{len(models)} model files" if models else "no model file"
        raise UserError(
            f"{package.name} is a package of bioimage.io with {found} of napari-srgan in it; only those that "
            "napari-srgan wrote can be read: use the weights that the model was made from, a .safetensors "
            "or .pth file"
        )
    return models[0]


def _unpacked(path: Path, member: str, room: Path) -> Path:
    target = room / Path(member).name
    try:
        with zipfile.ZipFile(path) as package:
            info = package.getinfo(member)
            if info.file_size > _INFLATION * info.compress_size + _SLACK:
                raise UserError(
                    f"{member} in {path.name} has {info.compress_size:,} bytes and claims to hold "
                    f"{info.file_size:,}; such a file is not opened: get another one"
                )
            with package.open(info) as packed, target.open("wb") as file:
                shutil.copyfileobj(packed, file)
    # A RuntimeError is what a password is asked for by.
    except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"{member} in {path.name} cannot be unpacked ({first_line(error)}); "
            "get the package again from where it was made"
        ) from error
    return target
