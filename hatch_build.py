"""What PyPI and the napari hub show of the project: README with absolute addresses, and the project's links.

A checkout has its pictures beside README; a page on PyPI has not. Where the project lives is known to the
machine that builds a release, which GitHub Actions tells it in ``GITHUB_REPOSITORY``, so no address is
written down that a fork or a move would make wrong. The pictures are those of the release's tag, and stay
when the next one changes them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

RELATIVE = re.compile(r"(!?)\[([^][]*)\]\((?!https?://|mailto:|#)([^)\s]+)\)")
"""A picture or a link to a file of the repository, in Markdown."""
FORUM = "https://forum.image.sc/tag/napari"
"""Where users of napari's plugins ask."""


class ProjectPage(MetadataHookInterface):
    """Fill in ``readme`` and ``urls``, which pyproject.toml declares dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add both to the project's metadata; links only if the repository is known."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = repository_address()
        metadata["urls"] = {}
        if repository:
            tag = f"v{metadata['version']}"
            text = with_absolute_addresses(text, repository, tag)
            metadata["urls"] = project_links(repository, tag)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def repository_address() -> str | None:
    """The repository that GitHub Actions, or whoever builds by hand, names; None if unknown."""
    name = os.environ.get("GITHUB_REPOSITORY")
    return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}" if name else None


def with_absolute_addresses(text: str, repository: str, tag: str) -> str:
    """Let relative pictures and links of a Markdown text lead to a tag of the repository.

    Parameters
    ----------
    text
        Markdown.
    repository
        Its address, e.g. ``https://github.com/owner/name``.
    tag
        The tag or branch that has the files.
    """

    def absolute(found: re.Match[str]) -> str:
        picture, title, file = found.groups()
        return f"{picture}[{title}]({repository}/{'raw' if picture else 'blob'}/{tag}/{file})"

    return RELATIVE.sub(absolute, text)


def project_links(repository: str, tag: str) -> dict[str, str]:
    """The links that PyPI shows beside the text; the hub finds the repository by "Source Code".

    "Models" is what ``napari-srgan models available`` asks (:mod:`napari_srgan.models.library.index`).
    """
    return {
        "Homepage": repository,
        "Documentation": f"{repository}/blob/{tag}/docs/README.md",
        "Source Code": repository,
        # Not of the tag: an older release is to find newer models.
        "Models": f"{repository}/raw/HEAD/weights/index.json",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
        "Bug Tracker": f"{repository}/issues",
        "User Support": FORUM,
    }
