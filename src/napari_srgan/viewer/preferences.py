"""The plugin's settings in napari's Preferences, from napari 0.9 on; environment variables come first."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from napari_srgan.inference.devices.choice import device_kinds
from napari_srgan.models.library.index import INDEX_VARIABLE
from napari_srgan.models.library.library import use_folder

PLUGIN, SECTION = "napari-srgan", "library"
"""Names in the manifest."""
AUTOMATIC = "auto"


def _setting(name: str) -> str:
    """A setting; empty where it is not set, or this napari has no settings of plugins."""
    try:
        from napari.settings import get_plugin_settings
    except ImportError:
        return ""
    try:
        return str(getattr(getattr(get_plugin_settings(PLUGIN), SECTION), name))
    except (KeyError, AttributeError):  # the plugin is not registered, or in an older version
        return ""


def chosen_index() -> str:
    """The address of the index of models; empty if none is set."""
    return os.environ.get(INDEX_VARIABLE) or _setting("index").strip()


def preferred_device() -> str:
    """Where images are upscaled and models trained, unless something else is chosen.

    A device that this machine lacks, e.g. of settings that were copied, is not insisted on.
    """
    device = _setting("device")
    return device if device in device_kinds() else AUTOMATIC


def apply_folder() -> None:
    """Let the library be in the folder that is set; called when a widget is opened or a command is run."""
    folder = _setting("folder").strip()
    with suppress(RuntimeError):  # it begins with the home of a user that does not exist
        folder = str(Path(folder).expanduser()) if folder else ""
    use_folder(Path(folder) if folder else None)
