"""Lists of choices in a narrow dock, in which one still sees what is chosen."""

from __future__ import annotations

import re
from typing import Any, cast

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from napari_srgan.viewer.qt.tooltips import show_tooltip

_WIDEST = 480
"""Widest width in pixels; a list that is open is as wide as its longest name, up to this."""
_MARGIN = 2
"""Pixels that style sheets keep free before and after the text, beside its frame."""
_BRACKETS = re.compile(r"\s+\(.*\)$")
"""What explains a name, e.g. its factor; in that of a result the model that made it."""
_SHORTEST = "a…b"
"""What is left of the name of a layer at least; with less room, the end of all is shown."""


def show_whole_names(widget: QWidget) -> None:
    """Let all lists of choices in a widget show names as whole as they can.

    The end of a name tells models and layers apart (``microscopy-x4-gan``): what is too long loses its
    middle, the tooltip has all of it, and an open list is as wide as its names.
    """
    names = _WholeNames(widget)
    for box in widget.findChildren(QComboBox):
        box.installEventFilter(names)


def shown_text(box: QComboBox) -> str:
    """What a list shows of the name that is chosen."""
    return _shortened(box.currentText(), box)


def _option(box: QComboBox) -> QStyleOptionComboBox:
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    option.currentText = _shortened(box.currentText(), box)
    return option


def _shortened(text: str, box: QComboBox) -> str:
    """A text that fits.

    The name of a model loses first what stands in brackets after it, then its middle; other words lose their
    end. The brackets of a layer say what made it: its own name loses its middle before.
    """
    metrics, room = box.fontMetrics(), _room(box)
    if metrics.horizontalAdvance(text) <= room:
        return text
    data, middle = box.currentData(), Qt.TextElideMode.ElideMiddle
    brackets = _BRACKETS.search(text)
    if isinstance(data, str) or brackets is None:
        is_name = not isinstance(data, str) or text.startswith(data)
        mode = middle if is_name else Qt.TextElideMode.ElideRight
        return metrics.elidedText(_BRACKETS.sub("", text), mode, room)
    name, end = text[: brackets.start()], brackets[0]
    left = room - metrics.horizontalAdvance(end)
    if left < metrics.horizontalAdvance(_SHORTEST):
        return metrics.elidedText(text, Qt.TextElideMode.ElideLeft, room)
    return metrics.elidedText(name, middle, left) + end


def _room(box: QComboBox) -> int:
    """Pixels that a list has for the name that is chosen."""
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    field = QStyle.SubControl.SC_ComboBoxEditField
    style = cast(QStyle, box.style())
    return style.subControlRect(QStyle.ComplexControl.CC_ComboBox, option, field, box).width() - _MARGIN


class _WholeNames(QObject):
    """Paints lists of choices, and says what does not fit into them."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None or not isinstance(watched, QComboBox):
            return False
        if event.type() == QEvent.Type.Paint:
            return _painted(watched)
        if event.type() == QEvent.Type.ToolTip:
            return _told(watched, cast(QHelpEvent, event))
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress):  # it may open
            _widen_list(watched)
        return False


def _painted(box: QComboBox) -> bool:
    painter, option = QStylePainter(box), _option(box)
    painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
    painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
    return True


def _told(box: QComboBox, event: QHelpEvent) -> bool:
    whole = box.currentText()
    if shown_text(box) == whole:
        return False
    show_tooltip(event.globalPos(), f"{whole}\n{box.toolTip()}".strip(), box)
    return True


def _widen_list(box: QComboBox) -> None:
    view: Any = box.view()
    view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    view.setMinimumWidth(min(view.sizeHintForColumn(0) + 4 * _MARGIN, _WIDEST))


class BesideOrBelow(QObject):
    """Lays what goes with a list of choices below it, where its names do not fit beside that.

    Parameters
    ----------
    row
        The widget that holds both, in a horizontal layout.
    box
        The list.
    """

    def __init__(self, row: QWidget, box: QComboBox) -> None:
        super().__init__(row)
        self._row, self._box = row, box
        row.installEventFilter(self)

    def eventFilter(self, _: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._lay_out()
        return False

    def _lay_out(self) -> None:
        layout = cast(QBoxLayout, self._row.layout())
        widgets = (child for child in self._row.children() if isinstance(child, QWidget))
        others = (widget for widget in widgets if widget is not self._box)
        beside = sum(widget.sizeHint().width() + layout.spacing() for widget in others)
        fits = self._row.width() - beside >= self._needed()
        direction = QBoxLayout.Direction.LeftToRight if fits else QBoxLayout.Direction.TopToBottom
        if layout.direction() != direction:
            layout.setDirection(direction)

    def _needed(self) -> int:
        """Pixels in which the longest name is whole."""
        box = self._box
        names = (_BRACKETS.sub("", box.itemText(at)) for at in range(box.count()))
        longest = max((box.fontMetrics().horizontalAdvance(name) for name in names), default=0)
        return longest + box.width() - _room(box)
