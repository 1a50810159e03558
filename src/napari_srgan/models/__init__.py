"""A trained model is a network, its weights and a card; read and written as one file."""

from napari_srgan.models.card import ModelCard, Quality
from napari_srgan.models.files import read_card, read_model, save_model
from napari_srgan.models.library import (
    default_model_name,
    list_models,
    load_model,
    unreadable_models,
    user_folder,
)
from napari_srgan.models.model import Model

__all__ = [
    "Model",
    "ModelCard",
    "Quality",
    "default_model_name",
    "list_models",
    "load_model",
    "read_card",
    "read_model",
    "save_model",
    "unreadable_models",
    "user_folder",
]
