"""Print, for every bundled model, how far its results can be trusted.

    python benchmarks/trust.py

Fast precision against float32, tiles against the whole, constant images, mean brightness,
shifted and scaled intensities: on 16-bit images made of scikit-image's own pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.data import brick, camera, cell

import napari_srgan
from napari_srgan.models.library.library import bundled_folder

PICTURES = {"camera": camera()[:256, :256], "cell": cell()[:256, :256], "brick": brick()[:256, :256]}


def sixteen_bit(picture: Any) -> Any:
    """With a camera's offset and noise in the last bits."""
    noise = np.random.default_rng(0).normal(0, 30, picture.shape)
    return (picture.astype(float) * 180 + 400 + noise).clip(0, 65535).astype(np.uint16)


def upscale(image: Any, name: str, precision: str = "float32", **options: Any) -> Any:
    result = napari_srgan.upscale(image, name, precision=precision, progress=False, device="cpu", **options)
    return result.astype(float)


def constant_error(name: str, precision: str) -> float:
    """Largest relative error on constant images of several types."""
    return max(
        float(np.abs(upscale(np.full((32, 32), value, dtype), name, precision) - value).max() / value)
        for value in (3, 100, 251)
        for dtype in (np.uint8, np.uint16, np.float32)
    )


IMAGES_HEAD = """| model | image | bfloat16 to float32, dB | tile 32 to whole | mean off by | affine off by |
| --- | --- | --- | --- | --- | --- |"""
CONSTANTS_HEAD = """| model | constant images off by, float32 | bfloat16 |
| --- | --- | --- |"""


def rows(name: str) -> dict[str, str]:
    """A model's rows of both tables."""
    exact, fast = (constant_error(name, precision) for precision in ("float32", "bfloat16"))
    return {
        "images": "\n".join(_row(name, title, sixteen_bit(picture)) for title, picture in PICTURES.items()),
        "constants": f"| {name} | {exact:.1e} | {fast:.1e} |",
    }


def tables(models: list[dict[str, str]]) -> str:
    """Both tables, from the rows of several models."""
    images = "\n".join([IMAGES_HEAD, *(model["images"] for model in models)])
    constants = "\n".join([CONSTANTS_HEAD, *(model["constants"] for model in models)])
    return f"{images}\n\n{constants}"


def _row(name: str, title: str, image: Any) -> str:
    exact, fast = upscale(image, name), upscale(image, name, "bfloat16")
    agreement = 10 * np.log10(float(np.ptp(image)) ** 2 / np.mean((exact - fast) ** 2))
    smooth = image.astype(np.float32)
    seam = np.abs(upscale(smooth, name, tile=32) - upscale(smooth, name, tile=256)).max()
    affine = upscale(image.astype(float) * 3.5 - 1000, name) - (
        upscale(image.astype(float), name) * 3.5 - 1000
    )
    return (
        f"| {name} | {title} | {agreement:.1f} | {seam / np.ptp(smooth):.1e} "
        f"| {abs(fast.mean() / image.mean() - 1):.3%} | {np.abs(affine).max() / np.ptp(image) / 3.5:.1e} |"
    )


def main() -> None:
    print(tables([rows(file.stem) for file in sorted(bundled_folder().glob("*.safetensors"))]))


if __name__ == "__main__":
    main()
