"""What is higher than its dock scrolls: docks below each other never push the window beyond the screen."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import Container
from qtpy.QtCore import QEvent, QObject, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

LEAST_HEIGHT = 96
"""Pixels of a dock that are shown at least; three of them fit below each other on a small screen."""
_MARGINS = (6, 6, 3, 6)
"""Pixels left, above, right and below of fields; at the right there is a scroll bar."""


class ScrolledPage(QScrollArea):
    """A page that is as wide as its dock, and scrolls up and down where it is higher.

    Parameters
    ----------
    page
        What scrolls.
    """

    _magic_widget: Any
    """The magicgui widget that it is the whole of, if it is."""

    def __init__(self, page: QWidget) -> None:
        super().__init__()
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # A click on the page takes the focus from fields, so that the wheel scrolls again.
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def sizeHint(self) -> QSize:
        page = self.widget()
        return QSize() if page is None else page.sizeHint() + QSize(self._bar_width, 0)

    def minimumSizeHint(self) -> QSize:
        page = self.widget()
        if page is None:
            return QSize()
        least = page.minimumSizeHint()
        return QSize(least.width() + self._bar_width, min(least.height(), LEAST_HEIGHT))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if watched is self.widget() and event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()  # the page may have become wider
        return super().eventFilter(watched, event)

    @property
    def _bar_width(self) -> int:
        bar = self.verticalScrollBar()
        return 0 if bar is None else bar.sizeHint().width()


class ScrolledForm(Container[Any]):
    """A magicgui container that scrolls in its dock.

    magicgui's own ``scrollable`` is lost in napari, which takes the container without what scrolls it.

    Parameters
    ----------
    name
        Name of the container.
    """

    def __init__(self, name: str) -> None:
        self._scroll: ScrolledPage | None = None
        super().__init__(name=name)
        self._scroll = ScrolledPage(super().native)
        self._scroll._magic_widget = self  # napari finds us there
        self.margins = _MARGINS

    @property
    def native(self) -> Any:
        """The widget that napari puts into a dock."""
        return super().native if self._scroll is None else self._scroll

    def keep_at_the_top(self) -> None:
        """Leave what is free in a high dock below the fields; called when all of them are there."""
        layout = super().native.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.addStretch(1)
