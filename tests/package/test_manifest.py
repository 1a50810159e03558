"""The manifest that napari reads."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from npe2 import PluginManifest


def test_npe2_finds_the_manifest_valid(checkout: Path) -> None:
    file = checkout / "src" / "napari_srgan" / "napari.yaml"
    ended = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(file)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_command_of_the_manifest_can_be_imported() -> None:
    manifest = PluginManifest.from_distribution("napari-srgan")
    for command in manifest.contributions.commands or ():
        module, _, name = str(command.python_name).partition(":")
        assert callable(getattr(import_module(module), name)), command.id
