"""A trained model is a network, its weights and a card; read and written as one file."""

from napari_srgan.models.blend import blend, partner_of
from napari_srgan.models.card import ModelCard, Quality
from napari_srgan.models.export.bioimageio_package import export_bioimageio
from napari_srgan.models.export.onnx_file import export_onnx
from napari_srgan.models.files import read_card, read_model, read_picture, save_model
from napari_srgan.models.library.download import download_job
from napari_srgan.models.library.index import ModelIndex, RemoteModel, fetch_index, remote_models, write_index
from napari_srgan.models.library.library import (
    Library,
    LibraryEntry,
    default_model_name,
    library_entries,
    list_models,
    load_model,
    model_picture,
    models_for,
    read_library,
    unreadable_models,
    user_folder,
)
from napari_srgan.models.library.user_models import (
    add_model,
    delete_file,
    delete_model,
    rename_model,
    save_copy,
)
from napari_srgan.models.model import Model
from napari_srgan.models.recorded import recorded_model
from napari_srgan.models.trained_input import TrainedInput

__all__ = [
    "Library",
    "LibraryEntry",
    "Model",
    "ModelCard",
    "ModelIndex",
    "Quality",
    "RemoteModel",
    "TrainedInput",
    "add_model",
    "blend",
    "default_model_name",
    "delete_file",
    "delete_model",
    "download_job",
    "export_bioimageio",
    "export_onnx",
    "fetch_index",
    "library_entries",
    "list_models",
    "load_model",
    "model_picture",
    "models_for",
    "partner_of",
    "read_card",
    "read_library",
    "read_model",
    "read_picture",
    "recorded_model",
    "remote_models",
    "rename_model",
    "save_copy",
    "save_model",
    "unreadable_models",
    "user_folder",
    "write_index",
]
