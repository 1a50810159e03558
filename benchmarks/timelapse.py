"""Measure models for time-lapses on held-back parts of movies, and write docs/timelapse.md with its pictures.

    python benchmarks/timelapse.py DATA [--models FILE ...] [--out docs]

DATA holds movies (``*.tif``, TYX or TYXS). What is judged is what training holds back of each: its last
frames, and of these the right part. One of the models sees one frame only, and the others are compared
with it. Low resolution is made without noise and with that of few photons, the same noise for all. Every
sentence of the page that holds a figure is computed; the others are in timelapse_page.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import timelapse_pictures
import torch
from flicker import flicker
from numpy.typing import NDArray

import napari_srgan
from napari_srgan.models import Model, load_model
from napari_srgan.models.library.library import bundled_folder
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.metrics import crop_border, psnr, ssim
from napari_srgan.training.dataset.movie_validation import READ_ELECTRONS, few_photons, taken
from napari_srgan.training.dataset.movies import TRAINED_TIME, TRAINED_WIDTH, Movie, colours, movie, split

TEMPLATE = Path(__file__).with_name("timelapse_page.md")
PHOTONS = (None, 10.0, 20.0, 50.0)
"""Of a pixel as bright as the 99.9 percentile; None: no noise."""
SEED = 0
WANTED_GAIN, WANTED_CALM, WANTED_COST = 0.5, 0.3, 1.5
"""dB above and part of the flicker below every frame by itself, and times its cost, that were aimed at."""
PAYS = 0.1
"""dB from which a way is said to pay."""
NAMES = {
    "early-fusion": "early fusion",
    "slow-fusion": "slow fusion",
    "recurrent": "recurrent",
}
SINGLE = "single frame"
TIMED_FRAMES, TIMED_SIDE, REPEATS = 32, 96, 5
SCENE = 12
"""Frames of the scenes that are made of one image, and high-resolution pixels by which those drift in all."""

Upscale = Callable[[NDArray[np.float32]], NDArray[Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--models", nargs="+", default=sorted(map(str, bundled_folder().glob("timelapse-*.safetensors")))
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    arguments = parser.parse_args()
    # Some of what is held back has fewer frames than a network sees: so it is.
    warnings.filterwarnings("ignore", message="the time axis has")
    bench = Bench([load_model(name) for name in arguments.models], arguments.data)
    (arguments.out / "images").mkdir(parents=True, exist_ok=True)
    pictures = {kind: arguments.out / "images" / f"timelapse-{kind}.png" for kind in ("crops", "kymograph")}
    timelapse_pictures.draw_crops(bench.ways, bench.shown(), pictures["crops"])
    timelapse_pictures.draw_kymograph(bench.ways, bench.shown_whole(), pictures["kymograph"])
    page = TEMPLATE.read_text(encoding="utf-8").format_map(bench.page())
    (arguments.out / "timelapse.md").write_text(page, encoding="utf-8")
    print(bench.best_sentence())


@dataclass(frozen=True)
class Figures:
    """Of one movie, or the mean of several."""

    psnr: float
    ssim: float
    flicker: float
    """In thousandths of the brightness of the brightest places."""


def mean(figures: list[Figures]) -> Figures:
    return Figures(
        *(statistics.fmean(getattr(one, name) for one in figures) for name in ("psnr", "ssim", "flicker"))
    )


class Bench:
    """Models and bicubic on held-back movies; what is measured is kept.

    Raises
    ------
    SystemExit
        If there is not one model that sees one frame only, or no other, or no movie.
    """

    def __init__(self, models: list[Model], data: Path) -> None:
        self.models = dict(sorted(((title(model), model) for model in models), key=_order))
        factors = {model.scale_factor for model in models}
        if SINGLE not in self.models or len(self.models) < max(len(models), 2) or len(factors) != 1:
            raise SystemExit(
                "a model that sees one frame, and others that see several in ways of their own, all of one "
                f"factor, are compared; got {', '.join(model.name for model in models) or 'none'}"
            )
        (self.factor,) = factors
        self.temporal = [name for name in self.models if name != SINGLE]
        self.ways: dict[str, Upscale] = {"bicubic": partial(bicubic, factor=self.factor)} | {
            name: upscaler(model) for name, model in self.models.items()
        }
        self.sources = {name: frames for file in sorted(data.glob("*.tif")) for name, frames in colours(file)}
        if not self.sources:
            raise SystemExit(f"there is no movie (.tif) in {data}")
        self.movies = self._scenes(lambda frames: frames)
        self.scenes = {
            "standing": self._scenes(lambda frames: np.repeat(frames[:1], SCENE, axis=0)),
            "drifting": self._scenes(drifting),
        }

    def _scenes(self, make: Callable[[NDArray[Any]], NDArray[Any]]) -> list[Movie]:
        return [movie(name, make(split(frames)[1]), self.factor) for name, frames in self.sources.items()]

    @cache  # noqa: B019 -- there is one, to the end
    def measured(self, way: str, number: int, photons: float | None, scene: str = "") -> Figures:
        """One way on one movie."""
        of = self.scenes.get(scene, self.movies)[number]
        result = self.ways[way](low_of(of, photons))
        truth = of.high[:, 0].numpy()
        pairs = [
            (crop_border(ours, self.factor), crop_border(theirs, self.factor))
            for ours, theirs in zip(result, truth, strict=True)
        ]
        return Figures(
            statistics.fmean(psnr(*pair, peak=1.0) for pair in pairs),
            statistics.fmean(ssim(*pair, peak=1.0) for pair in pairs),
            1000 * flicker(np.stack([ours for ours, _ in pairs]), np.stack([theirs for _, theirs in pairs])),
        )

    def over_movies(self, way: str, photons: float | None) -> Figures:
        return mean([self.measured(way, number, photons) for number in range(len(self.movies))])

    def of_scene(self, way: str, scene: str) -> Figures:
        """The mean over movies of which one frame stands or drifts, at 20 photons."""
        return mean([self.measured(way, number, 20.0, scene) for number in range(len(self.movies))])

    def own_change(self) -> float:
        """Flicker of results in which nothing ever changes: how much the truths do."""
        truths = [of.high[:, 0, self.factor : -self.factor, self.factor : -self.factor] for of in self.movies]
        return statistics.fmean(1000 * flicker(np.zeros(truth.shape), truth.numpy()) for truth in truths)

    def noisy(self, way: str) -> Figures:
        """The mean over movies and all photon counts."""
        return mean([self.over_movies(way, photons) for photons in PHOTONS if photons is not None])

    @property
    def best(self) -> str:
        """Over all movies and levels, none too."""
        return max(
            self.temporal,
            key=lambda way: statistics.fmean(self.over_movies(way, photons).psnr for photons in PHOTONS),
        )

    @cache  # noqa: B019
    def seconds(self) -> dict[str, list[float]]:
        """Seconds a frame of every model, several times, taken by turns."""
        frames = self.timed_frames()
        found: dict[str, list[float]] = {name: [] for name in self.models}
        for _ in range(REPEATS + 1):
            for name in self.models:
                began = time.perf_counter()
                self.ways[name](frames)
                found[name].append((time.perf_counter() - began) / len(frames))
        return {name: times[1:] for name, times in found.items()}  # the first warms up

    def timed_frames(self) -> NDArray[np.float32]:
        """A movie of a size of its own: the first one, mirrored again and again."""
        low = low_of(self.movies[0], 20.0)
        missing = [(0, max(n - have, 0)) for n, have in zip(
            (TIMED_FRAMES, TIMED_SIDE, TIMED_SIDE), low.shape, strict=True)]  # fmt: skip
        return np.pad(low, missing, mode="symmetric")[:TIMED_FRAMES, :TIMED_SIDE, :TIMED_SIDE]

    def cost(self, way: str) -> float:
        """Times the cost of every frame by itself: the median over turns."""
        seconds = self.seconds()
        return statistics.median(ours / one for ours, one in zip(seconds[way], seconds[SINGLE], strict=True))

    def shown(self) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
        """Movies for crops that are large enough: their names, noisy low resolution, and truth."""
        seen = set()
        for of in self.movies:
            source = of.name.split(",")[0].split("-")[0]
            if source not in seen and min(of.low.shape[2:]) >= timelapse_pictures.SIDE:
                seen.add(source)
                yield f"{of.name}, 20 photons", low_of(of, 20.0), of.high[:, 0].numpy()

    def shown_whole(self) -> tuple[str, NDArray[np.float32], NDArray[np.float32]]:
        """A long and calm movie from its first frame on, in the part of the plane that nobody learnt from."""
        longest = max(map(len, self.sources.values()))
        long = {name: frames for name, frames in self.sources.items() if len(frames) >= longest / 2}
        name, frames = max(long.items(), key=lambda item: steadiness(item[1]))
        right = frames[:, :, round(TRAINED_WIDTH * frames.shape[2]) :]
        of = movie(name, right, self.factor)
        return f"{name}, 20 photons", low_of(of, 20.0), of.high[:, 0].numpy()

    def best_sentence(self) -> str:
        """What the best way brings."""
        ours, one = self.noisy(self.best), self.noisy(SINGLE)
        gain, calm = ours.psnr - one.psnr, 1 - ours.flicker / one.flicker
        return (
            f"The best of them over all levels of noise is {self.best}. On noisy movies it has {gain:+.2f} "
            f"dB and {-100 * calm:+.0f} % of flicker against every frame by itself, at "
            f"{self.cost(self.best):.2f} times its time; aimed at were {WANTED_GAIN:+.1f} dB, which is "
            f"{_reached(gain >= WANTED_GAIN)}, and {-100 * WANTED_CALM:+.0f} %, which is "
            f"{_reached(calm >= WANTED_CALM)}."
        )

    def scene_sentence(self) -> str:
        """What the best way brings where the truth has no noise that changes."""
        gains = []
        for scene in self.scenes:
            ours, one = self.of_scene(self.best, scene), self.of_scene(SINGLE, scene)
            calm = 100 * (ours.flicker / one.flicker - 1)
            gains.append(f"{ours.psnr - one.psnr:+.2f} dB and {calm:+.0f} % of flicker where it is {scene}")
        return f"Against every frame by itself {self.best} has {', '.join(gains)}."

    def scene_table(self) -> list[list[str]]:
        rows = [["", *(f"{scene}: PSNR / SSIM / flicker" for scene in self.scenes)]]
        for way in self.ways:
            rows.append([way, *(cell(self.of_scene(way, scene)) for scene in self.scenes)])
        return rows

    def page(self) -> dict[str, str]:
        """What timelapse_page.md asks for."""
        lengths = [len(of.high) for of in self.movies]
        return {
            "best": self.best_sentence(),
            "ways": "\n".join(f"- {self.way_sentence(way)}" for way in self.temporal),
            "means": markdown(self.mean_table()),
            "movies": markdown(self.movie_table()),
            "costs": markdown(self.cost_table()),
            "own_change": f"{self.own_change():.1f}",
            "scenes": markdown(self.scene_table()),
            "scene_sentence": self.scene_sentence(),
            "scene_frames": str(SCENE),
            "count": str(len(self.movies)),
            "frames": f"{min(lengths)} to {max(lengths)}",
            "late": f"{100 * (1 - TRAINED_TIME):.0f}",
            "right": f"{100 * (1 - TRAINED_WIDTH):.0f}",
            "read_noise": f"{READ_ELECTRONS:g}",
            "levels": ", ".join(f"{photons:g}" for photons in PHOTONS if photons is not None),
            "timed": f"{TIMED_FRAMES} frames of {TIMED_SIDE} x {TIMED_SIDE} pixels, {REPEATS} times by turns",
            "cores": f"{torch.get_num_threads()} threads of {os.cpu_count()} cores",
            "factor": str(self.factor),
        }

    def way_sentence(self, way: str) -> str:
        """Whether one of the ways pays."""
        noisy, one = self.noisy(way), self.noisy(SINGLE)
        clean = self.over_movies(way, None).psnr - self.over_movies(SINGLE, None).psnr
        gain, cost = noisy.psnr - one.psnr, self.cost(way)
        verdict = "pays" if gain >= PAYS else "does not pay"
        dear = "" if cost <= WANTED_COST else f", more than the {WANTED_COST:g} aimed at"
        calm = noisy.flicker / one.flicker - 1
        return (
            f"**{way.capitalize()}** {verdict}: {gain:+.2f} dB and {100 * calm:+.0f} % of flicker on noisy "
            f"movies, {clean:+.2f} dB without noise, {cost:.2f} times the time{dear}."
        )

    def mean_table(self) -> list[list[str]]:
        rows = [["", *(f"{level(photons)}: PSNR / SSIM / flicker" for photons in PHOTONS)]]
        for way in self.ways:
            rows.append([way, *(cell(self.over_movies(way, photons)) for photons in PHOTONS)])
        return rows

    def movie_table(self) -> list[list[str]]:
        rows = [["movie", "frames", *self.ways]]
        for number, of in enumerate(self.movies):
            found = [self.measured(way, number, 20.0) for way in self.ways]
            rows.append([of.name, str(len(of.high)), *(f"{f.psnr:.2f} / {f.flicker:.1f}" for f in found)])
        return rows

    def cost_table(self) -> list[list[str]]:
        rows = [["", "frames seen", "parameters", "steps", "ms a frame", "times every frame by itself"]]
        for name, model in self.models.items():
            count = sum(parameter.numel() for parameter in model.network.parameters())
            milliseconds = 1000 * statistics.median(self.seconds()[name])
            steps = model.card.recipe.get("steps", "")
            rows.append([
                name, str(model.card.frames), f"{count:,}", str(steps), f"{milliseconds:.1f}",
                f"{self.cost(name):.2f}",
            ])  # fmt: skip
        return rows


def _reached(is_so: bool) -> str:
    return "reached" if is_so else "not reached"


def title(model: Model) -> str:
    return SINGLE if model.card.frames == 1 else NAMES.get(model.card.architecture, model.name)


def _order(item: tuple[str, Model]) -> int:
    return [SINGLE, *NAMES.values(), item[0]].index(item[0])


def cell(found: Figures) -> str:
    return f"{found.psnr:.2f} / {found.ssim:.3f} / {found.flicker:.1f}"


def drifting(frames: NDArray[Any]) -> NDArray[Any]:
    """The first frame, each time a pixel farther: what it shows keeps the noise it has."""
    width = frames.shape[2] - SCENE + 1
    return np.stack([frames[0, :, shift : shift + width] for shift in range(SCENE)])


def steadiness(frames: NDArray[Any]) -> float:
    """How much of what there is to see is there in the mean over time."""
    return float(frames.mean(axis=0).std() / frames.std())


def level(photons: float | None) -> str:
    return "no noise" if photons is None else f"{photons:g} photons"


def low_of(of: Movie, photons: float | None) -> NDArray[np.float32]:
    """Frames ``(T, Y, X)`` at low resolution; the same noise whoever asks."""
    low = taken(of.low, few_photons(photons), np.random.default_rng(SEED))
    return np.asarray(low[:, 0].numpy())


def bicubic(low: NDArray[np.float32], factor: int) -> NDArray[Any]:
    return np.asarray(bicubic_upsample(torch.from_numpy(low)[:, None], factor)[:, 0].numpy())


def upscaler(model: Model) -> Upscale:
    """A movie as a user upscales it."""

    def upscale(low: NDArray[np.float32]) -> NDArray[Any]:
        return np.asarray(
            napari_srgan.upscale(
                low, model, axes="TYX", device="cpu", precision="float32", tile=256, progress=False
            )
        )

    return upscale


def markdown(rows: list[list[str]]) -> str:
    """A table, its first row the heading."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


if __name__ == "__main__":
    main()
