"""The fields of the Upscale files widget: which model, into which folder, how it is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, Label, LineEdit, PushButton
from qtpy.QtWidgets import QComboBox

from napari_srgan.errors import UserError
from napari_srgan.models import default_model_name, read_library
from napari_srgan.viewer.files.session import FilesRequest
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.accessible import name_fields
from napari_srgan.viewer.qt.labels import fit_into_dock, make_elastic, say
from napari_srgan.viewer.typed_path import exists, typed_path
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.computing import Computing

_LETTERS_AT_LEAST = 12
"""Longer names of models do not widen the widget."""


class FilesSettings(Container[Any]):
    """Asks for a model and a folder; what needs no answer is folded away."""

    def __init__(self) -> None:
        self._suggested = ""
        self._model = ComboBox(
            name="model", label="Model", choices=lambda _: _models(),
            tooltip="One model for all files, or for each the default one of its kind",
        )  # fmt: skip
        native: QComboBox = self._model.native
        native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        native.setMinimumContentsLength(_LETTERS_AT_LEAST)
        self._folder = LineEdit(name="folder", tooltip="Where the results go, one file for each image")
        self._choose = PushButton(
            name="choose_folder", text="Choose…", tooltip="Asks in a window of its own where the results go"
        )
        target: Container[Any] = Container(
            name="target", label="Into folder", widgets=[self._folder, self._choose], layout="horizontal",
            labels=False,
        )  # fmt: skip
        target.margins = (0, 0, 0, 0)
        self._there = Label(name="there", label=" ")
        self._replace = CheckBox(
            name="replace", label="Replace results",
            tooltip="Results replace what has their names in the folder; else those files are told, and stay "
            "as they are",
        )  # fmt: skip
        self._computing = Computing()
        super().__init__(name="settings")
        self.extend([self._model, target, self._there, self._replace, *self._computing.rows])
        self.margins = (0, 0, 0, 0)
        make_elastic(self._there)
        self._computing.show(False)
        fit_into_dock(self.native)
        name_fields(self)
        self._choose.changed.connect(self._ask)
        self._folder.changed.connect(self._on_folder)
        self._computing.restore.changed.connect(self._restore_defaults)
        self._on_folder()

    @property
    def request(self) -> FilesRequest:
        """What is chosen.

        Raises
        ------
        UserError
            If no folder is.
        """
        if not self._folder.value.strip():
            raise UserError(
                "no folder is chosen for the results; press Choose…, or type the whole path of a folder"
            )
        folder = typed_path(self._folder.value)
        return FilesRequest(folder, self._model.value, self._computing.options(), bool(self._replace.value))

    def show_request(self, request: FilesRequest) -> None:
        """Show what was asked for last."""
        self.choose_model(request.model)
        self._suggested = ""
        self._folder.value = str(request.folder)
        self._replace.value = request.replaces
        self._computing.show_options(request.options)

    def choose_model(self, name: str | None) -> None:
        """Choose a model, if there is one of that name; None for the default ones."""
        if name in self._model.choices:
            self._model.value = name

    def suggest(self, folder: Path | None) -> None:
        """Fill in a folder, unless the user chose one."""
        untouched = self._folder.value == self._suggested
        self._suggested = "" if folder is None else str(folder)
        if untouched:
            self._folder.value = self._suggested
        self._on_folder()

    def look_again(self) -> None:
        """Look again at which models there are, and which folder."""
        before = self._model.value
        with self._model.changed.blocked():
            self._model.reset_choices()
        self.choose_model(before)
        self._on_folder()

    def _restore_defaults(self) -> None:
        self._model.value = None
        self._replace.value = False
        self._computing.restore_defaults()

    def _ask(self) -> None:
        try:
            before = typed_path(self._folder.value)
        except UserError:
            before = Path.home()
        start = before if exists(before) else before.parent
        if (chosen := dialogs.ask_for_folder(self._choose.native, "Where the results go", start)) is not None:
            self._folder.value = str(chosen)

    def _on_folder(self) -> None:
        text = self._folder.value.strip()
        self._folder.native.setToolTip(text or self._folder.tooltip)
        try:
            missing = not exists(typed_path(text))
        except UserError:  # told when it is run
            missing = False
        self._there.visible = missing
        if missing:
            say(self._there, "There is no such folder; Run makes it")


def _models() -> choices.Choices:
    names = f"{default_model_name(rgb=False)}, {default_model_name(rgb=True)} for colours"
    return [(f"automatic ({names})", None), *choices.model_choices(None, read_library())]
