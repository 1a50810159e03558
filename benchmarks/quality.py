"""Print PSNR and SSIM of models on evaluation images, beside bicubic.

    python benchmarks/quality.py DATA photo-x4 [MODEL.safetensors ...]

DATA holds ``eval/Set5/x4`` and so on. One-channel models are measured on the Y channel
through their RGB path like all others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import napari_srgan
from napari_srgan.quality.benchmark_sets import bicubic, evaluate_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--precision", default="float32")
    arguments = parser.parse_args()
    print("| model | images | PSNR | SSIM | bicubic PSNR | bicubic SSIM |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in arguments.models:
        model = napari_srgan.load_model(name)
        factor = model.scale_factor
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


if __name__ == "__main__":
    main()
