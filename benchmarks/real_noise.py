"""Judge models on real, noisy images, and on simulated ones; part of docs/quality.md.

    python benchmarks/real_noise.py DATA [--models NAME_OR_FILE ...] [--reference NAME_OR_FILE ...]
                                    [--pictures FOLDER] [--page docs/quality.md] [--kept FILE]

DATA holds ``pairs`` and the training folders of which part is held back. Models are those of one channel;
they upscale through ``napari_srgan.upscale`` with nothing set, as a user would. With ``--reference`` the time
of each model is compared with that of the reference of its factor. ``--page`` writes the section "Real
microscopes" of that page anew, its words from quality_page.md, and leaves the others.
"""

from __future__ import annotations

import argparse
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import camera_noise
import dark_frames
import exposure_ceiling
import exposure_noise
import other_modality
import real_noise_pictures
import real_pairs
import real_pairs_table
import time_ratio
from kept_figures import KeptFigures
from markdown_table import verdict
from real_pairs import Figures, Upscale, baselines, by_set

import napari_srgan
from napari_srgan.errors import ImageWarning
from napari_srgan.models import Model, load_model

TEMPLATE = Path(__file__).with_name("quality_page.md")
TITLE = "## Real microscopes"
DEFAULTS = ("microscopy-x2", "microscopy-x4")


class RealNoise:
    """Models of one channel, on images with noise; everything is measured when it is asked for."""

    def __init__(self, data: Path, models: list[Model], kept: KeptFigures) -> None:
        self._data = data
        self._kept = kept
        self.models = {model.name: model for model in models}
        self._factors = sorted({model.scale_factor for model in models})
        self._ways = {model.name: upscaler(model) for model in models}

    @cached_property
    def _pairs(self) -> list[real_pairs.Pair]:
        return real_pairs.read_pairs(self._data)

    def parts(self) -> dict[str, str]:
        """Markdown for the page, by the name of its place there."""
        return {
            "real_pairs": self._each_factor(self._pair_section),
            "other_modalities": self._each_factor(self._modality_section),
            "exposure_ceiling": exposure_ceiling.table(self._pairs),
            "exposure_noise": exposure_noise.table(self._pairs),
            "camera_noise": self._each_factor(self._camera_section),
            "dark_frames": self._each_factor(self._dark_section),
        }

    def draw(self, folder: Path, names: Iterable[str]) -> list[Path]:
        """Draw the pictures of the page by some of the models, and give their files."""
        plain = {factor: self._plain_pairs(factor) for factor in self._factors}
        models = {
            name: (self.models[name].scale_factor, self._ways[name], self._model_pairs(name))
            for name in names
            if name in self.models
        }
        folder.mkdir(parents=True, exist_ok=True)
        ways = {name: (factor, way) for name, (factor, way, _) in models.items()}
        return [
            *real_noise_pictures.draw_pairs(self._pairs, plain, models, folder),
            real_noise_pictures.draw_dark(ways, folder),
        ]

    def _each_factor(self, section: Callable[[int, list[str]], str]) -> str:
        names = {
            factor: [name for name, model in self.models.items() if model.scale_factor == factor]
            for factor in self._factors
        }
        return "\n\n".join(f"**x{factor}**\n\n{section(factor, names[factor])}" for factor in self._factors)

    def _plain_pairs(self, factor: int) -> Figures:
        ways = baselines(factor)
        key = f"{', '.join(ways)} x{factor} on real pairs"
        return self._kept.get(key, lambda: real_pairs.measure(self._pairs, factor, ways))

    def _model_pairs(self, name: str) -> Figures:
        factor, way = self.models[name].scale_factor, {name: self._ways[name]}
        return self._of(name, "on real pairs", lambda: real_pairs.measure(self._pairs, factor, way))

    def _of(self, name: str, what: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return self._kept.get(f"{name} {self.models[name].weights_hash} {what}", measure)

    def _pair_section(self, factor: int, names: list[str]) -> str:
        plain = by_set(self._plain_pairs(factor))
        models = {name: by_set(self._model_pairs(name)) for name in names}
        targets = "\n".join(real_pairs_table.targets(plain, models))
        taught = set().union(*(taught_sets(self.models[name]) for name in names))
        return f"{real_pairs_table.table(plain, models, taught)}\n\n{targets}"

    def _modality_section(self, factor: int, names: list[str]) -> str:
        def measured(way: Upscale) -> dict[str, float]:
            return other_modality.measure(self._data, factor, way)

        plain = self._kept.get(f"bicubic x{factor} on other modalities", lambda: measured(_bicubic(factor)))
        return other_modality.table(
            plain,
            {
                name: self._of(name, "on other modalities", lambda name=name: measured(self._ways[name]))
                for name in names
            },
        )

    def _camera_section(self, factor: int, names: list[str]) -> str:
        lights = camera_noise.read_light([self.models[name] for name in names], self._data)
        what = f"on {len(lights)} tiles by a camera"
        plain = self._kept.get(
            f"bicubic x{factor} {what}", lambda: camera_noise.measure(lights, factor, _bicubic(factor))
        )
        models = {
            name: self._of(
                name, what, lambda name=name: camera_noise.measure(lights, factor, self._ways[name])
            )
            for name in names
        }
        lines = []
        for name, figures in models.items():
            condition, gain = camera_noise.least_gain(plain, figures)
            lines.append(
                f"- `{name}`: all gains positive: {verdict(gain > 0)} (least at {condition}, {gain:+.2f})"
            )
        return f"{camera_noise.table(plain, models)}\n\n" + "\n".join(lines)

    def _dark_section(self, factor: int, names: list[str]) -> str:
        plain = self._kept.get(
            f"bicubic x{factor} on dark frames", lambda: dark_frames.measure(_bicubic(factor), factor)
        )
        models = {
            name: self._of(
                name, "on dark frames", lambda name=name: dark_frames.measure(self._ways[name], factor)
            )
            for name in names
        }
        targets = "\n".join(dark_frames.targets(plain, models))
        return f"{dark_frames.table(plain, models)}\n\n{targets}"


def for_noise(models: list[Model]) -> list[Model]:
    """Those that are judged here: of one channel, and of one frame."""
    return [model for model in models if model.card.channels == 1 and model.card.frames == 1]


def taught_sets(model: Model) -> set[str]:
    """Sets of whose pairs a model was trained on the short exposures, by its card."""
    measured = model.card.recipe.get("measured") or {}
    return {real_pairs.set_of(name) for name in measured.get("names", ())}


def upscaler(model: Model) -> Upscale:
    """Upscale a plane as a user does who sets nothing, and does not heed that the image is noisy."""

    def upscale(low: real_pairs.Image) -> real_pairs.Image:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImageWarning)
            return napari_srgan.upscale(low, model, axes="YX", progress=False)

    return upscale


def _bicubic(factor: int) -> Upscale:
    return baselines(factor)["bicubic"]


def section_of(page: str) -> str:
    """The section of a page that begins with :data:`TITLE`, to the next of its rank."""
    found = re.search(rf"^{re.escape(TITLE)}\n.*?(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    if found is None:
        raise SystemExit(f'the page has no section "{TITLE}"; write the whole page with quality.py first')
    return found.group()


def named(name: str) -> Model:
    """A model of the library or of a file; a file's goes by the name of the file."""
    model = load_model(name)
    if not Path(name).suffix:
        return model
    return replace(model, card=model.card.model_copy(update={"name": Path(name).stem}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=DEFAULTS)
    parser.add_argument(
        "--reference", nargs="+", default=(), help="models, one for each factor, to time against"
    )
    parser.add_argument("--pictures", type=Path, help="folder to draw pictures in")
    parser.add_argument("--page", type=Path, help="page whose section is written anew")
    parser.add_argument("--kept", type=Path, help="figures of an earlier run, by weights")
    arguments = parser.parse_args()
    models = [named(name) for name in arguments.models]
    if len({model.name for model in models}) < len(models):
        raise SystemExit(f"two of {', '.join(arguments.models)} have the same name; rename a file")
    bench = RealNoise(arguments.data, models, KeptFigures(arguments.kept))
    section = section_of(TEMPLATE.read_text(encoding="utf-8")).format(**bench.parts())
    if arguments.page:
        page = arguments.page.read_text(encoding="utf-8")
        arguments.page.write_text(page.replace(section_of(page), section), encoding="utf-8")
    else:
        print(section)
    if arguments.pictures:
        for file in bench.draw(arguments.pictures, bench.models):
            print(f"{file} drawn")
    if arguments.reference:
        print(time_ratio.table(models, [named(name) for name in arguments.reference], upscaler))


if __name__ == "__main__":
    main()
