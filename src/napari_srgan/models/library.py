"""The models a user can choose from: those that come with the package, and their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.models.card import ModelCard
from napari_srgan.models.files import PICKLE_ENDINGS, read_card, read_model
from napari_srgan.models.model import Model

DEFAULT_MODEL = "microscopy-x2"
"""What a click without a choice uses for one-channel images."""
DEFAULT_RGB_MODEL = "photo-x4"
"""The same for RGB images."""


# Pickles are never read, but a user who puts one there is told so.
_ENDINGS = {".safetensors", *PICKLE_ENDINGS}


def bundled_folder() -> Path:
    """Folder of the weights that come with the package."""
    installed = Path(__file__).parents[1] / "weights"
    # In an editable installation the weights stay where they are in the checkout.
    return installed if installed.is_dir() else Path(__file__).parents[3] / "weights"


def user_folder() -> Path:
    """Folder of the user's own models; ``NAPARI_SRGAN_MODELS`` names another one."""
    chosen = os.environ.get("NAPARI_SRGAN_MODELS")
    return Path(chosen) if chosen else Path.home() / ".napari-srgan" / "models"


def _files() -> Iterator[Path]:
    for folder in (bundled_folder(), user_folder()):
        if folder.is_dir():
            yield from sorted(file for file in folder.iterdir() if file.suffix in _ENDINGS)


def list_models() -> list[ModelCard]:
    """Cards of all models that can be loaded by name, the bundled ones first.

    A file that cannot be read is not among them: :func:`unreadable_models` names it.
    """
    return list(_read_cards()[0].values())


def unreadable_models() -> dict[str, str]:
    """Files in the library's folders that are no models: their names, and what is wrong."""
    return _read_cards()[1]


def _read_cards() -> tuple[dict[str, ModelCard], dict[str, str]]:
    cards: dict[str, ModelCard] = {}
    problems: dict[str, str] = {}
    for file in _files():
        if file.stem in cards:
            problems[f"{file.stem} in {file.parent.name}"] = (
                f"{file} has the name of another model and cannot be chosen; rename it"
            )
            continue
        try:
            cards[file.stem] = _named(read_card(file), file)
        except UserError as error:
            problems.setdefault(file.stem, str(error))
    return cards, problems


def load_model(name: str | os.PathLike[str]) -> Model:
    """Load a model by the name it has in the library, or from a file.

    Parameters
    ----------
    name
        A name that :func:`list_models` gives, or the path of a ``.safetensors`` file.

    Raises
    ------
    UserError
        If there is no such model, or its file cannot be used.
    """
    for file in _files():
        if file.stem == str(name):
            return _read_cached(file, file.stat().st_mtime_ns)
    path = Path(name)
    if path.suffix or len(path.parts) > 1:
        return read_model(path)
    known = ", ".join(card.name for card in list_models())
    raise UserError(f"there is no model {str(name)!r}; there is: {known}; or give a .safetensors file")


@lru_cache(maxsize=4)
def _read_cached(file: Path, _modified_ns: int) -> Model:
    model = read_model(file)
    return replace(model, card=_named(model.card, file))


def _named(card: ModelCard, file: Path) -> ModelCard:
    """A model in the library goes by the name of its file, whatever it was once called."""
    return card if card.name == file.stem else card.model_copy(update={"name": file.stem})


def default_model_name(*, rgb: bool) -> str:
    """Name of the model used when none is chosen."""
    return DEFAULT_RGB_MODEL if rgb else DEFAULT_MODEL
