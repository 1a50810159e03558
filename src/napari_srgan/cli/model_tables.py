"""Models as tables and pages in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from napari_srgan.cli.terminal import printable_words
from napari_srgan.errors import UserError
from napari_srgan.images.factor import factor_in_words, rival_in_full, rival_in_prose
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

if TYPE_CHECKING:
    from napari_srgan.models import ModelCard, Quality

    Row = tuple[ModelCard, str, int]
    """A card, where it is from, and bytes of its file."""

_FEW = 4
"""Largest number of sets that are told one by one; of more only the mean and the least are told."""
HEADINGS = (
    "model", "factor", "channels", "trained on", "description", "dB over bicubic", "licence", "from", "MB"
)  # fmt: skip
PIPE_WIDTH = 160
"""Columns of the table where no terminal says how many there are."""


def sorted_models(rows: Iterable[Row], by: str | None) -> list[Row]:
    """Rows of a table in another order.

    Raises
    ------
    UserError
        If there is no such order.
    """
    if by is None:
        return list(rows)
    if by not in ORDERS:
        raise UserError(f"models are sorted by {', '.join(ORDERS)}; got {by!r}")
    order = ORDERS[by]
    return sorted(rows, key=lambda row: order(row[0]))


def _gain_order(card: ModelCard) -> float:
    return -mean_gain(card.quality) if card.quality else float("inf")


ORDERS: dict[str, Callable[[ModelCard], Any]] = {
    "name": lambda card: card.name.casefold(),
    "factor": lambda card: card.scale_factor,
    "noise": lambda card: noise_order(card.made_for),
    "gain": _gain_order,
}


def print_models(rows: Iterable[Row]) -> None:
    """Print a table of models."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=heading == "model")
    for card, origin, size in rows:
        cells = (
            card.name, factor_in_words(card.scale_factor), channels_in_words(card),
            noise_in_words(card), card.description, _gains(card),
            card.licence, origin, f"{size / 1e6:.1f}",
        )  # fmt: skip
        # Cards are other people's words, never mark-up.
        table.add_row(*(escape(printable_words(cell)) for cell in cells))
    Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)


def card_page(card: ModelCard) -> str:
    """All that a card says, one thing a line; empty fields are left out."""
    lines = {
        "name": card.name,
        "description": card.description,
        "factor": factor_in_words(card.scale_factor),
        "channels": channels_in_words(card),
        "frames": frames_in_words(card),
        "intensity": card.intensity,
        "architecture": f"{card.architecture} ({_arguments(card)})",
        "licence": card.licence,
        "attribution": "\n".join(card.attribution),
        "trained": card.trained,
        "trained on": trained_on_in_words(card),
        "quality": figures(card) + _explained(card),
        "partner": card.partner or "",
        "citation": card.citation,
        "source": card.source,
    }
    width = max(map(len, lines)) + 2
    return "\n".join(
        f"{name:{width}}" + printable_words(text).replace("\n", "\n" + " " * width)
        for name, text in lines.items()
        if text
    )


def figures(card: ModelCard) -> str:
    """A card's gains over its rival, one protocol a line: a mean and the least of several sets."""
    if not card.quality:
        return "not measured"
    lines = [
        _summary(several) if len(several) > _FEW else "\n".join(map(_figure, several))
        for several in card.quality_by_protocol.values()
    ]
    return "\n".join([*lines, *_looks(card)])


def _gains(card: ModelCard) -> str:
    """Under the heading of the table, which says bicubic: what else it is, where that cannot be."""
    more = f"\nover {rival_in_full(1)}" if card.quality and card.scale_factor == 1 else ""
    return figures(card) + more


def _explained(card: ModelCard) -> str:
    return f" (dB over {rival_in_prose(card.scale_factor)}, and in brackets PSNR)" if card.quality else ""


def _looks(card: ModelCard) -> list[str]:
    """How a model looks that was trained to look sharp, and has a lower PSNR for it."""
    found = mean_looks(card.quality) if is_sharp(card) else None
    if found is None:
        return []
    own, theirs = found
    return [f"looks: {own:.2f} against {rival_in_prose(card.scale_factor)}'s {theirs:.2f}; less is better"]


def _arguments(card: ModelCard) -> str:
    return ", ".join(f"{name}={value}" for name, value in card.arguments.items())


def _figure(q: Quality) -> str:
    return f"{q.images} {q.gain:+z.2f} ({q.psnr:.2f})"


def _summary(several: list[Quality]) -> str:
    least = min(several, key=lambda q: q.gain)
    mean = f"mean {mean_gain(several):+z.2f}"
    return f"{len(several)} held-back sets: {mean}, least {least.gain:+z.2f} ({least.images})"
