"""What the table of models shows: one row a model, and what stands in its columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_srgan.images.factor import factor_in_words, rival_in_prose
from napari_srgan.models import (
    LibraryEntry,
    ModelCard,
    Quality,
    RemoteModel,
    read_library,
)
from napari_srgan.models.card_words import (
    channels_in_words,
    frames_in_words,
    is_sharp,
    mean_gain,
    mean_looks,
    noise_in_words,
    trained_on_in_words,
)
from napari_srgan.models.trained_input import noise_order

SHARP_NOTE = "sharp: fine detail is invented, do not quantify it"
"""What is said wherever a sharp model is described."""
OWN_FIGURES = (
    "Measured on what was held back of the images that it learned from: figures of models that were measured "
    "on other images cannot be compared with it"
)
ModelOrigin = Literal["bundled", "yours", "online", "unreadable"]
ORIGINS = {
    "bundled": "bundled",
    "yours": "yours",
    "online": "available to download",
    "unreadable": "cannot be read",
}


@dataclass(frozen=True)
class ModelRow:
    """A model of the library, one that can be downloaded, or a file that is none."""

    name: str
    origin: ModelOrigin
    card: ModelCard | None = None
    """The card of the model; None if the file cannot be read."""
    file: Path | None = None
    """The file of the model, if it is on this computer."""
    size: int | None = None
    """Bytes on disk, where they are known."""
    remote: RemoteModel | None = None
    """The model that can be downloaded, if it is not on this computer."""
    problem: str = ""
    """What is wrong with a file that cannot be read."""


def model_rows(remote: Iterable[RemoteModel] = ()) -> list[ModelRow]:
    """Rows of the user's own models, bundled ones, those not in the library yet, and broken files."""
    library = read_library()
    rows = sorted(map(_row_of, library.entries), key=lambda row: row.origin != "yours")
    known = {row.name for row in rows}
    rows += [
        ModelRow(r.card.name, "online", r.card, size=r.size, remote=r)
        for r in remote
        if r.card.name not in known
    ]
    return rows + [
        ModelRow(bad.name, "unreadable", file=bad.file, problem=bad.problem) for bad in library.unreadable
    ]


def _row_of(entry: LibraryEntry) -> ModelRow:
    return ModelRow(entry.card.name, entry.origin, entry.card, entry.file, entry.size)


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    heading: str
    text: Callable[[ModelRow], str]
    order: Callable[[ModelRow], Any]
    """What the column is sorted by."""
    whole: Callable[[ModelRow], str] | None = None
    """What the tooltip tells, if more than the text."""

    def tooltip(self, row: ModelRow) -> str:
        return row.problem or (self.whole or self.text)(row)


def size_in_words(size: int | None) -> str:
    """A file's size as people read it, e.g. ``"5.9 MB"``."""
    if size is None:
        return ""
    if size < 1000:
        return f"{size} B"
    if size < 999_500:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.1f} MB" if size < 999.5e6 else f"{size / 1e9:.1f} GB"


def quality_in_words(card: ModelCard | None, *, unit: str = "") -> str:
    """E.g. ``"+2.40 dB over bicubic (16 sets)"``; empty if nothing was measured.

    A sharp model loses decibels by design; beside them stands how different its results and those of
    bicubic look from the truth: ``"-0.90 dB; looks 0.08 / 0.12 (Set5)"``. A model that changes no size is
    compared with the input.

    Parameters
    ----------
    card
        The card of the model; None if there is none.
    unit
        What follows the number; by default decibels, and what they are compared with.
    """
    if card is None or not card.quality:
        return ""
    unit = unit or f"dB over {rival_in_prose(card.scale_factor)}"
    figures = _most_figures(card)
    images = _images_in_words(card, figures)
    looks = mean_looks(figures) if is_sharp(card) else None
    beside = f"; looks {looks[0]:.2f} / {looks[1]:.2f}" if looks else ""
    return f"{mean_gain(figures):+z.2f} {unit}{beside} ({images})"


def _most_figures(card: ModelCard) -> list[Quality]:
    """The figures that were measured alike: the most there are."""
    return max(card.quality_by_protocol.values(), key=len)


def gain_in_words(card: ModelCard) -> str:
    """Mean decibels above its rival, e.g. ``"+2.40 dB"``; empty if nothing was measured."""
    return f"{mean_gain(_most_figures(card)):+z.2f} dB" if card.quality else ""


def measured_on_in_words(card: ModelCard) -> str:
    """On which images a model's quality was measured: figures of different images say nothing of each other.

    Beside it stands how different a sharp model's results and those of its rival look from the truth.
    """
    if not card.quality:
        return ""
    figures = _most_figures(card)
    images = _images_in_words(card, figures) if card.baseline is None else "own images"
    looks = mean_looks(figures) if is_sharp(card) else None
    return f"{images}; looks {looks[0]:.2f} / {looks[1]:.2f}" if looks else images


def _images_in_words(card: ModelCard, figures: list[Quality]) -> str:
    """The images of some figures; of a fine-tuned model they are parts of those that it learned from."""
    if len(figures) > 1:
        return f"{len(figures)} sets" if card.baseline is None else f"held back of {len(figures)} images"
    return figures[0].images if card.baseline is None else f"held back of {figures[0].images}"


def _whole_frames(card: ModelCard) -> str:
    return f"{card.frames} frames of a time-lapse help each other" if card.frames > 1 else "for single images"


def origin_in_words(row: ModelRow) -> str:
    """Bundled, yours, to be downloaded, or whose file it was."""
    if row.origin == "yours" and row.card is not None and row.card.source:
        return row.card.source
    return ORIGINS[row.origin]


def _of_card(read: Callable[[ModelCard], str]) -> Callable[[ModelRow], str]:
    return lambda row: read(row.card) if row.card is not None else ""


def _gain(row: ModelRow) -> float:
    return mean_gain(_most_figures(row.card)) if row.card and row.card.quality else float("-inf")


def _text_column(heading: str, text: Callable[[ModelRow], str]) -> Column:
    return Column(heading, text, lambda row: text(row).casefold())


def _whole_quality(row: ModelRow) -> str:
    words = quality_in_words(row.card)
    if row.card is not None and row.card.baseline is not None:
        return f"{words}. {OWN_FIGURES}"
    if row.card is None or "; looks " not in words:
        return words
    whose = f"its own and {rival_in_prose(row.card.scale_factor)}'s"
    return f"{words} (LPIPS-like distance from the truth, {whose}; less is better)"


COLUMNS = (
    _text_column("name", lambda row: row.name),
    Column(
        "factor",
        _of_card(lambda card: factor_in_words(card.scale_factor)),
        lambda row: row.card.scale_factor if row.card else 0,
    ),
    Column(
        "quality",
        _of_card(gain_in_words),
        _gain,
        whole=_whole_quality,
    ),
    Column(
        "measured on",
        _of_card(measured_on_in_words),
        lambda row: measured_on_in_words(row.card).casefold() if row.card else "",
        whole=_whole_quality,
    ),
    _text_column("what it is for", lambda row: row.card.description if row.card else row.problem),
    Column(
        "channels",
        _of_card(channels_in_words),
        lambda row: row.card.channels if row.card else 0,
    ),
    Column(
        "frames",
        _of_card(frames_in_words),
        lambda row: row.card.frames if row.card else 0,
        whole=_of_card(_whole_frames),
    ),
    Column(
        "trained on",
        _of_card(noise_in_words),
        lambda row: noise_order(row.card.made_for) if row.card else float("inf"),
        whole=_of_card(trained_on_in_words),
    ),
    Column("size", lambda row: size_in_words(row.size), lambda row: row.size or 0),
    _text_column("licence", _of_card(lambda card: card.licence)),
    _text_column("where from", origin_in_words),
)
NAME, MEASURED, PURPOSE, SOURCE = 0, 3, 4, len(COLUMNS) - 1
