"""The questions that are asked in windows of their own, each a function that tests can replace."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

MODEL_FILES = "*.safetensors *.pth *.pt *.ckpt *.bin *.pkl *.zip"
RESULT_TYPES = {
    "OME-Zarr, of any size, can be stopped and gone on with (*.ome.zarr *.zarr)": ".ome.zarr",
    "OME-TIFF (*.ome.tif *.ome.tiff)": ".ome.tif",
    "TIFF for ImageJ (*.tif *.tiff)": ".tif",
}
"""What a result can be written as, and the ending of such a name."""
_ENDINGS = (".ome.zarr", ".zarr", ".ome.tif", ".ome.tiff", ".tif", ".tiff")
"""Longer ones first."""
REPORT_FILES = "*.trust.json *.trust.md"


def ask_for_model_files(parent: QWidget | None) -> list[Path]:
    """Files of models to add; empty if the question was cancelled."""
    chosen, _ = QFileDialog.getOpenFileNames(
        parent, "Add models", "", f"Models ({MODEL_FILES});;All files (*)"
    )
    return [Path(file) for file in chosen]


def ask_for_image_files(parent: QWidget | None, folder: Path) -> list[Path]:
    """Image files to upscale; empty if the question was cancelled."""
    chosen, _ = QFileDialog.getOpenFileNames(parent, "Files to upscale", str(folder))
    return [Path(file) for file in chosen]


def ask_for_folder(parent: QWidget | None, title: str, folder: Path) -> Path | None:
    """A folder; None if the question was cancelled."""
    chosen = QFileDialog.getExistingDirectory(parent, title, str(folder))
    return Path(chosen) if chosen else None


def ask_where_to_write(parent: QWidget | None, suggested: Path) -> Path | None:
    """The file of a result; None if the question was cancelled.

    Nobody is asked about what is there already: whoever writes looks what it is, and asks or refuses then.
    """
    before = type_of(suggested)
    options = QFileDialog.Option.DontConfirmOverwrite
    chosen, kind = QFileDialog.getSaveFileName(
        parent, "Where the result goes", str(suggested), ";;".join(RESULT_TYPES), before, options=options
    )
    if not chosen:
        return None
    return with_type(Path(chosen), kind, changed=kind != before)


def type_of(path: Path) -> str:
    """The type in :data:`RESULT_TYPES` that the ending of a name stands for; OME-Zarr for all others."""
    low = path.name.lower().replace(".tiff", ".tif")
    named = {ending: kind for kind, ending in RESULT_TYPES.items()}
    return next((named[kind] for kind in (".ome.tif", ".tif") if low.endswith(kind)), named[".ome.zarr"])


def with_type(path: Path, kind: str, *, changed: bool) -> Path:
    """A name with the ending of the type that was chosen beside it.

    Parameters
    ----------
    path
        The name. Not every system's dialog gives it another ending when another type is chosen.
    kind
        One of :data:`RESULT_TYPES`.
    changed
        Whether another type was chosen than was shown at first: it counts more than the name.
    """
    ending = RESULT_TYPES.get(kind, "")
    known = next((one for one in _ENDINGS if path.name.lower().endswith(one)), "")
    if known and (not changed or type_of(path) == kind):
        return path
    return path.with_name(path.name[: len(path.name) - len(known)] + ending)


def ask_where_to_save_report(parent: QWidget | None, suggested: Path) -> Path | None:
    """One of the files of a report; None if the question was cancelled.

    Nobody is asked about what is there already: there are two files, and whoever writes asks for both.
    """
    options = QFileDialog.Option.DontConfirmOverwrite
    chosen, _ = QFileDialog.getSaveFileName(
        parent, "Save report as", str(suggested), f"Report ({REPORT_FILES})", options=options
    )
    return Path(chosen) if chosen else None


def ask_where_to_save_model(parent: QWidget | None, suggested: Path) -> Path | None:
    """The file of a copy of a model; None if the question was cancelled.

    Nobody is asked about what is there already, as with :func:`ask_where_to_write`.
    """
    options = QFileDialog.Option.DontConfirmOverwrite
    chosen, _ = QFileDialog.getSaveFileName(
        parent, "Save a copy of the model", str(suggested), "Models (*.safetensors)", options=options
    )
    return Path(chosen) if chosen else None


def ask_for_result(parent: QWidget | None, folder: Path) -> Path | None:
    """A result to open, which is a folder; None if the question was cancelled."""
    chosen = QFileDialog.getExistingDirectory(parent, "Open upscaled image (.ome.zarr, .zarr)", str(folder))
    return Path(chosen) if chosen else None


def ask_to_overwrite(parent: QWidget | None, path: Path) -> bool:
    """Whether the file of a name that was chosen shall really be replaced."""
    buttons = QMessageBox.StandardButton
    question = f"{path.name} exists already. Replace it?"
    answer = QMessageBox.question(
        parent, "Replace file", question, buttons.Yes | buttons.Cancel, buttons.Cancel
    )
    return bool(answer == buttons.Yes)


def ask_for_name(parent: QWidget | None, name: str) -> str | None:
    """Another name for a model; None if the question was cancelled or the name is the same."""
    chosen, answered = QInputDialog.getText(parent, "Rename model", f"New name of {name}:", text=name)
    chosen = chosen.strip()
    return chosen if answered and chosen and chosen != name else None


def ask_to_delete(parent: QWidget | None, name: str) -> bool:
    """Whether a model's file shall really be deleted."""
    question = f"Delete the model {name}? Its file is removed from your folder of models."
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.question(
        parent, "Delete model", question, buttons.Yes | buttons.Cancel, buttons.Cancel
    )
    return bool(answer == buttons.Yes)
