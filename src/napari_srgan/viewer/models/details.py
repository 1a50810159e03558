"""All that is known about one model, as text and as a picture."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QPixmap, QResizeEvent
from qtpy.QtWidgets import QBoxLayout, QLabel, QSizePolicy, QTextBrowser, QWidget

from napari_srgan.errors import UserError
from napari_srgan.images.factor import factor_in_words, rival_in_prose
from napari_srgan.models import ModelCard, Quality, model_picture
from napari_srgan.models.card_words import channels_in_words, is_sharp, mean_looks, trained_on_in_words
from napari_srgan.viewer.models.rows import (
    OWN_FIGURES,
    SHARP_NOTE,
    ModelRow,
    origin_in_words,
    quality_in_words,
    size_in_words,
)

_NOTHING_CHOSEN = "Choose a model to read about it."
NO_PICTURE = "This model brings no picture."
_SIDE_BY_SIDE = 900
"""Pixels of width from which on the picture stands beside the text."""
PICTURE_SHARE, TEXT_SHARE = 2, 3
"""Shares of the space that the picture and the text get."""
PICTURE_HEIGHT = 190
LEAST_PICTURE = QSize(120, 48)


class ModelDetails(QWidget):
    """The chosen model's picture and what its card says."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = PictureLabel(self)
        self.text = QTextBrowser(self)
        self.text.setOpenLinks(False)
        self.text.setToolTip("What the model's card says; it can be copied")
        self.text.setAccessibleName("Card of the model")
        self.text.setStyleSheet("QTextBrowser { background: transparent; border: none; }")
        self.text.setAcceptDrops(False)  # a file dropped here is one for the library
        self._layout = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.picture, PICTURE_SHARE)
        self._layout.addWidget(self.text, TEXT_SHARE)
        self.show_row(None)

    def show_row(self, row: ModelRow | None) -> None:
        """Show another model, or that none is chosen."""
        has_picture = self.picture.set_picture(_picture_of(row))
        self.picture.setVisible(has_picture)
        self.text.setHtml(details_html(row, has_picture=has_picture))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        across = QBoxLayout.Direction.LeftToRight
        down = QBoxLayout.Direction.TopToBottom
        self._layout.setDirection(across if self.width() >= _SIDE_BY_SIDE else down)


class PictureLabel(QLabel):
    """A picture, smaller where there is not room for it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QPixmap()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(LEAST_PICTURE)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_picture(self, png: bytes | None) -> bool:
        """Show another picture; False if there is none, or none that can be read."""
        self._picture = QPixmap()
        if png is not None:
            self._picture.loadFromData(png)
        self._fit()
        return not self._picture.isNull()

    def sizeHint(self) -> QSize:
        return QSize(self._picture.width(), PICTURE_HEIGHT)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._picture.isNull():
            self.clear()
            return
        ratio = self.devicePixelRatioF()
        room = self.size().boundedTo(self._picture.size()) * ratio
        fitting = self._picture.scaled(
            room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        fitting.setDevicePixelRatio(ratio)
        self.setPixmap(fitting)


def _picture_of(row: ModelRow | None) -> bytes | None:
    if row is None or row.origin not in ("bundled", "yours"):
        return None
    try:
        return model_picture(row.name)
    except UserError:  # its file went away just now; the next look at the library shows it
        return None


def details_html(row: ModelRow | None, *, has_picture: bool = True) -> str:
    """A model's card as a small page. Whatever stands in it is shown, never obeyed."""
    if row is None:
        return f"<p>{_NOTHING_CHOSEN}</p>"
    if row.card is None:
        return f"<h3>{escape(row.name)}</h3><p>{escape(row.problem)}</p>"
    card = row.card
    parts = [f"<h3>{escape(card.name)}</h3>", f"<p>{escape(card.description)}</p>", _facts(row, card)]
    parts += [f"<p><b>{SHARP_NOTE.capitalize()}.</b></p>"] if is_sharp(card) else []
    parts += [] if has_picture or row.origin == "online" else [f"<p><i>{NO_PICTURE}</i></p>"]
    parts += [_figures(card)] if card.quality else []
    parts += [_section("Trained", [card.trained])] if card.trained else []
    parts += [_section("Verdict", [card.verdict])] if card.verdict else []
    parts += [_section("Cite", [card.citation])] if card.citation else []
    parts += [_section("Trained on", card.attribution)] if card.attribution else []
    return "".join(parts)


def _facts(row: ModelRow, card: ModelCard) -> str:
    facts = {
        "factor": factor_in_words(card.scale_factor),
        "channels": channels_in_words(card),
        "frames": f"{card.frames} of a time-lapse help each other" if card.frames > 1 else "",
        "trained on": trained_on_in_words(card),
        "network": card.architecture,
        "size": size_in_words(row.size),
        "licence": card.licence,
        "quality": quality_in_words(card),
        "where from": origin_in_words(row),
        "file": str(row.file or ""),
        "blends with": card.partner or "",
    }
    lines = (
        f'<tr><td style="padding-right: 12px">{name}</td><td>{escape(fact)}</td></tr>'
        for name, fact in facts.items()
        if fact
    )
    return f"<table>{''.join(lines)}</table>"


def _figures(card: ModelCard) -> str:
    parts = []
    for protocol, figures in card.quality_by_protocol.items():
        lines = (
            f'<tr><td style="padding-right: 12px">{escape(f.images)}</td>'
            f'<td align="right" style="padding-right: 12px">{f.psnr:.2f} dB</td>'
            f'<td align="right" style="padding-right: 12px">{f.gain:+z.2f}</td><td>{_looks(f)}</td></tr>'
            for f in figures
        )
        parts.append(f"<p><i>{escape(protocol)}</i></p><table>{''.join(lines)}</table>")
    other = rival_in_prose(card.scale_factor)
    looks = f"; how different it looks (LPIPS-like), and {other}" if any(map(_looks, card.quality)) else ""
    parts += [f"<p>{OWN_FIGURES}.</p>"] if card.baseline is not None else []
    return f"<h4>PSNR, and decibels above {other}{looks}</h4>{''.join(parts)}"


def _looks(figure: Quality) -> str:
    found = mean_looks([figure])
    return f"{found[0]:.2f} / {found[1]:.2f}" if found else ""


def _section(heading: str, lines: Iterable[str]) -> str:
    return f"<h4>{heading}</h4>" + "".join(f"<p>{escape(line)}</p>" for line in lines)
