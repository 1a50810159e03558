"""Error tables of models fine-tuned on one half of a pair, judged on the other; used by trust_layer.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from markdown_table import markdown
from real_noise_pictures import SIDE, Panel, busiest, enlarged, save_panels
from skimage.transform import resize

import napari_srgan
from napari_srgan.inference.intensity import percentile_transform
from napari_srgan.models import Model, load_model, save_model
from napari_srgan.models.error_table import ErrorTable, brightness_and_structure
from napari_srgan.quality.matching import affine_map
from napari_srgan.training.pairs.check import check_pair_job
from napari_srgan.training.pairs.matching import match
from napari_srgan.training.pairs.source import SourceImage

PAIRS = ("er-widefield-storm-x4", "microtubules-widefield-storm-x4")
BASE = "microscopy-x4"
FACTOR = 4
STEPS = 400
FINE = 0.1


def table(data: Path, pictures: Path | None) -> str:
    """Coverage, width and ranking of the error map; and how it looks, in ``pictures/trust-errors.png``.

    Models are kept in a folder ``trust-models`` here, so that a second run need not train them again.
    """
    rows, drawn = [], []
    for name in PAIRS:
        low, high = read_pair(data / "pairs" / name)
        half = low.shape[1] // 2
        kept = Path("trust-models") / f"{name}.safetensors"
        if kept.exists():
            model = load_model(kept)
        else:
            model = napari_srgan.fine_tune(
                low[:, :half], high[:, : FACTOR * half], base=BASE, steps=STEPS, progress=False
            )
            kept.parent.mkdir(exist_ok=True)
            save_model(model, kept)
        errors = model.card.errors
        if errors is None:
            rows.append((name, "no table", "", "", "", "", "", ""))
            continue
        result = napari_srgan.upscale(low[:, half:], model, progress=False, device="cpu").astype(np.float64)
        truth = high[:, FACTOR * half :].astype(np.float64)
        width = error_map(low[:, half:], result, model)
        rows.append((name, *judged(result, truth, errors, width)))
        drawn.append(panels(low[:, half:], result, truth, width))
    if pictures is not None and drawn:
        save_panels(drawn, pictures / "trust-errors.png")
    head = (
        "pair, calibrated on its left, judged on its right",
        "covered (0.90)",
        "of the tenth with most structure",
        "width / constant that holds as often",
        "width / constant made on the left too",
        "width / the least constant for 0.90",
        "nAUSE",
        "blocks",
    )
    return markdown([head, *rows])


def read_pair(folder: Path) -> tuple[Any, Any]:
    """Both images, the finer one with pixels :data:`FACTOR` times finer.

    Where the check of pairs finds that they fit at another factor only, both are cropped as it says, and the
    finer one is brought to these pixels by antialiased interpolation.
    """
    low, high = (tifffile.imread(folder / f"{kind}.tif") for kind in ("widefield", "storm"))
    pair = match(SourceImage("widefield", low, "YX"), SourceImage("STORM", high, "YX"))
    other = finished(check_pair_job(pair)).other
    if other is None:
        return low, high
    low, high = (
        image[slice(*rows), slice(*columns)]
        for image, (rows, columns) in ((low, other.low_region), (high, other.high_region))
    )
    shape = tuple(FACTOR * size for size in low.shape)
    resampled = resize(high.astype(np.float64), shape, order=1, anti_aliasing=True)
    return low, resampled.round().clip(0, 255).astype(high.dtype)


def finished(job: Any) -> Any:
    """What a job returns."""
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value


def error_map(low: Any, result: Any, model: Model) -> Any:
    """The map that the report shows, in grey levels; NaN where nothing is known."""
    shown = napari_srgan.trust(low, result, model, self_test=False, compare=(), progress=False).errors
    assert shown is not None
    return shown.half_width.astype(np.float64)


def panels(low: Any, result: Any, truth: Any, width: Any) -> list[Panel]:
    """The part of a pair where most is to be seen; error and error map with one range of grey levels."""
    wrong = error_of(result, truth)
    y, x = busiest(truth)
    part = np.s_[y : y + SIDE, x : x + SIDE]
    largest = float(np.nanquantile(width[part], 0.99))
    seen = {
        "widefield": (enlarged(low, FACTOR), None),
        "result": (result, None),
        "STORM": (truth, None),
        "error": (wrong, largest),
        "error map, 9 of 10 pixels": (np.nan_to_num(width), largest),
    }
    row = []
    for title, (image, top) in seen.items():
        crop = image[part] / top if top else percentile_transform(image[part]).apply(image[part])
        row.append(Panel(crop, (title, f"white: {top:.0f} grey levels or more" if top else "")))
    return row


def error_of(result: Any, truth: Any) -> Any:
    """What is wrong in a result, in its grey levels, after the gain and offset that bring the truth to it."""
    gain, offset = affine_map(result, truth)
    return np.abs(result - (truth - offset) / gain)


def judged(result: Any, truth: Any, errors: ErrorTable, width: Any) -> tuple[str, ...]:
    """Figures of the places where the map is not empty."""
    wrong, (_, structure) = error_of(result, truth), brightness_and_structure(result)
    known = np.isfinite(width)
    wrong, width, structure = wrong[known], width[known], structure[known]
    inside, fine = wrong <= width, structure >= np.quantile(structure, 1 - FINE)
    as_often, least = np.quantile(wrong, (inside.mean(), errors.level))
    return (
        f"{inside.mean():.3f}", f"{inside[fine].mean():.3f}", f"{width.mean() / as_often:.2f}",
        f"{width.mean() / errors.constant:.2f}", f"{width.mean() / least:.2f}", f"{nause(wrong, width):.2f}",
        str(errors.blocks),
    )  # fmt: skip


def nause(wrong: Any, said: Any) -> float:
    """Area between the sparsification curves by the map and by the error: 0 as good as knowing it, 1 random.

    Ilg, E. et al. (2018). Uncertainty estimates and multi-hypotheses networks for optical flow. ECCV,
    section 4.
    """

    def curve(order: Any) -> Any:
        left = np.cumsum(wrong.ravel()[order])  # the surest first
        return left / np.arange(1, left.size + 1)

    by_map, by_error = curve(np.argsort(said.ravel())), curve(np.argsort(wrong.ravel()))
    random = np.full_like(by_map, wrong.mean())
    return float((by_map - by_error).mean() / (random - by_error).mean())
