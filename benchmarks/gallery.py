"""Draw the gallery, and write docs/gallery.md.

    python benchmarks/gallery.py DATA [--out docs] [--only NAME ...]

DATA holds ``pairs``, ``timelapse`` and ``train-microscopy``. The lines that a reader sees are those that are
run here. PSNR is of the whole image, after the brightness was brought to the truth's by gain and offset
(real_pairs.py), and of the Y channel of RGB. A pixel of the high-resolution image is a square of pixels of
the picture, not interpolated.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gallery_cases import CASES, PREAMBLE, Case
from markdown_table import gain, markdown
from numpy.typing import NDArray
from real_noise_pictures import SIDE, Panel, busiest, enlarged, save_panels
from real_pairs import fitted, judged

from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.quality.comparison import bicubic, measure
from napari_srgan.quality.metrics import luma

ROOT = Path(__file__).parents[1]
TEMPLATE = Path(__file__).with_name("gallery_page.md")
HARDLY = 0.005
"""dB that are not told, and rounded away."""
LARGEST_PICTURE = 150_000
"""Bytes; the page is to open quickly."""

Image = NDArray[Any]


@dataclass(frozen=True)
class Shown:
    """A case, run: PSNR in dB, and the picture's name."""

    case: Case
    factor: int
    bicubic: float
    ours: float
    picture: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--only", nargs="+", help="names of cases whose pictures are drawn; writes no page")
    arguments = parser.parse_args()
    wanted = [case for case in CASES if not arguments.only or case.name in arguments.only]
    shown = []
    for case in wanted:
        shown.append(run(case, arguments.data, arguments.out / "images"))
        print(f"{case.name}: bicubic {shown[-1].bicubic:.2f} dB, {case.model} {shown[-1].ours:.2f} dB")
    if not arguments.only:
        (arguments.out / "gallery.md").write_text(page(shown), encoding="utf-8")


def run(case: Case, data: Path, folder: Path) -> Shown:
    """Run the lines of a case, measure and draw what they made."""
    names: dict[str, Any] = {"DATA": data}
    exec(PREAMBLE + case.lines, names)  # the lines are this repository's own
    low, high, truth = names["low"], names["high"], names["truth"]
    factor = high.shape[0] // low.shape[0]
    truth = truth[: high.shape[0], : high.shape[1]]
    plain = bicubic(low if low.ndim == 3 else low.astype(np.float64), factor)
    figures = [decibels(image, truth, factor) for image in (plain, high)]
    titles = [f"low, 1/{factor}", "bicubic", case.model, "truth"]
    below = ["", *(f"{figure:.2f} dB" for figure in figures), ""]
    images = [enlarged(low, factor), plain, high, truth]
    y, x = busiest(luma(truth) if truth.ndim == 3 else truth)
    place = np.s_[y : y + SIDE, x : x + SIDE]
    crops = [
        on_its_own(image[place]) if case.own_contrast else displayed(image, truth)[place] for image in images
    ]
    panels = [Panel(crop, lines) for crop, lines in zip(crops, zip(titles, below, strict=True), strict=True)]
    file = save_panels([panels], folder / f"gallery-{case.name}.png")
    if file.stat().st_size > LARGEST_PICTURE:
        raise SystemExit(f"{file} has {file.stat().st_size} bytes, more than {LARGEST_PICTURE}")
    return Shown(case, factor, *figures, file.name)


def decibels(result: Image, truth: Image, border: int) -> float:
    """PSNR in dB of a plane ``(Y, X)`` after its brightness was fitted, or of ``(Y, X, 3)`` of 8 bits."""
    return measure(result, truth, border).psnr if truth.ndim == 3 else judged(result, truth, border)


def displayed(image: Image, truth: Image) -> Image:
    """An image from 0, black, to 1, white, as bright as the truth."""
    if truth.ndim == 3:
        return image / 255
    return percentile_transform(truth).apply(fitted(image, truth))


def on_its_own(image: Image) -> Image:
    """A plane from its own black, 0, to its own white, 1."""
    return percentile_transform(image).apply(image)


def page(shown: list[Shown]) -> str:
    """The page: an overview, then every case with its picture, its words and its lines."""
    rows = [["", "low resolution", "model", "bicubic", "the model", "gain"]]
    for one in shown:
        anchor = one.case.title.lower().replace(",", "").replace(" ", "-")
        rows.append(
            [
                f"[{one.case.title}](#{anchor})",
                "measured" if one.case.measured else "made from the truth",
                f"`{one.case.model}`",
                f"{one.bicubic:.2f} dB",
                f"{one.ours:.2f} dB",
                gain(one.ours - one.bicubic),
            ]
        )
    return TEMPLATE.read_text(encoding="utf-8").format(
        table=markdown(rows), preamble=PREAMBLE.strip(), cases="\n".join(map(section, shown))
    )


def section(one: Shown) -> str:
    """The part of the page about one case."""
    case = one.case
    loses = one.ours < one.bicubic - HARDLY
    worse = " By PSNR it is **worse than bicubic interpolation** here." if loses else ""
    return f"""## {case.title}

![{case.title}: low resolution, bicubic interpolation, {case.model}, truth](images/{one.picture})

{case.words}{worse}

```python
{case.lines.strip()}
```

{case.source}.
"""


if __name__ == "__main__":
    main()
