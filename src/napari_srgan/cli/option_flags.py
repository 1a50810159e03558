"""Options of a dataclass as flags of a command: their names, defaults and help are those of its fields."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer

from napari_srgan.errors import UserError
from napari_srgan.options import options_in

Read = Callable[[str | None], Any]
"""Turns what was written in a shell into a value; raises UserError."""


def with_flags(kind: type, **read: Read) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command a flag for every option of a dataclass, in place of its argument `options`.

    Parameters
    ----------
    kind
        The dataclass. The command is called with a function as `options` that makes one of it, and may raise
        UserError, so that the command can tell that in its own way.
    **read
        How options are read that are no plain text, number or switch, by name.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(kind)

        @functools.wraps(command)
        def run(**given: Any) -> None:
            values = {name: given.pop(name) for name in options_in(kind)}

            def made() -> Any:
                return kind(
                    **{name: read[name](value) if name in read else value for name, value in values.items()}
                )

            command(**given, options=made)

        flags = [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=one.default,
                annotation=Annotated[
                    str | None if name in read else hints[name],
                    typer.Option(f"--{name.replace('_', '-')}", help=about.help, metavar=about.form or None),
                ],
            )
            for name, (one, about) in options_in(kind).items()
        ]
        own = inspect.signature(command, eval_str=True)
        parameters = [
            parameter
            for before in own.parameters.values()
            for parameter in (flags if before.name == "options" else [before])
        ]
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def read_region(text: str | None) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Read ``Y0:Y1,X0:X1``.

    Raises
    ------
    UserError
        If it is written in another way.
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+):(\d+)\s*,\s*(\d+):(\d+)\s*", text)
    if not found:
        raise UserError(f"a region is written Y0:Y1,X0:X1 in whole pixels, e.g. 0:512,256:768; got {text!r}")
    y0, y1, x0, x1 = (int(number) for number in found.groups())
    return (y0, y1), (x0, x1)
