"""What fine-tuning on a part of a measured pair gains on another part of it, minute by minute.

    python benchmarks/fine_tune_pair.py DATA --minutes 5 10 20 --base microscopy-x4 scratch

DATA/pairs/er-widefield-storm-x4 is widefield and STORM of one cell. The left 60 % are trained on, the
right 30 % are measured; what lies between is used for neither. Every result is brought to the
truth's brightness by one gain and offset (`quality/matching.py`) before it is compared: PSNR with a peak of
255, and multi-scale SSIM, a border of 16 pixels left out. Figures are given twice: with the truth as it lies
in the file, and with the truth moved by the shift that the check of pairs finds in the measured part,
because results lie on the low-resolution image and the file's truth does not.

--kept FILE.json keeps figures of runs that are done, so that a long series can be made in parts, and
--curve FILE.png draws how each of them went.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray

import napari_srgan
from napari_srgan.models import Model, load_model
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.matching import match_intensities
from napari_srgan.quality.metrics import ms_ssim, psnr
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.pairs.check import check_pair_job
from napari_srgan.training.pairs.matching import MatchedPair, match
from napari_srgan.training.pairs.source import SourceImage

PAIR = Path("pairs/er-widefield-storm-x4")
FACTOR = 4
TRAINED, MEASURED = 0.6, 0.7
"""Parts of the width: up to the first is trained on, from the second is measured."""
BORDER = 16
SCRATCH = "scratch"


class Field:
    """The pair, cut in two."""

    def __init__(self, data: Path) -> None:
        self.low = tifffile.imread(data / PAIR / "widefield.tif")
        self.high = tifffile.imread(data / PAIR / "storm.tif")
        width = self.low.shape[1]
        self.trained, self.measured = int(TRAINED * width), int(MEASURED * width)
        self.shift = self._shift()

    def training_pair(self) -> MatchedPair:
        """The left part."""
        return self._pair(slice(0, self.trained))

    def _pair(self, columns: slice) -> MatchedPair:
        fine = slice(columns.start * FACTOR, columns.stop * FACTOR)
        low, high = self.low[:, columns], self.high[:, fine]
        return match(SourceImage("widefield", low, "YX"), SourceImage("STORM", high, "YX"))

    def _shift(self) -> tuple[int, int]:
        """Whole high-resolution pixels by which the measured truth is to be moved."""
        report = finish(check_pair_job(self._pair(slice(self.measured, self.low.shape[1]))))
        return tuple(round(FACTOR * part) for part in report.shift)  # type: ignore[return-value]

    def figures(self, result: NDArray[Any]) -> dict[str, float]:
        """Of a result for the measured columns."""
        found = {}
        for name, shift in (("as given", (0, 0)), ("aligned", self.shift)):
            truth = np.roll(self.high, shift, axis=(0, 1))[:, self.measured * FACTOR :].astype(np.float64)
            inner = (slice(BORDER, -BORDER),) * 2
            matched = match_intensities(result[inner], truth[inner])
            found[f"psnr {name}"] = psnr(matched, truth[inner], 255)
            found[f"ms-ssim {name}"] = ms_ssim(matched, truth[inner], 255)
        return found

    def bicubic(self) -> dict[str, float]:
        low = torch.from_numpy(self.low.astype(np.float64))[None, None]
        return self.figures(bicubic_upsample(low, FACTOR)[0, 0].numpy()[:, self.measured * FACTOR :])

    def upscaled(self, model: Model | str) -> dict[str, float]:
        """What a model makes of the measured columns, seen in the whole image."""
        region = ((0, self.low.shape[0]), (self.measured, self.low.shape[1]))
        return self.figures(napari_srgan.upscale(self.low, model, region=region, progress=False))


def finish(job: Any) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def run(
    field: Field, base: str, minutes: float, settings: dict[str, Any], out: Path | None
) -> dict[str, Any]:
    """One training and its figures."""
    began = time.monotonic()
    job = fine_tune_job(
        [field.training_pair()],
        base=None if base == SCRATCH else base,
        settings=FineTuning(name=f"storm-{base}-{minutes:g}", minutes=minutes, **settings),
    )
    model = finish(job)
    if out is not None:
        napari_srgan.save_model(model, out / f"{model.name}.safetensors")
    return {
        **field.upscaled(model),
        "steps": model.history[-1].step,
        "best step": max((point for point in model.history if point.best), key=lambda point: point.step).step,
        "minutes in all": (time.monotonic() - began) / 60,
        "held back in training": model.card.quality[0].psnr,
        "curve": [(point.minutes, point.psnr) for point in model.history],
    }


def draw(figures: dict[str, dict[str, Any]], picture: Path) -> None:
    """PSNR on what each training held back itself, by minutes of training."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, row in figures.items():
        if "curve" in row:
            axes.plot(*zip(*row["curve"], strict=True), label=f"{name} min", linewidth=1.2)
    axes.set(xlabel="minutes of training", ylabel="PSNR on what is held back in training (dB)")
    axes.legend()
    figure.savefig(picture, dpi=110)


def lines(figures: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A table in Markdown."""
    yield "| | minutes | steps | PSNR as given | PSNR aligned | MS-SSIM as given | MS-SSIM aligned |"
    yield "|---|---|---|---|---|---|---|"
    plain = figures["bicubic"]
    for name, row in figures.items():
        base, _, minutes = name.partition(" ")
        gains = [row[f"psnr {kind}"] - plain[f"psnr {kind}"] for kind in ("as given", "aligned")]
        yield (
            f"| {base} | {minutes} | {row.get('steps', '')} | {row['psnr as given']:.2f} ({gains[0]:+.2f}) "
            f"| {row['psnr aligned']:.2f} ({gains[1]:+.2f}) | {row['ms-ssim as given']:.3f} "
            f"| {row['ms-ssim aligned']:.3f} |"
        )


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, nargs="*", default=[5, 10, 20])
    parser.add_argument("--base", nargs="*", default=["microscopy-x4", SCRATCH])
    parser.add_argument("--kept", type=Path, help="JSON of figures; runs found there are not made again")
    parser.add_argument("--curve", type=Path, help="PNG of the curves")
    parser.add_argument("--models", type=Path, help="folder to keep the models in")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings")
    given = parser.parse_args()
    settings = {name: json.loads(value) for name, value in (each.split("=", 1) for each in given.set)}
    field = Field(given.data)
    print(f"the measured truth is moved by {field.shift} high-resolution pixels where it is aligned")
    figures: dict[str, dict[str, Any]] = {"bicubic": field.bicubic()}
    if given.kept and given.kept.exists():
        figures |= json.loads(given.kept.read_text())
    for base in given.base:
        if base != SCRATCH and base not in figures:
            figures[base] = field.upscaled(load_model(base))
    for minutes in given.minutes:
        for base in given.base:
            name = f"{base} {minutes:g}"
            if name not in figures:
                figures[name] = run(field, base, minutes, settings, given.models)
                print(name, {k: round(v, 3) for k, v in figures[name].items() if k != "curve"}, flush=True)
                if given.kept:
                    given.kept.write_text(json.dumps(figures, indent=1))
    print("\n".join(lines(figures)))
    if given.curve:
        draw(figures, given.curve)


if __name__ == "__main__":
    main()
