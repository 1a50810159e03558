"""The documentation in a window of its own, open at the right place; it needs no network."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from napari import Viewer
from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices, QTextCursor
from qtpy.QtWidgets import QApplication, QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_srgan.viewer.help_page import HelpPage
from napari_srgan.viewer.one_per_viewer import one_per_viewer
from napari_srgan.viewer.qt.tooltips import wrap_tooltips

_SIZE = (760, 640)
_PICTURE = re.compile(r"^!\[[^\]]*\]\(([^)]+)\)\s*$", re.MULTILINE)
_TOLD = ("napari-srgan", "napari", "npe2", "magicgui", "PyQt6", "PySide6", "torch", "numpy", "dask", "zarr")
"""Packages whose versions are told in a report."""


def docs_folder() -> Path:
    """Folder of the documentation that comes with the package."""
    installed = Path(__file__).parents[1] / "docs"
    # In an editable installation it stays where it is in the checkout.
    return installed if installed.is_dir() else Path(__file__).parents[3] / "docs"


def anchor_of(heading: str) -> str:
    """How links name a heading, e.g. ``"what-the-image-is-like"``."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


class HelpWindow(QDialog):
    """Pages of the documentation, with links between them.

    Parameters
    ----------
    parent
        The window that it lies above.
    """

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("napari-srgan: help")
        self.resize(*_SIZE)
        self.page = ""
        """The page that is shown."""
        self.error = ""
        """What is told in a report beside versions."""
        self.text = HelpPage(docs_folder())
        self.text.anchorClicked.connect(self._on_link)
        self.copy = QPushButton("Copy details for a report")
        self.copy.setToolTip(
            "Copies the versions of what is installed, and the last error of the widget: paste it where you "
            "report the error"
        )
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        self.copy.clicked.connect(self._on_copy)
        buttons = QHBoxLayout()
        buttons.addWidget(self.copy)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text, 1)
        layout.addLayout(buttons)
        wrap_tooltips(self)

    def show_page(self, page: str, anchor: str = "") -> None:
        """Show a page, from one of its headings on.

        Parameters
        ----------
        page
            File name of the page, e.g. ``"napari.md"``.
        anchor
            See :func:`anchor_of`; by default the page is shown from its beginning.
        """
        folder = docs_folder()
        content = (folder / page).read_text(encoding="utf-8")
        self.page = page
        self.text.show_markdown(_PICTURE.sub(lambda found: _if_there(found, folder), content))
        self._go_to(anchor)

    @property
    def heading(self) -> str:
        """The heading at the top of what is shown."""
        return self.text.textCursor().block().text()

    def _go_to(self, anchor: str) -> None:
        document: Any = self.text.document()
        block = document.begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and anchor_of(block.text()) == anchor:
                self.text.setTextCursor(QTextCursor(block))
                bar: Any = self.text.verticalScrollBar()
                bar.setValue(round(document.documentLayout().blockBoundingRect(block).top()))
                return
            block = block.next()
        self.text.moveCursor(QTextCursor.MoveOperation.Start)

    def _on_link(self, link: QUrl) -> None:
        page, anchor = link.path() or self.page, link.fragment()
        if link.scheme() or not page.endswith(".md"):
            QDesktopServices.openUrl(link)
        elif (docs_folder() / page).is_file():
            self.show_page(page, anchor)

    def _on_copy(self) -> None:
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(report_details(self.error))


def _if_there(picture: re.Match[str], folder: Path) -> str:
    """A picture's line; nothing if the picture did not come with the package."""
    return picture[0] if (folder / picture[1]).is_file() else ""


def report_details(error: str) -> str:
    """Versions of what is installed, and an error, as text to be pasted into a report."""
    found = []
    for package in _TOLD:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    system = f"Python {platform.python_version()}, {platform.platform()}"
    return "\n".join([*([error] if error else []), system, *found])


@one_per_viewer
def _help_window_of(viewer: Viewer) -> HelpWindow:
    return HelpWindow(viewer.window._qt_window)


def show_help(viewer: Viewer, page: str, anchor: str = "", *, error: str = "") -> HelpWindow:
    """Open a viewer's window with the documentation.

    Parameters
    ----------
    viewer
        Above whose window it lies; there is one for each viewer.
    page, anchor
        See :meth:`HelpWindow.show_page`.
    error
        What the widget says is wrong, for a report.
    """
    window = _help_window_of(viewer)
    window.error = error
    window.show()  # before, so that it is known where headings lie
    window.show_page(page, anchor)
    window.raise_()
    return window
