"""Tooltips that wrap: Qt breaks the lines of rich text only, and a long sentence runs across the screen."""

from __future__ import annotations

from html import escape
from typing import cast

from qtpy.QtCore import QChildEvent, QEvent, QObject, QPoint, Qt
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QAbstractItemView, QToolTip, QWidget

_WATCHED = "napari-srgan wraps its tooltip"
"""Property of the widgets that are watched already."""


def wrap_tooltips(widget: QWidget) -> None:
    """Show the tooltips of a widget, and of all that is in it or will be put into it, with line breaks.

    The tooltips themselves stay plain text, for those who have them read aloud, and whoever changes them need
    not know.
    """
    _Wrapped(widget).watch(widget)


def show_tooltip(place: QPoint, text: str, widget: QWidget) -> None:
    """Show a plain text, with line breaks where it is long, at a place of the screen."""
    QToolTip.showText(place, as_rich_text(text), widget)


def as_rich_text(text: str) -> str:
    """A plain text as one that Qt wraps; what is rich already, as of cells of tables, stays."""
    if not text or text.startswith("<"):
        return text
    return f"<qt>{escape(text)}</qt>".replace("\n", "<br>")


class _Wrapped(QObject):
    def watch(self, widget: QWidget) -> None:
        """Watch a widget and all that is in it."""
        for one in (widget, *widget.findChildren(QWidget)):
            if not one.property(_WATCHED):  # twice, it would answer before what was installed in between
                one.setProperty(_WATCHED, True)
                one.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None or not isinstance(watched, QWidget):
            return False
        if event.type() == QEvent.Type.ToolTip:
            asked = cast(QHelpEvent, event)
            if text := watched.toolTip() or _of_item(watched, asked.pos()):
                show_tooltip(asked.globalPos(), text, watched)
                return True
        elif event.type() == QEvent.Type.ChildPolished:
            child = cast(QChildEvent, event).child()
            if isinstance(child, QWidget):
                self.watch(child)
        return False


def _of_item(viewport: QWidget, place: QPoint) -> str:
    """The tooltip of what lies at a place of a list or a table; empty for all other widgets."""
    view = viewport.parent()
    if not isinstance(view, QAbstractItemView) or view.viewport() is not viewport:
        return ""
    return str(view.indexAt(place).data(Qt.ItemDataRole.ToolTipRole) or "")
