"""README: the continuous integration runs its two commands, and its pictures are found on PyPI."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from napari_srgan.models.library.index import INDEX_LABEL

COMMANDS = [
    'python -m pip install ".[all]" && napari-srgan demo',
    'python -m pip install ".[dev]" && tox --current-env',
]
REPOSITORY = "https://github.com/somebody/napari-srgan"
Metadata = Callable[..., dict[str, Any]]


def _addresses(text: str) -> list[str]:
    """Where the pictures and links of a Markdown text lead to."""
    spans = [span for block in MarkdownIt().parse(text) for span in block.children or ()]
    found = [span.attrs.get("src") or span.attrs.get("href") for span in spans]
    return [str(address) for address in found if address]


def _anchors(file: Path) -> set[str]:
    """Names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def text(checkout: Path) -> str:
    return (checkout / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def metadata(checkout: Path, python: Any) -> Metadata:
    """What a build tells PyPI, in a repository of a name."""

    def built(repository: str = "") -> dict[str, Any]:
        environment = os.environ | {
            "GITHUB_REPOSITORY": repository,
            "GITHUB_SERVER_URL": "https://github.com",
        }
        told = python("-m", "hatchling", "metadata", cwd=checkout, env=environment)
        fields: dict[str, Any] = json.loads(told)
        return fields

    return built


def test_readme_shows_the_two_commands(text: str) -> None:
    lines = [
        line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()
    ]
    assert [line for line in lines if line in COMMANDS] == COMMANDS


def test_continuous_integration_runs_the_two_commands(checkout: Path) -> None:
    commands = (checkout / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^run '(.*)'$", commands, re.M) == COMMANDS


def test_every_file_and_heading_that_readme_names_exists(text: str, checkout: Path) -> None:
    relative = [address for address in _addresses(text) if not address.startswith("https://")]
    assert len(relative) > 10
    for address in relative:
        name, _, anchor = address.partition("#")
        file = checkout / name
        assert file.is_file(), address
        assert not anchor or anchor in _anchors(file), address


def test_on_pypi_every_picture_and_link_is_absolute_and_of_the_release(
    metadata: Metadata, text: str, checkout: Path
) -> None:
    fields = metadata("somebody/napari-srgan")
    shown = _addresses(fields["readme"]["text"])
    assert [address for address in shown if not address.startswith("https://")] == []
    assert len(shown) == len(_addresses(text))
    ours = [address.removeprefix(REPOSITORY) for address in shown if address.startswith(REPOSITORY)]
    tag = f"v{fields['version']}"
    for address in ours:
        kind, of, file = re.fullmatch(r"/(raw|blob)/([^/]+)/([^#]+)(?:#.*)?", address).groups()  # type: ignore[union-attr]
        assert of == tag
        assert (checkout / file).is_file(), address
        assert (kind == "raw") == file.endswith((".png", ".webp")), address


def test_pypi_and_the_hub_get_the_links_of_the_repository_that_builds(metadata: Metadata) -> None:
    links = metadata("somebody/napari-srgan")["urls"]
    assert {"Homepage", "Source Code", "Documentation", "Bug Tracker", "User Support"} <= set(links)
    assert links["Source Code"] == links["Homepage"] == REPOSITORY


def test_the_link_to_the_models_is_that_which_the_program_looks_for(
    metadata: Metadata, checkout: Path
) -> None:
    address = metadata("somebody/napari-srgan")["urls"][INDEX_LABEL]
    file = address.removeprefix(f"{REPOSITORY}/raw/HEAD/")
    assert (checkout / file).is_file()


def test_a_build_of_no_known_repository_invents_no_address(metadata: Metadata, text: str) -> None:
    fields = metadata()
    assert fields["readme"]["text"] == text
    assert not fields.get("urls")
