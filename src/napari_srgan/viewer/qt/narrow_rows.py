"""Rows of a form in a narrow dock: the label lies above its field, so that one reads what is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QAbstractSpinBox, QBoxLayout, QComboBox, QLabel, QLineEdit, QPushButton, QWidget

_LETTERS = 19
"""Letters of what is chosen that are to be read beside a label; the arrow of a list takes some of them."""
_NARROW_AT = (
    QEvent.Type.Resize, QEvent.Type.FontChange, QEvent.Type.StyleChange, QEvent.Type.Show,
    QEvent.Type.LayoutRequest,
)  # fmt: skip


def room_for_words(label: QLabel) -> int:
    """Pixels that a field has to have at least, to be read, in the font of its label."""
    return _LETTERS * label.fontMetrics().averageCharWidth()


def lay_out_rows(widget: QWidget, rows: Sequence[tuple[QWidget, QLabel]]) -> None:
    """Lay out the rows of a magicgui container by the room that they have, now and whenever that changes.

    Parameters
    ----------
    widget
        The container.
    rows
        Each row, in a layout of a label and a field, and its label. One that is empty is hidden: what has
        nothing to be called takes the whole width.
    """
    for row, label in rows:
        if label.text().strip():
            _Row(widget, row, label)
        else:
            label.hide()


def _parts(layout: QBoxLayout) -> list[QWidget]:
    items = (layout.itemAt(place) for place in range(layout.count()))
    return [part for item in items if item is not None and (part := item.widget()) is not None]


def _least_width(part: QWidget) -> int:
    if isinstance(part, QLabel):
        return part.sizeHint().width()
    return part.minimumWidth() or part.minimumSizeHint().width()


class _Row(QObject):
    """Lays a label beside its field, or above it."""

    def __init__(self, parent: QWidget, row: QWidget, label: QLabel) -> None:
        super().__init__(parent)
        self._row, self._label = row, label
        row.installEventFilter(self)

    def eventFilter(self, _: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in _NARROW_AT:
            self._lay_out()
        return False

    def _lay_out(self) -> None:
        layout = self._row.layout()
        if not isinstance(layout, QBoxLayout):
            return
        # Or it could never become so narrow that its label goes above.
        least = max(_least_width(part) for part in _parts(layout))
        if self._row.minimumWidth() != least:
            self._row.setMinimumWidth(least)
        ways = QBoxLayout.Direction
        way = ways.LeftToRight if self._fits() else ways.TopToBottom
        if layout.direction() != way:
            layout.setDirection(way)

    def _fits(self) -> bool:
        """Whether there is room for words beside the label, and beside buttons in the field."""
        row = self._row
        if not any(row.findChildren(kind) for kind in (QComboBox, QAbstractSpinBox, QLineEdit)):
            return True
        buttons = sum(button.sizeHint().width() for button in row.findChildren(QPushButton))
        taken = max(self._label.minimumWidth(), _least_width(self._label)) + buttons
        return row.width() - taken >= room_for_words(self._label)
