"""Changing the user's part of the library: add, rename, delete; and getting a model out of it."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import IO

from napari_srgan.disk.atomic_write import save_file
from napari_srgan.errors import UserError
from napari_srgan.models.bioimageio_file import file_of_model
from napari_srgan.models.card import UNKNOWN_LICENCE, ModelCard
from napari_srgan.models.files import copy_model, has_card, read_card, read_model, save_model
from napari_srgan.models.library.existing_file import existing_file
from napari_srgan.models.library.library import is_bundled, model_file, model_files, user_folder

LONGEST_NAME = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
"""Names that are no file names on Windows, whatever their ending."""


def add_model(
    path: str | os.PathLike[str], name: str | None = None, *, licence: str | None = None
) -> ModelCard:
    """Put a model file into the user's folder, where it is chosen by name.

    A file of napari-srgan is copied with its weights and picture as they are, out of a package of
    bioimage.io too; any other checkpoint that :func:`~napari_srgan.models.read_model` understands is
    converted.

    Parameters
    ----------
    path
        The file, or the package; it stays where it is. One without a card that lies in the user's folder
        under the name that the model gets is kept beside it, as ``.original``.
    name
        Name in the library. By default it is made from the name of the file, with a number if there is such a
        model already.
    licence
        Licence of the weights, as a rule an SPDX identifier such as ``"MIT"``, for a model
        whose card knows none.

    Returns
    -------
    ModelCard
        The card of the model, under its new name.

    Raises
    ------
    UserError
        If the file is no model, the name is taken or is none, the model has another licence,
        or the folder cannot be written; the library is then as it was.
    """
    with file_of_model(Path(path).expanduser()) as file:
        return _add(existing_file(file), name, licence)


def _add(path: Path, name: str | None, licence: str | None) -> ModelCard:
    ours = has_card(path)
    if ours and name is None:
        _refuse_member(path)
    # A file that becomes a model beside itself, or in its own place, does not take its name.
    but = None if ours and path.suffix == ".safetensors" else path
    name = _free_name(path, but) if name is None else check_name(name)
    check_free(name, but=but)
    model = read_model(path)
    card = _licensed(model.card, licence, path).model_copy(update={"name": name})
    target = own_file(name)
    if ours:
        copy_model(path, target, card)
    else:
        _keep_original(path, target)
        save_model(replace(model, card=card), target)
    return card


def rename_model(name: str, new: str) -> ModelCard:
    """Give a model of the user another name, on its card too; returns the card.

    Raises
    ------
    UserError
        If there is no such model, it came with the package, or the new name is taken.
    """
    file = _own(name, "renamed")
    check_free(check_name(new), but=file)
    card = read_card(file).model_copy(update={"name": new})
    copy_model(file, file, card)
    renamed = file.with_name(f"{new}{file.suffix}")
    try:
        file.rename(renamed)
    except OSError as error:
        raise UserError(f"{file} cannot be renamed to {renamed.name}: {error}") from error
    return card


def save_copy(name: str, path: Path) -> None:
    """Write a model of the library into another file: weights, card and picture, byte for byte.

    Parameters
    ----------
    name
        Name of the model: one of the user's own, or one that came with the package.
    path
        The file that is written; replaced if it exists.

    Raises
    ------
    UserError
        If there is no such model, the file is that of the model itself, or it cannot be written.
    """
    file = model_file(name)
    if _is_same(file, path):
        raise UserError(f"{path} is the file of {name} itself; choose another place for the copy")

    def copied(target: IO[bytes]) -> None:
        try:
            with file.open("rb") as source:
                shutil.copyfileobj(source, target)
        except FileNotFoundError as error:
            raise UserError(f"the file of {name} is not there any more: {file}") from error

    save_file(path, copied)


def delete_model(name: str) -> None:
    """Delete a model of the user for good.

    Raises
    ------
    UserError
        If there is no such model, it came with the package, or its file cannot be deleted.
    """
    delete_file(_own(name, "deleted"))


def delete_file(file: Path) -> None:
    """Delete a file of the library for good: one that no name leads to, as when another has its name.

    Raises
    ------
    UserError
        If it is not in the library, came with the package, or cannot be deleted.
    """
    if file not in model_files():
        raise UserError(f"{file} is not in the library any more")
    if is_bundled(file):
        raise UserError(
            f"{file.stem} came with napari-srgan and cannot be deleted; only models of your own can"
        )
    try:
        file.unlink()
    except OSError as error:
        raise UserError(f"{file} cannot be deleted: {error}") from error


def check_name(name: str) -> str:
    """Return the name if it can be a model's on every system, or refuse it in a sentence."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME or name.split(".")[0].upper() in _DEVICES:
        raise UserError(
            f"{name!r} cannot be the name of a model; use at most {LONGEST_NAME} letters, digits and "
            "any of . _ + -, a letter or digit first"
        )
    return name


def check_free(name: str, *, but: Path | None = None) -> None:
    """Refuse a name that a file of the library has, upper and lower case alike.

    Parameters
    ----------
    name
        The name wanted.
    but
        The file that may have it.
    """
    for file in model_files():
        # On most laptops' file systems the two would be one file.
        if file.stem.casefold() == name.casefold() and not (but and _is_same(file, but)):
            raise UserError(f"there is a model {file.stem!r} already ({file}); choose another name")


def free_name(wanted: str) -> str:
    """The name that is wanted, with a number if a file of the library has it already."""
    return _free_name(Path(f"{wanted}.safetensors"), None)


def own_file(name: str) -> Path:
    """File of the user's folder for a model of this name; the folder is made if need be."""
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder of models {folder} cannot be made: {error}; "
            "name another one by the environment variable NAPARI_SRGAN_MODELS"
        ) from error
    return folder / f"{name}.safetensors"


def _own(name: str, done: str) -> Path:
    file = model_file(name)
    if is_bundled(file):
        raise UserError(f"{name} came with napari-srgan and cannot be {done}; only models of your own can")
    return file


def _is_same(file: Path, other: Path) -> bool:
    try:
        return file.samefile(other)
    except OSError:  # a link to nothing is no file's like
        return False


def _refuse_member(path: Path) -> None:
    """Refuse to add a file of the library to it once more."""
    for file in model_files():
        if _is_same(file, path):
            raise UserError(f"{file.stem} is in the library already; give another name for a copy of it")


def _free_name(path: Path, but: Path | None) -> str:
    """A file's name as a model's: what no name may have becomes a hyphen, one that is taken gets a number."""
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    name = (
        re.sub(r"[^A-Za-z0-9._+-]+", "-", plain).strip("-._+")[: LONGEST_NAME - 5].rstrip("-._+") or "model"
    )
    if name.split(".")[0].upper() in _DEVICES:
        name = f"model-{name}"
    taken = {file.stem.casefold() for file in model_files() if not (but and _is_same(file, but))}
    if name.casefold() not in taken:
        return name
    return next(f"{name}-{n}" for n in count(2) if f"{name}-{n}".casefold() not in taken)


def _licensed(card: ModelCard, licence: str | None, path: Path) -> ModelCard:
    if licence is None or licence == card.licence:
        return card
    if card.licence != UNKNOWN_LICENCE:
        raise UserError(
            f"the card of {path.name} says that its licence is {card.licence}, which is not changed to "
            f"{licence}; a licence can be given to models whose card knows none"
        )
    if not (licence.strip() and licence.isprintable() and len(licence) <= LONGEST_NAME):
        raise UserError(
            f"{licence[:LONGEST_NAME]!r} is no licence; give an identifier of https://spdx.org/licenses"
        )
    return card.model_copy(update={"licence": licence.strip()})


def _keep_original(path: Path, target: Path) -> None:
    """Keep a file whose place the model made of it takes."""
    if not _is_same(path, target):
        return
    kept = path.with_name(f"{path.name}.original")
    try:
        shutil.copyfile(path, kept)
    except OSError as error:
        raise UserError(f"{path} cannot be kept as {kept.name}: {error.strerror or error}") from error
