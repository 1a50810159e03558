"""Pages of the documentation can be read in napari: links have a colour that is seen, pictures fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from qtpy.QtGui import QColor, QImage, QPalette
from qtpy.QtWidgets import QApplication

from napari_srgan.viewer.help_page import LINK_COLOUR, HelpPage


@pytest.fixture
def page(tmp_path: Path, qtbot: Any) -> HelpPage:
    for name, width in (("wide.png", 1600), ("narrow.png", 90)):
        picture = QImage(width, 400, QImage.Format.Format_RGB32)
        picture.fill(QColor("gray"))
        assert picture.save(str(tmp_path / name))
    made = HelpPage(tmp_path)
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    return made


def foregrounds(page: HelpPage) -> dict[str, str]:
    """The colour of each piece of text."""
    document: Any = page.document()
    found = {}
    for start, end, form in page._parts():
        text = document.toPlainText()[start:end]
        found[text] = form.foreground().color().name()
    return found


def test_links_have_a_colour_that_can_be_read_whatever_the_application_has(page: HelpPage) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    before = application.palette()
    dark = QPalette(before)
    dark.setColor(QPalette.ColorRole.Link, QColor("#000080"))
    try:
        application.setPalette(dark)
        page.show_markdown("# Page\n\nRead [this](a.md) or `that`, and [more](b.md#c).")
    finally:
        application.setPalette(before)
    colours = foregrounds(page)
    assert colours["this"] == colours["more"] == LINK_COLOUR
    assert colours[" or "] != LINK_COLOUR
    assert "href" in page.toHtml()


def test_pictures_are_as_wide_as_the_page_also_at_another_size(page: HelpPage, qtbot: Any) -> None:
    page.show_markdown("![a](wide.png)\n\nwords\n\n![b](narrow.png)\n")
    for width in (700, 400, 900):
        page.resize(width, 500)
        qtbot.wait(20)
        wide, narrow = page.picture_widths()
        viewport: Any = page.viewport()
        assert viewport.width() - 60 < wide <= viewport.width()
        assert narrow == 90
        bar: Any = page.horizontalScrollBar()
        assert bar.maximum() == 0
    page.resize(3000, 500)
    assert page.picture_widths() == [1600, 90]


def test_a_picture_that_is_not_there_does_no_harm(page: HelpPage) -> None:
    page.show_markdown("![a](missing.png)\n\nwords")
    assert "words" in page.toPlainText()
