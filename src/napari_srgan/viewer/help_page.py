"""A page of the documentation as it is shown: links that can be read, pictures as wide as there is room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qtpy.QtGui import QColor, QImageReader, QResizeEvent, QTextCursor, QTextFormat
from qtpy.QtWidgets import QTextBrowser

LINK_COLOUR = "#3b8eea"
"""Readable on napari's dark and light themes."""
_BESIDE = 8
"""Pixels beside a picture that are left free."""


class HelpPage(QTextBrowser):
    """Shows Markdown.

    Qt gives links the colour that the application has for them, whatever the palette of the widget is, and
    shows pictures as large as they are.

    Parameters
    ----------
    folder
        Where its pictures are.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.setOpenLinks(False)
        self.setSearchPaths([str(folder)])

    def show_markdown(self, text: str) -> None:
        """Show a text from its beginning."""
        self.setMarkdown(text)
        for start, end, form in list(self._parts()):
            if form.isAnchor():
                form.setForeground(QColor(LINK_COLOUR))
                self._change(start, end, form)
        self._fit_pictures()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit_pictures()

    def picture_widths(self) -> list[float]:
        """How wide each picture is shown, in pixels."""
        return [form.toImageFormat().width() for _, _, form in self._parts() if form.isImageFormat()]

    def _fit_pictures(self) -> None:
        viewport, document = self.viewport(), self.document()
        if viewport is None or document is None:
            return
        room = viewport.width() - 2 * (document.documentMargin() + _BESIDE)
        for start, end, form in list(self._parts()):
            if form.isImageFormat():
                picture = form.toImageFormat()
                whole = QImageReader(str(self._folder / picture.name())).size().width()
                width = min(whole, room)
                if width > 0 and picture.width() != width:
                    picture.setWidth(width)  # the height follows
                    self._change(start, end, picture)

    def _parts(self) -> Iterator[tuple[int, int, Any]]:
        """Beginning, end and format of each piece of text that looks the same."""
        document: Any = self.document()
        block = document.begin()
        while block.isValid():
            pieces = block.begin()
            while not pieces.atEnd():
                piece = pieces.fragment()
                yield piece.position(), piece.position() + piece.length(), piece.charFormat()
                pieces += 1
            block = block.next()

    def _change(self, start: int, end: int, form: QTextFormat) -> None:
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(form.toCharFormat())
