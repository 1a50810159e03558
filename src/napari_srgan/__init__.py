"""Super-resolution for microscopy: the scripting interface.

Everything is imported when it is first used, because napari imports this package at
start-up, where neither torch nor Qt belongs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_srgan.acquisition import Acquisition, look_at
    from napari_srgan.api import fine_tune, project_back, trust, upscale, validate
    from napari_srgan.errors import ImageWarning, UserError
    from napari_srgan.models import (
        Model,
        ModelCard,
        add_model,
        blend,
        delete_model,
        export_bioimageio,
        export_onnx,
        list_models,
        load_model,
        rename_model,
        save_model,
    )
    from napari_srgan.reliability import TrustReport, Validation

_HOMES = {
    "Acquisition": "napari_srgan.acquisition",
    "look_at": "napari_srgan.acquisition",
    "fine_tune": "napari_srgan.api",
    "project_back": "napari_srgan.api",
    "trust": "napari_srgan.api",
    "upscale": "napari_srgan.api",
    "validate": "napari_srgan.api",
    "TrustReport": "napari_srgan.reliability",
    "Validation": "napari_srgan.reliability",
    "ImageWarning": "napari_srgan.errors",
    "UserError": "napari_srgan.errors",
    "Model": "napari_srgan.models",
    "ModelCard": "napari_srgan.models",
    "add_model": "napari_srgan.models",
    "blend": "napari_srgan.models",
    "delete_model": "napari_srgan.models",
    "export_bioimageio": "napari_srgan.models",
    "export_onnx": "napari_srgan.models",
    "list_models": "napari_srgan.models",
    "load_model": "napari_srgan.models",
    "rename_model": "napari_srgan.models",
    "save_model": "napari_srgan.models",
}

__all__ = [
    "Acquisition",
    "ImageWarning",
    "Model",
    "ModelCard",
    "TrustReport",
    "UserError",
    "Validation",
    "add_model",
    "blend",
    "delete_model",
    "export_bioimageio",
    "export_onnx",
    "fine_tune",
    "list_models",
    "load_model",
    "look_at",
    "project_back",
    "rename_model",
    "save_model",
    "trust",
    "upscale",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
