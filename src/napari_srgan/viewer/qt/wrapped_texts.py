"""Texts of buttons and ticks in a narrow dock: they go on in a second line, as those of labels do."""

from __future__ import annotations

from typing import cast

from qtpy.QtCore import QEvent, QObject, QRect, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QPushButton,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

_PADDING = 6
"""Pixels before and after the text of a button, at least."""
_HIGHEST = 10_000
"""Pixels; higher than any text."""
_FITTED_AT = (
    QEvent.Type.Paint, QEvent.Type.Resize, QEvent.Type.FontChange, QEvent.Type.StyleChange,
    QEvent.Type.Polish,
)  # fmt: skip


def wrap_texts(widget: QWidget) -> None:
    """Let all buttons and ticks in a widget be as narrow as their longest word."""
    wrapped = _Wrapped(widget)
    for kind in (QPushButton, QCheckBox):
        for button in widget.findChildren(kind):
            if button.minimumWidth() != button.maximumWidth():  # of a width of its own
                button.installEventFilter(wrapped)


class _Wrapped(QObject):
    """Gives buttons the size that their texts need, and paints those that have more than one line."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None or not isinstance(watched, QPushButton | QCheckBox):
            return False
        if event.type() not in _FITTED_AT or not watched.text():
            return False
        # Also when it is painted: nothing tells of another text.
        lines = _fit(watched)
        if event.type() != QEvent.Type.Paint or not lines:
            return False
        _paint(watched)
        return True


def _fit(button: QPushButton | QCheckBox) -> bool:
    """Set the least size of a button; whether its text has several lines."""
    metrics, hint, text = button.fontMetrics(), button.sizeHint(), button.text()
    around = max(hint.width() - metrics.horizontalAdvance(text), 0)
    if isinstance(button, QPushButton):
        around = min(around, 2 * _PADDING)
    least = max(metrics.horizontalAdvance(word) for word in text.split()) + around
    room = button.width() - around
    lines = metrics.horizontalAdvance(text) > room
    higher = 0
    if lines:
        box = metrics.boundingRect(QRect(0, 0, max(room, 1), _HIGHEST), _flags(button), text)
        higher = hint.height() + box.height() - metrics.height()
    if button.minimumWidth() != least:
        button.setMinimumWidth(least)
    if button.minimumHeight() != higher:
        button.setMinimumHeight(higher)
    return lines


def _flags(button: QPushButton | QCheckBox) -> int:
    flat = isinstance(button, QCheckBox) or "text-align: left" in button.styleSheet()
    side = Qt.AlignmentFlag.AlignLeft if flat else Qt.AlignmentFlag.AlignHCenter
    return int(side | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextWordWrap)


def _paint(button: QPushButton | QCheckBox) -> None:
    painter, option = QStylePainter(button), QStyleOptionButton()
    button.initStyleOption(option)
    option.text = ""
    style = cast(QStyle, button.style())
    if isinstance(button, QCheckBox):
        painter.drawControl(QStyle.ControlElement.CE_CheckBox, option)
        room = style.subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, button)
    else:
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        room = button.rect().adjusted(_PADDING, 0, -_PADDING, 0)
    colours, role = button.palette(), button.foregroundRole()
    painter.drawItemText(room, _flags(button), colours, button.isEnabled(), button.text(), role)
