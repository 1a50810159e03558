"""The index beside the bundled models, which older releases ask, tells what lies there."""

from __future__ import annotations

from pathlib import Path

from napari_srgan.models.files import read_card, sha256_of
from napari_srgan.models.library.index import parse_index

WEIGHTS = Path(__file__).parents[2] / "weights"
ADDRESS = "https://code.example/napari-srgan/raw/HEAD/weights/index.json"


def test_the_index_is_that_of_the_files_beside_it() -> None:
    index = parse_index((WEIGHTS / "index.json").read_bytes(), ADDRESS)
    assert index.refused == ()
    told = {model.name: (model.sha256, model.size, model.card) for model in index.models}
    files = {
        file.stem: (sha256_of(file), file.stat().st_size, read_card(file))
        for file in WEIGHTS.glob("*.safetensors")
    }
    assert told == files, "a model changed: run `napari-srgan models index weights`"
    for model in index.models:
        assert model.address == ADDRESS.replace("index.json", f"{model.name}.safetensors")
