"""The table in the Models widget."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtCore import Signal as QtSignal  # type: ignore[attr-defined, unused-ignore]
from qtpy.QtGui import QFont, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget

from napari_srgan.viewer.models.rows import COLUMNS, MEASURED, NAME, PURPOSE, SOURCE, ModelRow

ORDER_ROLE = int(Qt.ItemDataRole.UserRole)
"""Under this role the table has what it is sorted by."""
_WIDEST = {NAME: 190, MEASURED: 130, SOURCE: 170}
"""Widest columns in pixels; names and addresses can be of any length."""
ROW_HEIGHT = 24
AIR = 6
"""Room between two columns in pixels."""
PURPOSE_LEAST = 150
"""Least room in pixels for what a model is for; it gets all that is left over, if that is more."""


class ModelRows(QAbstractTableModel):  # type: ignore[misc, unused-ignore]
    """Rows of models as Qt wants them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[ModelRow] = ()

    def set_rows(self, rows: Sequence[ModelRow]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def row(self, number: int) -> ModelRow:
        return self._rows[number]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"<p>{escape(column.tooltip(row))}</p>"  # or it would not be wrapped, and obeyed
        if role == ORDER_ROLE:
            return column.order(row)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].heading
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None


class ModelsTable(QTableView):  # type: ignore[misc, unused-ignore]
    """Models, one a row; a click on a heading sorts, a click on a row chooses."""

    chosen = QtSignal(object)
    """The :class:`ModelRow` that is chosen now, or None."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = ModelRows(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self._rows)
        self._sorted.setSortRole(ORDER_ROLE)
        self.setModel(self._sorted)
        self._arrange()
        selection = self.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(self._on_selection)

    def _arrange(self) -> None:
        self.setToolTip("Models: a click on a heading sorts, a click on a row shows what is known of it")
        self.setAccessibleName("Models")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        down, across = self.verticalHeader(), self.horizontalHeader()
        assert down is not None
        assert across is not None
        down.hide()
        down.setDefaultSectionSize(ROW_HEIGHT)
        across.setHighlightSections(False)
        across.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)

    def follow(self, font: QFont) -> None:
        """Write everything in another font."""
        if font == self.font():
            return
        self.setFont(font)
        down, across = self.verticalHeader(), self.horizontalHeader()
        assert down is not None
        assert across is not None
        across.setFont(font)
        down.setDefaultSectionSize(max(ROW_HEIGHT, self.fontMetrics().height() + AIR))
        self._fit_columns()

    def set_rows(self, rows: Sequence[ModelRow]) -> None:
        """Show these rows; what was chosen stays chosen, by its name."""
        before = self.chosen_row()
        self._rows.set_rows(rows)
        self._fit_columns()
        if before is None or not self.choose(before.name):
            self.chosen.emit(None)

    def rows(self) -> list[ModelRow]:
        """All rows, as they were given."""
        return [self._rows.row(n) for n in range(self._rows.rowCount())]

    def chosen_row(self) -> ModelRow | None:
        """The row that is chosen."""
        selection = self.selectionModel()
        indices = selection.selectedRows() if selection is not None else []
        return self._rows.row(self._sorted.mapToSource(indices[0]).row()) if indices else None

    def choose(self, name: str) -> bool:
        """Choose a row by its model's name; False if there is none."""
        for number, row in enumerate(self.rows()):
            if row.name == name:
                index = self._sorted.mapFromSource(self._rows.index(number, NAME))
                self.selectRow(index.row())
                self.scrollTo(index)
                return True
        return False

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def _on_selection(self) -> None:
        self.chosen.emit(self.chosen_row())

    def _fit_columns(self) -> None:
        """Every column as wide as what stands in it; what a model is for takes the rest."""
        self.resizeColumnsToContents()
        for column in range(len(COLUMNS)):
            self.setColumnWidth(column, self.columnWidth(column) + AIR)
        for column, widest in _WIDEST.items():
            self.setColumnWidth(column, min(self.columnWidth(column), widest))
        others = sum(self.columnWidth(n) for n in range(len(COLUMNS)) if n != PURPOSE)
        viewport = self.viewport()
        assert viewport is not None
        self.setColumnWidth(PURPOSE, max(PURPOSE_LEAST, viewport.width() - others))
