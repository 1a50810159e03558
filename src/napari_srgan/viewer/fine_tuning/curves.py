"""The curves of a training: its loss, and how good it is on what was held back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph
from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_srgan.models.card import Baseline, HistoryPoint
from napari_srgan.models.verdict import LITTLE

LOSS, PSNR, RIVAL, _SMOOTHED, BASE = "#7f9fbf", "#5fbf6f", "#d0a040", "#40b0b0", "#c060c0"
MOST_POINTS = 2000
"""Losses that are drawn; of more, every so many are averaged."""
_AROUND = 0.3
"""Room above and below the curves, in parts of their height; the words above the highest line need it."""
LOSS_TOOLTIP = (
    "Loss: how far results are from the truth in what is learned from, step by step. It should fall; as each "
    "step sees other parts of the images, it goes up and down meanwhile"
)
PSNR_TOOLTIP = (
    "PSNR: how near results are to the truth in the part that is held back, in decibels; more is better, and "
    f"less than {LITTLE} is hardly to be seen. Each point is a measurement of the model as it was then. "
    "Dashed lines are what it has to beat: bicubic interpolation (or the input and its best blur), and the "
    "base, which is the model that was started from"
)
_SAME = 0.02
"""Decibels by which two lines must differ, or they are drawn as one."""
_LEAST_HEIGHT = 0.2
"""Decibels that the PSNR's axis covers at least."""


class TrainingCurves(QWidget):
    """Two plots over the steps, one below the other."""

    def __init__(self) -> None:
        super().__init__()
        self._loss_plot, self._loss = _plot("loss", LOSS, symbol=False)
        self._psnr_plot, self._psnr = _plot("PSNR (dB)", PSNR, symbol=True)
        self._psnr_plot.setLabel("bottom", "step")
        self._psnr_plot.getAxis("bottom").setHeight(50)
        self._psnr_plot.setXLink(self._loss_plot)
        self._loss_plot.setToolTip(LOSS_TOOLTIP)
        self._psnr_plot.setToolTip(PSNR_TOOLTIP)
        self._rival = _line("bicubic", RIVAL, at=0.99)
        self._smoothed = _line("blur", _SMOOTHED, at=0.7)
        self._base = _line("base", BASE, at=0.42)
        for line in (self._rival, self._smoothed, self._base):
            self._psnr_plot.addItem(line, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._loss_plot, 2)
        layout.addWidget(self._psnr_plot, 3)

    def sizeHint(self) -> QSize:
        return QSize(360, 320)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 280)

    def paint_for(self, background: str, text: str) -> None:
        """Take colours of a theme."""
        for plot in (self._loss_plot, self._psnr_plot):
            plot.setBackground(background)
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)

    def draw(
        self,
        losses: Sequence[tuple[int, float]],
        points: Sequence[HistoryPoint],
        baseline: Baseline | None,
    ) -> None:
        """Draw what is known.

        Parameters
        ----------
        losses
            Step and loss.
        points
            Validations.
        baseline
            What is to be beaten, drawn as horizontal lines.
        """
        self._loss.setData(*_thinned(losses))
        self._psnr.setData([p.step for p in points], [p.psnr for p in points])
        levels = [p.psnr for p in points]
        if baseline is None:
            rivals: tuple[float | None, ...] = (None, None, None)
        else:
            rivals = baseline.bicubic, baseline.smoothed, baseline.base
            same = baseline.base is not None and abs(baseline.base - baseline.bicubic) < _SAME
            self._rival.label.setFormat(_label(f"{baseline.rival} and base" if same else baseline.rival))
            if same:
                rivals = baseline.bicubic, baseline.smoothed, None
        for line, level in zip((self._rival, self._smoothed, self._base), rivals, strict=True):
            line.setVisible(level is not None)
            if level is not None:
                line.setPos(level)
                levels.append(level)
        finite = [level for level in levels if np.isfinite(level)]
        if finite:
            room = max(_LEAST_HEIGHT / 2, _AROUND * (max(finite) - min(finite)))
            self._psnr_plot.setYRange(min(finite) - room, max(finite) + room, padding=0)


class _StepAxis(pyqtgraph.AxisItem):  # type: ignore[misc, unused-ignore]
    """An axis of steps, which are whole."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        return [
            (max(1.0, float(round(apart))), start)
            for apart, start in super().tickSpacing(minVal, maxVal, size)
        ]


def _plot(label: str, color: str, *, symbol: bool) -> tuple[pyqtgraph.PlotWidget, pyqtgraph.PlotDataItem]:
    plot = pyqtgraph.PlotWidget(axisItems={"bottom": _StepAxis("bottom")})
    plot.setLabel("left", label)
    plot.getAxis("left").setWidth(58)
    plot.getAxis("left").enableAutoSIPrefix(False)
    plot.getAxis("bottom").enableAutoSIPrefix(False)
    plot.showGrid(x=False, y=True, alpha=0.2)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    # The wheel scrolls the widget.
    plot.setMouseEnabled(x=False, y=False)
    marks = {"symbol": "o", "symbolSize": 5, "symbolBrush": color, "symbolPen": None} if symbol else {}
    return plot, plot.plot([], [], pen=pyqtgraph.mkPen(color, width=2), **marks)


def _line(name: str, color: str, *, at: float) -> pyqtgraph.InfiniteLine:
    line = pyqtgraph.InfiniteLine(
        angle=0,
        pen=pyqtgraph.mkPen(color, width=1, style=Qt.PenStyle.DashLine),
        label=_label(name),
        # They end there: also in a narrow widget nothing of them is cut off.
        labelOpts={"position": at, "color": color, "anchors": [(1.0, 1.0), (1.0, 1.0)]},
    )
    line.setVisible(False)
    return line


def _label(name: str) -> str:
    return f"{name} {{value:.2f}}"


def _thinned(losses: Sequence[tuple[int, float]]) -> tuple[list[float], list[float]]:
    """Means of so many neighbours that few enough are left."""
    table = np.array(losses, dtype=float).reshape(-1, 2)
    together = max(1, -(-len(table) // MOST_POINTS))
    starts = np.arange(0, len(table), together)
    if not len(starts):
        return [], []
    sums = np.add.reduceat(table, starts, axis=0)
    means = sums / np.diff(np.append(starts, len(table)))[:, None]
    return list(means[:, 0]), list(means[:, 1])
