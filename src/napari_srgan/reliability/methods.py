"""A paragraph for the methods section of a paper, and what guidelines ask authors to say.

Laine, R. F. et al. (2021). Avoiding a replication crisis in deep-learning-based bioimage analysis. Nature
Methods 18, 1136-1144. Schmied, C. et al. (2024). Community-developed checklists for publishing images and
image analyses. Nature Methods 21, 170-181.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from napari_srgan.models import Model
from napari_srgan.reliability.naming import Naming

_LEFT_TO_THE_AUTHORS = (
    "Say why the images were processed, and which conclusions rest on the result",
    "Show the image that was taken beside the result, with the same contrast",
    "Validate what matters on images of known truth, or by another method",
    "Make the original images available, and this model if it is your own",
)

_PARAMETERS = ("device", "precision", "tile", "self_ensemble", "align", "axes")


_ADVICE = re.compile(r"[:;] (?:choose|fine-tune|sort|train|give|look|take) .*$")
"""Where advice begins in a note of a record: for whoever made the result, not for readers of a paper."""


def methods_text(model: Model, provenance: dict[str, Any], naming: Naming, facts: Sequence[str]) -> str:
    """Text in Markdown, made from what was really done: impersonal, and without advice.

    Parameters
    ----------
    model
        That made the result.
    provenance
        How the result was made, as :func:`~napari_srgan.inference.provenance.provenance` says it; what it
        does not say is left out.
    naming
        What the image is called, and how large its pixels are.
    facts
        What was found of the result, in sentences.
    """
    parts = [_paragraph(model, provenance, naming), _one_line(" ".join(facts))]
    return "\n".join(
        ["## Methods", "", *(line for part in parts for line in (part, "")), *_checklist(model, provenance)]
    )


def _paragraph(model: Model, provenance: dict[str, Any], naming: Naming) -> str:
    card = model.card
    what = (
        f"upscaled {card.scale_factor} times along Y and X"
        if card.scale_factor > 1
        else "restored at their size"
    )
    software = provenance.get("software", f"napari-srgan {version('napari-srgan')}")
    weights = provenance.get("weights", model.weights_hash)
    words = [
        f"{_subject(provenance, naming)} {what}{_new_pixels(card.scale_factor, naming)} with {software} and "
        f"the model {card.name} (weights {weights}; {card.architecture}, {card.licence} licence)."
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
            + f". {card.comparison}"
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
        notes = (_ADVICE.sub("", note) for note in provenance.get("notes", ()))
        words += [f"{note[0].upper()}{note[1:]}." for note in notes]
    if card.citation:
        words.append(f"Network: {card.citation}")
    words.append("Results of a network are predictions, not measurements.")
    return _one_line(" ".join(words))


def _subject(provenance: dict[str, Any], naming: Naming) -> str:
    """What was upscaled, as its sentence begins."""
    name = provenance.get("layer") or naming.image
    pixel = naming.pixel()
    known = f" {name!r}" if name else ""
    return f"The image{known}{f', with pixels of {pixel},' if pixel else ''} was"


def _new_pixels(factor: int, naming: Naming) -> str:
    pixel = naming.pixel(factor) if factor > 1 else ""
    return f", to pixels of {pixel}," if pixel else ""


def _one_line(text: str) -> str:
    """Text without line breaks, which end a paragraph or an item: cards are other people's words."""
    return " ".join(text.split())


def _checklist(model: Model, provenance: dict[str, Any]) -> list[str]:
    """Items of both guidelines: those that the program knows are filled in, the others are the authors'."""
    card = model.card
    known: dict[str, str | list[str]] = {
        "Software and version": provenance.get("software", f"napari-srgan {version('napari-srgan')}"),
        "Model, version of its weights": f"{card.name}, {model.weights_hash}",
        "Architecture": f"{card.architecture} {card.arguments}",
        "Training data": [*card.attribution, *(f"own image {pair.name}" for pair in card.pairs)],
        "Training": card.trained,
        "How low resolution was made for training": str(card.recipe.get("degradation") or ""),
        "Performance on images not trained on": [
            f"{figure.images}: {figure.psnr:.2f} dB, bicubic {figure.bicubic_psnr:.2f} dB ({figure.protocol})"
            for figure in card.quality
        ],
        "Parameters": ", ".join(f"{key} {provenance[key]}" for key in _PARAMETERS if key in provenance),
        "Intensities": str(provenance.get("intensity", "")),
    }  # fmt: skip
    lines = ["### Checklist (Laine et al. 2021; Schmied et al. 2024)", ""]
    for item, told in known.items():
        lines += _item(item, told)
    return [*lines, *(f"- [ ] {item}" for item in _LEFT_TO_THE_AUTHORS)]


def _item(item: str, told: str | list[str]) -> list[str]:
    """An item of a checklist; several things are a list below it, one a line."""
    if not told:
        return [f"- [ ] {item}: not known to the program"]
    if isinstance(told, str):
        return [f"- [x] {item}: {_one_line(told)}"]
    return [f"- [x] {item}:", *(f"  - {_one_line(one)}" for one in told)]
