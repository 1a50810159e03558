"""The page of documentation in a bioimage.io package, from the model's card."""

from __future__ import annotations

from dataclasses import dataclass

from napari_srgan.models.card import ModelCard
from napari_srgan.models.model import Model
from napari_srgan.models.onnx_file import usage


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
"""By architecture."""


def page(model: Model) -> str:
    """The page, in Markdown."""
    card = model.card
    sections = {
        f"{card.name}: {card.scale_factor} times larger": card.description,
        "Use": f"{usage(model)}\n\n{_way_back(card)}",
        "Training": card.trained or "Not told by the model's card.",
        "Validation": _figures(card)
        + "\n\nTo measure it on images of your own, make them smaller by the factor with an antialiased "
        "bicubic kernel, upscale them, and compare with what they were.",
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
        f"| {q.images} | {q.psnr:.2f} | {q.bicubic_psnr:.2f} | {q.gain:+.2f} | {q.protocol} |"
        for q in card.quality
    ]
    head = "| images | PSNR (dB) | bicubic (dB) | gain (dB) | protocol |\n|---|---|---|---|---|"
    return "\n".join([head, *rows])
