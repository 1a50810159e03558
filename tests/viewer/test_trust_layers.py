"""The layers of Trust, and where its report is saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.layers import Image
from napari.utils.history import update_save_history

from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.trust.report_files import suggested_report, without_ending

CELLS = np.random.default_rng(0).integers(100, 4000, (72, 64), dtype=np.uint16)


@pytest.fixture
def trusted(open_widget: Any, run: Any) -> Callable[..., Any]:
    """Upscales a layer with the tick set; returns the viewer and the widget Trust."""

    def upscale(layer: Any) -> Any:
        viewer, widget = open_widget()
        viewer.add_layer(layer)
        widget["trust"].value = True
        run(viewer, widget)
        return viewer, viewer.window.add_plugin_dock_widget("napari-srgan", "Trust")[1]

    return upscale


def maps_of(viewer: Any, kind: str) -> list[Image]:
    return [layer for layer in viewer.layers if layer.metadata.get("napari-srgan", {}).get("map") == kind]


def test_plain_interpolation_is_there_to_compare_with(trusted: Any) -> None:
    viewer, _ = trusted(Image(CELLS, name="cells", scale=(0.5, 0.5), colormap="green"))
    result = viewer.layers["cells x2 (microscopy-x2)"]
    (plain,), (added,) = maps_of(viewer, "bicubic interpolation"), maps_of(viewer, "added detail")
    assert not plain.visible
    assert plain.data.dtype == result.data.dtype
    assert plain.colormap == result.colormap
    assert plain.contrast_limits == result.contrast_limits
    np.testing.assert_allclose(plain.data_to_world((143, 127)), result.data_to_world((143, 127)))
    unrounded = result.data - added.data
    np.testing.assert_allclose(plain.data, unrounded.clip(0, 65535), atol=0.51)
    report = viewer.window.add_plugin_dock_widget("napari-srgan", "Trust")[1]._session.report
    np.testing.assert_array_equal(report.bicubic, plain.data)


def test_colours_are_interpolated_as_colours(trusted: Any) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (48, 40, 3), dtype=np.uint8)
    viewer, _ = trusted(Image(rgb, name="colours", rgb=True))
    (plain,) = maps_of(viewer, "bicubic interpolation")
    assert plain.rgb
    assert plain.data.dtype == np.uint8


def test_maps_have_a_colour_bar_and_the_interpolation_has_none(trusted: Any) -> None:
    viewer, _ = trusted(Image(CELLS, name="cells"))
    (plain,), (added,) = maps_of(viewer, "bicubic interpolation"), maps_of(viewer, "added detail")
    if hasattr(added, "colorbar"):  # napari 0.9
        assert added.colorbar.visible
        assert not plain.colorbar.visible


def test_maps_of_one_kind_of_one_image_have_one_range(trusted: Any, finish: Any) -> None:
    viewer, told = trusted(Image(CELLS, name="cells"))
    result = viewer.layers["cells x2 (microscopy-x2)"]
    (first,) = maps_of(viewer, "added detail")
    before = first.contrast_limits[1]
    changed = np.clip(result.data.astype(float) + 3 * first.data, 0, 65535).astype(np.uint16)
    twin = viewer.add_image(changed, name="twin", metadata=dict(result.metadata))
    told["result"].value = twin
    told["buttons"]["run"].native.click()
    finish(viewer)
    _, second = sorted(maps_of(viewer, "added detail"), key=lambda layer: layer is not first)
    assert first.contrast_limits == second.contrast_limits
    low, high = first.contrast_limits
    assert low == -high
    assert high > 2 * before
    viewer.layers.remove(second)
    told["result"].value, told["image"].value = result, viewer.layers["cells"]
    told["buttons"]["run"].native.click()
    finish(viewer)
    assert first.contrast_limits[1] == pytest.approx(before)


def test_maps_of_another_image_keep_a_range_of_their_own(trusted: Any, finish: Any, run: Any) -> None:
    viewer, told = trusted(Image(CELLS, name="cells"))
    (first,) = maps_of(viewer, "added detail")
    before = first.contrast_limits
    other = viewer.add_image(CELLS * 10, name="bright")
    twin = viewer.add_image(
        CELLS.repeat(2, 0).repeat(2, 1) * 10,
        name="twin",
        metadata=dict(viewer.layers["cells x2 (microscopy-x2)"].metadata),
    )
    told["result"].value, told["image"].value = twin, other
    told["buttons"]["run"].native.click()
    finish(viewer)
    assert len(maps_of(viewer, "added detail")) == 2
    assert first.contrast_limits == before


def test_channels_of_a_file_are_called_by_their_names(trusted: Any, tmp_path: Path) -> None:
    file = tmp_path / "two.ome.tif"
    y, x = np.mgrid[:96, :96]
    two = (1000 + 500 * np.stack([np.sin(y / 4) * np.cos(x / 3), np.sin(y / 5)])).astype(np.uint16)
    two += np.random.default_rng(0).integers(0, 30, two.shape, dtype=np.uint16)
    tifffile.imwrite(
        file, two, metadata={"axes": "CYX", "Channel": {"Name": ["actin", "mito"]}, "PhysicalSizeX": 0.1,
        "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.1, "PhysicalSizeYUnit": "µm"},
    )  # fmt: skip
    (layer,) = Image(two, name="two", scale=(1, 0.1, 0.1), units=("pixel", "um", "um"),
                     axis_labels=("c", "y", "x")),  # fmt: skip
    layer._source = layer.source.copy(update={"path": str(file)})
    _, told = trusted(layer)
    said = told["status"].value
    assert "Channel 'actin' of the image" in said
    assert "Channel 'mito' of the image" in said
    assert " µm) " in said
    assert "The image 'two', with pixels of 0.1 x 0.1 µm" in told._session.report.methods


# Saving.


def test_a_report_is_proposed_beside_the_image_and_called_like_image_and_model(
    trusted: Any, tmp_path: Path
) -> None:
    file = tmp_path / "cells.tif"
    tifffile.imwrite(file, CELLS)
    layer = Image(CELLS, name="cells/day 1")
    layer._source = layer.source.copy(update={"path": str(file)})
    _, told = trusted(layer)
    report = told._session.report
    assert suggested_report(report, layer) == tmp_path / "cells day 1 microscopy-x2.trust.json"
    last = tmp_path / "last"
    last.mkdir()
    update_save_history(str(last / "something"))
    assert suggested_report(report, Image(CELLS, name="made")).parent == last
    assert suggested_report(report, None) == last / "microscopy-x2.trust.json"


@pytest.mark.parametrize("chosen", ["a b", "a b.trust.json", "a b.trust.md", "a b.json", "a b.md"])
def test_whichever_file_is_chosen_both_are_called_alike(chosen: str) -> None:
    assert without_ending(Path("there") / chosen) == Path("there/a b")
    assert without_ending(Path("there/a.b")) == Path("there/a.b")


def test_both_files_are_written_and_none_is_replaced_unasked(
    trusted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, told = trusted(Image(CELLS, name="cells"))
    assert ".json, .md" in told["save"].text
    proposed: list[Path] = []

    def answer(_: Any, suggested: Path) -> Path:
        proposed.append(suggested)
        return tmp_path / "mine.trust.json"

    asked: list[str] = []
    monkeypatch.setattr(dialogs, "ask_where_to_save_report", answer)
    monkeypatch.setattr(dialogs, "ask_to_overwrite", lambda _, path: asked.append(path.name))
    told["save"].native.click()
    assert proposed[0].name == "cells microscopy-x2.trust.json"
    assert not asked
    assert json.loads((tmp_path / "mine.trust.json").read_text(encoding="utf-8"))["channels"]
    methods = tmp_path / "mine.trust.md"
    assert "The image 'cells' was upscaled" in methods.read_text(encoding="utf-8")
    (tmp_path / "mine.trust.json").unlink()
    methods.write_text("my own")
    told["save"].native.click()
    assert asked == ["mine.trust.md"]
    assert methods.read_text() == "my own"
