"""The buttons of the Models widget, and which of them make sense for the chosen model."""

from __future__ import annotations

from itertools import pairwise

from qtpy.QtCore import QEvent
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_srgan.models import user_folder
from napari_srgan.viewer.models.rows import ModelRow
from napari_srgan.viewer.qt.help_button import make_help_button
from napari_srgan.viewer.qt.labels import as_sentence

MOST_IN_A_ROW = (7, 4, 3, 2)
"""Buttons in a row, where there is room for their words; else one."""
_NARROWEST = 20
"""Pixels of a button: with more, they would keep a dock from becoming so narrow that they get more rows."""


class ModelButtons(QWidget):
    """Seven buttons and the help; one that does not make sense is greyed out, and its tooltip says why."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.add = QPushButton("Add from file…")
        self.find_online = QPushButton("Find online")
        self.download = QPushButton("Download")
        self.rename = QPushButton("Rename…")
        self.delete = QPushButton("Delete…")
        self.copy = QPushButton("Save a copy…")
        self.cite = QPushButton("Copy citation")
        self.help = make_help_button(QPushButton())
        self._in_order = (
            self.add, self.find_online, self.download, self.rename, self.delete, self.copy, self.cite,
        )  # fmt: skip
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        for button in self._in_order:
            button.setMinimumWidth(_NARROWEST)
        self._lay_out()

    def allow(self, row: ModelRow | None, *, running: bool) -> None:
        """Enable what can be done with a row, while something is running or not."""
        folder = user_folder()
        _set(self.add, f"Copies models into {folder}; files can also be dropped here", "", running)
        _set(self.find_online, "Lists models that can be downloaded", "", running)
        _set(self.download, "Downloads the chosen model", why_no_download(row), running)
        _set(self.rename, "Gives the chosen model another name (F2)", why_no_rename(row), running)
        _set(self.delete, "Deletes the chosen model's file (Del)", why_no_delete(row), running)
        _set(self.copy, "Writes the model into a file to give away, or to keep", why_no_copy(row))
        _set(self.cite, "Copies what to cite when results are published", why_no_citation(row))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._lay_out()

    def _lay_out(self) -> None:
        """As many in a row as have room for their words; the help at the end of a row, or below."""
        in_a_row = next((count for count in MOST_IN_A_ROW if self._needed(count) <= self.width()), 1)
        for n, button in enumerate(self._in_order):
            row, column = divmod(n, in_a_row)
            self._grid.addWidget(button, row, column)
        beside = self._needed(in_a_row) + self._grid.horizontalSpacing() + self.help.width() <= self.width()
        at = (0, in_a_row) if beside else (-(-len(self._in_order) // in_a_row), 0)
        self._grid.addWidget(self.help, *at)
        order = [*self._in_order]
        order.insert(in_a_row if beside else len(order), self.help)
        for before, after in pairwise(order):
            self.setTabOrder(before, after)

    def _needed(self, in_a_row: int) -> int:
        """Pixels of a row of so many buttons."""
        widths = [button.sizeHint().width() for button in self._in_order]
        columns = [max(widths[column::in_a_row]) for column in range(in_a_row)]
        return sum(columns) + (in_a_row - 1) * self._grid.horizontalSpacing()


def why_no_download(row: ModelRow | None) -> str:
    """Why a row's model cannot be downloaded; empty if it can."""
    if row is None:
        return "choose a model that is available to download; Find online lists them"
    return "" if row.remote is not None else f"{row.name} is here already"


def why_no_rename(row: ModelRow | None) -> str:
    """Why a row's model cannot get another name; empty if it can."""
    if row is None:
        return "choose one of your own models first"
    return {
        "bundled": f"{row.name} came with napari-srgan and stays as it is; only your own models change",
        "online": f"{row.name} is not here yet; download it first",
        "unreadable": f"{row.name} cannot be read; see to its file in {user_folder()}",
        "yours": "",
    }[row.origin]


def why_no_delete(row: ModelRow | None) -> str:
    """Why a row's file cannot be deleted; empty if it can."""
    return "" if row is not None and row.origin == "unreadable" else why_no_rename(row)


def why_no_copy(row: ModelRow | None) -> str:
    """Why no copy of a row's model can be written; empty if it can."""
    if row is None:
        return "choose a model first"
    return "" if row.origin in ("bundled", "yours") else why_no_rename(row)


def why_no_citation(row: ModelRow | None) -> str:
    """Why there is nothing to cite; empty if there is."""
    if row is None:
        return "choose a model first"
    known = row.card is not None and row.card.citation
    return "" if known else f"the card of {row.name} does not say what to cite"


def _set(button: QPushButton, tooltip: str, why_not: str, running: bool = False) -> None:
    button.setEnabled(not why_not and not running)
    button.setToolTip(as_sentence(why_not) or tooltip)
