"""The model that made a result, found again by what the result says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from napari_srgan.errors import UserError
from napari_srgan.models.blend import blend
from napari_srgan.models.library.library import model_of_library
from napari_srgan.models.model import Model
from napari_srgan.models.record import ModelRecord


def recorded_model(provenance: Mapping[str, Any], given: Model | None = None) -> Model:
    """Find the model that made a result.

    Parameters
    ----------
    provenance
        How the result was made, as :func:`~napari_srgan.inference.provenance.provenance` says it; what it
        does not say is not compared.
    given
        The model that somebody says it was.

    Returns
    -------
    Model
        `given`, or else the model of the library that the result names; blended again where it was blended.

    Raises
    ------
    UserError
        If the result was made by another model than `given`, nothing says by which, or the library does not
        have it any more.
    """
    record = _record_of(provenance)
    if given is not None:
        if record is not None and not _is(record, given):
            raise UserError(
                f"this result was made by {record.words}, not by {given.record.words}; leave out the model, "
                "or give the one that made it"
            )
        return given
    if record is None:
        raise UserError("nothing says which model made this result; give it, e.g. model='microscopy-x2'")
    return _found(record)


def _record_of(provenance: Mapping[str, Any]) -> ModelRecord | None:
    """What a result says of its model; None if it names none."""
    if not provenance.get("model"):
        return None
    told = {key: provenance[key] for key in ModelRecord.model_fields if key in provenance}
    try:
        return ModelRecord.model_validate(told)
    except ValidationError:  # metadata can be anybody's words
        return ModelRecord(model=str(provenance["model"]), weights=str(provenance.get("weights") or ""))


def _is(record: ModelRecord, model: Model) -> bool:
    return _same(record, model.record)


def _same(one: ModelRecord, other: ModelRecord) -> bool:
    """Whether two records are of one model. Its weights tell: files of a library can be renamed."""
    if not (one.weights and other.weights):
        return one.model == other.model
    if one.weights == other.weights:
        return True
    # Processors differ in the last bit of an interpolation, and so in the hash of its weights.
    mine, theirs = one.blended, other.blended
    return (
        mine is not None
        and theirs is not None
        and mine.amount == theirs.amount
        and _same(mine.a, theirs.a)
        and _same(mine.b, theirs.b)
    )


def _found(record: ModelRecord, within: ModelRecord | None = None) -> Model:
    """The model of a record; `within` is the blend that it is a side of."""
    known = model_of_library(record.model)
    if known is not None and _is(record, known):
        return known
    if record.blended is not None:
        a, b = (_found(side, within or record) for side in (record.blended.a, record.blended.b))
        return blend(a, b, record.blended.amount)
    by = record.words if within is None else f"{within.words}, of which {record.words} is a part"
    here = f"is {known.record.words}" if known is not None else "is none"
    raise UserError(
        f"this result was made by {by}; in the library the model of that name {here}; give the one that made "
        "it, e.g. its file"
    )
