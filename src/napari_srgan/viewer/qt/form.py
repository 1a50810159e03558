"""Rows of a label and a field, with all fields below each other, also those of another form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QHBoxLayout, QLabel, QSpinBox, QWidget

from napari_srgan.viewer.qt.accessible import name_row
from napari_srgan.viewer.qt.narrow_rows import room_for_words

LABEL_WIDTH = 102
"""Width of labels in pixels."""


class Form(QWidget):
    """Fields one below the other.

    Parameters
    ----------
    rows
        The rows, each a label and a field; a label without a field is a heading, a field without a label
        takes the whole row.
    """

    def __init__(self, rows: Sequence[tuple[str, QWidget | None]]) -> None:
        super().__init__()
        self._rows = QFormLayout(self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setVerticalSpacing(5)
        self._rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)  # in a narrow dock
        self._rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self._labels: list[QLabel] = []
        for text, field in rows:
            if field is None:
                self._rows.addRow(_heading(text))
            elif text:
                label = QLabel(text)
                label.setMinimumWidth(LABEL_WIDTH)
                self._labels.append(label)
                label.setToolTip(field.toolTip())
                name_row(text, field)
                self._rows.addRow(label, field)
            else:
                self._rows.addRow(field)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._lay_out()

    def _lay_out(self) -> None:
        """Lay all labels above their fields, where these have no room for words beside them."""
        shown = [label for label in self._labels if label.isVisibleTo(self)]
        widest = max((label.sizeHint().width() for label in shown), default=0)
        policy = QFormLayout.RowWrapPolicy
        narrow = bool(shown) and self.width() - max(widest, LABEL_WIDTH) < room_for_words(shown[0])
        wanted = policy.WrapAllRows if narrow else policy.WrapLongRows
        if self._rows.rowWrapPolicy() != wanted:
            self._rows.setRowWrapPolicy(wanted)

    def show_row(self, field: QWidget, shown: bool) -> None:
        """Show a field with its label, or hide both."""
        self._rows.setRowVisible(field, shown)


class Number:
    """A field for a number.

    Parameters
    ----------
    tooltip
        What the number means.
    value
        The number at first.
    least, most
        The smallest and the largest number that can be entered.
    step
        The number that an arrow adds.
    decimals
        Digits after the point; 0 for a whole number.
    zero
        Text that is shown in place of the least value.
    """

    def __init__(
        self, tooltip: str, *, value: float, most: float, least: float = 0, step: float = 1,
        decimals: int = 0, zero: str = "",
    ) -> None:  # fmt: skip
        native: Any
        if decimals:
            native = QDoubleSpinBox()
            native.setDecimals(decimals)
        else:
            native, least, most, step, value = QSpinBox(), int(least), int(most), int(step), round(value)
        native.setRange(least, most)
        native.setSingleStep(step)
        native.setValue(value)
        native.setToolTip(tooltip)
        native.setSpecialValueText(zero)
        self.native = native
        self._whole = not decimals

    @property
    def value(self) -> float:
        value: float = self.native.value()
        return value

    @value.setter
    def value(self, value: float) -> None:
        self.native.setValue(round(value) if self._whole else float(value))


class RangeField:
    """Two fields beside each other: for the least and for the most."""

    def __init__(self, tooltip: str, *, values: tuple[float, float], most: float, decimals: int) -> None:
        self.ends = [Number(tooltip, value=value, most=most, step=0.1, decimals=decimals) for value in values]
        self.native = QWidget()
        self.native.setToolTip(tooltip)
        layout = QHBoxLayout(self.native)
        layout.setContentsMargins(0, 0, 0, 0)
        for end in self.ends:
            layout.addWidget(end.native, 1)

    @property
    def value(self) -> tuple[float, float]:
        least, most = (end.value for end in self.ends)
        return least, most

    @value.setter
    def value(self, values: tuple[float, float]) -> None:
        for end, value in zip(self.ends, values, strict=True):
            end.value = value


def _heading(text: str) -> QLabel:
    heading = QLabel(text)
    heading.setStyleSheet("font-weight: bold; padding-top: 8px")
    return heading
