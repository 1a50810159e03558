"""The measured pairs that a recipe trains on, and never one that judges."""

from __future__ import annotations

from pathlib import Path

from napari_srgan.errors import UserError
from napari_srgan.training.dataset.exposure_pairs import ExposurePair, pair_names, read_pairs
from napari_srgan.training.recipes.recipe import Recipe


def taught_pairs(recipe: Recipe, data: Path) -> list[ExposurePair]:
    """Read the pairs that a recipe trains on; none if it has no ``[measured]``.

    Raises
    ------
    UserError
        If the recipe does not say of each pair of the folder whether it teaches or judges, an image of a
        pair that teaches is one of a pair that judges under another name, or one cannot be read.
    """
    measured = recipe.measured
    if measured is None:
        return []
    folder = data / measured.folder
    there, said = set(pair_names(folder)), {*measured.names, *measured.judges}
    if there - said:
        raise UserError(
            f"{recipe.name} does not say what {', '.join(sorted(there - said))} in {folder} "
            "are for; put them into names or judges of [measured]"
        )
    pairs = read_pairs(folder, measured.names)
    judging = {
        image: pair.name for pair in read_pairs(folder, measured.judges) for image in pair.fingerprints
    }
    for pair in pairs:
        for image in pair.fingerprints:
            if image in judging:
                raise UserError(
                    f"the pair {pair.name} shows the field of {judging[image]}, which judges; "
                    "take it out of names"
                )
    return pairs
