"""The list of image files: one row a file, with its state."""

from __future__ import annotations

from collections.abc import Sequence

from psygnal import Signal
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QBrush, QColor, QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QWidget

from napari_srgan.viewer.files.row import FileRow, State
from napari_srgan.viewer.qt.labels import ERROR_COLOR

_LEAST = QSize(60, 110)
_PREFERRED = QSize(260, 200)


class FileList(QListWidget):
    """Shows rows, and takes those out that are chosen when Del is pressed.

    Parameters
    ----------
    parent
        The widget that it lies in.
    """

    removal_wanted = Signal(list)
    """Take rows out: their places."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Files")
        self.setToolTip("Files and folders can be dropped here; Del takes those out that are chosen")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setWordWrap(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)

    def sizeHint(self) -> QSize:
        return _PREFERRED

    def minimumSizeHint(self) -> QSize:
        return _LEAST

    def show_rows(self, rows: Sequence[FileRow]) -> None:
        """Show other rows."""
        self.clear()
        for place, row in enumerate(rows):
            self.addItem(QListWidgetItem())
            self.show_row(place, row)

    def show_row(self, place: int, row: FileRow) -> None:
        """Show the state of a row; one that is computed is scrolled to."""
        item = self.item(place)
        if item is None:
            return
        began = row.state is State.COMPUTING and item.data(Qt.ItemDataRole.UserRole) != row.state
        item.setData(Qt.ItemDataRole.UserRole, row.state.value)
        item.setText(row.words)
        item.setToolTip(f"{row.series}\n{row.sentence}".strip())
        failed = row.state is State.FAILED
        item.setForeground(QBrush(QColor(ERROR_COLOR)) if failed else QBrush())
        if began:
            self.scrollToItem(item)

    def go_to_failed(self) -> None:
        """Bring the first file that failed into sight, if one did."""
        for place in range(self.count()):
            item = self.item(place)
            if item is not None and item.data(Qt.ItemDataRole.UserRole) == State.FAILED.value:
                self.scrollToItem(item)
                return

    @property
    def chosen(self) -> list[int]:
        """Places of the rows that are chosen."""
        return sorted(self.row(item) for item in self.selectedItems())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Delete:
            self.removal_wanted.emit(self.chosen)
        else:
            super().keyPressEvent(event)
