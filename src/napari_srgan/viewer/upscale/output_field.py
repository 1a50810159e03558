"""The part of the Upscale widget that asks where the result goes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, Container, Label, LineEdit, PushButton
from psygnal import Signal

from napari_srgan.errors import UserError
from napari_srgan.images.formats import ending
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.collapsible import CLOSED, FLAT, OPEN
from napari_srgan.viewer.qt.labels import as_sentence, make_elastic, say
from napari_srgan.viewer.typed_path import typed_file
from napari_srgan.viewer.upscale import choices
from napari_srgan.viewer.upscale.output_path import Outlook, outlook, with_ending


class TargetField:
    """Rows that are folded away: in memory, lazily or on disk; the file; what is there already; replace it.

    They unfold where something is to be answered: when the result goes to disk.

    Parameters
    ----------
    trust
        The tick with which it is told what can be believed of the result; shown with the others.
    """

    changed = Signal()
    """The user chose another way or another file."""

    def __init__(self, trust: CheckBox) -> None:
        self._opened = False
        self._expected = Outlook()
        self._trust = trust
        self._suggested: Path | None = None
        self._axes = "YX"
        self._way = ComboBox(
            name="result", label="Result", choices=choices.RESULTS, tooltip=choices.RESULTS_TOOLTIP
        )
        self._file = LineEdit(name="file", tooltip=choices.FILE_TOOLTIP)
        self._choose = PushButton(
            name="choose_file", text="Choose…", tooltip="Asks in a window of its own where the result goes"
        )
        self._row: Container[Any] = Container(
            name="target", label="File", widgets=[self._file, self._choose], layout="horizontal",
            labels=False,
        )  # fmt: skip
        self._row.margins = (0, 0, 0, 0)
        self._there = Label(name="there", label=" ")
        self._replace = CheckBox(
            name="replace", label="Replace what is there",
            tooltip="What has this name now is removed when the new result is complete",
        )  # fmt: skip
        self._heading = PushButton(name="result_heading", label=" ", tooltip="Where the result goes")
        self._heading.native.setStyleSheet(FLAT)
        self.rows: list[Any] = [self._heading, self._way, self._row, self._there, self._replace, trust]
        """Widgets that are shown one below the other, each with its label."""
        make_elastic(self._there)
        self._way.changed.connect(self._on_way)
        self._file.changed.connect(self._on_file)
        self._file.native.editingFinished.connect(self._on_edited)
        self._choose.changed.connect(self.ask)
        self._heading.changed.connect(lambda _: self.show(not self._opened))
        trust.changed.connect(lambda _: self._show_rows())

    def show(self, opened: bool) -> None:
        """Show the fields, or the heading alone, which says what is set in them."""
        self._opened = opened
        self._show_rows()

    def _show_rows(self) -> None:
        opened, to_disk = self._opened, self._way.value == choices.DISK
        self._way.visible = self._trust.visible = opened
        self._row.visible = opened and to_disk
        self._there.visible = opened and bool(self._expected.sentence)
        self._replace.visible = opened and self._expected.replaceable
        chosen = [str(self._way.current_choice), *([self._trust.label.lower()] if self._trust.value else [])]
        self._heading.text = f"{OPEN if opened else CLOSED} Result: {', '.join(chosen)}"

    @property
    def way(self) -> str:
        """The chosen way, one of :data:`~napari_srgan.viewer.upscale.choices.RESULTS`."""
        chosen: str = self._way.value
        return chosen

    @way.setter
    def way(self, way: str) -> None:
        self._way.value = way

    @property
    def path(self) -> Path:
        """The file that is chosen.

        Raises
        ------
        UserError
            If there is none.
        """
        text = self._file.value.strip()
        if not text:
            raise UserError(
                "no file is chosen for the result; type a name in .ome.zarr or .ome.tif, or press Choose…"
            )
        return with_ending(typed_file(text), self._axes)

    def settle(self) -> Path:
        """The file that is chosen, when its whole name stands in the field; raises as :attr:`path`."""
        path = self.path
        if str(path) != self._file.value:
            self._show_file(str(path))
        return path

    @property
    def replaces(self) -> bool:
        """Whether what is there already shall be replaced."""
        return bool(self._replace.value) and self._way.value == choices.DISK

    def ran(self) -> None:
        """A run has ended: what it has written is not to be replaced by the next one unasked."""
        self._replace.value = False

    @property
    def result_ending(self) -> str:
        """The ending that the user has chosen, for the results of other images; empty if none was."""
        text = self._file.value
        return "" if self._suggested is not None and text == str(self._suggested) else ending(Path(text))

    def suggest(self, path: Path | None, axes: str) -> None:
        """Fill in a name, unless the user chose one."""
        untouched = self._file.value == ("" if self._suggested is None else str(self._suggested))
        self._suggested, self._axes = path, axes
        if untouched:
            with self._file.changed.blocked():
                self._show_file("" if path is None else str(path))

    def look(self, wanted: Mapping[str, Any]) -> None:
        """Say what is there already.

        Parameters
        ----------
        wanted
            See :func:`~napari_srgan.viewer.upscale.output_path.outlook`.
        """
        expected = Outlook()
        if self._way.value == choices.DISK:
            try:
                expected = outlook(self.path, wanted)
            except (UserError, OSError):  # told when it is run
                expected = Outlook()
        self._expected = expected
        if expected.sentence:
            say(self._there, as_sentence(expected.sentence), wrong=expected.refused)
        if not expected.replaceable:
            self._replace.value = False
        self._show_rows()

    def ask(self) -> bool:
        """Ask for a file in a window of its own; whether one was chosen."""
        try:
            before = self.path
        except UserError:
            before = self._suggested or Path.home()
        chosen = dialogs.ask_where_to_write(self._choose.native, before)
        if chosen is None:
            return False
        self._show_file(str(with_ending(chosen, self._axes)))
        return True

    def _on_edited(self) -> None:
        """Whoever has typed a name sees what is written: with its ending."""
        with suppress(UserError):  # told when it is run
            self.settle()

    def _on_way(self) -> None:
        self._opened |= self._way.value == choices.DISK  # the file is to be seen
        self._show_rows()
        self.changed.emit()

    def _on_file(self) -> None:
        self._replace.value = False  # it was meant for another file
        self.changed.emit()

    def _show_file(self, text: str) -> None:
        self._file.value = text
        self._file.native.setToolTip(f"{text}\n{choices.FILE_TOOLTIP}" if text else choices.FILE_TOOLTIP)
