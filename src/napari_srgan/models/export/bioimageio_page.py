"""The page of documentation in a bioimage.io package, from the model's card."""

from __future__ import annotations

from dataclasses import dataclass

from napari_srgan.images.factor import rival
from napari_srgan.models.card import ModelCard
from napari_srgan.models.export.onnx_file import usage
from napari_srgan.models.model import Model


@dataclass(frozen=True)
class Paper:
    """Where an architecture was published."""

    text: str
    doi: str


PAPERS = {
    "srresnet": Paper(
        "Ledig, C. et al. (2017). Photo-realistic single image super-resolution using a generative "
        "adversarial network. CVPR",
        "10.1109/CVPR.2017.19",
    ),
    "rdn": Paper(
        "Zhang, Y. et al. (2018). Residual dense network for image super-resolution. CVPR",
        "10.1109/CVPR.2018.00262",
    ),
    "rrdb": Paper(
        "Wang, X. et al. (2018). ESRGAN: enhanced super-resolution generative adversarial networks. "
        "ECCV Workshops",
        "10.1007/978-3-030-11021-5_5",
    ),
}
"""What to cite for each architecture."""


def documentation_page(model: Model) -> str:
    """The page, in Markdown."""
    card = model.card
    sections = {
        f"{card.name}: {_does(card)}": card.description,
        "Use": f"{usage(model)}\n\n{_way_back(card)}",
        "Training": card.trained or "Not told by the model's card.",
        "Validation": f"{_figures(card)}\n\n{_how_to_measure(card)}",
        "Data and licence": "\n".join(
            [f"Weights: {card.licence}.", *(f"- {line}" for line in card.attribution)]
        ),
    }
    if card.citation:
        sections["Citation"] = card.citation
    if card.source:
        sections["Source"] = card.source
    title, *others = sections
    parts = [f"# {title}\n\n{sections[title]}", *(f"## {name}\n\n{sections[name]}" for name in others)]
    return "\n\n".join(parts) + "\n"


def _does(card: ModelCard) -> str:
    if card.scale_factor == 1:
        return "denoises or deblurs, and leaves the size as it is"
    return f"{card.scale_factor} times larger"


def _how_to_measure(card: ModelCard) -> str:
    if card.scale_factor == 1:
        return (
            "To measure it on images of your own, take a field twice, as you do every day and with much more "
            "light, run it on the first image, and compare with the second."
        )
    return (
        "To measure it on images of your own, make them smaller by the factor with an antialiased bicubic "
        "kernel, upscale them, and compare with what they were."
    )


def _way_back(card: ModelCard) -> str:
    if card.intensity == "byte":
        return "The package takes 8-bit values, 0..255, and gives them."
    return (
        "The package takes quantities as they are and maps their percentiles to 0 and 1 by itself. It gives "
        "values on that range: multiply by the difference of the two percentiles of the input and add the "
        "lower one to have quantities again, as napari-srgan does."
    )


def _figures(card: ModelCard) -> str:
    if not card.quality:
        return "Not measured."
    rows = [
        f"| {q.images} | {q.psnr:.2f} | {q.bicubic_psnr:.2f} | {q.gain:+z.2f} | {q.protocol} |"
        for q in card.quality
    ]
    head = f"| images | PSNR (dB) | {rival(card.scale_factor)} (dB) | gain (dB) | protocol |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])
