"""Puts into each bundled model's file a picture of what it does, for the Models widget.

A part of the sample that fits the model's channels, made smaller by its factor and larger again:
bicubic interpolation, the model, the original. Only the file's header changes: the weights stay
as they are, bit for bit.

    python benchmarks/model_pictures.py [FOLDER]
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from safetensors import safe_open
from safetensors.torch import save

from napari_srgan.cli.demo import compare
from napari_srgan.disk.atomic_write import save_file
from napari_srgan.models import read_model
from napari_srgan.models.files import PICTURE_KEY
from napari_srgan.models.library.library import bundled_folder
from napari_srgan.progress_bar import progress_bar, run_job

PARTS = {"nuclei": (52, 44), "tissue": (8, 128)}
"""By the sample: Y and X of the part's first pixel."""
SIDE, ZOOM, GAP = 96, 2, 2
"""Pixels of the part, how much larger it is shown, and between two of them."""


def main() -> None:
    """Draw and store the pictures of all models of a folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else bundled_folder()
    for file in sorted(folder.glob("*.safetensors")):
        picture = draw(file)
        store(file, picture)
        print(f"{file.name}: a picture of {len(picture) / 1e3:.0f} kB")


def draw(file: Path) -> bytes:
    """The picture of one model, as a PNG."""
    with progress_bar(wanted=False) as bar:
        compared = run_job(compare(read_model(file)), bar)
    y, x = PARTS["tissue" if compared.original.ndim == 3 else "nuclei"]
    part = (slice(y, y + SIDE), slice(x, x + SIDE))
    images = {"bicubic": compared.rival, file.stem: compared.result, "original": compared.original}
    parts = {caption: image[part] for caption, image in images.items()}
    limits = np.percentile(parts["original"], (0.1, 99.9)) if compared.original.ndim == 2 else (0, 255)
    return _side_by_side({caption: _eight_bit(pixels, *limits) for caption, pixels in parts.items()})


def store(file: Path, picture: bytes) -> None:
    """Put a picture into the header of a model's file."""
    with safe_open(file, framework="pt") as opened:
        header = dict(opened.metadata() or {})
        tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    header[PICTURE_KEY] = base64.b64encode(picture).decode()
    save_file(file, save(tensors, metadata=header))


def _eight_bit(pixels: NDArray[Any], low: float, high: float) -> Image.Image:
    gray = np.clip((pixels - low) / (high - low) * 255, 0, 255).round().astype(np.uint8)
    shown = Image.fromarray(gray).convert("RGB")
    return shown.resize((SIDE * ZOOM,) * 2, Image.Resampling.NEAREST)


def _side_by_side(images: dict[str, Image.Image]) -> bytes:
    step = SIDE * ZOOM + GAP
    picture = Image.new("RGB", (step * len(images) - GAP, SIDE * ZOOM), "white")
    drawing = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=15)
    for n, (caption, image) in enumerate(images.items()):
        picture.paste(image, (n * step, 0))
        place = (n * step + 6, SIDE * ZOOM - 6)
        drawing.text(place, caption, "white", font, anchor="ls", stroke_width=2, stroke_fill="black")
    written = io.BytesIO()
    picture.quantize(256).save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main()
