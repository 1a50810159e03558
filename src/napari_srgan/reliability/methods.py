"""A paragraph for the methods section of a paper, and what guidelines ask authors to say.

Laine, R. F. et al. (2021). Avoiding a replication crisis in deep-learning-based bioimage analysis. Nature
Methods 18, 1136-1144. Schmied, C. et al. (2024). Community-developed checklists for publishing images and
image analyses. Nature Methods 21, 170-181.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from napari_srgan.models import Model

_LEFT_TO_THE_AUTHORS = (
    "Say why the images were processed, and which conclusions rest on the result",
    "Show the image that was taken beside the result, with the same contrast",
    "Validate what matters on images of known truth, or by another method",
    "Make the original images available, and this model if it is your own",
)

_PARAMETERS = ("device", "precision", "tile", "self_ensemble", "align", "axes")


def methods_text(model: Model, provenance: dict[str, Any], sentences: Sequence[str]) -> str:
    """Text in Markdown, made from what was really done.

    Parameters
    ----------
    model
        That made the result.
    provenance
        How the result was made, as :func:`~napari_srgan.inference.provenance.provenance` says it; what it
        does not say is left out.
    sentences
        What was found of the result.
    """
    return "\n".join(
        ["## Methods", "", _paragraph(model, provenance), "", *sentences, "", *_checklist(model, provenance)]
    )


def _paragraph(model: Model, provenance: dict[str, Any]) -> str:
    card = model.card
    what = (
        f"upscaled {card.scale_factor} times along Y and X"
        if card.scale_factor > 1
        else "restored at their size"
    )
    software = provenance.get("software", f"napari-srgan {version('napari-srgan')}")
    weights = provenance.get("weights", model.weights_hash)
    words = [
        f"Images were {what} with {software} and the model {card.name} (weights {weights}; "
        f"{card.architecture}, {card.licence} licence)."
    ]
    if card.blended is not None:
        words.append(f"Its weights are {card.blended.words} (Wang et al. 2018, equation 4).")
    elif card.trained:
        words.append(f"The model was trained for {card.trained}.")
    if card.made_for is not None:
        words.append(f"Its training images had {card.made_for.words}.")
    if card.pairs:
        words.append(
            "It was fine-tuned on "
            + ", ".join(
                f"{pair.name} ({'simulated' if pair.simulated else 'measured'} low resolution)"
                for pair in card.pairs
            )
            + f". {card.verdict}"
        )
    if provenance:
        options = [
            f"device {provenance.get('device')}",
            f"precision {provenance.get('precision')}",
            f"tiles {provenance.get('tile')}",
        ]
        if provenance.get("self_ensemble"):
            options.append("the mean over eight orientations of the image")
        words.append(f"Settings: {', '.join(options)}.")
        if provenance.get("projected_back"):
            words.append(
                "The result was corrected by one step of back-projection, so that made small again it is the "
                "image (Irani and Peleg 1991)."
            )
        words += [f"{note[0].upper()}{note[1:]}." for note in provenance.get("notes", ())]
    if card.citation:
        words.append(f"Network: {card.citation}")
    words.append("Results of a network are predictions, not measurements.")
    return _one_line(" ".join(words))


def _one_line(text: str) -> str:
    """Text without line breaks, which end a paragraph or an item: cards are other people's words."""
    return " ".join(text.split())


def _checklist(model: Model, provenance: dict[str, Any]) -> list[str]:
    """Items of both guidelines: those that the program knows are filled in, the others are the authors'."""
    card = model.card
    known = {
        "Software and version": provenance.get("software", f"napari-srgan {version('napari-srgan')}"),
        "Model, version of its weights": f"{card.name}, {model.weights_hash}",
        "Architecture": f"{card.architecture} {card.arguments}",
        "Training data": "; ".join([*card.attribution, *(f"own image {pair.name}" for pair in card.pairs)]),
        "Training": card.trained,
        "How low resolution was made for training": str(card.recipe.get("degradation") or ""),
        "Performance on images not trained on": "; ".join(
            f"{figure.images}: {figure.psnr:.2f} dB, bicubic {figure.bicubic_psnr:.2f} dB ({figure.protocol})"
            for figure in card.quality
        ),
        "Parameters": ", ".join(f"{key} {provenance[key]}" for key in _PARAMETERS if key in provenance),
        "Intensities": str(provenance.get("intensity", "")),
    }  # fmt: skip
    lines = ["### Checklist (Laine et al. 2021; Schmied et al. 2024)", ""]
    lines += [
        f"- [x] {item}: {_one_line(told)}" if told else f"- [ ] {item}: not known to the program"
        for item, told in known.items()
    ]
    return [*lines, *(f"- [ ] {item}" for item in _LEFT_TO_THE_AUTHORS)]
