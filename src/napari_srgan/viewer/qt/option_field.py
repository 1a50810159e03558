"""Fields of a form made of options: label, tooltip and choices are those of the option."""

from __future__ import annotations

from typing import Any

from magicgui.widgets import CheckBox, ComboBox

from napari_srgan.options import options_in

_AUTOMATIC = "automatic"
"""What ``"auto"`` and None are called in a form."""


def option_switch(
    kind: type, option: str, label: str = "", *, name: str = "", visible: bool | None = None
) -> CheckBox:
    """A tick for an option that is one of two.

    Parameters
    ----------
    kind, option
        The dataclass, and the name of one of its options.
    label, name
        Label and name of the field; by default those of the option.
    visible
        False: the field is hidden at first.
    """
    _, about = options_in(kind)[option]
    return CheckBox(name=name or option, label=label or about.label, tooltip=about.help, visible=visible)


def option_choice(kind: type, name: str, choices: list[tuple[str, Any]] | None = None) -> ComboBox:
    """A list for an option.

    Parameters
    ----------
    kind, name
        The dataclass, and the name of one of its options.
    choices
        What is shown, and the value that it stands for; by default the words of the option.
    """
    _, about = options_in(kind)[name]
    words = [(_AUTOMATIC if word == "auto" else word, word) for word in about.choices]
    return ComboBox(name=name, label=about.label, choices=choices or words, tooltip=about.help)
