"""Changing the user's part of the library: add, rename, delete."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError, safe_open

from napari_srgan.errors import UserError
from napari_srgan.models.card import ModelCard
from napari_srgan.models.files import CARD_KEY, read_card, read_model, save_model
from napari_srgan.models.library import is_bundled, model_file, model_files, user_folder

LONGEST_NAME = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
"""Names that are no file names on Windows, whatever their ending."""


def add_model(path: str | os.PathLike[str], name: str | None = None) -> ModelCard:
    """Put a model file into the user's folder, where it is chosen by name.

    A file of napari-srgan is copied as it is; any other checkpoint that
    :func:`~napari_srgan.models.read_model` understands is converted.

    Parameters
    ----------
    path
        The file; it stays where it is.
    name
        Name in the library; that of the file if unsaid.

    Returns
    -------
    ModelCard
        The card of the model, under its new name.

    Raises
    ------
    UserError
        If the file is no model, the name is taken or is none, or the folder cannot be
        written; the library is then as it was.
    """
    path = Path(path).expanduser()
    name = check_name(_name_of(path) if name is None else name)
    check_free(name, but=None if path.suffix == ".safetensors" else path)
    model = read_model(path)
    target = own_file(name)
    if _has_card(path):
        _copy(path, target)
    else:
        save_model(replace(model, card=model.card.model_copy(update={"name": name})), target)
    return model.card.model_copy(update={"name": name})


def rename_model(name: str, new: str) -> ModelCard:
    """Give a model of the user another name; returns its card.

    Raises
    ------
    UserError
        If there is no such model, it came with the package, or the new name is taken.
    """
    file = _own(name, "renamed")
    check_free(check_name(new), but=file)
    renamed = file.with_name(f"{new}{file.suffix}")
    try:
        file.rename(renamed)
    except OSError as error:
        raise UserError(f"{file} cannot be renamed to {renamed.name}: {error}") from error
    return read_card(renamed).model_copy(update={"name": new})


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
        if file.stem.casefold() == name.casefold() and not (but and but.exists() and file.samefile(but)):
            raise UserError(f"there is a model {file.stem!r} already ({file}); choose another name")


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


def _name_of(path: Path) -> str:
    """A file's name as a model's: what no name may have becomes a hyphen."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", path.stem).strip("-._+") or path.stem


def _has_card(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            return CARD_KEY in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _copy(path: Path, target: Path) -> None:
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        shutil.copyfile(path, partial)
        partial.replace(target)
    except OSError as error:
        raise UserError(f"the model cannot be copied to {target}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
