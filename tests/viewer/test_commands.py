"""Layers > Transform > Upscale with SRGAN, and the command palette."""

from __future__ import annotations

import numpy as np
import zarr
from napari._app_model import get_app_model
from napari.utils.notifications import notification_manager

from napari_srgan.viewer.qt import dialogs

COMMAND = "napari-srgan.upscale_selected"
CELLS = np.random.default_rng(0).integers(0, 4000, (20, 24), dtype=np.uint16)


def run_command():
    get_app_model().commands.execute_command(COMMAND).result()


def menu_item(viewer, title="Upscale with SRGAN", menu="layers_menu", submenu="Transform"):
    """The real action of the real menu, as it is when the menu is opened."""
    menu = getattr(viewer.window, menu)
    menu.aboutToShow.emit()
    below = next(a.menu() for a in menu.actions() if a.menu() and submenu in a.text())
    below.aboutToShow.emit()
    return next(action for action in below.actions() if action.text().startswith(title))


def test_menu_item_is_greyed_out_unless_an_image_is_selected(make_napari_viewer):
    viewer = make_napari_viewer()
    assert not menu_item(viewer).isEnabled()
    viewer.add_labels(np.zeros((9, 9), int))
    assert not menu_item(viewer).isEnabled()
    viewer.add_image(CELLS)
    assert menu_item(viewer).isEnabled()
    viewer.layers.selection.clear()
    assert not menu_item(viewer).isEnabled()


def test_menu_item_upscales_all_selected_images(make_napari_viewer, finish):
    viewer = make_napari_viewer()
    viewer.add_image(CELLS, name="a")
    viewer.add_image(CELLS, name="left out")
    viewer.add_labels(np.zeros((9, 9), int), name="labels")
    viewer.add_image(np.zeros((40, 40, 3), np.uint8), rgb=True, name="b")
    viewer.layers.selection = {viewer.layers[name] for name in ("a", "labels", "b")}
    menu_item(viewer).trigger()
    finish(viewer)
    assert {layer.name for layer in viewer.layers} == {
        "a", "left out", "labels", "b", "a x2 (microscopy-x2)", "b x4 (photo-x4)",
    }  # fmt: skip


def test_lazy_layers_for_all_selected_images(make_napari_viewer, finish):
    viewer = make_napari_viewer()
    viewer.add_image(CELLS, name="a")
    viewer.add_image(CELLS, name="b")
    viewer.layers.selection = set(viewer.layers)
    menu_item(viewer, "Upscale lazily with SRGAN").trigger()
    finish(viewer)
    assert [layer.name for layer in viewer.layers][2:] == [
        "a x2 (microscopy-x2), lazy", "b x2 (microscopy-x2), lazy",
    ]  # fmt: skip
    assert viewer.layers[2].multiscale


def test_files_are_asked_for_each_selected_image(make_napari_viewer, finish, tmp_path, monkeypatch):
    viewer = make_napari_viewer()
    for name in ("a", "b", "c"):
        viewer.add_image(CELLS, name=name)
    viewer.layers.selection = set(viewer.layers)
    answers = [tmp_path / "a", None, tmp_path / "c.ome.zarr"]
    (tmp_path / "c.ome.zarr").mkdir()
    (tmp_path / "c.ome.zarr" / "zarr.json").write_text("{}")
    asked = []
    monkeypatch.setattr(dialogs, "ask_where_to_write", lambda parent, suggested: answers.pop(0))
    monkeypatch.setattr(dialogs, "ask_to_overwrite", lambda parent, path: asked.append(path.name))
    menu_item(viewer, "Upscale to disk with SRGAN…").trigger()
    finish(viewer)
    assert asked == ["c.ome.zarr"]
    assert [layer.name for layer in viewer.layers][3:] == ["a x2 (microscopy-x2)"]
    assert viewer.layers[-1].metadata["napari-srgan"]["file"] == str(tmp_path / "a.ome.zarr")
    begun = []

    def ask(_parent, folder):
        begun.append(folder)
        return tmp_path / "a.ome.zarr"

    monkeypatch.setattr(dialogs, "ask_for_result", ask)
    opening = menu_item(viewer, "Open upscaled image…", "file_menu", "IO Utilities")
    opening.trigger()
    assert begun == [tmp_path]  # where a result was written last
    assert viewer.layers[-1].name == "a x2 (microscopy-x2) [1]"
    assert viewer.layers[-1].colormap.name == viewer.layers[-2].colormap.name
    np.testing.assert_allclose(viewer.layers[-1].contrast_limits, viewer.layers[-2].contrast_limits)
    np.testing.assert_array_equal(viewer.layers[-1].data[0], viewer.layers[-2].data[0])
    monkeypatch.setattr(dialogs, "ask_for_result", lambda parent, folder: tmp_path)
    with _told("is no finished result of napari-srgan"):
        opening.trigger()
    monkeypatch.setattr(dialogs, "ask_for_result", lambda parent, folder: None)
    opening.trigger()
    assert len(viewer.layers) == 5


def test_result_never_takes_the_place_of_its_input(make_napari_viewer, finish, tmp_path, monkeypatch):
    viewer = make_napari_viewer()
    zarr.create_array(tmp_path / "scan.zarr", data=CELLS)
    (tmp_path / "link.zarr").symlink_to(tmp_path / "scan.zarr", target_is_directory=True)
    viewer.open(tmp_path / "scan.zarr", plugin="napari")
    monkeypatch.setattr(dialogs, "ask_to_overwrite", lambda parent, path: True)
    for name, told in {"scan.zarr/x2.zarr": "would overwrite the input", "link.zarr": "is shown"}.items():
        monkeypatch.setattr(dialogs, "ask_where_to_write", lambda *_, name=name: tmp_path / name)
        with _told(told):
            menu_item(viewer, "Upscale to disk with SRGAN…").trigger()
            finish(viewer)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "scan.zarr", mode="r")[:], CELLS)
    assert len(viewer.layers) == 1


def test_lazy_layers_are_not_stacked(make_napari_viewer, finish):
    viewer = make_napari_viewer()
    viewer.add_image(CELLS, name="a")
    menu_item(viewer, "Upscale lazily with SRGAN").trigger()
    finish(viewer)
    viewer.layers.selection = {viewer.layers[-1]}
    with _told("is computed lazily itself"):
        menu_item(viewer, "Upscale lazily with SRGAN").trigger()
        finish(viewer)
    assert len(viewer.layers) == 2


def test_command_is_in_the_palette(make_napari_viewer):
    make_napari_viewer()
    app = get_app_model()
    assert COMMAND in app.commands
    palette = [item.command.id for item in app.menus.get_menu(app.menus.COMMAND_PALETTE_ID)]
    assert COMMAND in palette


def test_nothing_selected_is_told(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.add_labels(np.zeros((9, 9), int))
    with _told("no image layer is selected"):
        run_command()


def test_one_bad_layer_does_not_stop_the_others(make_napari_viewer, finish):
    viewer = make_napari_viewer()
    viewer.add_image(CELLS.astype(np.float16), name="half")
    viewer.add_image(np.zeros((1, 1, 1, 1, 2, 2)), name="six")
    viewer.layers.selection = set(viewer.layers)
    with _told("six: an image has at most 5 axes"):
        run_command()
        finish(viewer)
    assert [layer.name for layer in viewer.layers] == ["half", "six", "half x2 (microscopy-x2)"]


def test_second_run_is_refused(make_napari_viewer, finish):
    viewer = make_napari_viewer()
    viewer.add_image(CELLS, name="cells")
    with _told("Upscaling cells is still running"):
        run_command()
        run_command()
    finish(viewer)
    assert len(viewer.layers) == 2


class _told:
    """A notification says so."""

    def __init__(self, words):
        self._words = words

    def __enter__(self):
        notification_manager.records.clear()

    def __exit__(self, *error):
        if error[0] is None:
            assert any(self._words in record.message for record in notification_manager.records)
