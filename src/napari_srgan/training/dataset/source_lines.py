"""Where images come from, as lines of a card."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from napari_srgan.errors import UserError

_COLUMNS = ("set", "repo", "commit", "licence")


def source_lines(folders: Iterable[Path]) -> tuple[str, ...]:
    """One line for each source of folders whose ``SOURCES.tsv`` has no head.

    Its columns are set, repository, commit and licence.

    Raises
    ------
    UserError
        If SOURCES.tsv is missing.
    """
    lines = []
    for folder in folders:
        try:
            with (folder / "SOURCES.tsv").open(encoding="utf-8") as file:
                rows = [dict(zip(_COLUMNS, row, strict=False)) for row in csv.reader(file, delimiter="\t")]
        except OSError as error:
            raise UserError(f"{folder} has no SOURCES.tsv ({error.strerror})") from error
        lines += ["{set}: {repo} at {commit}, {licence}".format(**row) for row in rows]
    return tuple(dict.fromkeys(lines))
