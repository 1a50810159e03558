"""Print what the trust report is worth, on images whose truth is known; part of docs/trust.md.

    python benchmarks/trust_layer.py DATA [--part gain|self-test|calibration|forged|cost ...] [--fit]
        [--pictures FOLDER]

DATA holds ``pairs``, the training folders of which part is held back, and ``eval``. `--fit` finds the
constant of ``napari_srgan.reliability.expectation`` on half of the source sets.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import camera_noise
import numpy as np
import real_pairs
from camera_noise import Condition, as_light, camera_image
from markdown_table import markdown
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import spearmanr
from skimage.io import imread

import napari_srgan
from napari_srgan.acquisition.spectrum import LEAST_SIDE, Spectrum
from napari_srgan.images.image import Image
from napari_srgan.inference.upscale import upscale_job
from napari_srgan.models import Model, load_model
from napari_srgan.models.verdict import LITTLE
from napari_srgan.quality.comparison import bicubic
from napari_srgan.quality.metrics import crop_border, psnr
from napari_srgan.reliability import expectation, trust_job
from napari_srgan.reliability.detail import detail_of
from napari_srgan.reliability.self_test import self_test_job

CONDITIONS = [Condition(photons, blur) for blur in (0.0, 0.7, 1.5) for photons in (20, 100, 1000, None)]
FAITHFUL = ("microscopy-x2", "microscopy-x4")
SHARP = (("microscopy-x4", "microscopy-x4-gan"), ("photo-x4", "photo-x4-gan"))


@dataclass(frozen=True)
class Case:
    """An image, what was found in it, and how much better than bicubic interpolation a model really is."""

    kind: str
    condition: str
    factor: int
    spectrum: Spectrum
    reach: float
    gain: float


def finished(job: Any) -> Any:
    """What a job returns."""
    while True:
        try:
            next(job)
        except StopIteration as stop:
            return stop.value


def upscaled(image: Any, model: Model | str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", napari_srgan.ImageWarning)
        return napari_srgan.upscale(image, model, progress=False, device="cpu")


def cases(data: Path, model: Model) -> Iterator[Case]:
    """Held-back tiles under simulated light, real short exposures, and Set5 and Set14 in gray."""
    factor = model.scale_factor
    for at, light in enumerate(camera_noise.read_light([model], data)[::2]):
        if min(light.image.shape) < factor * LEAST_SIDE:
            continue
        for condition in CONDITIONS:
            soft = camera_noise.gaussian_filter(light.image, condition.blur * factor)
            truth = soft if condition.blur else light.image
            draw = np.random.default_rng([at, condition.photons or 0, round(condition.blur * 10)])
            image = camera_image(truth, factor, Condition(condition.photons, 0.0), draw)
            yield case(
                light.source_set, condition.name, model, image, truth, lambda x, c=condition: as_light(x, c)
            )
    for pair in real_pairs.read_pairs(data):
        image = real_pairs.binned(pair.short, factor)
        yield case(real_pairs.set_of(pair.name), "short exposure", model, image, pair.long, None)
    for benchmark in ("Set5", "Set14"):
        for file in sorted((data / "eval" / benchmark / f"x{factor}").glob("*_hr.png")):
            low, high = (imread(file.with_name(file.name.replace("_hr", f"_{end}"))) for end in ("lr", "hr"))
            if low.ndim == 3:
                low, high = low[..., 1], high[..., 1]
            yield case(benchmark, "no noise", model, low, high, lambda x: x.astype(float))


def case(
    kind: str, condition: str, model: Model, image: Any, truth: Any, as_truth: Callable[[Any], Any] | None
) -> Case:
    detail = detail_of(image, "YX")[0]
    factor = model.scale_factor
    figures = []
    for result in (upscaled(image, model), bicubic(image.astype(np.float64), factor)):
        cut = tuple(slice(0, min(a, b)) for a, b in zip(result.shape, truth.shape, strict=True))
        if as_truth is None:
            figures.append(real_pairs.judged(result[cut], truth[cut], factor))
        else:
            ours, theirs = (crop_border(one, factor) for one in (as_truth(result)[cut], truth[cut]))
            figures.append(psnr(ours, theirs, peak=float(np.ptp(theirs)) or 1.0))
    return Case(kind, condition, factor, detail.spectrum, detail.reach, figures[0] - figures[1])


def gain_part(data: Path, fit: bool) -> str:
    """Whether the expected gain, and the reach, rank images as the true gain does."""
    found = [one for name in FAITHFUL for one in cases(data, load_model(name))]
    if fit:
        print(fitted(found))
    rows = []
    for factor in (2, 4):
        some = [one for one in found if one.factor == factor]
        kinds = sorted({one.kind for one in some})
        groups = {
            "all": some,
            "source sets that the constants were not fitted on": [o for o in some if kinds.index(o.kind) % 2],
            "short exposures": [one for one in some if one.condition == "short exposure"],
            "no noise": [one for one in some if "no noise" in one.condition],
            "noise": [one for one in some if "no noise" not in one.condition],
        }
        for name, group in groups.items():
            true, reach = [one.gain for one in group], [one.reach for one in group]
            said = [expectation.expected(one.spectrum, factor).gain for one in group]
            little = [one.gain for one, gain in zip(group, said, strict=True) if gain < LITTLE]
            rows.append((
                f"x{factor}, {name}", str(len(group)),
                f"{spearmanr(said, true)[0]:.2f}", f"{spearmanr(reach, true, nan_policy='omit')[0]:.2f}",
                f"{np.median(np.abs(np.subtract(said, true))):.1f} dB",
                f"{len(little)}: {np.mean(little):+.1f} dB" if little else "none",
            ))  # fmt: skip
    head = (
        "images",
        "number",
        "rank correlation of the expected gain",
        "of the reach",
        "median error",
        "said to gain little: true mean gain",
    )
    return markdown([head, *rows])


def fitted(found: list[Case]) -> str:
    kinds = sorted({one.kind for one in found})
    some = [one for one in found if kinds.index(one.kind) % 2 == 0]
    before = expectation.LEFT

    def wrong(logarithm: NDArray[np.float64]) -> list[float]:
        expectation.LEFT = float(np.exp(logarithm[0]))
        return [expectation.expected(one.spectrum, one.factor).gain - one.gain for one in some]

    left = float(np.exp(least_squares(wrong, [np.log(before)], loss="soft_l1").x[0]))
    expectation.LEFT = before
    return f"fitted: LEFT = {left:.3g} on {len(some)} images"


def self_test_part(data: Path) -> str:
    """Whether the self-test ever places a sharp model above a faithful one where it is worse."""
    rows = []
    for names in SHARP:
        models = [load_model(name) for name in names]
        asked, wrong, unclear, differences = 0, 0, 0, []
        for image, truth, as_truth in _images(data, models[0]):
            tested = finished(self_test_job(image, "YX", models))
            if tested is None:
                continue
            true = [psnr(as_truth(upscaled(image, m)), truth, 1.0) for m in models]
            asked += 1
            if tested.unclear:
                unclear += 1
                continue
            said = [tested.gains[name] for name in names]
            wrong += said[1] > said[0] and true[1] < true[0]
            differences.append((said[0] - said[1], true[0] - true[1]))
        ranks = spearmanr(*zip(*differences, strict=True))[0]
        rows.append((f"{names[0]} and {names[1]}", str(asked), str(wrong), str(unclear), f"{ranks:.2f}"))
    head = (
        "models",
        "images",
        "sharp placed above faithful where its PSNR is lower",
        "cannot be told apart",
        "rank correlation of the difference",
    )
    return markdown([head, *rows])


def _images(data: Path, model: Model) -> Iterator[tuple[Any, Any, Callable[[Any], Any]]]:
    """Images, their truth, and what brings a result to its grey levels.

    Tiles are continued by reflection: made small, they would have too few pixels.
    """
    reference = load_model("microscopy-x4")
    for at, light in enumerate(camera_noise.read_light([reference], data)[::2]):
        truth = np.pad(light.image, [(0, size) for size in light.image.shape], mode="symmetric")
        for condition in (Condition(None, 0.0), Condition(100, 0.0), Condition(20, 0.0)):
            draw = np.random.default_rng([at, condition.photons or 0])
            image = camera_image(truth, model.scale_factor, condition, draw)
            yield image, truth, lambda x, c=condition: as_light(x, c)


def forged_part(data: Path) -> str:
    """Whether a forged result is told to be none of its model, and whether any figure of it is better."""
    model = load_model("microscopy-x4")
    found: dict[str, list[tuple[bool, bool]]] = {}
    for at, light in enumerate(camera_noise.read_light([model], data)[::3]):
        for photons in (1000, 100, 20):
            draw = np.random.default_rng([at, photons])
            image = camera_image(light.image, 4, Condition(photons, 0.0), draw)
            given = Image.of_array(image, "YX")
            made = finished(upscale_job(given, model))
            result, told = made.data, made.provenance
            honest = finished(trust_job(given, result, model, provenance=told)).to_dict()
            found.setdefault("the honest result", []).append((not honest["made_by_model"], False))
            for way, forgery in forgeries(image, result).items():
                found.setdefault(way, []).append(_seen_through(given, forgery, model, told, honest))
    rows = [
        (way, str(len(told)), *(f"{100 * np.mean([one[k] for one in told]):.0f} %" for k in range(2)))
        for way, told in found.items()
    ]
    return markdown(
        [("result", "images", "told to be none of the model's", "a figure of it is better"), *rows]
    )


def forgeries(image: NDArray[Any], result: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Results that nobody made of the image."""
    honest = result.astype(np.float64)
    other = np.roll(honest, (37, 23), (0, 1))
    detail = other - camera_noise.gaussian_filter(other, 2)
    plain = bicubic(image.astype(np.float64), 4)
    painted = honest.copy()
    rows, columns = (slice(size // 2 - 12, size // 2 + 12) for size in honest.shape)
    painted[rows, columns] += np.ptp(honest) / 2
    made = {
        "bicubic and another image's detail": plain + detail,
        "an object painted in": painted,
        "sharpened": honest + 0.5 * (honest - camera_noise.gaussian_filter(honest, 1)),
    }
    limits = np.iinfo(result.dtype)
    return {way: one.round().clip(limits.min, limits.max).astype(result.dtype) for way, one in made.items()}


def _seen_through(
    image: Image, forgery: NDArray[Any], model: Model, provenance: dict[str, Any], honest: dict[str, Any]
) -> tuple[bool, bool]:
    """Whether it is told to be none, and whether a figure is better than that of the honest result."""
    try:
        told = finished(trust_job(image, forgery, model, provenance=provenance)).to_dict()
    except napari_srgan.UserError:  # refused, without a figure
        return True, False
    ours, theirs = honest["channels"], told["channels"]
    larger = ("reach", "expected_gain_over_bicubic_db", "contrast")
    seen = not told["made_by_model"]
    better = any(
        any((b[key] or 0) > (a[key] or 0) for key in larger)
        # Of what is told to be none of the model's, no residual is told.
        or (not seen and b.get("residual", 0) < a.get("residual", 0))
        for a, b in zip(ours, theirs, strict=True)
    )
    return seen, better


def cost_part(data: Path) -> str:
    """Time of the report beside that of the upscaling."""
    pair = real_pairs.read_pairs(data)[0]
    rows = []
    for name in FAITHFUL:
        model = load_model(name)
        image = np.tile(pair.short.astype(np.uint16) * 64, (3, 3))[:1024, :1024]
        times = []
        for _ in range(2):
            began = time.perf_counter()
            result = upscaled(image, model)
            between = time.perf_counter()
            finished(trust_job(Image(image, "YX"), result, model))
            times.append((time.perf_counter() - between) / (between - began))
        rows.append((name, f"{100 * min(times):.0f} %"))
    return markdown([("model, image of 1024 x 1024", "time of the whole report"), *rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parts = ("gain", "self-test", "calibration", "forged", "cost")
    parser.add_argument("--part", nargs="+", choices=parts, default=parts)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--pictures", type=Path, help="where trust-errors.png is drawn by calibration")
    chosen = parser.parse_args()
    import trust_calibration

    ways: dict[str, Callable[[], str]] = {
        "gain": lambda: gain_part(chosen.data, chosen.fit),
        "self-test": lambda: self_test_part(chosen.data),
        "calibration": lambda: trust_calibration.table(chosen.data, chosen.pictures),
        "forged": lambda: forged_part(chosen.data),
        "cost": lambda: cost_part(chosen.data),
    }
    for name in chosen.part:
        print(f"\n**{name}**\n\n{ways[name]()}", flush=True)


if __name__ == "__main__":
    main()
