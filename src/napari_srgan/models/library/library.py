"""The models a user can choose from: those that come with the package, and their own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from napari_srgan.errors import UserError
from napari_srgan.models.card import ModelCard
from napari_srgan.models.files import PICKLE_ENDINGS, read_card, read_model, read_picture
from napari_srgan.models.library.existing_file import existing_file
from napari_srgan.models.model import Model

DEFAULT_MODEL = "microscopy-x2"
"""What a click without a choice uses for one-channel images."""
DEFAULT_RGB_MODEL = "photo-x4"
"""What a click without a choice uses for RGB images."""


_ENDINGS = (".safetensors", *sorted(PICKLE_ENDINGS))
"""Endings of what is looked at in the library's folders, the best to have first."""


@dataclass(frozen=True)
class LibraryEntry:
    """A model of the library and where it is."""

    card: ModelCard
    """The card of the model; its name is the one it has in the library."""
    file: Path
    """The file of the model."""
    origin: Literal["bundled", "yours"]
    """Whether it came with the package, or can be renamed and deleted."""
    size: int
    """Bytes of the file."""


@dataclass(frozen=True)
class UnreadableFile:
    """A file in the library's folders that cannot be chosen."""

    name: str
    """What it is called where models are listed."""
    file: Path
    problem: str
    """What is wrong with it, and what to do, in a sentence."""


@dataclass(frozen=True)
class Library:
    """The library as it was at one moment, for who asks it many things."""

    entries: tuple[LibraryEntry, ...] = ()
    """All models that can be loaded by name, the bundled ones first."""
    unreadable: tuple[UnreadableFile, ...] = ()

    @property
    def cards(self) -> list[ModelCard]:
        return [entry.card for entry in self.entries]

    def card(self, name: str | None) -> ModelCard | None:
        """The card of a model; None if there is none of this name."""
        return next((card for card in self.cards if card.name == name), None)

    def problem(self, name: str) -> str:
        """What is wrong with a file; empty if there is none of this name."""
        return next((bad.problem for bad in self.unreadable if bad.name == name), "")


def bundled_folder() -> Path:
    """Folder of the weights that come with the package."""
    installed = Path(__file__).parents[2] / "weights"
    # In an editable installation the weights stay where they are in the checkout.
    return installed if installed.is_dir() else Path(__file__).parents[4] / "weights"


_settled: list[Path] = []
"""The folder that a program's settings name, if they do."""


def use_folder(folder: Path | None) -> None:
    """Let the user's own models be in a folder, unless ``NAPARI_SRGAN_MODELS`` names one; None: the usual."""
    _settled[:] = [] if folder is None else [folder]


def user_folder() -> Path:
    """Folder of the user's own models; ``NAPARI_SRGAN_MODELS`` names another one, or :func:`use_folder`."""
    from platformdirs import user_data_path

    chosen = os.environ.get("NAPARI_SRGAN_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    if _settled:
        return _settled[0]
    return user_data_path("napari-srgan", appauthor=False) / "models"


def earlier_folder() -> Path | None:
    """Where the first version kept the user's models, if there still is such a folder.

    What lies there stays in the library.
    """
    if os.environ.get("NAPARI_SRGAN_MODELS"):
        return None
    try:
        folder = Path.home() / ".napari-srgan" / "models"
    except RuntimeError:  # In some containers nobody has a home.
        return None
    return folder if folder.is_dir() else None


def model_files() -> Iterator[Path]:
    """Files in the library's folders that are, or may be meant as, models."""
    for folder in (bundled_folder(), user_folder(), earlier_folder()):
        if folder is None or not folder.is_dir():
            continue
        # A checkpoint that was added has become a model beside it; then only that counts.
        files: dict[str, Path] = {}
        for ending in _ENDINGS:
            for file in folder.glob(f"*{ending}"):
                if not file.name.startswith("."):
                    files.setdefault(file.stem, file)
        yield from (files[stem] for stem in sorted(files))


def is_bundled(file: Path) -> bool:
    """Whether a file of the library came with the package."""
    return file.parent == bundled_folder()


def library_entries() -> list[LibraryEntry]:
    """All models that can be loaded by name, the bundled ones first.

    A file that cannot be read is not among them: :func:`unreadable_models` names it.
    """
    return list(read_library().entries)


def list_models() -> list[ModelCard]:
    """Cards of all models that can be loaded by name, the bundled ones first."""
    return read_library().cards


def unreadable_models() -> dict[str, str]:
    """Files in the library's folders that are no models: their names, and what is wrong."""
    return {bad.name: bad.problem for bad in read_library().unreadable}


def read_library() -> Library:
    """Read every card of the library, and what is wrong with files that have none."""
    entries: dict[str, LibraryEntry] = {}
    unreadable: dict[str, UnreadableFile] = {}
    for file in model_files():
        if file.stem in entries:
            name = f"{file.stem} in {file.parent.name}"
            problem = f"{file} has the name of another model and cannot be chosen; rename it"
            unreadable[name] = UnreadableFile(name, file, problem)
            continue
        try:
            entries[file.stem] = LibraryEntry(
                card=_named(read_card(file), file),
                file=file,
                origin="bundled" if is_bundled(file) else "yours",
                size=file.stat().st_size,
            )
        except (UserError, OSError) as error:
            unreadable.setdefault(file.stem, UnreadableFile(file.stem, file, str(error)))
    return Library(tuple(entries.values()), tuple(unreadable.values()))


def models_for(
    *, channels: int, frames: int = 1, among: Iterable[ModelCard] | None = None
) -> list[ModelCard]:
    """Models that can upscale an image, the likeliest choice first.

    Parameters
    ----------
    channels
        Number of colour samples of a pixel: 3 for RGB, 1 for everything else.
    frames
        Number of frames that go in together; 1 for single images.
    among
        The cards of the models to choose from; all of the library by default.

    Returns
    -------
    list of ModelCard
        The default model, then those made for so many channels, then those that do it too: a
        one-channel model goes through RGB colour by colour, an RGB model sees gray as three
        equal channels. Among equals, models that change no size and those trained to look sharp
        are last.
    """
    default = default_model_name(rgb=channels == 3)
    cards = list_models() if among is None else among
    fitting = [card for card in cards if card.frames == frames and card.channels in (1, 3)]
    return sorted(
        fitting,
        key=lambda card: (
            card.name != default,
            card.channels != channels,
            card.scale_factor == 1,
            bool(card.adversarial),
        ),
    )


def model_file(name: str) -> Path:
    """File of the model of a name, readable or not.

    Raises
    ------
    UserError
        If the library has no model of this name.
    """
    for file in model_files():
        if file.stem == name:
            return file
    raise UserError(f"there is no model {name!r}; there is: {_known()}")


def model_picture(name: str) -> bytes | None:
    """Picture of a model of the library, a PNG; None if it has none.

    Raises
    ------
    UserError
        If the library has no model of this name, or its file cannot be read.
    """
    return read_picture(model_file(name))


def model_of_library(name: str) -> Model | None:
    """Load a model by the name it has in the library; None if there is none of this name.

    Raises
    ------
    UserError
        If its file cannot be used.
    """
    for file in model_files():
        if file.stem == name:
            return _read_cached(file, existing_file(file).stat().st_mtime_ns)
    return None


def load_model(name: str | os.PathLike[str]) -> Model:
    """Load a model by the name it has in the library, or from a file.

    Parameters
    ----------
    name
        A name that :func:`list_models` gives, or the path of a file that
        :func:`~napari_srgan.models.read_model` can read: ``.safetensors``, weights of
        PyTorch (``.pth``, ``.pt``, ``.ckpt``, ``.bin``, ``.pkl``), or a package of bioimage.io (``.zip``).

    Raises
    ------
    UserError
        If there is no such model, or its file cannot be used.
    """
    if (model := model_of_library(str(name))) is not None:
        return model
    path = Path(name)
    if path.suffix or len(path.parts) > 1:
        return read_model(path)
    raise UserError(
        f"there is no model {str(name)!r}; there is: {_known()}; or give a file, {_ENDINGS[0]} or "
        f"{', '.join(sorted(PICKLE_ENDINGS))}"
    )


def _known() -> str:
    return ", ".join(card.name for card in list_models())


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
