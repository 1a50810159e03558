"""The images of the gallery: how each was made and what is to be said of it; used by gallery.py.

No model was trained on any of the pixels. Each case's lines make ``low``, ``high`` and ``truth``, and are
shown as they are run.
"""

from __future__ import annotations

from dataclasses import dataclass

PREAMBLE = """\
from pathlib import Path
import numpy as np
from skimage.io import imread
from skimage.transform import downscale_local_mean    # bins pixels, as a camera does
import napari_srgan as sr
from napari_srgan.samples import sample_path

random = np.random.default_rng(0)
"""
"""Run before the lines of every case."""


@dataclass(frozen=True)
class Case:
    """One image, upscaled."""

    name: str
    """Part of the picture's file name."""
    title: str
    model: str
    lines: str
    """Python that makes ``low``, ``high`` and ``truth``: planes ``(Y, X)``, or ``(Y, X, 3)`` of 8 bits."""
    words: str
    """What is seen; no figures, which change with the models."""
    source: str
    """Where the image comes from, and under which licence."""
    measured: bool = False
    """Whether the low resolution was measured too, not made from the truth."""
    own_contrast: bool = False
    """Whether each panel is shown from its own black to its own white: two microscopes, two brightnesses."""


def _short_exposure(name: str, title: str, file: str, factor: int, words: str) -> Case:
    """A binned short exposure of a pair, upscaled to the size of the long one."""
    model = f"microscopy-x{factor}"
    return Case(
        name=name,
        title=title,
        model=model,
        lines=f"""\
pair = DATA / "pairs/short-long-exposure"
low = downscale_local_mean(imread(pair / "{file}_short.png"), ({factor}, {factor}))
truth = imread(pair / "{file}_long.png")
high = sr.upscale(low, "{model}")
""",
        words=words,
        source="G. Hagen et al. 2021, doi 10.1093/gigascience/giab032 (GigaDB 100888), CC0-1.0",
        measured=True,
    )


CASES = (
    _short_exposure(
        "actin",
        "Actin, a short exposure",
        "actin-60x-noise1",
        2,
        words="""\
The noise goes and the fibres stay apart. Between the bundles, where light hardly sufficed, the faintest
fibres are smoother than in the truth, and some bundles brighter.""",
    ),
    _short_exposure(
        "mitochondria",
        "Mitochondria, a short exposure, four times larger",
        "mito-60x-noise2",
        4,
        words="""\
So few photons that interpolation shows little but noise. The model finds the mitochondria, blurred; what is
inside them, and the smallest of them, it does not bring back.""",
    ),
    _short_exposure(
        "nucleus",
        "A nucleus, a short exposure",
        "nucleus",
        2,
        words="""\
Outline and bright parts come out of the noise as the long exposure has them; the fine texture is smoothed
away.""",
    ),
    Case(
        name="er",
        title="Endoplasmic reticulum, widefield and STORM",
        model="microscopy-x4",
        lines="""\
samples = sample_path("nuclei").parent
low, truth = imread(samples / "er-widefield.png"), imread(samples / "er-storm.png")
high = sr.upscale(low, "microscopy-x4")
""",
        words="""\
STORM shows what widefield light never held, and the model does not invent it: its result is as good as
interpolation, no better. A model has to learn such a difference from pairs: [what fine-tuning gains](fine-
tuning-figures.md), on this cell among others.""",
        source="R. Chen et al. 2023, github.com/crrayna/SFSRM, BSD-3-Clause; a sample of the package",
        measured=True,
        own_contrast=True,
    ),
    Case(
        name="nuclei",
        title="Nuclei with few photons",
        model="microscopy-x2",
        lines="""\
truth = imread(sample_path("nuclei"))
light = downscale_local_mean(truth - truth.min(), (2, 2))
photons = random.poisson(40 * light / np.percentile(light, 99.9))
low = photons + random.normal(0, 1.5, light.shape)
high = sr.upscale(low, "microscopy-x2")
""",
        words="""\
Outlines are near the truth. The texture inside the nuclei is mostly gone: forty photons in the brightest
pixels do not tell it from noise.""",
        source="BBBC039v1, Broad Bioimage Benchmark Collection, CC0-1.0; a sample of the package",
    ),
    Case(
        name="tissue",
        title="Tissue in colours, four times larger",
        model="photo-x4",
        lines="""\
truth = imread(sample_path("tissue"))
low = downscale_local_mean(truth, (4, 4, 1)).round().astype(np.uint8)
high = sr.upscale(low, "photo-x4")
""",
        words="""\
Edges are crisper than by interpolation. Between the cells the model draws lines that are cleaner and
straighter than the truth has them: at a quarter of the resolution it is guessing.""",
        source="CMMI, through scikit-image, no known copyright restrictions; a sample of the package",
    ),
    Case(
        name="timelapse",
        title="A time-lapse of blood cells with few photons",
        model="timelapse-x2",
        lines="""\
# What training held back: the last frames, and of these the right part.
movie = imread(DATA / "timelapse/blood-cells.ome.tif")[42:, :, 382:]
light = downscale_local_mean(movie - movie.min(), (1, 2, 2))
photons = random.poisson(100 * light / np.percentile(light, 99.9))
low = photons + random.normal(0, 1.5, light.shape)
high = sr.upscale(low, "timelapse-x2", axes="TYX")
low, high, truth = low[9], high[9], movie[9]
""",
        words="""\
Five frames together show the cells where one is full of noise; the bright rims are weaker than in the
truth. Between cells that lie close and move, the model draws specks that are not there.""",
        source="BaSiCPy, github.com/peng-lab/BaSiCPy, MIT",
    ),
    Case(
        name="axons",
        title="Axons, scanning electron microscopy",
        model="microscopy-x4",
        lines="""\
truth = imread(DATA / "train-microscopy/AxonDeepSeg_SEM_0ef1f7d2.png")    # held back from all trainings
low = downscale_local_mean(truth, (4, 4))
high = sr.upscale(low, "microscopy-x4")
""",
        words="""\
An image without noise leaves little to gain: edges of the myelin are a little crisper, and the black specks
of the truth are in neither.""",
        source="AxonDeepSeg, github.com/axondeepseg/data_axondeepseg_sem, MIT",
    ),
)
