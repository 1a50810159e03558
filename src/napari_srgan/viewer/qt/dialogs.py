"""The questions that are asked in windows of their own, each a function that tests can replace."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QWidget

MODEL_FILES = "*.safetensors *.pth *.pt *.ckpt *.bin *.pkl *.zip"
RESULT_FILES = "*.ome.zarr *.zarr"


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
    options = QFileDialog.Option.DontConfirmOverwrite
    chosen, _ = QFileDialog.getSaveFileName(
        parent, "Where the result goes", str(suggested), f"Zarr ({RESULT_FILES})", options=options
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


def ask_where_to_save_report(parent: QWidget | None, suggested: str) -> Path | None:
    """What the files of a report are called, without their endings; None if the question was cancelled."""
    chosen, _ = QFileDialog.getSaveFileName(parent, "Save report as", suggested)
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
