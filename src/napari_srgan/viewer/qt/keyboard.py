"""Enter runs, Escape cancels, wherever in a widget one is."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QWidget

_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class RunKeys(QObject):
    """Presses two buttons of a widget by the keyboard, if they can be pressed.

    Parameters
    ----------
    widget
        The whole widget; keys that none of its fields has a use for come to it.
    run
        What Enter presses. On another button it presses that one; in a field for a number it ends the number.
    cancel
        What Escape presses.
    """

    def __init__(self, widget: QWidget, run: QAbstractButton, cancel: QAbstractButton) -> None:
        super().__init__(widget)
        self._run, self._cancel = run, cancel
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress or event.isAutoRepeat():
            return False
        if event.key() == Qt.Key.Key_Escape:
            return _press(self._cancel)
        if event.key() not in _ENTER or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        focused = QApplication.focusWidget()
        if isinstance(focused, QAbstractSpinBox):
            return True
        is_button = isinstance(focused, QAbstractButton) and not focused.isCheckable()
        return _press(focused if is_button else self._run)  # type: ignore[arg-type]


def _press(button: QAbstractButton) -> bool:
    if not button.isEnabled() or button.isHidden():
        return False
    button.click()
    return True
