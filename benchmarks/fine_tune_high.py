"""Fine-tune a model on high-resolution images alone, and print what it gains on others of their kind.

    python benchmarks/fine_tune_high.py DATA --set NAME --write-recipe FILE [--steps N]
    napari-srgan train FILE --data DATA --out OUT
    python benchmarks/fine_tune_high.py DATA --set NAME --base OUT/MODEL.safetensors [--minutes 10]

DATA holds ``train-microscopy`` with its SOURCES.tsv. The first command writes the recipe of a model that
never meets one source set, the second trains it. The third fine-tunes it on half of the set's images and
prints PSNR on the other half: of bicubic interpolation, of the base and of the fine-tuned model.

Images are halved by the hash of their names, with all channels of a field in one half; sections of
a stack, whose neighbours are alike, in the order of their names (``--in-order``). Images that lie in another
source set too are left out. Low resolution is the antialiased bicubic one that the field is measured on,
and the models run as `upscale` runs them, in float32. A difference of 1 is the span of the low-resolution
image's percentiles, and a border of one factor is left out, as in the figures of the cards.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.io import imread

from napari_srgan.api import upscale
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import restore_dtype
from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.models import Model, load_model, save_model
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.metrics import crop_border, psnr
from napari_srgan.training.degradation.ideal import degrade
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.pairs.source import SourceImage
from napari_srgan.training.recipes.recipe import read_recipe

FOLDER = "train-microscopy"
RECIPE = Path(__file__).parents[1] / "weights" / "recipes" / "microscopy-x4.toml"

Plane = NDArray[Any]


@dataclass(frozen=True)
class Halves:
    """Tiles of one source set by name, all tiles of an image in one half."""

    learned: dict[str, Plane]
    judged: dict[str, Plane]


def read_halves(data: Path, source_set: str, *, in_order: bool) -> Halves:
    """Read the tiles of a source set."""
    with (data / FOLDER / "SOURCES.tsv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    elsewhere = {_digest(data / FOLDER / row["file"]) for row in rows if row["set"] != source_set}
    by_field: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["set"] == source_set and _digest(data / FOLDER / row["file"]) not in elsewhere:
            by_field[re.sub(r"Channel\d+", "", row["path"])].append(row["file"])
    if len(by_field) < 2:
        known = ", ".join(sorted({row["set"] for row in rows}))
        raise SystemExit(f"{source_set} has {len(by_field)} images, two are needed; there are {known}")
    fields = sorted(by_field, key=None if in_order else lambda name: hashlib.sha256(name.encode()).digest())
    middle = len(fields) // 2
    learned, judged = (
        {file: imread(data / FOLDER / file) for field in half for file in by_field[field]}
        for half in (fields[:middle], fields[middle:])
    )
    return Halves(learned, judged)


def _digest(file: Path) -> bytes:
    return hashlib.sha256(file.read_bytes()).digest()


def check_base(base: Model, source_set: str) -> None:
    """Refuse a base that has met the images it shall be judged on."""
    if any(line.startswith(f"{source_set}:") for line in base.card.attribution):
        raise SystemExit(f"{base.name} was trained on {source_set}: train one without it, see --write-recipe")


def mean_psnr(tiles: dict[str, Plane], factor: int, model: Model | None) -> float:
    """Mean PSNR in dB over tiles; of bicubic interpolation without a model."""
    figures = []
    for pixels in tiles.values():
        low, high = (image[..., 0] for image in degrade(pixels[..., None], factor))
        if model is None:
            tensor = torch.from_numpy(low.astype(np.float64))[None, None]
            result = restore_dtype(bicubic_upsample(tensor, factor)[0, 0].numpy(), low.dtype)
        else:
            result = upscale(low, model, axes="YX", precision="float32", progress=False)
        peak = percentile_transform(low).span
        if peak > 0:
            figures.append(psnr(crop_border(result, factor), crop_border(high, factor), peak))
    return mean(figures)


def fine_tuned(tiles: dict[str, Plane], base: Model, minutes: float, batch: int | None) -> Model:
    """Fine-tune a base on tiles, and print how it goes."""
    settings = FineTuning(
        name=f"{base.name}-fine-tuned",
        minutes=minutes,
        batch=batch,
        hold_back="images",
        degradation=Degradation(base.scale_factor, blur=(0.0, 0.0)),
    )
    sources = [SourceImage(name, pixels, "YX") for name, pixels in tiles.items()]
    job = fine_tune_job(sources, base=base, settings=settings)
    while True:
        try:
            progress = next(job)
        except StopIteration as end:
            model: Model = end.value
            return model
        if progress.point is not None:
            best = ", the best so far" if progress.point.best else ""
            print(
                f"  {progress.minutes:5.1f} min, step {progress.step}: {progress.point.psnr:.2f} dB on what "
                f"is held back{best}",
                flush=True,
            )


def recipe_without(recipe: Path, source_set: str, steps: int | None) -> str:
    """A recipe that leaves a source set out, and the weights it started from: they have met that set."""
    written = [
        line for line in recipe.read_text(encoding="utf-8").splitlines() if not line.startswith("start =")
    ]
    name = read_recipe(recipe).name
    changes = {"name =": f'name = "{name}-without-{source_set}"'}
    changes |= {"steps =": f"steps = {steps}"} if steps else {}
    lines = []
    for line in written:
        lines.append(next((new for start, new in changes.items() if line.startswith(start)), line))
        if line.startswith("folders ="):
            lines.append(f'without = ["{source_set}"]')
    return "\n".join(lines[1:] if lines[0].startswith("#") else lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--set", default="micro_CellProfiler", help="source set, as in SOURCES.tsv")
    parser.add_argument("--in-order", action="store_true", help="halve in the order of names: for stacks")
    parser.add_argument("--base", help="name in the library or file of a model that has not met the set")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--batch", type=int, help="patches in a step; as the fine-tuning chooses if unsaid")
    parser.add_argument("--out", type=Path, help="file to save the fine-tuned model to")
    parser.add_argument("--write-recipe", type=Path, metavar="FILE", help="write a base's recipe and end")
    parser.add_argument("--recipe", type=Path, default=RECIPE, help="what that recipe is made from")
    parser.add_argument("--steps", type=int, help="of that recipe; as in the one it is made from if unsaid")
    arguments = parser.parse_args()
    if arguments.write_recipe:
        text = recipe_without(arguments.recipe, arguments.set, arguments.steps)
        arguments.write_recipe.write_text(text, encoding="utf-8")
        read_recipe(arguments.write_recipe)
        return
    if arguments.base is None:
        parser.error("--base or --write-recipe is needed")
    try:
        report(arguments)
    except UserError as error:
        raise SystemExit(str(error)) from error


def report(arguments: argparse.Namespace) -> None:
    """Fine-tune and print the table."""
    base = load_model(arguments.base)
    check_base(base, arguments.set)
    halves = read_halves(arguments.data, arguments.set, in_order=arguments.in_order)
    print(f"{arguments.set}: {len(halves.learned)} tiles to learn from, {len(halves.judged)} to judge on")
    before = {name: mean_psnr(halves.judged, base.scale_factor, model) for name, model in _start(base)}
    model = fine_tuned(halves.learned, base, arguments.minutes, arguments.batch)
    if arguments.out:
        save_model(model, arguments.out)
    after = mean_psnr(halves.judged, base.scale_factor, model)
    print("| model | PSNR, dB | over the base, dB |\n| --- | --- | --- |")
    for name, figure in [*before.items(), (f"fine-tuned {arguments.minutes:g} minutes", after)]:
        print(f"| {name} | {figure:.2f} | {figure - before[base.name]:+.2f} |")


def _start(base: Model) -> list[tuple[str, Model | None]]:
    return [("bicubic", None), (base.name, base)]


if __name__ == "__main__":
    main()
