"""The paths of menus in the documents are those in the window."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATH = re.compile(r"\*Plugins > ([^*]+)\*")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def plugin_menus(make_napari_viewer):
    """Paths of all that can be chosen below Plugins."""
    viewer = make_napari_viewer()
    found = set()

    def walk(menu, path):
        for action in menu.actions():
            name = [*path, action.text().replace("&", "")]
            if action.menu() is not None:
                walk(action.menu(), name)
            elif action.text():
                found.add(" > ".join(name))

    viewer.window.plugins_menu.aboutToShow.emit()
    walk(viewer.window.plugins_menu, [])
    return found


def test_paths_in_the_documents_are_those_of_the_window(plugin_menus):
    named = {
        (document.name, " ".join(path.split()))
        for document in DOCUMENTS
        for path in PATH.findall(document.read_text(encoding="utf-8"))
    }
    assert len(named) > 3
    assert [(name, path) for name, path in sorted(named) if path not in plugin_menus] == []
