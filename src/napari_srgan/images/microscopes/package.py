"""bioio, which reads the files of many microscopes through readers of their own; it comes with an extra.

https://bioio-devs.github.io/bioio: a reader is a package that registers itself for endings of files. All that
are installed are used. The extra brings those with permissive licences; bioio-czi is under the GPL, and left
to the user.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from napari_srgan.errors import UserError

EXTRA = 'pip install "napari-srgan[bioio]"'
"""How to get bioio and the readers of :data:`WITH_EXTRA`."""
WITH_EXTRA = (".nd2", ".lif", ".dv", ".r3d")
"""File endings that the readers of the extra read."""
APART = {".czi": ("bioio-czi", "under the GPL"), ".sldy": ("bioio-sldy", "")}
"""Readers that are installed apart from the extra, by the ending they read, and what to know of them."""


def bioio() -> Any:
    """bioio, imported when a file is met that may need it.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its readers and what they are made of
            import bioio
            import bioio.plugins
    except ImportError as error:
        raise UserError(f"bioio cannot be imported ({error}); {EXTRA}") from error
    return bioio


def readable_by_bioio(path: Path) -> bool:
    """Whether bioio is installed, with a reader for files of such a name."""
    if find_spec("bioio") is None:
        return False
    name = path.name.lower()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return any(name.endswith(ending) for ending in bioio().plugins.get_plugins(use_cache=True))


def what_to_install(path: Path) -> str:
    """The command that brings a reader for such a file; empty if no small one is known."""
    ending = path.suffix.lower()
    if ending in WITH_EXTRA:
        return EXTRA
    if ending in APART:
        package, known = APART[ending]
        return f"{EXTRA} {package}" + (f" ({package} is {known})" if known else "")
    return ""
