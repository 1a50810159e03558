"""File > Open Sample."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_srgan import UserError
from napari_srgan.samples import SAMPLES, sample_path


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_opens_and_can_be_upscaled(open_widget, run, name):
    viewer, widget = open_widget()
    viewer.open_sample("napari-srgan", name)
    assert run(viewer, widget).startswith(f"Added '{name} x")


def test_nuclei_have_16_bits_and_a_pixel_size(make_napari_viewer):
    viewer = make_napari_viewer()
    (layer,) = viewer.open_sample("napari-srgan", "nuclei")
    assert layer.data.dtype == np.uint16
    assert tuple(layer.scale) == (0.656, 0.656)
    assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]


def test_tissue_is_rgb(make_napari_viewer):
    (layer,) = make_napari_viewer().open_sample("napari-srgan", "tissue")
    assert layer.rgb


def test_samples_are_small_and_attributed():
    files = [sample_path(name) for name in SAMPLES]
    assert sum(file.stat().st_size for file in files) < 300_000
    notice = (files[0].parent / "NOTICE.md").read_text(encoding="utf-8")
    assert all(file.name in notice for file in files)


def test_unknown_sample():
    with pytest.raises(UserError, match="no sample 'cat'; there is: nuclei, tissue"):
        sample_path("cat")


def test_sample_files_are_found_without_napari():
    code = "import sys, napari_srgan.samples as s; s.sample_path('nuclei'); print('napari' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_pair_lies_on_each_other_and_can_be_added(make_napari_viewer):
    viewer = make_napari_viewer()
    low, high = viewer.open_sample("napari-srgan", "er-pair")
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")
    widget.images.add.click()
    (pair,) = widget.state.pairs.all
    assert (pair.low, pair.high) == (low, high)
    matched = pair.images()
    assert matched.factor == 4
    assert matched.low_region == ((0, 256), (0, 256))
    np.testing.assert_allclose(low.data_to_world((0, 0)), high.data_to_world((1.5, 1.5)))
