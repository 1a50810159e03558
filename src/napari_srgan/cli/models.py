"""``napari-srgan models``: what there is to choose from."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from napari_srgan.cli.terminal import complain, errors_told

if TYPE_CHECKING:
    from napari_srgan.models import ModelCard, Quality

FEW = 4
"""More sets than these are told by their mean and their least."""
PIPE_WIDTH = 160
"""Columns of the table where no terminal says how many there are."""


def models() -> None:
    """List the models with their figures."""
    with errors_told():
        from rich import box
        from rich.console import Console
        from rich.table import Table

        from napari_srgan.models import list_models, user_folder
        from napari_srgan.models.library import unreadable_models

        table = Table(box=box.SIMPLE_HEAD)
        for heading in ("model", "factor", "channels", "description", "dB over bicubic", "licence"):
            table.add_column(heading, overflow="fold", no_wrap=heading == "model")
        for card in list_models():
            channels = "RGB" if card.channels == 3 else str(card.channels)
            table.add_row(
                card.name, f"x{card.scale_factor}", channels, card.description, figures(card), card.licence
            )
        Console(width=None if sys.stdout.isatty() else PIPE_WIDTH).print(table)
        for sentence in unreadable_models().values():
            complain(sentence)
        print(f"Models of your own lie in {user_folder()}")


def figures(card: ModelCard) -> str:
    """A card's gains over bicubic, one protocol a line: a mean and the least of several sets."""
    if not card.quality:
        return "not measured"
    by_protocol: dict[str, list[Quality]] = {}
    for figure in card.quality:
        by_protocol.setdefault(figure.protocol, []).append(figure)
    return "\n".join(
        _summary(several) if len(several) > FEW else "\n".join(map(_figure, several))
        for several in by_protocol.values()
    )


def _figure(q: Quality) -> str:
    return f"{q.images} {q.gain:+.2f} ({q.psnr:.2f})"


def _summary(several: list[Quality]) -> str:
    mean = sum(q.gain for q in several) / len(several)
    least = min(several, key=lambda q: q.gain)
    return f"{len(several)} held-back sets: mean {mean:+.2f}, least {least.gain:+.2f} ({least.images})"
