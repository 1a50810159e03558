"""The curve of a training, drawn from its log."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

from napari_srgan.images.factor import Rival


def draw_curve(log: Path, picture: Path) -> None:
    """Draw PSNR on held-back tiles against steps, bicubic or the input as a line, from a log's CSV."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    steps = [int(row["step"]) for row in rows]
    rival = next(name for name in get_args(Rival) if name in rows[0])
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(steps, [float(row["psnr"]) for row in rows], label="averaged weights")
    axes.axhline(float(rows[0][rival]), color="grey", linestyle="--", label=rival)
    axes.set(xlabel="step", ylabel="PSNR on held-back tiles (dB)", title=log.stem)
    axes.legend()
    figure.savefig(picture, dpi=100)
