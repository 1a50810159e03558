"""Print PSNR and SSIM of models on evaluation images, beside bicubic.

    python benchmarks/quality.py DATA photo-x4 [MODEL.safetensors ...] [--into-card]

DATA holds ``eval/Set5/x4`` and so on. PSNR and SSIM are those of the Y channel, as many border
pixels as the factor left out; bicubic is that of MATLAB's ``imresize``. With ``--into-card`` the
PSNR is written into the card of each model that is given as a file.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import napari_srgan
from napari_srgan.models import Model, Quality, save_model
from napari_srgan.quality.benchmark_sets import evaluate_folder
from napari_srgan.quality.comparison import bicubic


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--into-card", action="store_true")
    arguments = parser.parse_args()
    print("| model | images | PSNR | SSIM | bicubic PSNR | bicubic SSIM |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in arguments.models:
        model = napari_srgan.load_model(name)
        factor = model.scale_factor
        measured = []
        for images in ("Set5", "Set14"):
            folder = arguments.data / "eval" / images / f"x{factor}"
            ours = evaluate_folder(
                folder,
                factor,
                lambda low, model=model: napari_srgan.upscale(
                    low, model, axes="YX" if low.ndim == 2 else "YXS",
                    precision=arguments.precision, progress=False,
                ),
            )  # fmt: skip
            plain = evaluate_folder(folder, factor, lambda low, factor=factor: bicubic(low, factor))
            print(
                f"| {model.name} | {images} | {ours.psnr:.2f} | {ours.ssim:.4f} "
                f"| {plain.psnr:.2f} | {plain.ssim:.4f} |"
            )
            measured.append(
                Quality(
                    images=images,
                    psnr=round(ours.psnr, 2),
                    bicubic_psnr=round(plain.psnr, 2),
                    protocol=f"Y channel, {factor}-pixel border",
                )
            )
        if arguments.into_card:
            write_into_card(Path(name), model, measured)


def write_into_card(file: Path, model: Model, measured: list[Quality]) -> None:
    """Put figures into a model file's card, in place of earlier ones of the same images."""
    names = {figure.images for figure in measured}
    kept = [figure for figure in model.card.quality if figure.images not in names]
    card = model.card.model_copy(update={"quality": (*measured, *kept)})
    save_model(replace(model, card=card), file)


if __name__ == "__main__":
    main()
