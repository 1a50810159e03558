"""Measure the bundled models and write docs/quality.md with its pictures.

    python benchmarks/quality.py DATA [--models NAME ...] [--into-cards] [--page docs/quality.md]

DATA holds ``eval/Set5/x4`` and so on, the training folders of which part is held back, ``pairs``, and
``perceptual`` with the weights of the LPIPS-like distance. Everything is computed in float32
from the files in weights/. With ``--into-cards`` the figures, and a picture for the library,
are written into the models' files.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import degradation
import held_back
import model_pictures
import quality_pictures
import real_noise
import torch
import trust
from benchmark_sets import SetFigures, evaluate_folder
from held_back import Figures, HeldBack, TileFigures
from kept_figures import KeptFigures
from lpips_like import LpipsLike
from markdown_table import markdown
from safetensors import safe_open

import napari_srgan
from napari_srgan.models import Model, Quality, load_model, save_model
from napari_srgan.models.library.library import DEFAULT_RGB_MODEL, bundled_folder
from napari_srgan.quality.comparison import bicubic
from napari_srgan.training.recipes.recipe import Recipe, read_recipe

ROOT = Path(__file__).parents[1]
TEMPLATE = Path(__file__).with_name("quality_page.md")
SETS = ("Set5", "Set14")
PUBLISHED = {
    4: {
        "SRResNet (Ledig et al. 2017)": ("32.05", "0.9019", "28.49", "0.8184"),
        "SRGAN (Ledig et al. 2017)": ("29.40", "0.8472", "26.02", "0.7397"),
        "RDN (Zhang et al. 2018)": ("32.47", "", "28.81", ""),
        "RRDB (Wang et al. 2018)": ("32.73", "", "28.99", ""),
    }
}
"""PSNR and SSIM on Set5, then on Set14, of the Y channel, by scale factor."""
BLENDS = (0.0, 0.25, 0.5, 0.75, 1.0)
TILE_PROTOCOL = "held-back tiles, range 1, border of one factor left out"

Table = list[list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=_names())
    parser.add_argument("--into-cards", action="store_true")
    parser.add_argument("--page", type=Path)
    parser.add_argument(
        "--kept", type=Path, help="figures of an earlier run, by weights: they are not measured again"
    )
    arguments = parser.parse_args()
    features = arguments.data / "perceptual"
    distance = LpipsLike(features / "squeezenet1_1-imagenet.npz", features / "lpips-squeeze-linear.pth")
    models = [load_model(name) for name in arguments.models]
    kept = Kept(arguments.kept)
    bench = Bench(arguments.data, distance, models, kept)
    noisy = real_noise.RealNoise(arguments.data, real_noise.for_noise(models), kept)
    if arguments.into_cards:
        for model in bench.models:
            file = bundled_folder() / f"{model.name}.safetensors"
            half = stored_as_half(file)
            figures = tuple(bench.card_figures(model))
            card = model.card.model_copy(update={"quality": figures, **from_recipe(model)})
            save_model(replace(model, card=card), file, half=half)
            model_pictures.store(file, model_pictures.draw(file))
            print(f"{file.name}: card written", flush=True)
    parts = {
        "sets": "\n\n".join(bench.sets_sections()),
        "blends": markdown(bench.blends_table()),
        "ensemble": markdown(bench.ensemble_table()),
        "tiles": "\n\n".join(bench.tile_sections()),
        "trained": markdown(bench.trained_table()),
        "trust": trust.tables([bench.trust_rows(model) for model in bench.models]),
        "degradation": degradation.table(arguments.data),
        **noisy.parts(),
    }
    page = TEMPLATE.read_text(encoding="utf-8").format(**parts)
    if arguments.page:
        arguments.page.write_text(page, encoding="utf-8")
        bench.draw(arguments.page.parent / "images")
        noisy.draw(arguments.page.parent / "images", real_noise.DEFAULTS)
    else:
        print(page)


class Kept(KeptFigures):
    """Figures as they are kept in JSON, and as they are."""

    def sets(self, key: str, measure: Callable[[], dict[str, SetFigures]]) -> dict[str, SetFigures]:
        kept = self.get(key, lambda: {name: asdict(figures) for name, figures in measure().items()})
        return {name: SetFigures(**values) for name, values in kept.items()}

    def tiles(self, key: str, measure: Callable[[], Figures]) -> Figures:
        kept = self.get(key, lambda: {name: asdict(figures) for name, figures in measure().items()})
        return {name: TileFigures(**values) for name, values in kept.items()}


class Bench:
    """All models on all images; each measured once."""

    def __init__(self, data: Path, distance: LpipsLike, models: list[Model], kept: Kept) -> None:
        self.models = models
        self._kept = kept
        self._data = data
        self._distance = distance
        self._factors = sorted({model.scale_factor for model in models}, reverse=True)
        self._plain = {
            n: self._on_sets(f"bicubic x{n}", n, lambda low, n=n: bicubic(low, n)) for n in self._factors
        }
        self._sets = {model.name: self._by_model(model) for model in models}
        self._tiles: dict[str, Figures] = {}
        self._groups: list[tuple[list[Model], HeldBack]] = []
        for group in held_back.groups(models):
            tiles = HeldBack([held_back.recipe_of(model) for model in group], data, distance)
            self._groups.append((group, tiles))
            for model in group:
                key = f"{model.name} {model.weights_hash} on {tiles.count} tiles"
                self._tiles[model.name] = kept.tiles(key, lambda tiles=tiles, model=model: tiles.judge(model))

    def trust_rows(self, model: Model) -> dict[str, str]:
        return self._kept.get(f"{model.name} {model.weights_hash} trust", lambda: trust.rows(model.name))

    def _by_model(self, model: Model, **options: Any) -> dict[str, SetFigures]:
        key = " ".join([model.name, model.weights_hash, *(f"{n} {value}" for n, value in options.items())])
        return self._on_sets(key, model.scale_factor, upscaler(model, **options))

    def _on_sets(self, key: str, factor: int, upscale: Callable[[Any], Any]) -> dict[str, SetFigures]:
        return self._kept.sets(f"{key} on sets", lambda: self._measure_sets(factor, upscale))

    def _measure_sets(self, factor: int, upscale: Callable[[Any], Any]) -> dict[str, SetFigures]:
        folders = {images: self._data / "eval" / images / f"x{factor}" for images in SETS}
        return {
            images: evaluate_folder(folder, factor, upscale, self._distance)
            for images, folder in folders.items()
        }

    def sets_sections(self) -> Iterator[str]:
        heading = ["", *(f"{images} {what}" for images in SETS for what in (
            "PSNR Y", "SSIM Y", "PSNR RGB", "SSIM RGB", "LPIPS-like"))]  # fmt: skip
        for factor in self._factors:
            rows = [heading, ["bicubic", *_set_cells(self._plain[factor])]]
            for model in self.models:
                if model.scale_factor == factor:
                    rows.append([model.name, *_set_cells(self._sets[model.name])])
            for name, (psnr5, ssim5, psnr14, ssim14) in PUBLISHED.get(factor, {}).items():
                rows.append([f"*{name}*", psnr5, ssim5, "", "", "", psnr14, ssim14, "", "", ""])
            yield f"### x{factor}\n\n{markdown(rows)}"

    def blends_table(self) -> Table:
        rows = [["model", "sharp", *(f"{images} {what}" for images in SETS for what in (
            "PSNR Y", "LPIPS-like"))]]  # fmt: skip
        for sharp in self.models:
            if sharp.card.partner is None:
                continue
            faithful = load_model(sharp.card.partner)
            for amount in BLENDS:
                figures = self._by_model(napari_srgan.blend(faithful, sharp, amount))
                cells = [c for f in figures.values() for c in (f"{f.psnr:.2f}", f"{f.distance:.4f}")]
                rows.append([f"{faithful.name} to {sharp.name}", f"{amount:.0%}", *cells])
        return rows

    def ensemble_table(self) -> Table:
        rows = [["model", *(f"{images} {what}" for images in SETS for what in (
            "PSNR Y", "with self-ensemble", "LPIPS-like", "with self-ensemble "))]]  # fmt: skip
        for model in self.models:
            if model.name != DEFAULT_RGB_MODEL:
                continue
            eight = self._by_model(model, self_ensemble=True, precision="bfloat16")
            cells = []
            for images in SETS:
                one, many = self._sets[model.name][images], eight[images]
                cells += [
                    f"{one.psnr:.2f}",
                    f"{many.psnr:.2f}",
                    f"{one.distance:.4f}",
                    f"{many.distance:.4f}",
                ]
            rows.append([model.name, *cells])
        return rows

    def tile_sections(self) -> Iterator[str]:
        for group, tiles in self._groups:
            judged = {"bicubic": tiles.bicubic} | {model.name: self._tiles[model.name] for model in group}
            factor = group[0].scale_factor
            kind = "RGB" if tiles.rgb else "one channel"
            rows = [["PSNR, dB", *judged]]
            for name in tiles.bicubic:
                rows.append([name, *(f"{figures[name].psnr:.2f}" for figures in judged.values())])
            means = {name: held_back.averaged(list(figures.values())) for name, figures in judged.items()}
            rows.append(["**mean PSNR**", *(f"**{m.psnr:.2f}**" for m in means.values())])
            rows.append(["mean SSIM", *(f"{m.ssim:.4f}" for m in means.values())])
            rows.append(["mean LPIPS-like", *(f"{m.distance:.4f}" for m in means.values())])
            yield (
                f"### x{factor}, {kind}\n\n{markdown(rows)}\n\n"
                f"![The same crops by every model](images/{_picture_name(group)})"
            )

    def trained_table(self) -> Table:
        rows = [["model", "for", "network", "parameters", "trained"]]
        for model in self.models:
            arguments = model.card.arguments
            shape = ", ".join(f"{key} {arguments[key]}" for key in ("blocks", "layers", "width", "growth",
                "normalisation", "activation") if arguments.get(key) not in (None, "none"))  # fmt: skip
            count = sum(parameter.numel() for parameter in model.network.parameters())
            rows.append([
                model.name, model.card.description, f"{model.card.architecture}: {shape}", f"{count:,}",
                model.card.trained,
            ])  # fmt: skip
        return rows

    def card_figures(self, model: Model) -> Iterator[Quality]:
        factor = model.scale_factor
        for images, figures in self._sets[model.name].items():
            protocol = f"Y channel, {factor}-pixel border"
            yield _quality(images, protocol, figures, self._plain[factor][images])
        tiles = next(tiles for group, tiles in self._groups if model in group)
        protocol = TILE_PROTOCOL + (", Y channel" if tiles.rgb else "")
        for name, judged in self._tiles[model.name].items():
            yield _quality(name, protocol, judged, tiles.bicubic[name])

    def draw(self, folder: Path) -> None:
        for group, _ in self._groups:
            quality_pictures.draw_crops(group, self._data, folder / _picture_name(group))


def stored_as_half(file: Path) -> bool:
    """Whether a model's weights are float16 in its file."""
    with safe_open(file, framework="pt") as weights:
        return all(weights.get_tensor(name).dtype == torch.float16 for name in weights.keys())  # noqa: SIM118


def from_recipe(model: Model) -> dict[str, Any]:
    """What the recipe tells that does not decide the weights, and may be worded anew.

    Raises
    ------
    ValueError
        If it is not the recipe that made them.
    """
    recipe = read_recipe(bundled_folder() / "recipes" / f"{model.name}.toml")
    words = {name: getattr(recipe, name) for name in ("description", "citation", "partner")}
    made_by = Recipe.model_validate(model.card.recipe).model_copy(update=words)
    if made_by != recipe:
        raise ValueError(f"{model.name} was trained by another recipe than the one in weights/recipes")
    return {**words, "recipe": recipe.model_dump(mode="json")}


def upscaler(model: Model, **options: Any) -> Callable[[Any], Any]:
    """From a picture to a larger one, in float32."""

    def upscale(low: Any) -> Any:
        axes = "YX" if low.ndim == 2 else "YXS"
        wanted = {"precision": "float32", **options}
        return napari_srgan.upscale(low, model, axes=axes, progress=False, **wanted)

    return upscale


def _set_cells(figures: dict[str, SetFigures]) -> list[str]:
    return [
        cell
        for f in figures.values()
        for cell in (
            f"{f.psnr:.2f}", f"{f.ssim:.4f}", f"{f.rgb_psnr:.2f}", f"{f.rgb_ssim:.4f}", f"{f.distance:.4f}",
        )
    ]  # fmt: skip


def _quality(images: str, protocol: str, ours: Any, plain: Any) -> Quality:
    return Quality(
        images=images,
        protocol=protocol,
        psnr=round(ours.psnr, 2),
        bicubic_psnr=round(plain.psnr, 2),
        ssim=round(ours.ssim, 4),
        bicubic_ssim=round(plain.ssim, 4),
        lpips_like=round(ours.distance, 4),
        bicubic_lpips_like=round(plain.distance, 4),
    )


def _picture_name(group: list[Model]) -> str:
    return f"quality-{group[0].name}.png"


def _names() -> list[str]:
    """The bundled models of single images; those of time-lapses have a page of their own."""
    names = sorted(file.stem for file in bundled_folder().glob("*.safetensors"))
    return [name for name in names if load_model(name).card.frames == 1]


if __name__ == "__main__":
    main()
