"""Whatever is in the layer: a result that makes sense, or one sentence, and Run works again."""

from __future__ import annotations

import json

import dask.array
import numpy as np
import pytest
from safetensors.torch import save_file

from napari_srgan.models.files import CARD_KEY

GOOD = np.random.default_rng(0).integers(0, 4000, (20, 24), dtype=np.uint16)
HOLES = GOOD.astype(np.float32)
HOLES[3:5, 3:5], HOLES[10, 10], HOLES[11, 11] = np.nan, np.inf, -np.inf

BAD = {
    "empty": (np.zeros((0, 20, 24), np.uint8), "is empty: its shape is (0, 20, 24)"),
    "six axes": (np.zeros((1, 1, 1, 1, 4, 4)), "at most 5 axes"),
}
STRANGE = {
    "1x1": np.full((1, 1), 7, np.uint16),
    "one row": GOOD[:1],
    "one column": GOOD[:, :1],
    "all equal": np.full((20, 24), 300, np.uint16),
    "NaN and infinities": HOLES,
    "all NaN": np.full((9, 9), np.nan, np.float32),
    "negative": GOOD.astype(np.int32) - 9000,
    "bool": GOOD > 2000,
    "int64": GOOD.astype(np.int64) * 2**40,
    "float64": GOOD / 1e12,
    "dask": dask.array.from_array(GOOD, chunks=8),
    "five axes": np.stack([GOOD] * 4).reshape(2, 1, 2, 20, 24),
}


def add(viewer, data):
    return viewer.add_image(data, name="bad", rgb=False, contrast_limits=(0, 1))


@pytest.mark.filterwarnings("ignore")  # napari's own, while it draws such images
@pytest.mark.parametrize("name", BAD)
def test_one_sentence_and_run_works_again(open_widget, run, name):
    data, words = BAD[name]
    viewer, widget = open_widget()
    add(viewer, data)
    assert words in run(viewer, widget)
    assert "color" in widget["status"].native.styleSheet()
    assert len(viewer.layers) == 1
    viewer.layers.clear()
    viewer.add_image(GOOD, name="good")
    assert run(viewer, widget) == "Added 'good x2 (microscopy-x2)'."
    assert widget["status"].native.styleSheet() == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", STRANGE)
def test_strange_but_possible(open_widget, run, name):
    data = STRANGE[name]
    viewer, widget = open_widget()
    add(viewer, data)
    assert run(viewer, widget).startswith("Added 'bad x2")
    result = viewer.layers[-1].data
    assert result.dtype == data.dtype
    assert result.shape == (*data.shape[:-2], 2 * data.shape[-2], 2 * data.shape[-1])
    kept = np.kron(np.isfinite(np.asarray(data)), np.ones((2, 2), bool))
    np.testing.assert_array_equal(np.isfinite(result), kept)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("data", [GOOD.astype(np.complex64), GOOD.astype(object), np.zeros((0, 20))])
def test_what_napari_itself_takes_for_no_image(make_napari_viewer, data):
    """If this fails one day, such layers need a place in the tables above."""
    with pytest.raises((NotImplementedError, TypeError, ValueError)):
        make_napari_viewer().add_image(data)


def test_no_image(open_widget, run):
    viewer, widget = open_widget()
    assert (
        run(viewer, widget)
        == "There is no image layer to upscale; open an image first, or choose files below"
    )


def test_labels_are_not_offered(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_labels(np.zeros((9, 9), int))
    assert widget["image"].choices == ()
    assert "no image layer" in run(viewer, widget)


@pytest.mark.parametrize("content", [b"", b"\x80\x04garbage" * 99])
def test_broken_model_of_the_user_is_offered_and_explained(open_widget, run, library_folder, content):
    (library_folder / "mine.safetensors").write_bytes(content)
    viewer, widget = open_widget()
    viewer.add_image(GOOD)
    widget["models"]["model"].value = "mine"
    assert "mine.safetensors" in widget["about"].value
    assert "mine.safetensors" in run(viewer, widget)
    assert "color" in widget["status"].native.styleSheet()
    widget["models"]["model"].value = "microscopy-x2"
    assert run(viewer, widget).startswith("Added")


def test_pickles_and_wrong_cards_are_offered_and_explained(open_widget, run, library_folder, tiny_model):
    (library_folder / "pickled.pth").write_bytes(b"pickled")
    weights = tiny_model().network.state_dict()
    card = tiny_model().card.model_dump() | {"architecture": "vapourware"}
    save_file(weights, library_folder / "odd.safetensors", metadata={CARD_KEY: json.dumps(card)})
    viewer, widget = open_widget()
    viewer.add_image(GOOD)
    for name, words in {"pickled": "pickled.pth", "odd": "no architecture 'vapourware'"}.items():
        widget["models"]["model"].value = name
        assert words in widget["about"].value
        assert words in run(viewer, widget)
    assert len(viewer.layers) == 1


def test_truncated_model(open_widget, run, library_folder, bundled_models):
    whole = (bundled_models / "microscopy-x2.safetensors").read_bytes()
    (library_folder / "mine.safetensors").write_bytes(whole[: len(whole) // 2])
    viewer, widget = open_widget()
    viewer.add_image(GOOD)
    widget["models"]["model"].value = "mine"
    assert "may be cut off" in run(viewer, widget)


def test_image_removed_during_the_run(open_widget, finish):
    viewer, widget = open_widget()
    viewer.add_image(GOOD, name="good")
    widget["buttons"]["run"].native.click()
    viewer.layers.clear()
    finish(viewer)
    assert [layer.name for layer in viewer.layers] == ["good x2 (microscopy-x2)"]


def test_error_that_nobody_foresaw(open_widget, run, monkeypatch):
    from napari_srgan.viewer.layers import upscale_layer as layers

    def breaks(*_, **__):
        raise RuntimeError("boom")
        yield

    viewer, widget = open_widget()
    viewer.add_image(GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(layers, "upscale_job", breaks)
        assert "(RuntimeError: boom)" in run(viewer, widget)
    assert run(viewer, widget).startswith("Added")
