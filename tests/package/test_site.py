"""The documents as a site: every page has its place, every link and heading is found, nothing is fetched."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
"""What a browser loads of its own accord, and the attribute that says from where."""


class _Fetched(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(FETCHED.get(tag, ""))
        if address:
            self.addresses.append(address)


@pytest.fixture(scope="module")
def site(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def test_the_site_has_a_page_for_every_document(site: Path, checkout: Path) -> None:
    names = {file.stem for file in (checkout / "docs").glob("*.md")} - {"README"}
    assert {file.parent.name for file in site.glob("*/index.html")} >= names
    assert (site / "index.html").is_file()


def test_no_page_asks_another_server_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        reader = _Fetched()
        reader.feed(page.read_text(encoding="utf-8"))
        assert [address for address in reader.addresses if "//" in address] == [], page.name
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*\)|@import[^;]*//", text) == [], style.name


@pytest.mark.parametrize("broken", ["[x](nowhere.md)", "[x](napari.md#nowhere)", "![x](images/nowhere.png)"])
def test_a_link_that_leads_nowhere_fails_the_build(broken: str, checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "README.md").write_text(broken)
    (tmp_path / "docs" / "napari.md").write_text("# In napari")
    options = (checkout / "mkdocs.yml").read_text(encoding="utf-8")
    without_pages = re.sub(r"^nav:\n(?: .*\n)+", "", options, flags=re.M)
    (tmp_path / "mkdocs.yml").write_text(without_pages, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert "nowhere" in ended.stderr
