"""Options as fields of dataclasses: default, label, help and choices of each stand in one place.

The widgets' forms, the flags of the shell and their help are made from these fields, so that a new option is
a new field, and the code that uses it.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any

_KEY = "napari-srgan"


@dataclass(frozen=True)
class About:
    """What a person is told of an option."""

    label: str
    """Before its field in a form, a word or two."""
    help: str
    """What it does, in a sentence or two: the tooltip in a form, the help in the shell."""
    choices: tuple[str, ...] = ()
    """Its values, where they are words; empty where they are not."""
    form: str = ""
    """How it is written in the shell, e.g. ``"Y0:Y1,X0:X1"``, where its type does not say so."""


def option(default: Any, label: str, help: str, *, choices: tuple[str, ...] = (), form: str = "") -> Any:
    """Make a field of a dataclass that is an option.

    Parameters
    ----------
    default
        Its value by default.
    label, help, choices, form
        See :class:`About`.
    """
    return field(default=default, metadata={_KEY: About(label, help, choices, form)})


def options_in(kind: type) -> dict[str, tuple[Field[Any], About]]:
    """The options of a dataclass by name: each field with what is told of it, in their order."""
    return {one.name: (one, one.metadata[_KEY]) for one in fields(kind) if _KEY in one.metadata}
